"""The feed server of an exercise: real protocols on loopback, under the mirror rule /HOST/PATH, by the exercise's clock.

    with Server([load("zhaiyk-2024")], folder) as server:
        os.environ["HAZMON_FEEDS_VIA"] = server.origin
        server.set_clock(moment)

Every href in an answer is the real public one; a client that knows the mirror asks here instead. Control:

| request                          | does                                                                     |
|----------------------------------|--------------------------------------------------------------------------|
| GET /_clock                      | tells the time, and that of each scenario                                |
| POST /_clock {"now": ...}        | sets it for all scenarios, or one: {"now": ..., "scenario": "..."}       |
| GET, POST, DELETE /_faults       | lists, arms (one or a list) and disarms faults                           |
| GET /_requests                   | lists the requests answered so far: HOST/PATH, status and the fault met   |

What was announced up to `now` is visible, nothing else; the truth is not in any served folder.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pipeline.errors import ConfigError
from pipeline.exercise import faults as faulty
from pipeline.exercise.answers import files, seismic, stac
from pipeline.exercise.answers.reply import Asked, Reply, not_there
from pipeline.exercise.faults import Fault, Faults
from pipeline.exercise.scenario import Moment, Scenario, load
from pipeline.exercise.stage import Stage, prepare

log = logging.getLogger(__name__)

#: The only address that is listened on.
LOOPBACK = "127.0.0.1"
#: Seconds until a server that does not start is given up.
PATIENCE = 30.0
_CONTROL = ("/_clock", "/_faults", "/_requests")
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])


class _Clock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    now: Moment
    scenario: str | None = None


class Theatre:
    """The stages that are played, their clocks, the armed faults and what was asked: all that the server knows."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = {stage.scenario.id: stage for stage in stages}
        self.clocks = {name: stage.scenario.start for name, stage in self.stages.items()}
        self.faults = Faults(fault for stage in stages for fault in stage.scenario.faults)
        self.requests: list[dict[str, Any]] = []

    @property
    def now(self) -> datetime:
        """The latest of the clocks."""
        return max(self.clocks.values())

    def set_clock(self, now: datetime, scenario: str | None = None) -> None:
        """Set the time of one scenario or all.

        Raises
        ------
        ConfigError
            Where the scenario is not played here.
        """
        if scenario is not None and scenario not in self.clocks:
            raise ConfigError(f"exercise {scenario!r}: not played here, expected one of {sorted(self.clocks)}")
        for name in [scenario] if scenario is not None else list(self.clocks):
            self.clocks[name] = now.astimezone(UTC)

    def answer(self, asked: Asked, as_of: datetime | None = None) -> Reply:
        """Return what the real service would say now, or said at another moment."""
        playing = [(stage, as_of or self.clocks[name]) for name, stage in self.stages.items()]
        if any(asked.target in stage.files for stage, _ in playing):
            return files.answer(playing, asked)
        if asked.host in seismic.HOSTS:
            return seismic.answer(playing, asked)
        if asked.host == stac.HOST:
            return stac.answer(playing, asked)
        if any(target.startswith(f"{asked.host}/") for stage, _ in playing for target in stage.files):
            return files.answer(playing, asked)
        return not_there(asked.target)

    def record(self, asked: Asked, status: int, fault: Fault | None) -> None:
        """Keep what was asked and answered."""
        self.requests.append({"method": asked.method, "target": asked.target, "status": status, "fault": fault and fault.kind})


class _Cut(Response):
    """A response that promises more than it sends, then drops the connection."""

    def __init__(self, reply: Reply, sent: int) -> None:
        super().__init__(b"", reply.status, dict(reply.headers), reply.media_type)
        self.headers["content-length"] = str(max(len(reply.body), sent + 1))
        self._part = reply.body[:sent]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers and a part of the body; the server then closes a connection that is not complete."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._part, "more_body": True})


def application(theatre: Theatre) -> Starlette:
    """Return the ASGI application."""

    async def mirror(request: Request) -> Response:
        asked = await _asked(request)
        fault = theatre.faults.take(asked.target, theatre.now)
        if fault is not None and fault.kind == "timeout":
            await _silence(request, fault.delay)
        response = _faulty(theatre, asked, fault) if fault is not None else _plain(theatre.answer(asked))
        theatre.record(asked, response.status_code, fault)
        return response

    async def clock(request: Request) -> Response:
        if request.method == "POST":
            try:
                wanted = _Clock.model_validate_json(await request.body())
                theatre.set_clock(wanted.now, wanted.scenario)
            except (ValidationError, ConfigError) as error:
                return JSONResponse({"error": str(error)}, 422)
        clocks = {name: now.isoformat() for name, now in theatre.clocks.items()}
        return JSONResponse({"now": theatre.now.isoformat(), "scenarios": clocks})

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            theatre.faults.clear()
        if request.method == "POST":
            body = await request.body()
            try:
                theatre.faults.arm(_FAULTS.validate_json(body if body.lstrip().startswith(b"[") else b"[" + body + b"]"))
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, 422)
        return JSONResponse([{**fault.model_dump(mode="json"), "left": left} for fault, left in theatre.faults.armed])

    async def requests(request: Request) -> Response:
        return JSONResponse(theatre.requests)

    return Starlette(
        routes=[
            Route("/_clock", clock, methods=["GET", "POST"]),
            Route("/_faults", faults, methods=["GET", "POST", "DELETE"]),
            Route("/_requests", requests, methods=["GET"]),
            Route("/{target:path}", mirror, methods=["GET", "HEAD", "POST"]),
        ]
    )


class Server:
    """The server in a thread of this process, for tests and one-shot exercises; a context manager."""

    def __init__(self, scenarios: Iterable[Scenario], folder: Path, *, port: int = 0) -> None:
        """Make a server that is not started yet.

        Parameters
        ----------
        scenarios
            What is played.
        folder
            Where generated files are kept, one folder a scenario; found again the next time.
        port
            Port on loopback; 0: any free one.
        """
        self._scenarios = list(scenarios)
        self._folder = folder
        self._port = port
        self._origin = ""

    def __enter__(self) -> Self:
        """Generate what is not there yet, listen, and wait until requests are answered."""
        self.theatre = Theatre([prepare(scenario, self._folder / scenario.id) for scenario in self._scenarios])
        self._socket = listen(self._port)
        self._origin = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._server = _Uvicorn(_settings(application(self.theatre)))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        if not self._server.ready.wait(PATIENCE):
            raise ConfigError(f"{self._origin}: the feed server did not start within {PATIENCE:.0f} s")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop answering and close the socket."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()

    @property
    def origin(self) -> str:
        """Where it listens: the value of HAZMON_FEEDS_VIA."""
        return self._origin

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What was asked so far: method, target, status and fault."""
        return list(self.theatre.requests)

    def stage(self, scenario: str) -> Stage:
        """Return what a scenario puts on stage: static maps, and the truth for scores."""
        return self.theatre.stages[scenario]

    def set_clock(self, now: datetime, scenario: str | None = None) -> None:
        """Set the time of one scenario, or of all."""
        self.theatre.set_clock(now, scenario)

    def arm(self, *faults: Fault) -> None:
        """Arm faults beside those of the scenarios."""
        self.theatre.faults.arm(faults)


def serve(names: Sequence[str], folder: Path, *, port: int) -> None:
    """Serve scenarios in this process until it is told to stop (SIGINT, SIGTERM)."""
    stages = [prepare(scenario, folder / scenario.id) for scenario in map(load, names)]
    with listen(port) as bound:
        log.info("feeds of %s on http://%s:%d", ", ".join(names), *bound.getsockname()[:2])
        uvicorn.Server(_settings(application(Theatre(stages)))).run(sockets=[bound])


def listen(port: int) -> socket.socket:
    """Return a socket bound to loopback.

    Raises
    ------
    ConfigError
        Where the port is taken.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError as error:
        bound.close()
        raise ConfigError(f"port {port} on {LOOPBACK}: {error.strerror}; choose another one") from error
    return bound


class _Uvicorn(uvicorn.Server):
    """Uvicorn that says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.ready.set()


def _settings(app: Starlette) -> uvicorn.Config:
    """Return quiet settings; the wall clock (Date) stays out of the answers, dropped connections out of the log."""
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        lifespan="off",
        http="h11",
        ws="none",
    )


async def _asked(request: Request) -> Asked:
    host, _, path = request.path_params["target"].partition("/")
    path = f"/{path}"
    if path.startswith(f"{faulty.AGAIN}/"):
        path = path.removeprefix(faulty.AGAIN)
    return Asked(
        method=request.method,
        host=host,
        path=path,
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=await request.body(),
    )


async def _silence(request: Request, seconds: float) -> None:
    """Wait, but not longer than the client does."""
    try:
        async with asyncio.timeout(seconds):
            while not await request.is_disconnected():
                await asyncio.sleep(0.02)
    except TimeoutError:
        return


def _faulty(theatre: Theatre, asked: Asked, fault: Fault) -> Response:
    reply = theatre.answer(asked, fault.as_of if fault.kind == "stale" else None)
    match fault.kind:
        case "429" | "503":
            return Response(b"slow down\n", int(fault.kind), {"Retry-After": str(fault.retry_after)}, "text/plain")
        case "500":
            return Response(b"Internal Server Error\n", 500, media_type="text/plain")
        case "html":
            return Response(faulty.PAGE, 200, media_type="text/html")
        case "disconnect":
            return _Cut(reply, 0)
        case "truncated":
            return _Cut(reply, len(reply.body) // 2)
        case "empty":
            return _plain(Reply(200, faulty.emptied(reply.body), reply.media_type))
        case "redelivery":
            return _plain(Reply(reply.status, faulty.redelivered(reply.body), reply.media_type))
    return _plain(reply)


def _plain(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, dict(reply.headers), reply.media_type)
    if reply.status in (204, 304):
        for name in ("content-length", "content-type"):
            if name in response.headers:
                del response.headers[name]
    return response


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the scenarios named on the command line: `python -m pipeline.exercise.server NAME... --folder DIR --port N`."""
    parser = argparse.ArgumentParser(description="Feed server of exercises, on loopback")
    parser.add_argument("names", nargs="+", help="scenarios")
    parser.add_argument("--folder", type=Path, required=True, help="where generated files are kept")
    parser.add_argument("--port", type=int, required=True, help="port on loopback")
    wanted = parser.parse_args(arguments)
    serve(wanted.names, wanted.folder, port=wanted.port)


if __name__ == "__main__":
    main()

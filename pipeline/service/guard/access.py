"""The record of every request: one line of JSON in the log, a number for whoever asks about it, and the counters."""

from __future__ import annotations

import json
import logging
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.service.guard import tally
from pipeline.service.guard.heads import METHODS
from pipeline.service.guard.limits import STREAMS, begins_stream

log = logging.getLogger("hazmon.access")

#: A number that a proxy gave may be kept.
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")

#: Nobody waited for the answer.
_GONE = 499

#: Longest text of a client in a line, characters.
_LONGEST = 500


@dataclass
class _Request:
    """One request under way."""

    scope: Scope
    id: str
    began: float = field(default_factory=perf_counter)
    status: int = _GONE
    sent: int = 0
    streams: bool = False

    @property
    def route(self) -> str:
        """The template of the path, so that ids do not make a counter each."""
        found = getattr(self.scope.get("route"), "path", None)
        return "none" if found is None else f"{self.scope.get('root_path', '')}{found}"

    def line(self) -> dict[str, Any]:
        """Return what the log says of it."""
        client = self.scope.get("client")
        return {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": self.id,
            "client": client[0] if client else None,
            "method": self.scope["method"],
            "path": self.scope["raw_path"].decode("latin-1")[:_LONGEST],
            "query": self.scope["query_string"].decode("latin-1")[:_LONGEST],
            "status": self.status,
            "ms": round((perf_counter() - self.began) * 1000, 1),
            "bytes": self.sent,
        }


class Access:
    """Tells of every request once it is over."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and record it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, _id(scope))
        scope.setdefault("state", {})["request_id"] = request.id

        async def noted(message: Message) -> None:
            _note(request, message)
            await send(message)

        tally.RUNNING.inc()
        try:
            await self._app(scope, receive, noted)
        finally:
            _end(request)


def _id(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode("ascii") if _GIVEN.fullmatch(given) else uuid.uuid4().hex[:16]


def _note(request: _Request, message: Message) -> None:
    if message["type"] == "http.response.start":
        request.status = message["status"]
        message["headers"] = [*message.get("headers", ()), (b"x-request-id", request.id.encode("ascii"))]
        if begins_stream(message):
            request.streams = request.scope["state"][STREAMS] = True
            tally.RUNNING.dec()
            tally.STREAMS.inc()
    elif message["type"] == "http.response.body":
        request.sent += len(message.get("body", b""))


def _end(request: _Request) -> None:
    (tally.STREAMS if request.streams else tally.RUNNING).dec()
    route = request.route
    # Of invented methods there is no end.
    method = request.scope["method"] if request.scope["method"] in METHODS else "other"
    tally.REQUESTS.labels(method, route, request.status).inc()
    tally.SENT.labels(route).inc(request.sent)
    if not request.streams:
        tally.SECONDS.labels(route).observe(perf_counter() - request.began)
    if log.isEnabledFor(logging.INFO):
        log.info("%s", json.dumps(request.line(), ensure_ascii=False))

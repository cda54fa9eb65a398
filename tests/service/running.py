"""A real server in a process of its own, on a free port of loopback, over a home of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import psutil
import uvicorn
from starlette.applications import Starlette

from tests.airflow_fixtures import ROOT, free_port

#: Longest time that a server may take to answer, seconds.
PATIENCE = 90


@dataclass
class Running:
    """A server that answers."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory(self) -> int:
        """Resident bytes of the process."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def raw(self) -> socket.socket:
        """A bare connection, for what no client library would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def says(self, sent: bytes) -> bytes:
        """What comes back for bytes, up to the end of the connection."""
        with self.raw() as connection:
            connection.sendall(sent)
            return received(connection)


def received(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def folder(root: Path, text: str = "") -> Path:
    """A configuration folder with a service.yaml."""
    for kind in ("feeds", "hazards", "regions", "alerts"):
        (root / kind).mkdir(parents=True, exist_ok=True)
    (root / "service.yaml").write_text(text or "title: a test\n", encoding="utf-8")
    return root


def variables(home: Path, *more: Path, **others: str) -> dict[str, str]:
    """The environment of a server over a home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HAZMON", "PYTEST", "AIRFLOW"))}
    configured = os.pathsep.join(str(path) for path in (ROOT / "config", *more))
    own = {"HAZMON_HOME": str(home), "HAZMON_CONFIG": configured, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return {**kept, **own, **others}


@contextmanager
def running(
    environment: dict[str, str], log: Path, *, script: Path | None = None, more: Sequence[str] = ()
) -> Iterator[Running]:
    """Start `hazmon serve`, or a script that takes a port, and yield it once it answers."""
    port = free_port()
    begun = [str(script), str(port)] if script else ["-m", "pipeline.cli", "serve", "--port", str(port), *more]
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen([sys.executable, *begun], env=environment, stdout=out, stderr=out, text=True, cwd=ROOT)
    found = Running(port, process, log)
    try:
        with found.client() as client:
            until(lambda: _answers(client) or process.poll() is not None, PATIENCE)
        assert process.poll() is None, log.read_text()
        yield found
    finally:
        process.kill()
        process.wait()


class _Server(uvicorn.Server):
    """A server that tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """Run an application in a thread of this process and give its address: somebody whom the service asks."""
    server = _Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert server.ready.wait(20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(20)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def until(reached: Callable[[], bool], limit: float = 20) -> None:
    """Wait for something that happens elsewhere."""
    end = monotonic() + limit
    while not reached():
        assert monotonic() < end, f"not reached within {limit} s"
        sleep(0.05)

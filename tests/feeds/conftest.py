"""A loopback server that feeds see as the whole internet, through the mirror rule of `pipeline.feeds.http`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.feeds import http

PAYLOADS = Path(__file__).parent / "payloads"


@dataclass(frozen=True)
class Answer:
    """What the server answers; `promised` writes another Content-Length than the body has."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None


@dataclass
class Mirror:
    """Answers by `/HOST/PATH`, or by a function of path and query; remembers what was asked."""

    answers: dict[str, Answer | Callable[[dict[str, str]], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    origin: str = ""

    def answer(self, target: str) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(parts.path)
        self.queries.append(query)
        found = self.answers.get(parts.path, Answer(status=404))
        return found if isinstance(found, Answer) else found(query)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = mirror.answer(self.path)
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body) if found.promised is None else found.promised))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    mirror.origin = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv(http.MIRROR, mirror.origin)
    yield mirror
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def payloads() -> Path:
    return PAYLOADS

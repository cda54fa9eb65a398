"""A loopback web of files with byte ranges, answers by function, GET and POST; seen through the mirror rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.feeds import http


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    byte_range: str | None


@dataclass
class Site:
    """`files` are served by `/HOST/PATH` with ranges; `handlers` answer what a file does not."""

    files: dict[str, bytes] = field(default_factory=dict)
    handlers: dict[str, Callable[[Asked], Reply]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    origin: str = ""

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if asked.path in self.handlers:
            return self.handlers[asked.path](asked)
        if asked.path not in self.files:
            return Reply(status=404)
        body = self.files[asked.path]
        headers = {"ETag": f'"{sha256(body).hexdigest()[:12]}"', "Accept-Ranges": "bytes"}
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.byte_range or "")
        if not found:
            return Reply(body, headers=headers)
        first, last = int(found[1]), min(int(found[2] or len(body) - 1), len(body) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return Reply(body[first : last + 1], 206, headers)


def page(*items: dict[str, Any], next: dict[str, Any] | None = None) -> Reply:
    links = [] if next is None else [{"rel": "next", **next}]
    return Reply(json.dumps({"type": "FeatureCollection", "features": items, "links": links}).encode())


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            reply = site.reply(Asked(self.command, parts.path, query, body, self.headers.get("Range")))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_POST = do_HEAD = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.origin = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv(http.MIRROR, site.origin)
    yield site
    server.shutdown()
    thread.join()
    server.server_close()

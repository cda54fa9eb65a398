"""The request's body: read whole within a size and a time before any route is asked, so that none waits for a slow client."""

from __future__ import annotations

import asyncio
import re

import numpy as np
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.config import ServiceLimits
from pipeline.service.guard.refusal import refusal

#: Deepest nesting of a JSON body; a GeoJSON multi-polygon within a CQL2 filter needs about ten.
DEPTH = 64

#: So many times the largest body is thrown away before the refusal, so that its sender reads it, not a broken connection.
_PATIENCE = 32

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1


class Bodies:
    """Answers 4xx to a body that is too large, too slow, compressed or too deep.

    Bodies that are being read are counted for themselves: clients that send slowly take no place of those who only ask.
    """

    def __init__(self, app: ASGIApp, limits: ServiceLimits) -> None:
        self._app = app
        self._most = limits.body_bytes
        self._seconds = limits.head_seconds
        self._at_once = limits.concurrency
        self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if length == "0" and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        if self._reading >= self._at_once:
            words = f"found {self._reading} bodies being read, expected fewer than {self._at_once}; try again soon"
            await refusal(503, words, {"Retry-After": "1", "Connection": "close"})(scope, receive, send)
            return
        body, found = await self._taken(headers, length, receive)
        if found is not None:
            await refusal(*found, {"Connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)

    async def _taken(self, headers: Headers, length: str, receive: Receive) -> tuple[bytes, tuple[int, str] | None]:
        """Return a body, and the status and the words of what is wrong with it."""
        found = _compressed(headers) or self._announced(length)
        body = bytearray()
        self._reading += 1
        try:
            async with asyncio.timeout(self._seconds):
                if found is None or int(length) <= self._most * _PATIENCE:
                    found = await self._read(receive, body, found)
        except TimeoutError:
            found = 408, f"found no end of the body after {self._seconds:g} s"
        finally:
            self._reading -= 1
        if found is None and "json" in headers.get("content-type", ""):
            found = _too_deep(bytes(body))
        return bytes(body), found

    def _announced(self, length: str) -> tuple[int, str] | None:
        if int(length) > self._most:
            return 413, f"found a body of {length} bytes, expected at most {self._most}"
        return None

    async def _read(self, receive: Receive, body: bytearray, found: tuple[int, str] | None) -> tuple[int, str] | None:
        """Read the body to its end; what is too much is thrown away, what is far too much not even read."""
        size, more = 0, True
        while more and size <= self._most * _PATIENCE:
            message = await receive()
            if message["type"] != "http.request":
                return found or (400, "found the end of the connection in the middle of the body")
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > self._most:
                found = found or (413, f"found a body of more than {self._most} bytes, expected at most that")
                body.clear()
            elif found is None:
                body += part
        return found


def _compressed(headers: Headers) -> tuple[int, str] | None:
    encoding = headers.get("content-encoding", "identity")
    if encoding.lower() == "identity":
        return None
    return 415, f"found Content-Encoding {encoding[:40]!r}, expected a body that is not compressed"


def _too_deep(body: bytes) -> tuple[int, str] | None:
    """Return what is wrong with JSON that is nested so deeply that a reader might break on it."""
    if body.count(b"[") + body.count(b"{") <= DEPTH:
        return None
    bare = np.frombuffer(_STRING.sub(b"", body), np.uint8)
    deepest = int(np.cumsum(_STEPS[bare], dtype=np.int32).max(initial=0))
    return (400, f"found JSON nested {deepest} levels deep, expected at most {DEPTH}") if deepest > DEPTH else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return what hands out a body that was read already, and then whatever else the connection says."""
    handed = False

    async def replay() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay

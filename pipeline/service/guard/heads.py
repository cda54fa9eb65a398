"""The request's head, looked at before anything is done: host, method, length, number of headers.

A page of another site cannot read this service through a name that it makes point here (DNS rebinding): only the names
of the service itself are answered to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.config import ServiceConfig
from pipeline.service.guard.refusal import refusal

#: Names of this machine for itself.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

#: Methods that any part of the service knows.
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")

#: Most headers of one request; browsers send about twenty.
HEADERS = 100

#: A host and, maybe, a port, which may be empty (RFC 9110, 4.2.3).
_HOST = re.compile(r"(?P<name>\[[^\[\]]*\]|[^\[\]:]*)(:[0-9]*)?")

#: Longest address: what browsers and proxies carry, bytes.
URL_BYTES = 8192


def names(settings: ServiceConfig, more: Iterable[str] = ()) -> frozenset[str]:
    """Return the host names that are answered to."""
    own = urlsplit(settings.url).hostname if settings.url else None
    return frozenset(_plain(name) for name in (*LOOPBACK, *settings.hosts, *more, own) if name)


def _plain(name: str) -> str:
    """Return the one way in which a host is written here: small letters, IPv6 short and in brackets, no dot at the end."""
    try:
        return f"[{IPv6Address(name.removeprefix('[').removesuffix(']'))}]"
    except AddressValueError:
        return name.lower().removesuffix(".")


class Heads:
    """Answers 4xx to a head that is too much or meant for somebody else."""

    def __init__(self, app: ASGIApp, settings: ServiceConfig, listening: Iterable[str] = ()) -> None:
        self._app = app
        self._names = names(settings, listening)
        self._bytes = settings.limits.header_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        found = self._fault(scope) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
        else:
            # What comes after a head that is refused may be anything; it is not read.
            await refusal(*found, {"Connection": "close"})(scope, receive, send)

    def _fault(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the words of what is wrong with a head."""
        headers = scope["headers"]
        url = len(scope["raw_path"]) + len(scope["query_string"])
        if url > URL_BYTES:
            return 414, f"found an address of {url} bytes, expected at most {URL_BYTES}"
        size = sum(len(name) + len(value) + 4 for name, value in headers)
        if len(headers) > HEADERS or size > self._bytes:
            return 431, f"found {len(headers)} headers, {size} bytes; expected at most {HEADERS}, {self._bytes} bytes"
        if scope["http_version"] not in ("1.0", "1.1"):
            return 505, f"found HTTP/{scope['http_version'][:10]}, expected HTTP/1.1"
        if scope["method"] not in METHODS:
            return 501, f"found method {scope['method'][:20]!r}, expected one of {', '.join(METHODS)}"
        if b"\0" in scope["raw_path"] or "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return 400, "found a null character in the address, expected text"
        given = {name for name, _ in headers}
        if b"content-length" in given and b"transfer-encoding" in given:
            # A proxy that goes by the other one would take the rest for somebody's next request.
            return 400, "found both Content-Length and Transfer-Encoding, expected one of them"
        return self._misdirected(headers)

    def _misdirected(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            return 400, f"found {len(hosts)} Host headers, expected one"
        found = _HOST.fullmatch(hosts[0])
        if found is not None and _plain(found["name"]) in self._names:
            return None
        return 421, f"found Host {hosts[0][:100]!r}, expected a name of this service; further ones: hosts in service.yaml"

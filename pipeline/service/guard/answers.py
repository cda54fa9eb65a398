"""What every answer carries: who may read it, what a browser may do with it, and compression where it helps."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The page loads nothing from elsewhere; the map library draws in workers made of its own text.
_PAGE = (
    "default-src 'self'; worker-src 'self' blob:; child-src 'self' blob:; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: What came from elsewhere is never run, whatever it says it is.
_FILE = "default-src 'none'; sandbox; frame-ancestors 'none'"

#: Set where an answer does not set its own.
_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Public data: any page may read them; without credentials, so that it reads nothing that others may not.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified, Link, X-Request-ID",
}

_PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    # Not Authorization: what needs a key cannot be done by a page of another site.
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Type, If-None-Match, Last-Event-ID, Range",
    "Access-Control-Max-Age": "86400",
}

#: Compressed by themselves, or sent event by event.
_AS_IT_IS = (
    "application/gzip",
    "application/octet-stream",
    "application/vnd.apache.parquet",
    "application/x-protobuf",
    "application/zip",
    "audio/*",
    "font/*",
    "image/*",
    "text/event-stream",
    "video/*",
)

#: Smaller answers are not worth it, bytes.
_SMALLEST = 1024

#: Half the size of level 1 at a third of the time of level 9.
_LEVEL = 5


class Answers:
    """Adds the headers that every answer carries, and answers the questions that browsers ask beforehand (CORS)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and add to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = _FILE if scope["path"].startswith(("/files/", "/alerts/")) else _PAGE

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", policy)
                message["headers"] = headers.raw
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(scope=scope):
            await Response(status_code=204, headers=dict(_PREFLIGHT))(scope, receive, dressed)
        else:
            await self._app(scope, receive, dressed)


def compressed(app: ASGIApp) -> ASGIApp:
    """Return an application whose larger texts are compressed for clients that can read it."""
    return _Weakened(GZipMiddleware(app, _SMALLEST, _LEVEL, exclude_content_types=_AS_IT_IS))


class _Weakened:
    """Makes the entity tag of a compressed answer a weak one: its bytes are others than those of the plain one.

    That nothing changed (304) is said of the tag that the client named: it may not update what it keeps by another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and mark its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = {part.strip() for part in Headers(scope=scope).get("if-none-match", "").split(",")}

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                tag = headers.get("etag", "")
                weak = f"W/{tag}"
                is_kept_weak = message["status"] == 304 and weak in known and tag not in known
                if tag.startswith('"') and ("content-encoding" in headers or is_kept_weak):
                    headers["ETag"] = weak
            await send(message)

        await self._app(scope, receive, marked)

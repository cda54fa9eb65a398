"""Answers that a client may keep: entity tags, and 304 where it has kept the right one."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from pipeline.service.tags import matches
from pipeline.store import sha256


def kept(request: Request, body: bytes, media_type: str, *, seconds: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a document with its entity tag, or 304 without it where the client holds the same.

    Parameters
    ----------
    request
        What is answered.
    body
        The whole document.
    media_type
        With its parameters.
    seconds
        How long it may be used without asking again.
    headers
        Further ones.
    """
    tag = f'"{sha256(body)[:32]}"'
    given = {"ETag": tag, "Cache-Control": f"public, max-age={seconds}", **(headers or {})}
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=given)
    # Set as a header: given as a media type, text/* and others would have a charset added.
    return Response(body, headers={**given, "Content-Type": media_type})

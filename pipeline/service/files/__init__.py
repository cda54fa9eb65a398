"""Public objects of the store under `/files/{key}`: whole, in ranges, or only what changed."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from pipeline.errors import KeyMissing
from pipeline.service.door import Door
from pipeline.service.files.described import SHORT, Described, Register
from pipeline.service.files.keys import is_public, local_file
from pipeline.service.tags import matches
from pipeline.store import About, Store

#: An object that may be replaced any moment is read at once up to this size, so that its parts belong together, bytes.
_WHOLE = 8 * 2**20

#: One range of bytes, the only kind that objects afar are asked for.
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"*/*": {}}, "description": "The object"},
    206: {"content": {"*/*": {}}, "description": "The ranges asked for"},
    304: {"description": "The client has it"},
    400: {"description": "A Range header that is none"},
    404: {"description": "Nothing public lies there"},
    416: {"description": "No such range"},
}


def router(door: Door) -> APIRouter:
    """Return the routes of files."""
    api = APIRouter(tags=["files"])
    register = Register(door)
    store = door.work.store

    async def file(request: Request, key: str) -> Response:
        """Send a public object of the store (catalog/, alerts/, raw/), or ranges of it."""
        if not is_public(key, request.scope.get("raw_path", b"")):
            raise HTTPException(404, f"found nothing public under {key[:200]!r}")
        try:
            return await to_thread.run_sync(_response, store, register, request, key)
        except KeyMissing as error:
            raise HTTPException(404, f"found nothing public under {key!r}") from error

    add = functools.partial(api.add_api_route, "/files/{key:path}", file, response_class=Response, responses=_ANSWERS)
    add(methods=["GET"], operation_id="file")
    add(methods=["HEAD"], operation_id="file_head")
    return api


def _response(store: Store, register: Register, request: Request, key: str) -> Response:
    """Return the answer to a request for a public key; nothing of a large object has been read when it returns."""
    path = local_file(store, key) if store.is_local else None
    if store.is_local and path is None:
        raise KeyMissing(key)
    found, about = register.described(key), store.about(key)
    data = store.get(key) if found.cache == SHORT and about.size <= _WHOLE else None
    headers = _headers(key, found, about, data)
    if _unchanged(request, headers, about):
        kept = {name: headers[name] for name in ("ETag", "Last-Modified", "Cache-Control")}
        return Response(status_code=304, headers=kept)
    if data is not None:
        return Response(data, headers=headers, media_type=found.media_type)
    if path is not None:
        return FileResponse(path, headers=headers, media_type=found.media_type, stat_result=path.stat())
    return _streamed(store, request, key, about=about, headers=headers, media_type=found.media_type)


def _headers(key: str, found: Described, about: About, data: bytes | None) -> dict[str, str]:
    name = key.rsplit("/", 1)[-1]
    known = f"{about.tag}|{about.size}|{about.modified.timestamp()}".encode() if data is None else data
    tag = found.tag or hashlib.sha256(known).hexdigest()[:32]
    headers = {
        "ETag": f'"{tag}"',
        "Last-Modified": format_datetime(about.modified.replace(microsecond=0), usegmt=True),
        "Cache-Control": found.cache,
        "Accept-Ranges": "bytes" if data is None else "none",
        "X-Content-Type-Options": "nosniff",
        # Whatever a page or a picture among these holds, it runs nothing and reaches nothing.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    if found.is_foreign:
        headers["Content-Disposition"] = f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)}"'
    return headers


def _unchanged(request: Request, headers: Mapping[str, str], about: About) -> bool:
    """Whether the client has the object; its tag counts for more than its time (RFC 9110, 13.2.2)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return matches(tags, headers["ETag"])
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        return about.modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # no date, or one without a zone: as if it were not there
        return False


def _streamed(store: Store, request: Request, key: str, *, about: About, headers: dict[str, str], media_type: str) -> Response:
    """Return an object from afar piece by piece; several ranges at once are answered with the whole (RFC 9110, 14.2)."""
    start, stop, status = 0, about.size, 200
    asked = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    condition = request.headers.get("if-range")
    if asked and any(asked.groups()) and (condition is None or condition in (headers["ETag"], headers["Last-Modified"])):
        first, last = asked.groups()
        start = int(first) if first else max(about.size - int(last), 0)
        stop = min(int(last) + 1, about.size) if first and last else about.size
        if start >= about.size or start >= stop:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{about.size}"})
        status = 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{about.size}"
    headers["Content-Length"] = str(stop - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(store.stream(key, start, stop), status_code=status, headers=headers, media_type=media_type)

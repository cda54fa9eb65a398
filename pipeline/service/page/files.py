"""The built files of the page as they are sent: media type, compressed bytes, entity tag, how long they may be kept."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from pipeline.service.tags import matches

#: Where the build of `pipeline/service/web` puts its files.
DIST = Path(str(resources.files("pipeline.service"))) / "web" / "dist"

#: Names of built files carry a hash of their content: what has the same name is the same for ever.
FOREVER = "public, max-age=31536000, immutable"
#: May be kept, but never shown without asking whether it is still the same.
ASK = "no-cache"

#: Media types that the platform's own table may lack or name differently.
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".txt": "text/plain",
}
_TEXT = ("text/", "application/json", "application/geo+json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes with their media type, compressed once."""

    data: bytes
    media_type: str
    packed: bytes | None
    """The same under gzip, where that is smaller."""
    etag: str


def content(data: bytes, media_type: str) -> Content:
    """Return bytes ready to be sent."""
    packed = gzip.compress(data, 9, mtime=0) if media_type.startswith(_TEXT) else b""
    tag = hashlib.sha256(data).hexdigest()[:20]
    return Content(data, media_type, packed if 0 < len(packed) < len(data) else None, f'"{tag}"')


@cache
def built(name: str) -> Content | None:
    """Return a built file by its path below the build folder; None where the build made no such file."""
    if name not in _names():
        return None
    path = DIST / name
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return content(path.read_bytes(), kind)


@cache
def _names() -> frozenset[str]:
    """Return what the build made: a name that is asked for is looked up here, never in the file system."""
    return frozenset(path.relative_to(DIST).as_posix() for path in DIST.rglob("*") if path.is_file())


def answer(request: Request, sent: Content, keep: str) -> Response:
    """Return the response to a GET or HEAD: 304 where the client has it, packed where the client can unpack it."""
    headers = {"ETag": sent.etag, "Cache-Control": keep, "Vary": "Accept-Encoding"}
    if matches(request.headers.get("if-none-match"), sent.etag):
        return Response(status_code=304, headers=headers)
    if sent.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(sent.packed, media_type=sent.media_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(sent.data, media_type=sent.media_type, headers=headers)

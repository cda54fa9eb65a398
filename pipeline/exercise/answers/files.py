"""Object stores: whole files and byte ranges of them (RFC 9110, section 14), ETag, HEAD."""

from __future__ import annotations

import re
from datetime import datetime

from pipeline.exercise.answers.reply import Asked, Reply, http_date
from pipeline.exercise.stage import Stage

#: How an object store says that it has no such object.
MISSING = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>\n"
)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_TYPES = {".tiff": "image/tiff", ".tif": "image/tiff", ".idx": "text/plain", ".index": "text/plain"}


def answer(stages: list[tuple[Stage, datetime]], asked: Asked) -> Reply:
    """Return a file or a part of it; 404 where it is not there yet, 304 where the client has it."""
    if asked.method not in ("GET", "HEAD"):
        return Reply(405)
    for stage, now in stages:
        found = stage.file(asked.target, now)
        if found is not None:
            break
    else:
        return Reply(404, MISSING, "application/xml")
    path, offered = found
    suffix = path.name[path.name.rfind(".") :]
    headers = {"ETag": f'"{offered.etag}"', "Accept-Ranges": "bytes", "Last-Modified": http_date(offered.at)}
    kind = _TYPES.get(suffix, "application/octet-stream")
    if asked.headers.get("if-none-match") == headers["ETag"]:
        return Reply(304, b"", kind, headers)
    span = _span(asked.headers.get("range", ""), offered.size)
    if span is None:
        return Reply(200, path.read_bytes(), kind, headers)
    first, end = span
    if first >= offered.size or first >= end:
        return Reply(416, b"", kind, {**headers, "Content-Range": f"bytes */{offered.size}"})
    with path.open("rb") as file:
        file.seek(first)
        body = file.read(end - first)
    return Reply(206, body, kind, {**headers, "Content-Range": f"bytes {first}-{end - 1}/{offered.size}"})


def _span(header: str, size: int) -> tuple[int, int] | None:
    """Return the first byte and the byte after the last that a Range header asks for; None: everything.

    A header that is not understood, or asks for several ranges, is ignored, as the standard allows.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(size - int(match[2]), 0), size
    return int(match[1]), min(int(match[2]) + 1, size) if match[2] else size

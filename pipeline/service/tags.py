"""Entity tags: whether a client holds already what it asks for."""

from __future__ import annotations


def matches(given: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names an entity tag; weak comparison, as RFC 9110 13.1.2 has it."""
    if given is None:
        return False
    return given.strip() == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}

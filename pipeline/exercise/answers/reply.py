"""A request and an answer, as far as an exercise needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

JSON, GEOJSON = "application/json", "application/geo+json"


@dataclass(frozen=True)
class Asked:
    """One request, mirrored path already read back into host and path."""

    method: str
    host: str
    path: str
    """With a leading slash, without query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""

    @property
    def target(self) -> str:
        """HOST/PATH."""
        return f"{self.host}{self.path}"


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: object, media_type: str = JSON, status: int = 200) -> Reply:
    """Return a value as JSON."""
    return Reply(status, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), media_type)


def not_there(target: str) -> Reply:
    """Return a plain 404."""
    return Reply(404, f"not found: {target}\n".encode())


def http_date(moment: datetime) -> str:
    """Return a moment as HTTP headers write it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)

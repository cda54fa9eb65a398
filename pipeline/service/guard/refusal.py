"""A refusal: a short JSON answer given before any route is asked, and the same form for errors that routes raise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response


def describe(status: int, description: str, code: str | None = None) -> bytes:
    """Return the body of an error: STAC API's form, used by every part of the service."""
    return json.dumps({"code": code or code_of(status), "description": description}, ensure_ascii=False).encode()


def code_of(status: int) -> str:
    """Return the word for a status: `NotFound` for 404."""
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.replace("-", " ").split())


def refusal(status: int, description: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as an answer."""
    return Response(describe(status, description), status, dict(headers or {}), "application/json")

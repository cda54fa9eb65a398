"""What a caller is told where a route fails: one place that maps errors to statuses, in STAC API's form."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from pipeline.errors import (
    Conflict,
    FeedUnavailable,
    HazmonError,
    InputError,
    InputNotReady,
    KeyMissing,
    StoreError,
)
from pipeline.news import EntryBroken
from pipeline.service.guard.heads import METHODS
from pipeline.service.guard.refusal import refusal

log = logging.getLogger(__name__)

#: Status of each kind of error; the nearest kind counts. The rest is a fault of the service: 500.
STATUS: Mapping[type[HazmonError], int] = {
    KeyMissing: 404,
    Conflict: 409,
    InputError: 400,
    InputNotReady: 404,
    StoreError: 503,
    FeedUnavailable: 503,
}


#: Most of what was found that is said again, characters.
_LONGEST = 100

_WORDS: Mapping[int, str] = {
    404: "nothing is there under this name",
    409: "somebody else changed it meanwhile; read it again",
    500: "the service failed; see its log",
    503: "the store or a source cannot be read now; try again later",
}


def status_of(error: HazmonError) -> int:
    """Return the status that an error is answered with."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def told(app: FastAPI) -> None:
    """Have an application answer every error in the same form; what is nobody's fault but ours says nothing of itself."""
    app.add_exception_handler(HazmonError, _expected)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(request: Request, error: Exception) -> Response:
    """Answer with the error's own words where they are about what was asked; where the store lies is no caller's business."""
    status = status_of(error) if isinstance(error, HazmonError) else 500
    if status >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error)
    told = isinstance(error, InputError | InputNotReady | EntryBroken)
    return refusal(status, str(error) if told else _WORDS[status])


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return refusal(500, _WORDS[500])
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return refusal(error.status_code, str(error.detail), headers)


def _allowed(request: Request) -> list[str]:
    """Return the methods of all routes of a path; the first one that knows the path would tell only of its own."""
    routes = request.app.router.routes
    found = {
        method for method in METHODS for route in routes if route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    # Answered by the route of GET.
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return refusal(500, _WORDS[500])
    return refusal(400, "; ".join(_said(fault) for fault in error.errors()[:5]))


def _said(fault: Mapping[str, Any]) -> str:
    """Return what is wrong with one part of a request, in the form of all our words: found, expected."""
    where, words, found = ".".join(str(part) for part in fault["loc"]), str(fault["msg"]), fault.get("input")
    if fault["type"] == "missing":
        return f"{where}: found nothing, expected it"
    if fault["type"] == "json_invalid":
        return f"{where}: found text that is no JSON ({fault.get('ctx', {}).get('error', words)}), expected JSON"
    if words.startswith("Input should "):
        return f"{where}: found {_short(found)}, expected it to {words.removeprefix('Input should ')}"
    return f"{where}: {words.removeprefix('Value error, ')}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


async def _unexpected(request: Request, error: Exception) -> Response:
    """Answer without details; the traceback is logged by whoever runs the application, to which it is raised on."""
    return refusal(500, _WORDS[500])

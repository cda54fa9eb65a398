"""Refusals: what a client asked wrongly, said in words; the application puts them into the form of all its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.utils import get_flat_dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

#: Asked for by many clients to name a format; there is one.
_IGNORED = frozenset({"f"})


def refused(status: int, description: str, headers: Mapping[str, str] | None = None) -> HTTPException:
    """Return the error to raise where a request cannot be answered."""
    return HTTPException(status, description, headers)


def only_known(request: Request) -> None:
    """Refuse a query parameter that a route does not know (OGC API Features, 7.5): a filter mistyped is no filter.

    Nor is one of two filters where one can be given.

    Raises
    ------
    HTTPException
        400, naming the parameter and those that are known.
    """
    route: APIRoute = request.scope["route"]
    given = get_flat_dependant(route.dependant).query_params
    known = {parameter.alias for parameter in given}
    unknown = sorted(set(request.query_params) - known - _IGNORED)
    if unknown:
        raise refused(400, f"found query parameter {unknown[0]!r}, expected some of {sorted(known)}")
    for parameter in given:
        count = len(request.query_params.getlist(parameter.alias))
        if count > 1 and not _repeats(parameter.field_info.annotation):
            raise refused(400, f"found query parameter {parameter.alias!r} {count} times, expected it once")


def _repeats(annotation: Any) -> bool:
    """Whether a parameter is a list, or none."""
    return any(get_origin(each) is list for each in (annotation, *get_args(annotation)))

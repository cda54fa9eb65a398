"""Refusals: what a client asked wrongly, said in words; the application puts them into the form of all its errors."""

from __future__ import annotations

from collections.abc import Mapping

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

    Raises
    ------
    HTTPException
        400, naming the parameter and those that are known.
    """
    route: APIRoute = request.scope["route"]
    known = {parameter.alias for parameter in get_flat_dependant(route.dependant).query_params}
    unknown = sorted(set(request.query_params) - known - _IGNORED)
    if unknown:
        raise refused(400, f"found query parameter {unknown[0]!r}, expected some of {sorted(known)}")

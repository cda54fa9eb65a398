"""Refusals: what a client asked wrongly, answered as `{"code": ..., "description": "found ..., expected ..."}`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.dependencies.utils import get_flat_dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

#: Parameters that proxies and caches may add; they change nothing.
_IGNORED = frozenset({"f"})


class Refusal(BaseModel):
    """Why a request is not answered."""

    code: str = Field(description="A word for programs")
    description: str = Field(description="What was found, and what was expected")


def refused(status: int, code: str, description: str, headers: dict[str, str] | None = None) -> HTTPException:
    """Return the error to raise where a request cannot be answered."""
    return HTTPException(status, {"code": code, "description": description}, headers)  # type: ignore[arg-type]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the refusals that a route may answer with."""
    return {status: {"model": Refusal} for status in statuses}


class Route(APIRoute):
    """A route that refuses parameters it does not know, and says what is wrong with those it does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, its refusals put into words."""
        handle = super().get_route_handler()
        known = {parameter.alias for parameter in get_flat_dependant(self.dependant).query_params} | _IGNORED

        async def answer(request: Request) -> Response:
            unknown = sorted(set(request.query_params) - known)
            if unknown:
                expected = sorted(known - _IGNORED) or "none"
                return _answer(400, "InvalidParameter", f"found query parameter {unknown[0]!r}, expected {expected}")
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _answer(400, "InvalidParameter", _first(error))
            except HTTPException as error:
                if not isinstance(error.detail, dict):
                    raise
                return JSONResponse(error.detail, error.status_code, error.headers)

        return answer


def _first(error: RequestValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("query", "path", "body", "header")) or "body"
    return f"found {where} = {first.get('input')!r}: {first['msg']}"


def _answer(status: int, code: str, description: str) -> JSONResponse:
    return JSONResponse({"code": code, "description": description}, status)

"""The routes of operations: probes, the board, metrics."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter
from starlette.responses import Response

from pipeline.service.door import Door
from pipeline.service.status import metrics
from pipeline.service.status.board import Board, Health, Readiness, Status

#: Never kept by a cache: what they say is about this moment.
_NOW = {"Cache-Control": "no-store"}


def router(door: Door) -> APIRouter:
    """Return the routes of operations over a home."""
    routes, board = APIRouter(tags=["operations"]), Board(door)

    @routes.get("/health/live", summary="Whether the process answers")
    async def live(response: Response) -> dict[Literal["live"], bool]:
        response.headers.update(_NOW)
        return {"live": True}

    @routes.get("/health/ready", summary="Whether the service can answer: 503 where not", responses={503: {"model": Readiness}})
    def ready(response: Response) -> Readiness:
        response.headers.update(_NOW)
        found = board.readiness()
        return found if found.ready else _unavailable(Readiness, found)  # type: ignore[return-value]

    @routes.get("/health", summary="Age of every feed and layer against its promise", responses={503: {"model": Health}})
    def health(response: Response) -> Health:
        response.headers.update(_NOW)
        found = board.health()
        return found if found.state != "failing" else _unavailable(Health, found)  # type: ignore[return-value]

    @routes.get("/status", summary="The board: feeds, layers, runs")
    def status(response: Response) -> Status:
        response.headers.update(_NOW)
        return board.status()

    measured = metrics.registry(door, board)

    @routes.get(
        "/metrics",
        summary="Counters and ages for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def measures() -> Response:
        return Response(metrics.text(measured), headers=_NOW, media_type=metrics.MEDIA_TYPE)

    return routes


def _unavailable(kind: type[object], found: object) -> JSONResponse:
    return JSONResponse(TypeAdapter(kind).dump_python(found, mode="json"), 503, _NOW)

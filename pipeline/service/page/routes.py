"""The page's routes: the page, its built files, what it starts with, the base map."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pipeline.service.door import Door
from pipeline.service.page import borders, towns
from pipeline.service.page.files import ASK, FOREVER, Content, answer, built
from pipeline.service.page.start import Start, start

#: The base map may change with the configuration or a new version, rarely.
_DAY = "public, max-age=86400"

_METHODS = ["GET", "HEAD"]
_MISSING = {"description": "No such file", "content": {"application/json": {}}}
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The page", "content": {"text/html": {}}},
    304: {"description": "The client has it"},
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"*/*": {}}},
    304: {"description": "The client has it"},
    404: _MISSING,
}
_GEOJSON: dict[int | str, dict[str, Any]] = {
    200: {"description": "GeoJSON", "content": {borders.GEOJSON: {}}},
    304: {"description": "The client has it"},
    404: _MISSING,
}


def router(door: Door) -> APIRouter:
    """Return the routes of the map page.

    Raises
    ------
    ConfigError
        Where the borders that the configuration asks for cannot be read: better now than when the page is opened.
    """
    borders.lines(door)
    routes = APIRouter(tags=["map page"])
    _add_page(routes, door)
    _add_basemap(routes, door)
    return routes


def _add_page(routes: APIRouter, door: Door) -> None:
    @routes.api_route("/", methods=_METHODS, responses=_PAGE, response_class=Response, include_in_schema=False)
    def page(request: Request) -> Response:
        """Return the map page."""
        return _send(request, built("index.html"), ASK)

    @routes.api_route("/web/{name:path}", methods=_METHODS, responses=_FILE, response_class=Response, include_in_schema=False)
    def file(request: Request, name: str) -> Response:
        """Return a file of the page: its name tells its content, so it may be kept for ever."""
        return _send(request, built(f"web/{name}"), FOREVER)

    @routes.get("/page.json")
    def page_json() -> Start:
        """Return what the page needs to start."""
        return start(door)


def _add_basemap(routes: APIRouter, door: Door) -> None:
    @routes.get("/basemap/coastlines.geojson", responses=_GEOJSON, response_class=Response)
    def coastlines(request: Request) -> Response:
        """Return land as polygons (Natural Earth 1:50m, public domain)."""
        return _send(request, built("basemap/coastlines.geojson"), _DAY)

    @routes.get("/basemap/borders.geojson", responses=_GEOJSON, response_class=Response)
    def border_lines(request: Request) -> Response:
        """Return borders of the point of view that the operator chose."""
        return _send(request, borders.lines(door), ASK)

    @routes.get("/basemap/places.geojson", responses=_GEOJSON, response_class=Response)
    def place_points(request: Request) -> Response:
        """Return populated places with their names by language (GeoNames, CC BY 4.0)."""
        return _send(request, towns.towns(door), _DAY)


def _send(request: Request, found: Content | None, keep: str) -> Response:
    if found is None:
        text = f"found no file {request.url.path}, expected one of the built page; `make web` builds it"
        return JSONResponse({"code": "NotFoundError", "description": text}, status_code=404)
    return answer(request, found, keep)

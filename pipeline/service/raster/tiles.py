"""Tiles of one asset, and the documents by which maps find them: TileJSON and WMTS capabilities."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlencode

import morecantile
from fastapi import APIRouter, HTTPException, Path, Query
from starlette.requests import Request
from starlette.responses import Response
from titiler.core.models.mapbox import TileJSON

from pipeline.service.door import Door
from pipeline.service.raster import wmts
from pipeline.service.raster.answers import Studio
from pipeline.service.raster.parameters import Colours, Describing, Drawing, Telling, Tiling, styled
from pipeline.service.raster.sampling import GEOGRAPHIC, MERCATOR, Canvas, extent, sample
from pipeline.service.raster.source import Raster
from pipeline.service.raster.style import MEDIA_TYPES, STRIP, Format, Style, Unknown, blank, clear

Matrix = Literal["WebMercatorQuad", "WGS1984Quad"]

#: The CRS of each tile matrix set that is served.
SETS: dict[Matrix, str] = {"WebMercatorQuad": MERCATOR, "WGS1984Quad": GEOGRAPHIC}

#: Deepest zoom that is drawn: centimetres a pixel.
DEEPEST = 22

_DRAWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in MEDIA_TYPES.values()}, "description": "The tile"},
    304: {"description": "The client has it"},
    400: {"description": "A parameter is not understood"},
    404: {"description": "No such raster, or no such tile in the tile matrix set"},
}
_TOLD: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter is not understood"},
    404: {"description": "No such raster"},
}
_XML: dict[int | str, dict[str, Any]] = {200: {"content": {"application/xml": {}}, "description": "The document"}, **_TOLD}


def routes(door: Door, studio: Studio) -> APIRouter:
    """Return the routes of tiles."""
    api = APIRouter()
    _add_tile(api, studio)
    _add_tilejson(api, door, studio)
    _add_wmts(api, door, studio)
    return api


def _add_tile(api: APIRouter, studio: Studio) -> None:
    @api.get("/tiles/{matrix}/{z}/{x}/{y}.{format}", response_class=Response, responses=_DRAWN, operation_id="raster_tile")
    async def tile(
        request: Request,
        hazard: str,
        item: str,
        asset: str,
        matrix: Matrix,
        z: Annotated[int, Path(ge=0, le=DEEPEST)],
        x: Annotated[int, Path(ge=0)],
        y: Annotated[int, Path(ge=0)],
        format: Format,
        asked: Annotated[Tiling, Query()],
    ) -> Response:
        """Draw one tile as the Item says; what is unknown is hatched, what the raster does not cover is transparent."""
        raster = await studio.raster(hazard, item, asset)
        style = styled(raster, asked)
        canvas = tile_canvas(matrix, z, x, y, int(asked.tilesize))
        name = (raster.item, raster.checksum, raster.asset, style.digest, "tile", matrix, z, x, y, format, asked)
        make = functools.partial(drawn, studio, raster, canvas, style=style, unknown=asked.unknown, format=format)
        return await studio.answer(request, name, make, media_type=MEDIA_TYPES[format])


def _add_tilejson(api: APIRouter, door: Door, studio: Studio) -> None:
    @api.get(
        "/{matrix}/tilejson.json",
        response_model=TileJSON,
        response_model_exclude_none=True,
        responses=_TOLD,
        operation_id="raster_tilejson",
    )
    async def tilejson(
        request: Request, hazard: str, item: str, asset: str, matrix: Matrix, asked: Annotated[Telling, Query()]
    ) -> dict[str, Any]:
        """Say where the tiles of an asset are, down to which zoom they differ, and whom to credit."""
        raster = await studio.raster(hazard, item, asset)
        styled(raster, asked)
        base = address(door.url(request), raster)
        return {
            "name": f"{raster.title}: {raster.described.get('title', asset)}",
            "attribution": raster.attribution or None,
            "tiles": [f"{base}/tiles/{matrix}/{{z}}/{{x}}/{{y}}.{asked.tile_format}{_query(asked, Tiling)}"],
            "tileSize": int(asked.tilesize),
            "bounds": list(geographic(raster)),
            "minzoom": 0,
            "maxzoom": deepest(raster, matrix, int(asked.tilesize)),
            "legend": f"{base}/legend.png{_query(asked, Colours)}",
        }


def _add_wmts(api: APIRouter, door: Door, studio: Studio) -> None:
    @api.get("/WMTSCapabilities.xml", response_class=Response, responses=_XML, operation_id="raster_wmts")
    async def capabilities(
        request: Request, hazard: str, item: str, asset: str, asked: Annotated[Describing, Query()]
    ) -> Response:
        """Describe the tiles of an asset by OGC WMTS 1.0.0, RESTful."""
        raster = await studio.raster(hazard, item, asset)
        styled(raster, asked)
        sets = [wmts.Set(name, crs, deepest(raster, name, 256)) for name, crs in SETS.items()]
        queries = wmts.Queries(_query(asked, Drawing), _query(asked, Colours))
        document = wmts.capabilities(raster, address(door.url(request), raster), geographic(raster), sets, queries)
        return Response(document, media_type="application/xml")


def _query(asked: Colours, kind: type[Colours]) -> str:
    """Return the query that hands on what was asked for to a route that takes parameters of this kind."""
    told = asked.model_dump(exclude_defaults=True, include=set(kind.model_fields))
    return f"?{urlencode(told)}" if told else ""


def address(base: str, raster: Raster) -> str:
    """Return the address of an asset's routes."""
    return f"{base}/raster/{raster.hazard}/{raster.item}/{raster.asset}"


def tile_canvas(matrix: Matrix, z: int, x: int, y: int, size: int) -> Canvas:
    """Return where the pixels of a tile lie.

    Raises
    ------
    HTTPException
        404 where the set has no such tile.
    """
    level = _level(matrix, z)
    if x >= level.columns or y >= level.rows:
        raise HTTPException(404, f"tile {z}/{x}/{y}: {matrix} has {level.columns} x {level.rows} tiles at zoom {z}")
    west, north = level.west + x * level.edge, level.north - y * level.edge
    return Canvas(SETS[matrix], (west, north - level.edge, west + level.edge, north), size, size)


class _Level(NamedTuple):
    """One zoom of a tile matrix set: its corner, the edge of a tile, and how many there are."""

    west: float
    north: float
    edge: float
    columns: int
    rows: int


@functools.cache
def _level(matrix: Matrix, zoom: int) -> _Level:
    tms = morecantile.tms.get(matrix)
    found = tms.matrix(zoom)
    west, north = tms.xy_bbox.left, tms.xy_bbox.top
    return _Level(west, north, found.cellSize * found.tileWidth, found.matrixWidth, found.matrixHeight)


def drawn(studio: Studio, raster: Raster, canvas: Canvas, *, style: Style, unknown: Unknown, format: Format) -> bytes:
    """Return the picture of an asset on a canvas.

    Ground that the raster does not cover gives a transparent tile, not 404: MapLibre and QGIS report a missing tile as
    an error each time, and ask for it again.
    """
    pixels = None
    for top in range(0, canvas.height, STRIP):
        found = sample(studio.handles, raster, canvas.strip(top, min(top + STRIP, canvas.height)))
        if found is not None:
            pixels = blank(canvas.width, canvas.height) if pixels is None else pixels
            pixels[top : top + STRIP] = style.pixels(found.values, found.known, found.inside, unknown)
    return clear(canvas.width, canvas.height, format) if pixels is None else style.picture(pixels, format)


def geographic(raster: Raster) -> tuple[float, float, float, float]:
    """Return (west, south, east, north) in degrees, within the Earth's: as wide as it is across the antimeridian."""
    west, south, east, north = extent(raster.crs, raster.bounds, GEOGRAPHIC)
    if east > 180 or west < -180:
        west, east = -180.0, 180.0
    return west, max(south, -90.0), east, min(north, 90.0)


def deepest(raster: Raster, matrix: Matrix, size: int) -> int:
    """Return the zoom at which a pixel is no larger than a cell; deeper ones show the same cells, larger."""
    tms = morecantile.tms.get(matrix)
    west, south, east, north = extent(raster.crs, raster.bounds, SETS[matrix])
    rows, columns = raster.shape
    cell = min((east - west) / columns, (north - south) / rows) * size / 256
    return next((zoom for zoom in range(DEEPEST) if tms.matrix(zoom).cellSize <= cell), DEEPEST)

"""Pictures of an asset that are no tiles: the whole, a box of it, and its legend."""

from __future__ import annotations

import functools
import math
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, HTTPException, Path, Query
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds
from starlette.requests import Request
from starlette.responses import Response

from pipeline.products import thumbnail
from pipeline.service.door import Door
from pipeline.service.raster import legend
from pipeline.service.raster.answers import Studio
from pipeline.service.raster.parameters import Colours, Sizing, styled
from pipeline.service.raster.sampling import GEOGRAPHIC, Canvas, sample
from pipeline.service.raster.source import Raster
from pipeline.service.raster.style import MEDIA_TYPES, STRIP, Format
from pipeline.service.raster.tiles import drawn

TIFF = "image/tiff; application=geotiff"

_TOLD: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter is not understood, or the picture is too large"},
    404: {"description": "No such raster"},
}
_DRAWN: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in MEDIA_TYPES.values()}, "description": "The picture"},
    304: {"description": "The client has it"},
    **_TOLD,
}
_BOX = _DRAWN | {200: {"content": {media: {} for media in (*MEDIA_TYPES.values(), TIFF)}, "description": "Picture or values"}}


def routes(door: Door, studio: Studio) -> APIRouter:
    """Return the routes of pictures."""
    api = APIRouter()
    most = door.settings.limits.pixels
    _add_preview(api, studio, most)
    _add_box(api, studio, most)
    _add_legends(api, studio)
    return api


def _add_preview(api: APIRouter, studio: Studio, most: int) -> None:
    @api.get("/preview.{format}", response_class=Response, responses=_DRAWN, operation_id="raster_preview")
    async def preview(
        request: Request, hazard: str, item: str, asset: str, format: Format, asked: Annotated[Sizing, Query()]
    ) -> Response:
        """Draw the whole raster on its own grid."""
        raster = await studio.raster(hazard, item, asset)
        rows, columns = raster.shape
        usual = min(asked.max_size, max(rows, columns))
        canvas = Canvas(raster.crs, raster.bounds, *fitted((columns, rows), asked, usual, most))
        style = styled(raster, asked)
        name = (raster.item, raster.checksum, raster.asset, style.digest, "preview", format, asked)
        make = functools.partial(drawn, studio, raster, canvas, style=style, unknown=asked.unknown, format=format)
        return await studio.answer(request, name, make, media_type=MEDIA_TYPES[format], large=True)


def _add_box(api: APIRouter, studio: Studio, most: int) -> None:
    @api.get("/bbox/{minx},{miny},{maxx},{maxy}.{format}", response_class=Response, responses=_BOX, operation_id="raster_bbox")
    async def box(
        request: Request,
        hazard: str,
        item: str,
        asset: str,
        minx: Annotated[float, Path(ge=-180, le=180)],
        miny: Annotated[float, Path(ge=-90, le=90)],
        maxx: Annotated[float, Path(ge=-180, le=180)],
        maxy: Annotated[float, Path(ge=-90, le=90)],
        format: Format | Literal["tif"],
        asked: Annotated[Sizing, Query()],
    ) -> Response:
        """Draw a box (degrees; west > east crosses the antimeridian), or give its values as GeoTIFF in degrees."""
        raster = await studio.raster(hazard, item, asset)
        east = maxx + 360 if maxx < minx else maxx
        if not (east > minx and maxy > miny):
            raise HTTPException(400, f"bbox: found {minx},{miny},{maxx},{maxy}, expected west,south,east,north with an area")
        shape = fitted((east - minx, maxy - miny), asked, asked.max_size, most)
        canvas, style = Canvas(GEOGRAPHIC, (minx, miny, east, maxy), *shape), styled(raster, asked)
        name = (raster.item, raster.checksum, raster.asset, style.digest, "bbox", canvas, format, asked)
        if format == "tif":
            cropped = functools.partial(cut, studio, raster, canvas)
            return await studio.answer(request, name, cropped, media_type=TIFF, large=True)
        make = functools.partial(drawn, studio, raster, canvas, style=style, unknown=asked.unknown, format=format)
        return await studio.answer(request, name, make, media_type=MEDIA_TYPES[format], large=True)


def _add_legends(api: APIRouter, studio: Studio) -> None:
    @api.get(
        "/legend.json",
        response_model=legend.Legend,
        response_model_exclude_none=True,
        responses=_TOLD,
        operation_id="raster_legend",
    )
    async def key(hazard: str, item: str, asset: str, asked: Annotated[Colours, Query()]) -> legend.Legend:
        """Say what the colours of a picture mean."""
        raster = await studio.raster(hazard, item, asset)
        return legend.legend(raster, styled(raster, asked))

    @api.get("/legend.png", response_class=Response, responses=_DRAWN, operation_id="raster_legend_picture")
    async def drawn_key(request: Request, hazard: str, item: str, asset: str, asked: Annotated[Colours, Query()]) -> Response:
        """Draw what the colours of a picture mean."""
        raster = await studio.raster(hazard, item, asset)
        style = styled(raster, asked)
        make = functools.partial(thumbnail.legend, legend.variable(raster), legend.key(raster, style))
        name = (raster.item, raster.checksum, raster.asset, style.digest, "legend", asked)
        return await studio.answer(request, name, make, media_type="image/png")


def fitted(proportions: tuple[float, float], asked: Sizing, longest: int, most: int) -> tuple[int, int]:
    """Return (width, height) of a picture in its own proportions, unless both are given.

    Raises
    ------
    HTTPException
        400 where it would have more pixels than allowed.
    """
    (across, down), width, height = proportions, asked.width, asked.height
    if width is None and height is None:
        scale = longest / max(across, down)
    else:
        scale = width / across if width is not None else (height or 1) / down
    shape = width or max(round(across * scale), 1), height or max(round(down * scale), 1)
    if shape[0] * shape[1] > most:
        raise HTTPException(400, f"picture: found {shape[0]} x {shape[1]} pixels, expected at most {most} (limits.pixels)")
    return shape


def cut(studio: Studio, raster: Raster, canvas: Canvas) -> bytes:
    """Return the values on a canvas as a GeoTIFF: where a pixel is no larger than a cell, exactly the stored ones."""
    missing = math.nan if raster.nodata is None else raster.nodata
    values = np.full((canvas.height, canvas.width), missing, raster.dtype)
    for top in range(0, canvas.height, STRIP):
        found = sample(studio.handles, raster, canvas.strip(top, min(top + STRIP, canvas.height)))
        if found is not None:
            values[top : top + STRIP][found.inside] = found.values[found.inside]
    profile = {
        "driver": "GTiff",
        "width": canvas.width,
        "height": canvas.height,
        "count": 1,
        "dtype": raster.dtype,
        "nodata": raster.nodata,
        "crs": canvas.crs,
        "transform": from_bounds(*canvas.bounds, canvas.width, canvas.height),
        "compress": "deflate",
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(values, 1)
            target.set_band_description(1, str(raster.described.get("title", raster.asset)))
            target.set_band_unit(1, raster.unit)
        return bytes(memory.getbuffer())

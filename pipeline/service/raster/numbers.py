"""Numbers of an asset: the value at a point, what the file is, and how its values are spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from rasterio.windows import Window
from starlette.requests import Request
from starlette.responses import Response

from pipeline.service.door import Door
from pipeline.service.raster.answers import Studio, bare
from pipeline.service.raster.handles import Handles
from pipeline.service.raster.sampling import GEOGRAPHIC, extent, known, transformer
from pipeline.service.raster.source import Raster

State = Literal["known", "unknown", "outside"]

#: Cells beyond which a statistic counts as a large answer.
_MANY = 2**20


_TOLD: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter is not understood"},
    404: {"description": "No such raster"},
}


class Value(BaseModel):
    """What an asset says of one place."""

    value: float | None
    """Exactly as stored; none where it is unknown or the raster does not reach."""
    state: State
    label: str | None = None
    """Meaning of the code."""


class Point(BaseModel):
    """The value of an asset at a place."""

    item: str
    asset: str
    coordinates: tuple[float, float]
    values: list[float | None]
    state: State
    label: str | None = None
    unit: str
    title: str


class Info(BaseModel):
    """What an asset's file is."""

    item: str
    asset: str
    title: str
    unit: str
    dtype: str
    nodata: float | str | None
    crs: str
    bounds: tuple[float, float, float, float]
    """In the CRS of the file."""
    geographic_bounds: tuple[float, float, float, float]
    width: int
    height: int
    transform: tuple[float, ...]
    overviews: list[int]
    checksum: str
    size: int
    band: dict[str, Any]
    """The STAC band."""


class Statistics(BaseModel):
    """How the values of an asset are spread."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    stddev: float | None
    percentiles: dict[str, float] | None = None
    """By percentage."""
    valid_percent: float
    cells: int
    """How many were looked at."""
    overview: int
    """Cells of the raster along the edge of one that was looked at: 1 is the raster itself."""
    histogram: tuple[list[int], list[float]] | None = None
    """Counts, and the edges between them."""
    counts: dict[str, int] | None = None
    """Cells by code."""


class Spreading(BaseModel):
    """Which statistics are asked for."""

    model_config = ConfigDict(extra="forbid")

    max_size: int = Field(2048, ge=1, le=65_536, description="Longest edge of what is looked at, cells")
    bins: int = Field(10, ge=1, le=256, description="Bars of the histogram")
    p: list[Annotated[float, Field(ge=0, le=100)]] = Field(
        [2.0, 50.0, 98.0], max_length=32, description="Percentages of the percentiles"
    )


def routes(door: Door, studio: Studio) -> APIRouter:
    """Return the routes of numbers."""
    api = APIRouter()
    _add_point(api, studio)
    _add_info(api, studio)
    _add_statistics(api, studio, door.settings.limits.cells)
    return api


def _add_point(api: APIRouter, studio: Studio) -> None:
    @api.get("/point/{lon},{lat}", response_model=Point, responses=_TOLD, operation_id="raster_point")
    async def point(
        request: Request,
        hazard: str,
        item: str,
        asset: str,
        lon: Annotated[float, Path(ge=-180, le=180)],
        lat: Annotated[float, Path(ge=-90, le=90)],
    ) -> Point:
        """Return the value stored for the cell that a place (degrees) lies in."""
        bare(request)
        raster = await studio.raster(hazard, item, asset)
        found = await studio.run(partial(value_at, studio.handles, raster, lon, lat))
        return Point(
            item=item,
            asset=asset,
            coordinates=(lon, lat),
            values=[found.value],
            state=found.state,
            label=found.label,
            unit=raster.unit,
            title=str(raster.described.get("title", asset)),
        )


def _add_info(api: APIRouter, studio: Studio) -> None:
    @api.get("/info", response_model=Info, responses=_TOLD, operation_id="raster_info")
    async def info(request: Request, hazard: str, item: str, asset: str) -> Info:
        """Return what the file is: its grid, type, unit and checksum."""
        bare(request)
        return info_of(await studio.raster(hazard, item, asset))


def _add_statistics(api: APIRouter, studio: Studio, most: int) -> None:
    @api.get(
        "/statistics",
        response_model=Statistics,
        response_model_exclude_none=True,
        responses=_TOLD | {304: {"description": "The client has it"}},
        operation_id="raster_statistics",
    )
    async def statistics(
        request: Request, hazard: str, item: str, asset: str, asked: Annotated[Spreading, Query()]
    ) -> Response:
        """Return how the values are spread, from an overview where the raster is large."""
        raster = await studio.raster(hazard, item, asset)
        level, factor = overview_within(raster, asked.max_size)
        cells = math.ceil(raster.shape[0] / factor) * math.ceil(raster.shape[1] / factor)
        if cells > most:
            raise HTTPException(400, f"statistics: found {cells} cells, expected at most {most} (limits.cells)")

        def make() -> bytes:
            with studio.handles.borrow(raster.path, level) as source:
                values = source.read(1)
            return spread(raster, values, factor, asked).model_dump_json(exclude_none=True).encode()

        name = (raster.item, raster.checksum, raster.asset, "statistics", asked)
        return await studio.answer(request, name, make, media_type="application/json", large=cells > _MANY)


def value_at(handles: Handles, raster: Raster, lon: float, lat: float) -> Value:
    """Return what a raster holds at a place, from the cell that the place lies in."""
    height, width = raster.shape
    across, up = transformer(GEOGRAPHIC, raster.crs).transform(lon, lat)
    column, row = (math.floor(place) if math.isfinite(place) else -1 for place in _cell(raster, lon, lat, across, up))
    if not (0 <= column < width and 0 <= row < height):
        return Value(value=None, state="outside")
    with handles.borrow(raster.path) as source:
        found = source.read(1, window=Window(column, row, 1, 1))
    if not known(found, raster.nodata).all():
        return Value(value=None, state="unknown")
    value = found[0, 0].item()
    return Value(value=value, state="known", label=raster.labels.get(int(value)) if raster.labels else None)


def _cell(raster: Raster, lon: float, lat: float, across: float, up: float) -> Sequence[float]:
    west, south, east, north = extent(raster.crs, raster.bounds, GEOGRAPHIC)
    if not ((lon - west) % 360 <= east - west and south <= lat <= north):
        return -1.0, -1.0  # far from its own meridian a projection may fold ground from elsewhere into the raster
    return float(raster.column(np.asarray(across))), float(raster.row(np.asarray(up)))


def info_of(raster: Raster) -> Info:
    """Return what a raster's file is."""
    nodata = raster.nodata
    west, south, east, north = extent(raster.crs, raster.bounds, GEOGRAPHIC)
    return Info(
        item=raster.item,
        asset=raster.asset,
        title=str(raster.described.get("title", raster.asset)),
        unit=raster.unit,
        dtype=raster.dtype,
        nodata="nan" if nodata is not None and math.isnan(nodata) else nodata,
        crs=raster.crs,
        bounds=raster.bounds,
        geographic_bounds=(west, south, east, north),
        width=raster.shape[1],
        height=raster.shape[0],
        transform=tuple(raster.transform)[:6],
        overviews=list(raster.overviews),
        checksum=raster.checksum,
        size=int(raster.described["file:size"]),
        band=dict(raster.band),
    )


def overview_within(raster: Raster, longest: int) -> tuple[int | None, int]:
    """Return the finest overview (None: the raster itself) of no more cells along its longest edge, and its factor."""
    edge = max(raster.shape)
    levels: list[tuple[int | None, int]] = [(None, 1), *enumerate(raster.overviews)]
    return next((found for found in levels if math.ceil(edge / found[1]) <= longest), levels[-1])


def spread(raster: Raster, values: npt.NDArray[Any], factor: int, asked: Spreading) -> Statistics:
    """Return the statistics of a raster's values, unknown ones left out."""
    held = values[known(values, raster.nodata)]
    about = {
        "valid_percent": round(100 * held.size / values.size, 6),
        "cells": int(values.size),
        "overview": factor,
    }
    if not held.size:
        return Statistics.model_validate({**about, "minimum": None, "maximum": None, "mean": None, "stddev": None})
    found = {
        **about,
        "minimum": float(held.min()),
        "maximum": float(held.max()),
        "mean": float(held.mean(dtype=np.float64)),
        "stddev": float(held.std(dtype=np.float64)),
    }
    if raster.labels:
        codes, counts = np.unique(held, return_counts=True)
        return Statistics.model_validate({**found, "counts": {str(c): int(n) for c, n in zip(codes, counts, strict=True)}})
    count, edges = np.histogram(held, bins=asked.bins)
    percentiles = dict(zip((f"{share:g}" for share in asked.p), np.percentile(held, asked.p).tolist(), strict=True))
    return Statistics.model_validate({**found, "percentiles": percentiles, "histogram": (count.tolist(), edges.tolist())})

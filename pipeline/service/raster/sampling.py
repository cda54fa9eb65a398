"""Values of a raster on the pixels of a picture: each pixel shows the cell its centre lies in, at the overview that fits.

Warping by GDAL cannot tell cells that are unknown from ground that the raster does not cover; here both are known, and
where a picture is finer than the raster every pixel holds exactly the stored value.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from rasterio.windows import Window

from pipeline.service.raster.handles import Handles
from pipeline.service.raster.source import Raster

Array = npt.NDArray[Any]

GEOGRAPHIC, MERCATOR = "EPSG:4326", "EPSG:3857"

#: Radius of the sphere of EPSG:3857, metres.
_RADIUS = 6378137.0

#: Once around the Earth, in units of the CRS.
_TURNS = {GEOGRAPHIC: 360.0, MERCATOR: 2 * math.pi * _RADIUS}

#: Most cells read for each pixel drawn.
_SHARE = 16.0

#: Pixels between the places that are projected exactly.
_STEP = 8

#: Largest error of what is interpolated between them, cells of the picture's own size.
_ERROR = 0.1


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where the pixels of a picture lie."""

    crs: str
    bounds: tuple[float, float, float, float]
    width: int
    height: int

    @property
    def x(self) -> Array:
        """Centres of the columns."""
        west, _, east, _ = self.bounds
        return west + (np.arange(self.width) + 0.5) * ((east - west) / self.width)

    @property
    def y(self) -> Array:
        """Centres of the rows, from the top."""
        _, south, _, north = self.bounds
        return north - (np.arange(self.height) + 0.5) * ((north - south) / self.height)

    def strip(self, top: int, bottom: int) -> Canvas:
        """Return the rows [top, bottom), counted from the north."""
        west, south, east, north = self.bounds
        step = (north - south) / self.height
        return Canvas(self.crs, (west, north - bottom * step, east, north - top * step), self.width, bottom - top)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a picture shows, pixel by pixel."""

    values: Array
    known: Array
    """Where the value is known."""
    inside: Array
    """Where the raster is."""


def sample(handles: Handles, raster: Raster, canvas: Canvas) -> Sample | None:
    """Return the values on a canvas; None where the raster lies nowhere on it."""
    if not _touch(_around(raster, canvas.crs), canvas):
        return None
    columns, rows = places(raster, canvas)
    height, width = raster.shape
    with np.errstate(invalid="ignore"):
        across, down = (columns >= 0) & (columns < width), (rows >= 0) & (rows < height)
    if columns.ndim == 2:
        across = down = inside = across & down
    else:
        inside = down[:, None] & across[None, :]
    if not inside.any():
        return None
    cells = (np.ptp(columns[across]) + 1) * (np.ptp(rows[down]) + 1)
    level = _overview(raster, _density(columns, rows), float(cells) / (canvas.width * canvas.height))
    with handles.borrow(raster.path, level) as source:
        column = _cells(columns, across, source.width / width, source.width)
        row = _cells(rows, down, source.height / height, source.height)
        left, right, top, bottom = int(column.min()), int(column.max()), int(row.min()), int(row.max())
        found = source.read(1, window=Window(left, top, right - left + 1, bottom - top + 1))
    values = found[row - top, column - left] if column.ndim == 2 else found[(row - top)[:, None], (column - left)[None, :]]
    return Sample(values, inside & known(values, raster.nodata), inside)


def known(values: Array, nodata: float | None) -> Array:
    """Return which values are known."""
    finite: Array = np.isfinite(values)
    return finite if nodata is None or math.isnan(nodata) else finite & (values != nodata)


def places(raster: Raster, canvas: Canvas) -> tuple[Array, Array]:
    """Return the columns and rows of the raster, counted in cells from its corner, under the pixels' centres.

    Two vectors where columns depend on x and rows on y alone, else two arrays (rows, columns).
    """
    x, y = canvas.x, canvas.y
    if canvas.crs == raster.crs or (raster.crs == GEOGRAPHIC and canvas.crs == MERCATOR):
        if canvas.crs != raster.crs:
            x, y = np.degrees(x / _RADIUS), np.degrees(np.arctan(np.sinh(y / _RADIUS)))
        return raster.column(x), raster.row(y)
    return _projected(raster, canvas, x, y)


def _projected(raster: Raster, canvas: Canvas, x: Array, y: Array) -> tuple[Array, Array]:
    """Project a net of places, and what lies between them by interpolation where that is near enough."""
    nodes_x, share_x = _net(canvas.width)
    nodes_y, share_y = _net(canvas.height)
    net = _exact(raster, canvas, *np.meshgrid(_at(x, nodes_x), _at(y, nodes_y)))
    middle_x, middle_y = (nodes_x[:-1] + nodes_x[1:]) / 2, (nodes_y[:-1] + nodes_y[1:]) / 2
    truth = _exact(raster, canvas, *np.meshgrid(_at(x, middle_x), _at(y, middle_y)))
    with np.errstate(invalid="ignore"):
        guess = [(part[:-1, :-1] + part[1:, :-1] + part[:-1, 1:] + part[1:, 1:]) / 4 for part in net]
        error = max(float(np.max(np.abs(one - other))) for one, other in zip(truth, guess, strict=True))
        allowed = _ERROR * max(_density(*net) / _STEP, 1.0)
        if error <= allowed:
            columns, rows = _between(net[0], share_x, share_y), _between(net[1], share_x, share_y)
        else:
            columns, rows = _exact(raster, canvas, *np.meshgrid(x, y))
    # Far from its own meridian a projection may fold ground from elsewhere into the raster.
    west, south, east, north = _around(raster, canvas.crs)
    near = ((y >= south) & (y <= north))[:, None] & ((x - west) % _TURNS.get(canvas.crs, math.inf) <= east - west)[None, :]
    return np.where(near, columns, -1.0), np.where(near, rows, -1.0)


def _net(size: int) -> tuple[Array, tuple[Array, Array]]:
    """Return the pixels of the nodes, and of every pixel the node before it and its share of the way to the next."""
    nodes = np.append(np.arange(0, size - 1, _STEP, dtype=float), size - 1.0) if size > 1 else np.array([0.0, 1.0])
    pixels = np.arange(size, dtype=float)
    before = np.clip(np.searchsorted(nodes, pixels, side="right") - 1, 0, len(nodes) - 2)
    return nodes, (before, (pixels - nodes[before]) / (nodes[before + 1] - nodes[before]))


def _at(centres: Array, pixels: Array) -> Array:
    step = centres[1] - centres[0] if centres.size > 1 else 0.0
    return np.asarray(centres[0] + pixels * step)


def _between(net: Array, along: tuple[Array, Array], down: tuple[Array, Array]) -> Array:
    (column, share_x), (row, share_y) = along, down
    left, right = net[:, column], net[:, column + 1]
    lines = left + (right - left) * share_x[None, :]
    return np.asarray(lines[row] + (lines[row + 1] - lines[row]) * share_y[:, None])


def _exact(raster: Raster, canvas: Canvas, x: Array, y: Array) -> tuple[Array, Array]:
    across, up = transformer(canvas.crs, raster.crs).transform(x, y)
    return raster.column(np.asarray(across)), raster.row(np.asarray(up))


@functools.lru_cache(maxsize=1024)
def extent(crs: str, bounds: tuple[float, float, float, float], canvas: str) -> tuple[float, float, float, float]:
    """Return the box around a raster's bounds in the CRS of a canvas, east beyond the antimeridian where it crosses it."""
    west, south, east, north = bounds if crs == canvas else transformer(crs, canvas).transform_bounds(*bounds, densify_pts=41)
    turn = _TURNS.get(canvas, 0.0)
    if east < west:
        east += turn
    return west, south, east, north


def _around(raster: Raster, canvas: str) -> tuple[float, float, float, float]:
    """Return the extent and a little more, since it is measured along the edge at some places only."""
    west, south, east, north = extent(raster.crs, raster.bounds, canvas)
    wide, high = (east - west) * 1e-3, (north - south) * 1e-3
    return west - wide, south - high, east + wide, north + high


def _touch(box: tuple[float, float, float, float], canvas: Canvas) -> bool:
    """Whether a box, or its copy a turn of the Earth away, meets a canvas."""
    turn = _TURNS.get(canvas.crs, 0.0)
    west, south, east, north = canvas.bounds
    return any(
        box[0] + shift <= east and box[2] + shift >= west and box[1] <= north and box[3] >= south
        for shift in (0.0, turn, -turn)
    )


@functools.lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """Return the projection from one CRS to another, longitude or easting first."""
    return Transformer.from_crs(source, target, always_xy=True)


def _density(columns: Array, rows: Array) -> float:
    """Return how many cells of the raster lie from one place to the next, across or down, whichever are fewer."""
    steps = [np.abs(np.diff(columns, axis=-1)), np.abs(np.diff(rows, axis=0))]
    found = [float(np.median(step[np.isfinite(step)])) for step in steps if np.isfinite(step).any()]
    return min(found, default=1.0)


def _overview(raster: Raster, density: float, share: float) -> int | None:
    """Return the coarsest overview that is no coarser than the picture; none: the raster itself.

    Parameters
    ----------
    raster
        With its overviews, finest first.
    density
        Cells of the raster from one pixel to the next.
    share
        Cells of the raster for each pixel: a long thin picture of a large raster takes a coarser overview than its
        length asks for, so that what is read stays in proportion to what is drawn.
    """
    levels: list[tuple[int | None, int]] = [(None, 1), *enumerate(raster.overviews)]
    # A hair of tolerance: a tile at exactly the overview's own resolution shall use it.
    fitting = [place for place, (_, factor) in enumerate(levels) if factor <= density * 1.05]
    start = max(fitting, default=0)
    bounded = (level for level, factor in levels[start:] if share / factor**2 <= _SHARE)
    return next(bounded, levels[-1][0])


def _cells(places: Array, valid: Array, shrink: float, size: int) -> Array:
    """Return whole cells of an overview; places outside take those of the nearest valid one."""
    filled = np.where(valid, places, places[valid].flat[0] if places.ndim == 1 else places[valid][0])
    return np.clip(np.floor(filled * shrink), 0, size - 1).astype(np.intp)

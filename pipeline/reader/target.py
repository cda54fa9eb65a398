"""The grid a layer is wanted on: its own, a part of it, or another one that is named."""

from __future__ import annotations

import math
from collections.abc import Sequence

from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox
from pyproj.exceptions import CRSError

from pipeline.errors import GridError, InputError
from pipeline.grid import projected_bounds, region_geobox
from pipeline.model import Bounds

#: Most cells of a grid that is named by the size of its cells: 30 m over the whole of Central Asia.
_MOST = 10**10


def target_geobox(
    grids: Sequence[GeoBox], *, bbox: Bounds | None, crs: str | None, resolution: float | None, geobox: GeoBox | None
) -> GeoBox:
    """Return the one grid for Items on these grids.

    Parameters
    ----------
    grids
        Those of the Items.
    bbox
        What is wanted of them, degrees; all where not given.
    crs, resolution
        Cells of this size in units of a CRS (default: the one that all share), edges on whole multiples.
    geobox
        Or the very grid.

    Raises
    ------
    InputError
        Where the grids differ and none is named, or more is named than needed.
    """
    if geobox is not None:
        if crs is not None or resolution is not None:
            raise InputError("geobox= says crs and resolution already; expected either geobox= or resolution= (and crs=)")
        return geobox
    different = list(dict.fromkeys(grids))
    if resolution is None:
        if crs is not None:
            raise InputError(f"crs={crs!r} without resolution=: expected the size of a cell in its units, too")
        if len(different) > 1:
            raise InputError(
                f"{len(grids)} layers lie on {len(different)} grids ({'; '.join(map(_said, different[:4]))}):"
                " name one by resolution= (and crs=) or geobox=, or ask for fewer layers"
            )
        return different[0] if bbox is None else _cut(different[0], bbox)
    shared = {str(grid.crs) for grid in different}
    if crs is None and len(shared) > 1:
        raise InputError(f"layers are in {sorted(shared)}: name one by crs=")
    chosen = _checked(crs) if crs is not None else shared.pop()
    bounds = projected_bounds(bbox, chosen) if bbox is not None else _around(different, chosen)
    return region_geobox(bounds, _sized(resolution, bounds), chosen)


def _sized(resolution: float, bounds: Bounds) -> float:
    """Return a size of cells that is one and does not make a box of more cells than anybody means."""
    west, south, east, north = bounds
    if not (math.isfinite(resolution) and resolution > 0):
        raise InputError(f"resolution={resolution}: expected the size of a cell, above 0, in units of the CRS")
    if (columns := (east - west) / resolution) * (rows := (north - south) / resolution) > _MOST:
        raise InputError(
            f"resolution={resolution:g}: found {rows:.0f} x {columns:.0f} cells, expected at most {_MOST:.0e};"
            " name a coarser one in units of the CRS, or a smaller bbox="
        )
    return resolution


def _checked(crs: str) -> str:
    try:
        return str(CRS(crs))
    except CRSError as error:
        raise GridError(f"CRS {crs!r}: {error}") from error


def _cut(grid: GeoBox, bbox: Bounds) -> GeoBox:
    """Return the cells of a grid that a box touches."""
    west, south, east, north = bbox
    if grid.crs is not None and grid.crs.geographic:
        east += 360.0 if east < west else 0.0
        # Longitudes of a grid may run on beyond 180.
        turns = [turn for turn in (0.0, -360.0, 360.0) if _overlaps(grid, west + turn, east + turn)]
        west, east = west + turns[0] if turns else west, east + turns[0] if turns else east
    else:
        west, south, east, north = projected_bounds(bbox, str(grid.crs))
    (left, top), (right, bottom) = (~grid.transform * corner for corner in ((west, north), (east, south)))
    rows, columns = grid.shape
    first_row, first_column = _clamp(int(top), rows - 1), _clamp(int(left), columns - 1)
    last_row, last_column = _clamp(-int(-bottom // 1), rows), _clamp(-int(-right // 1), columns)
    cut: GeoBox = grid[first_row : max(last_row, first_row + 1), first_column : max(last_column, first_column + 1)]
    return cut


def _overlaps(grid: GeoBox, west: float, east: float) -> bool:
    left, _, right, _ = grid.boundingbox.bbox
    return bool(west < right and east > left)


def _clamp(index: int, most: int) -> int:
    return min(max(index, 0), most)


def _around(grids: Sequence[GeoBox], crs: str) -> Bounds:
    """Return the box in units of a CRS around grids."""
    boxes: list[BoundingBox] = [grid.extent.to_crs(crs).boundingbox for grid in grids]
    return (
        min(box.left for box in boxes),
        min(box.bottom for box in boxes),
        max(box.right for box in boxes),
        max(box.top for box in boxes),
    )


def _said(grid: GeoBox) -> str:
    rows, columns = grid.shape
    return f"{rows} x {columns} cells of {abs(grid.resolution.x):g} in {grid.crs}"

"""The value of a grid at points: bilinear between the centres of cells, unknown where a neighbour is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from pipeline.grid import geobox_of

Array = npt.NDArray[np.float64]

#: Degrees after which longitudes repeat.
_CIRCLE = 360.0


class Places(NamedTuple):
    """Where points lie on a grid: in cells, counted from the centre of the first one."""

    row: Array
    column: Array
    inside: npt.NDArray[np.bool_]
    """Whether the point is on the grid, edges of the outer cells included."""


def places(grid: xr.DataArray | xr.Dataset, x: npt.ArrayLike, y: npt.ArrayLike) -> Places:
    """Return where points lie on a grid.

    Parameters
    ----------
    grid
        On a regular grid.
    x, y
        In the grid's CRS; longitudes may be whole circles off (grids run on beyond the antimeridian).
    """
    geobox = geobox_of(grid)
    east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if geobox.crs is not None and geobox.crs.geographic:
        west = geobox.extent.boundingbox.left
        east = west + np.mod(east - west, _CIRCLE)
    to_cell = ~geobox.affine
    column = to_cell.a * east + to_cell.b * north + to_cell.c
    row = to_cell.d * east + to_cell.e * north + to_cell.f
    rows, columns = geobox.shape
    inside = (row >= 0.0) & (row <= rows) & (column >= 0.0) & (column <= columns)
    return Places(row - 0.5, column - 0.5, inside)


def bilinear(array: xr.DataArray, where: Places, *, logarithmic: bool = False) -> Array:
    """Return the value at each place; NaN outside the grid, and where a cell that counts is unknown.

    Between the centre of an outer cell and the edge of the grid the outermost value holds. Where `logarithmic`, the
    logarithms of the cells are what is interpolated.
    """
    rows, columns = array.shape[-2:]
    row, column = np.clip(where.row, 0.0, rows - 1.0), np.clip(where.column, 0.0, columns - 1.0)
    found = np.zeros(row.shape)
    for down in (0, 1):
        for right in (0, 1):
            r = np.minimum(np.floor(row) + down, rows - 1.0)
            c = np.minimum(np.floor(column) + right, columns - 1.0)
            share = np.maximum(1.0 - np.abs(row - np.floor(row) - down), 0.0)
            share = share * np.maximum(1.0 - np.abs(column - np.floor(column) - right), 0.0)
            cells = _cells(array, r, c)
            with np.errstate(divide="ignore", invalid="ignore"):
                found += np.where(share > 0.0, share * (np.log(cells) if logarithmic else cells), 0.0)
    return np.where(where.inside, np.exp(found) if logarithmic else found, np.nan)


def nearest(array: xr.DataArray, where: Places) -> Array:
    """Return the value of the cell each place lies in; NaN outside the grid."""
    rows, columns = array.shape[-2:]
    row = np.clip(np.floor(where.row + 0.5), 0.0, rows - 1.0)
    column = np.clip(np.floor(where.column + 0.5), 0.0, columns - 1.0)
    return np.where(where.inside, _cells(array, row, column), np.nan)


def _cells(array: xr.DataArray, row: Array, column: Array) -> Array:
    """Return the values of some cells; of a lazy array nothing else is computed."""
    down, across = array.dims[-2:]
    selected = array.isel(
        {down: xr.DataArray(row.astype(int), dims="place"), across: xr.DataArray(column.astype(int), dims="place")}
    )
    return np.asarray(selected.to_numpy(), dtype=np.float64)

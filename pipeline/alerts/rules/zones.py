"""Administrative areas over a grid: which cell belongs to which area, and how much of each area is what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.errors import InputError

#: Rows and columns read at once: memory stays flat however large the scene.
BLOCK = 2048

#: Radius of the sphere with the area of the WGS 84 ellipsoid, m.
AUTHALIC_RADIUS = 6371007.2

#: Code of "unknown" in every categorical product.
NODATA = 255


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of each area is known, and how much of it meets each condition; arrays by position in `areas`."""

    areas: gpd.GeoDataFrame
    """The areas that meet the grid, in the order of the arrays."""
    known: NDArray[np.float64]
    """Share of the whole area that is inside the method's range and observed, 0 to 1."""
    met: Mapping[str, NDArray[np.float64]]
    """Share of the known part that meets a condition, 0 to 1; NaN where nothing is known."""


def on_grid(areas: gpd.GeoDataFrame, geobox: GeoBox) -> gpd.GeoDataFrame:
    """Return the areas that meet the grid, in the grid's CRS, sorted by id.

    Raises
    ------
    InputError
        Where the table has no CRS or no column `id`.
    """
    if areas.crs is None or "id" not in areas.columns:
        raise InputError(f"areas: found columns {list(areas.columns)}, CRS {areas.crs}; expected id, name, geometry and a CRS")
    here = areas.to_crs(str(geobox.crs)).sort_values("id", kind="stable", ignore_index=True)
    meets = here.geometry.intersects(shapely.box(*geobox.boundingbox))
    return here[meets.to_numpy()].reset_index(drop=True)


def shares(dataset: xr.Dataset, areas: gpd.GeoDataFrame, geobox: GeoBox, conditions: Mapping[str, tuple[str, int]]) -> Shares:
    """Return how much of each area is known and meets each condition, block by block.

    Parameters
    ----------
    dataset
        The categorical variables that the conditions name and `exclusion`, uint8 with 255 for unknown; dims (y, x).
    areas
        Any CRS; areas are taken not to overlap.
    geobox
        The grid of the dataset.
    conditions
        Name: (variable, least code that meets it).
    """
    here = on_grid(areas, geobox)
    count = len(here)
    known = np.zeros(count + 1)
    met = {name: np.zeros(count + 1) for name in conditions}
    variables = sorted({variable for variable, _ in conditions.values()})
    for rows, columns in _blocks(geobox, here):
        labels = _labels(here, geobox[rows, columns])
        if not labels.any():
            continue
        weights = _cell_areas(geobox[rows, columns])
        data = {name: dataset[name][..., rows, columns].to_numpy() for name in (*variables, "exclusion")}
        valid = (data["exclusion"] == 0) & np.logical_and.reduce([_is_known(data[name]) for name in variables])
        known += _sums(labels, weights, valid, count)
        for name, (variable, code) in conditions.items():
            met[name] += _sums(labels, weights, valid & (data[variable] >= code), count)
    whole = _whole_areas(here, geobox)
    part = np.full(count, math.nan)
    ratios = {name: np.divide(found[1:], known[1:], out=part.copy(), where=known[1:] > 0) for name, found in met.items()}
    return Shares(here, np.minimum(known[1:] / whole, 1.0), ratios)


def greatest(values: NDArray[np.floating[Any]], areas: gpd.GeoDataFrame, geobox: GeoBox) -> NDArray[np.float64]:
    """Return the greatest value in each area (already on the grid's CRS); NaN where it has no known cell.

    Parameters
    ----------
    values
        dims (y, x); NaN is unknown.
    """
    found = np.full(len(areas) + 1, -np.inf)
    labels = _labels(areas, geobox)
    known = np.isfinite(values)
    np.maximum.at(found, labels[known], values[known])
    return np.where(np.isfinite(found[1:]), found[1:], math.nan)


def sample(array: xr.DataArray, points: gpd.GeoDataFrame, geobox: GeoBox, fill: float) -> NDArray[Any]:
    """Return the value of the cell under each point; `fill` outside the grid."""
    column, row, inside = cells(points, geobox)
    values = np.full(len(points), fill, dtype=np.result_type(array.dtype, np.float64))
    if inside.any():
        y, x = array.dims[-2:]
        picked = array.isel({y: xr.DataArray(row[inside], dims="point"), x: xr.DataArray(column[inside], dims="point")})
        values[inside] = picked.to_numpy()
    return values


def cells(points: gpd.GeoDataFrame, geobox: GeoBox) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return column, row and "lies on the grid" of each point; a grid may run on beyond longitude 180."""
    here = points.to_crs(str(geobox.crs))
    x, y = here.geometry.x.to_numpy(), here.geometry.y.to_numpy()
    box = geobox.boundingbox
    if geobox.crs is not None and geobox.crs.geographic:
        x = box.left + np.mod(x - box.left, 360.0)
    finite = np.isfinite(x) & np.isfinite(y)
    column, row = ~geobox.transform * (np.where(finite, x, box.left - 1e9), np.where(finite, y, box.top + 1e9))
    height, width = geobox.shape
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return np.floor(column).astype(np.int64), np.floor(row).astype(np.int64), inside


def members(points: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the position of the area that holds each point, -1 for none."""
    inside, holder = areas.sindex.query(points.to_crs(areas.crs).geometry, predicate="within")
    found = np.full(len(points), -1, dtype=np.int64)
    found[inside[::-1]] = holder[::-1]
    return found


def _blocks(geobox: GeoBox, areas: gpd.GeoDataFrame) -> Iterator[tuple[slice, slice]]:
    height, width = geobox.shape
    for top in range(0, height, BLOCK):
        for left in range(0, width, BLOCK):
            rows, columns = slice(top, min(top + BLOCK, height)), slice(left, min(left + BLOCK, width))
            if len(areas.sindex.query(shapely.box(*geobox[rows, columns].boundingbox))):
                yield rows, columns


def _labels(areas: gpd.GeoDataFrame, geobox: GeoBox) -> NDArray[np.int32]:
    """Return 1 + the position of the area under each cell's centre, 0 for none."""
    pairs = [(geometry, number) for number, geometry in enumerate(areas.geometry, start=1) if not geometry.is_empty]
    if not pairs:
        return np.zeros(geobox.shape, dtype=np.int32)
    labels: NDArray[np.int32] = rasterio.features.rasterize(
        pairs, out_shape=tuple(geobox.shape), transform=geobox.transform, fill=0, dtype="int32"
    )
    return labels


def _is_known(codes: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which codes mean something; codes read as floating numbers have NaN for unknown."""
    known: NDArray[np.bool_] = np.isfinite(codes) & (codes != NODATA)
    return known


def _sums(labels: NDArray[np.int32], weights: NDArray[np.float64], where: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Return the area of the cells of a mask by label; `weights` is the area of a cell in each row."""
    if np.ptp(weights) == 0:
        return np.bincount(labels[where], minlength=count + 1).astype(np.float64) * float(weights[0])
    each = np.broadcast_to(weights[:, None], labels.shape)
    return np.bincount(labels[where], weights=each[where], minlength=count + 1).astype(np.float64)


def _cell_areas(geobox: GeoBox) -> NDArray[np.float64]:
    """Return the area of a cell in each row, m2 (on a projected grid: units of the CRS squared)."""
    transform = geobox.transform
    if geobox.crs is None or not geobox.crs.geographic:
        return np.full(geobox.shape[0], abs(transform.a * transform.e))
    edges = np.sin(np.radians(transform.f + transform.e * np.arange(geobox.shape[0] + 1)))
    found: NDArray[np.float64] = AUTHALIC_RADIUS**2 * math.radians(abs(transform.a)) * np.abs(np.diff(edges))
    return found


def _whole_areas(areas: gpd.GeoDataFrame, geobox: GeoBox) -> NDArray[np.float64]:
    """Return the area of each polygon in the measure of `_cell_areas`.

    On a geographic grid by Lambert's cylindrical equal-area map of the sphere, x = R lon, y = R sin(lat).
    """
    geometry = areas.geometry.to_numpy()
    if geobox.crs is not None and geobox.crs.geographic:
        geometry = shapely.transform(geometry, _equal_area)
    found: NDArray[np.float64] = np.maximum(shapely.area(geometry), 1e-9)
    return found


def _equal_area(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    plane: NDArray[np.float64] = AUTHALIC_RADIUS * np.column_stack([np.radians(xy[:, 0]), np.sin(np.radians(xy[:, 1]))])
    return plane

"""Zones: which district and country each cell of a grid lies in, by its centre."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import GridError, InputError

#: What a zone is known by; empty where it is not known.
COLUMNS = ("country", "admin2", "admin2_name")


def zone_table(areas: xr.Dataset, countries: xr.Dataset) -> pd.DataFrame:
    """Return the zones, with `COLUMNS` and a shapely geometry: the districts, then what countries are beyond them.

    Raises
    ------
    InputError
        Where a geometry is no polygon.
    """
    districts = pd.DataFrame(
        {"country": _codes(areas), "admin2": _texts(areas, "id"), "admin2_name": _texts(areas, "name")}, dtype=object
    )
    beyond = pd.DataFrame({"country": _codes(countries), "admin2": None, "admin2_name": None}, dtype=object)
    table = pd.concat([districts, beyond], ignore_index=True)
    return table.assign(geometry=np.concatenate([_polygons(areas), _polygons(countries)]))


def zone_of_cells(geobox: GeoBox, polygons: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """Return for each cell (y, x) the first polygon that its centre lies in or on; -1 where it lies in none.

    Raises
    ------
    GridError
        Where the grid is not geographic.
    """
    if geobox.crs is None or not geobox.crs.geographic:
        raise GridError(f"zones: the grid is in {geobox.crs}; expected geographic coordinates")
    rows, columns = geobox.shape
    to_place = geobox.affine
    x = np.mod(to_place.c + to_place.a * (np.arange(columns) + 0.5) + 180.0, 360.0) - 180.0
    y = to_place.f + to_place.e * (np.arange(rows) + 0.5)
    zone = np.full((rows, columns), -1, dtype=np.int64)
    for place, (polygon, (west, south, east, north)) in enumerate(zip(polygons, shapely.bounds(polygons), strict=True)):
        window = np.ix_(np.flatnonzero((y >= south) & (y <= north)), np.flatnonzero((x >= west) & (x <= east)))
        held = zone[window]
        free = held < 0
        if free.any():
            shapely.prepare(polygon)
            across, down = np.meshgrid(x[window[1][0]], y[window[0][:, 0]])
            held[free] = np.where(shapely.intersects_xy(polygon, across[free], down[free]), place, -1)
            zone[window] = held
    return zone


def alpha2(code: str) -> str | None:
    """Return a country's ISO 3166-1 alpha-2 code from that of two or three letters; None where there is no such country.

    A name, Natural Earth's -99 or an empty text is no code: the people there are in no known country, and counted so.
    """
    return _alpha2().get(code.strip().upper())


def _codes(areas: xr.Dataset) -> list[str | None]:
    return [alpha2(str(code)) for code in areas["country"].values]


def _texts(areas: xr.Dataset, name: str) -> list[str | None]:
    return [str(text) or None for text in areas[name].values]


def _polygons(areas: xr.Dataset) -> npt.NDArray[np.object_]:
    """Return the geometries of a table, read from its well-known bytes."""
    try:
        found = shapely.from_wkb(areas["geometry"].values.astype(object))
    except (shapely.errors.GEOSException, TypeError) as error:
        raise InputError(f"zones: field geometry: expected polygons as well-known bytes: {error}") from error
    wrong = ~np.isin(shapely.get_type_id(found), [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON])
    if wrong.any():
        raise InputError(f"zones: row {int(np.argmax(wrong)) + 1}: found {found[wrong][0].geom_type}, expected polygons")
    return np.asarray(found, dtype=object)


@cache
def _alpha2() -> Mapping[str, str]:
    text = files(__package__).joinpath("iso3166.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    return {code: row["alpha2"] for row in rows for code in row.values()}

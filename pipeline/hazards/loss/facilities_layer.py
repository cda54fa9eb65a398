"""The layer `facilities`: plants, dams and hospitals in order of how likely the shaking exceeded what they withstand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import InputError
from pipeline.grid import geobox_of, on_geobox
from pipeline.hazards.loss.exposure_layer import described
from pipeline.hazards.loss.facilities import (
    ESTIMATED,
    FACILITY_COLUMNS,
    LIMITED,
    UNKNOWN_STATES,
    Threshold,
    default_thresholds,
    shaken_facilities,
)
from pipeline.layer import Answers, Rows, Table, Variable, layer, tabulate

_TEXTS = (
    *("name", "kind", "operator", "country", "state", "measure"),
    *("shaking_units", "threshold_meaning", "threshold_source"),
)
#: State of a facility that is listed, but too far away to be looked at.
_OUTSIDE = UNKNOWN_STATES[0]
#: (column, units, meaning, HXL tag) of how many facilities are in which state.
STATE_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("state", "1", "estimated, limited, or why the probability is unknown", "#status"),
    ("facilities", "1", "facilities of the table in that state", "#loc+count"),
)


def _acceleration(long_name: str) -> Variable:
    return Variable("standard_gravity", f"median {long_name}")


def _deviation(long_name: str) -> Variable:
    return Variable("1", f"standard deviation of ln {long_name}")


_SHAKING = {
    "mmi": Variable("1", "median Modified Mercalli intensity"),
    "mmi_std": Variable("1", "standard deviation of Modified Mercalli intensity"),
    "pga": _acceleration("peak ground acceleration"),
    "pga_std": _deviation("peak ground acceleration"),
    "pgv": Variable("cm s-1", "median peak ground velocity"),
    "pgv_std": _deviation("peak ground velocity"),
    "sa_0p3": _acceleration("spectral acceleration at 0.3 s, 5 % damped"),
    "sa_0p3_std": _deviation("spectral acceleration at 0.3 s"),
    "sa_1p0": _acceleration("spectral acceleration at 1.0 s, 5 % damped"),
    "sa_1p0_std": _deviation("spectral acceleration at 1.0 s"),
    "sa_3p0": _acceleration("spectral acceleration at 3.0 s, 5 % damped"),
    "sa_3p0_std": _deviation("spectral acceleration at 3.0 s"),
    "exclusion": Variable("1", "exclusion of the shaking, 0 where it stands"),
}
_OWN = Table(
    "facilities",
    {
        "longitude": Variable("degrees_east", "longitude"),
        "latitude": Variable("degrees_north", "latitude"),
        "name": Variable("1", "name of the facility", dtype="object"),
        "kind": Variable("1", "kind of the facility", dtype="object"),
        "operator": Variable("1", "who runs it", dtype="object", optional=True),
        "country": Variable("1", "ISO 3166-1 alpha-2 code of the country", dtype="object", optional=True),
        "measure": Variable("1", "measure of its own threshold", dtype="object", optional=True),
        "threshold": Variable("1", "median of its own threshold, in threshold_units", dtype="float64", optional=True),
        "threshold_units": Variable("1", "units of its own threshold", dtype="object", optional=True),
        "threshold_dispersion": Variable("1", "dispersion of its own threshold", dtype="float64", optional=True),
    },
)
_TABLES = {
    "facilities": Table(
        "Facilities on the grid, the likeliest exceeded first", **described(FACILITY_COLUMNS, _TEXTS, geometry=True)
    ),
    "states": Table("Facilities by what is known of them", **described(STATE_COLUMNS, ("state",), inline=True)),
}


@layer(
    title="Facilities an earthquake may have damaged",
    inputs={**_SHAKING, "facilities": _OWN},
    tables=_TABLES,
    answers=Answers(estimate="facilities", uncertainty="facilities", exclusion="states"),
    source="FEMA (2020), Hazus Earthquake Model Technical Manual 4.2 SP3; ICOLD Bulletin 166; the facilities' own",
    version="1.0.0",
    blockwise=False,
)
def facilities(
    mmi: xr.DataArray,
    mmi_std: xr.DataArray,
    pga: xr.DataArray,
    pga_std: xr.DataArray,
    pgv: xr.DataArray,
    pgv_std: xr.DataArray,
    sa_0p3: xr.DataArray,
    sa_0p3_std: xr.DataArray,
    sa_1p0: xr.DataArray,
    sa_1p0_std: xr.DataArray,
    sa_3p0: xr.DataArray,
    sa_3p0_std: xr.DataArray,
    exclusion: xr.DataArray,
    facilities: xr.Dataset,
    *,
    excluded: Sequence[int] = (),
    thresholds: Mapping[str, Mapping[str, Any]] | None = None,
) -> Mapping[str, Rows]:
    """Return the facilities on the grid with the probability that their threshold was exceeded, and how many are unknown.

    One that is unknown has no probability and stands last, with the reason: it is not safe. Those beyond the grid are
    counted in `states` alone.

    Parameters
    ----------
    mmi, mmi_std, pga, pga_std, pgv, pgv_std, sa_0p3, sa_0p3_std, sa_1p0, sa_1p0_std, sa_3p0, sa_3p0_std
        NaN unknown; deviations of ln, those of intensity in its units.
    exclusion
        Codes; NaN where the shaking is unknown.
    facilities
        Points, with their own thresholds where known (`loss.facilities.shaken_facilities`).
    excluded
        Codes under which the shaking is not to be used; under the others the estimate is `limited`.
    thresholds
        By kind, in place of the packaged ones: measure, value, units and optionally dispersion, meaning, source.

    Raises
    ------
    InputError
        Where a threshold is not what it should be.
    """
    arrays = (mmi, mmi_std, pga, pga_std, pgv, pgv_std, sa_0p3, sa_0p3_std, sa_1p0, sa_1p0_std, sa_3p0, sa_3p0_std)
    found: Any = tabulate(
        _tables,
        *(*arrays, exclusion, facilities),
        geobox=geobox_of(mmi),
        excluded=tuple(int(code) for code in excluded),
        thresholds=_thresholds(thresholds or {}),
    )
    return {name: found[name] for name in _TABLES}


def _thresholds(own: Mapping[str, Mapping[str, Any]]) -> dict[str, Threshold]:
    try:
        return {**default_thresholds(), **{str(kind): Threshold(**fields) for kind, fields in own.items()}}
    except TypeError as error:
        raise InputError(
            f"facilities: thresholds: found {dict(own)}; expected measure, value, units by kind: {error}"
        ) from error


def _tables(*given: Any, geobox: GeoBox, excluded: tuple[int, ...], thresholds: Mapping[str, Threshold]) -> Any:
    *arrays, rows = given
    shaking = xr.Dataset(
        {
            name: on_geobox(xr.DataArray(array, dims=("y", "x"), attrs={"units": variable.units}), geobox)
            for (name, variable), array in zip(_SHAKING.items(), arrays, strict=True)
        }
    )
    found = shaken_facilities(_frame(rows), shaking, thresholds=thresholds, excluded=excluded)
    states = (ESTIMATED, LIMITED, *UNKNOWN_STATES)
    numbers = [int((found["state"] == state).sum()) for state in states]
    return {
        "facilities": found[found["state"] != _OUTSIDE].reset_index(drop=True),
        "states": pd.DataFrame({"state": states, "facilities": numbers}),
    }


def _frame(rows: xr.Dataset) -> gpd.GeoDataFrame:
    """Return the table of facilities as points; an empty text is none."""
    columns = {}
    for name in (name for name in _OWN.columns if name in rows and name not in ("longitude", "latitude")):
        values = rows[name].values
        is_number = np.issubdtype(values.dtype, np.floating)
        if is_number != (_OWN.columns[name].dtype != "object"):
            raise InputError(f"facilities: column {name!r}: found {values.dtype}; expected text, or numbers with units")
        columns[name] = values if is_number else np.array([text or None for text in values], dtype=object)
    points = gpd.points_from_xy(rows["longitude"].values, rows["latitude"].values)
    return gpd.GeoDataFrame(columns, geometry=points, crs="EPSG:4326")

"""Facilities an earthquake may have damaged: the shaking at each, and how likely it exceeded what it withstands.

A natural hazard that releases what a plant or a dam holds is a second disaster (Natech): this says where to look first.
With the shaking lognormal about its median x with deviation s, and the threshold about its median t with dispersion d:

    P(exceeded) = Phi(ln(x / t) / sqrt(s^2 + d^2))        for intensity (mmi) without logarithms
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.special import ndtr

from pipeline import units
from pipeline.errors import InputError
from pipeline.grid import geobox_of
from pipeline.hazards.loss.sampling import Array, Places, bilinear, nearest, places

#: The measure that is normally distributed, not lognormally.
_INTENSITY = "mmi"
#: What the state of a facility's estimate may be.
ESTIMATED, LIMITED = "estimated", "limited"
UNKNOWN_STATES = ("outside the grid", "excluded", "shaking unknown", "no threshold")

#: (column, units, meaning, HXL tag) of `shaken_facilities`.
FACILITY_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("name", "1", "name of the facility", "#loc+name"),
    ("kind", "1", "kind of the facility", "#loc+type"),
    ("probability", "1", "probability that the threshold was exceeded; empty where unknown", "#indicator+probability"),
    ("state", "1", "estimated, limited, or why the probability is unknown", "#status"),
    ("operator", "1", "who runs it", "#org+operator"),
    ("country", "1", "ISO 3166-1 alpha-2 code of the country", "#country+code+v_iso2"),
    ("measure", "1", "measure of shaking the threshold is of", "#indicator+measure"),
    ("shaking", "as shaking_units", "median shaking at the facility", "#indicator+shaking+median"),
    ("shaking_low", "as shaking_units", "shaking one deviation below the median", "#indicator+shaking+low"),
    ("shaking_high", "as shaking_units", "shaking one deviation above the median", "#indicator+shaking+high"),
    ("threshold", "as shaking_units", "median of the threshold", "#indicator+threshold"),
    ("shaking_units", "1", "units of shaking and threshold", "#indicator+units"),
    ("threshold_dispersion", "1", "dispersion of the threshold, ln units (of intensity: units)", "#indicator+threshold+std"),
    ("threshold_meaning", "1", "what exceeding it means", "#indicator+threshold+meaning"),
    ("threshold_source", "1", "where it is from; facility: the facility's own", "#meta+source"),
    ("exclusion", "1", "code of why the shaking is limited; 0 where it is not", "#meta+exclusion"),
    ("geometry", "degrees", "location", "#geo+point"),
)


class Threshold(NamedTuple):
    """Shaking at which a facility is looked at."""

    measure: str
    """Variable of the shaking: pga, pgv, sa_0p3, ..., mmi."""
    value: float
    """Median, in `units`."""
    units: str
    dispersion: float = 0.0
    """Deviation of ln value (of intensity: of the value); 0 where it is exceeded or not."""
    meaning: str = ""
    source: str = ""


def default_thresholds() -> Mapping[str, Threshold]:
    """Return the packaged thresholds by kind of facility; sources and what they mean are in the table's header."""
    return _packaged()


def shaken_facilities(
    facilities: gpd.GeoDataFrame,
    shaking: xr.Dataset,
    *,
    thresholds: Mapping[str, Threshold] | None = None,
    excluded: Collection[int] = (),
) -> gpd.GeoDataFrame:
    """Return the facilities with the columns of `FACILITY_COLUMNS`, the likeliest exceeded first, the unknown last.

    Equal probabilities are ordered by the ratio of shaking to threshold, then as given. Unknown is said in `state` and
    is not unlikely.

    Parameters
    ----------
    facilities
        Points with `name` and `kind`, and optionally `operator`, `country`, and the facility's own threshold:
        `measure`, `threshold`, `threshold_units` and `threshold_dispersion` (NaN or absent: the kind's).
    shaking
        On one grid, with units: medians (`pga`, ..., `mmi`), deviations (`pga_std`, ln units; `mmi_std`, intensity), and
        optionally `exclusion` (codes; 0 inside the method's range).
    thresholds
        By kind; `default_thresholds` where not given.
    excluded
        Codes of `exclusion` under which the shaking is not to be used; under the others it is `limited`.

    Raises
    ------
    InputError
        Where a column is missing, a geometry is no point, a threshold is not positive, or the shaking lacks its
        measure or deviation.
    UnitsError
        Where a threshold's units are not those of its measure.
    """
    _refuse(facilities)
    known = default_thresholds() if thresholds is None else thresholds
    table = _prepared(facilities, _chosen(facilities, known))
    points = facilities.geometry.to_crs(geobox_of(shaking).crs)
    where = places(shaking, points.x.to_numpy(), points.y.to_numpy())
    for measure in sorted(set(table["measure"].dropna())):
        rows = (table["measure"] == measure).to_numpy()
        _estimate(table, rows, shaking, measure, Places(*(part[rows] for part in where)))
    _say_state(table, shaking, where, excluded)
    ratio = table["shaking"] / table["threshold"]
    order = np.lexsort((np.arange(len(table)), -ratio.fillna(-np.inf), -table["probability"].fillna(-1.0)))
    ordered = table.assign(geometry=facilities.geometry.to_numpy()).iloc[order].reset_index(drop=True)
    columns = [name for name, *_ in FACILITY_COLUMNS]
    return gpd.GeoDataFrame(ordered[columns], geometry="geometry", crs=facilities.crs)


def exceedance(
    shaking: npt.ArrayLike, deviation: npt.ArrayLike, threshold: npt.ArrayLike, dispersion: npt.ArrayLike, *, measure: str
) -> Array:
    """Return the probability that a threshold was exceeded; NaN where the shaking or its deviation is unknown.

    Parameters
    ----------
    shaking, threshold
        Medians in the same units.
    deviation, dispersion
        Of the natural logarithms; for `measure` "mmi" of the values. Where both are 0 the threshold is reached or not.
    """
    x, s, t, d = (np.asarray(a, dtype=np.float64) for a in (shaking, deviation, threshold, dispersion))
    spread = np.hypot(s, d)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        above = x - t if measure == _INTENSITY else np.log(x / t)
        likely = ndtr(above / np.where(spread > 0.0, spread, 1.0))
    known = np.isfinite(x) & np.isfinite(spread)
    return np.where(known, np.where(spread > 0.0, likely, above >= 0.0), np.nan)


def _estimate(table: pd.DataFrame, rows: npt.NDArray[np.bool_], shaking: xr.Dataset, measure: str, where: Places) -> None:
    """Fill in the shaking and probability of the rows whose threshold is of one measure."""
    if not {measure, f"{measure}_std"} <= set(shaking):
        raise InputError(f"shaking: found {sorted(map(str, shaking))}; expected {measure} and {measure}_std")
    median, unit = shaking[measure], str(shaking[measure].attrs.get("units", ""))
    is_log = measure != _INTENSITY
    value = bilinear(median, where, logarithmic=is_log)
    deviation = bilinear(shaking[f"{measure}_std"], where)
    given = xr.DataArray(table.loc[rows, "threshold"].to_numpy(float))
    converted = np.empty(given.size)
    for source in set(table.loc[rows, "threshold_units"]):
        same = (table.loc[rows, "threshold_units"] == source).to_numpy()
        converted[same] = units.convert(given[same], source, unit).to_numpy()
    dispersion = table.loc[rows, "threshold_dispersion"].to_numpy(float)
    step = np.exp(deviation) if is_log else deviation
    table.loc[rows, "shaking"] = value
    table.loc[rows, "shaking_low"] = value / step if is_log else value - step
    table.loc[rows, "shaking_high"] = value * step if is_log else value + step
    table.loc[rows, "threshold"] = converted
    table.loc[rows, "shaking_units"] = unit
    table.loc[rows, "probability"] = exceedance(value, deviation, converted, dispersion, measure=measure)


def _say_state(table: pd.DataFrame, shaking: xr.Dataset, where: Places, excluded: Collection[int]) -> None:
    """Fill in `exclusion` and `state`, and take away what is excluded."""
    codes = nearest(shaking["exclusion"], where) if "exclusion" in shaking else np.where(where.inside, 0.0, np.nan)
    outside, barred, unread, unnamed = UNKNOWN_STATES
    table["exclusion"] = codes
    conditions = [
        (~where.inside, outside),
        (table["measure"].isna().to_numpy(), unnamed),
        (np.isin(codes, [float(code) for code in excluded]), barred),
        (table["probability"].isna().to_numpy(), unread),
        (codes != 0.0, LIMITED),
    ]
    table["state"] = np.select([c for c, _ in conditions], [text for _, text in conditions], default=ESTIMATED)
    numbers = ["probability", "shaking", "shaking_low", "shaking_high"]
    table.loc[table["state"].isin(UNKNOWN_STATES), numbers] = np.nan


def _chosen(facilities: gpd.GeoDataFrame, known: Mapping[str, Threshold]) -> list[Threshold | None]:
    """Return each facility's own threshold, else its kind's, else none."""
    columns = ("name", "kind", "measure", "threshold", "threshold_units", "threshold_dispersion")
    rows = zip(*(_column(facilities, name) for name in columns), strict=True)
    return [known.get(kind) if pd.isna(own[1]) else _own(name, *own) for name, kind, *own in rows]


def _own(name: str, measure: str | None, value: float, unit: str | None, dispersion: float | None) -> Threshold:
    if pd.isna(measure) or pd.isna(unit):
        raise InputError(f"facility {name!r}: found a threshold of {value}; expected its measure and threshold_units too")
    return Threshold(str(measure), float(value), str(unit), 0.0 if pd.isna(dispersion) else float(dispersion), "", "facility")


def _column(facilities: gpd.GeoDataFrame, name: str) -> npt.NDArray[Any]:
    """Return a column's values, none where there is no such column."""
    return facilities[name].to_numpy() if name in facilities else np.full(len(facilities), None, dtype=object)


def _prepared(facilities: gpd.GeoDataFrame, rows: Sequence[Threshold | None]) -> pd.DataFrame:
    """Return the facilities' own columns and the threshold of each, the estimates unknown as yet."""
    table = pd.DataFrame({name: _column(facilities, name) for name in ("name", "kind", "operator", "country")})
    for threshold in rows:
        if threshold is not None and not (threshold.value > 0.0 and threshold.dispersion >= 0.0):
            raise InputError(f"threshold {threshold}: expected a positive value, no negative dispersion")
    texts = {"measure": "measure", "threshold_units": "units", "threshold_meaning": "meaning", "threshold_source": "source"}
    for column, name in texts.items():
        table[column] = pd.Series([None if t is None else getattr(t, name) for t in rows], dtype=object)
    table["threshold"] = [math.nan if t is None else t.value for t in rows]
    table["threshold_dispersion"] = [math.nan if t is None else t.dispersion for t in rows]
    table["shaking_units"] = pd.Series([None] * len(rows), dtype=object)
    return table.assign(probability=math.nan, shaking=math.nan, shaking_low=math.nan, shaking_high=math.nan)


def _refuse(facilities: gpd.GeoDataFrame) -> None:
    missing = {"name", "kind"} - set(facilities.columns)
    if missing or facilities.crs is None:
        raise InputError(
            f"facilities: found columns {list(facilities.columns)}, CRS {facilities.crs}; expected name, kind, a CRS"
        )
    if not (facilities.geometry.geom_type == "Point").all():
        raise InputError(f"facilities: found {sorted(set(facilities.geometry.geom_type.dropna()))}; expected points")


@cache
def _packaged() -> Mapping[str, Threshold]:
    text = files(__package__).joinpath("facility_thresholds.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType(
        {
            row["kind"]: Threshold(
                row["measure"], float(row["value"]), row["units"], float(row["dispersion"]), row["meaning"], row["source"]
            )
            for row in rows
        }
    )

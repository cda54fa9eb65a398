"""Exposure: how many people felt which intensity, by district and country.

Classes are those of USGS's PAGER (losspager, models/exposure.py): class i holds intensities of [i - 0.5, i + 0.5).
People are counted in multiples of 2^-20 of a person, which double precision adds exactly up to eight thousand million:
sums are therefore the same bytes in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from pipeline.errors import InputError

Array = npt.NDArray[np.float64]

#: Intensity classes, I to X.
CLASSES = tuple(range(1, 11))
#: PAGER's code of "no country" (not the United Kingdom, which is GB): its people are counted, but in no loss model.
UNKNOWN_COUNTRY = "UK"
#: Steps in which people are counted, per person.
_STEPS = 2.0**20
#: Most people that are added exactly in those steps.
_MOST_PEOPLE = 2.0**53 / _STEPS
#: Edges between the classes.
_EDGES = np.arange(1.5, 10.0)

#: (column, units, meaning, HXL tag) of what `exposure_table` adds to a table of zones.
EXPOSURE_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    *((f"population_mmi{i}", "1", f"people at intensity {i}", f"#population+mmi{i}") for i in CLASSES),
    ("population_shaking_unknown", "1", "people where the shaking is unknown", "#population+mmi_unknown"),
    ("population", "1", "people in all cells with population data", "#population+total"),
    ("cells_without_population", "1", "cells without population data: their people are not counted", "#meta+cells+nodata"),
)
#: The same of the columns added where the deviation of the intensity is given.
EXPECTED_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    *(
        (f"expected_mmi{i}", "1", f"expected people at intensity {i}, its deviation considered", f"#population+expected+mmi{i}")
        for i in CLASSES
    ),
    ("expected_unknown", "1", "people where intensity or its deviation is unknown", "#population+expected+mmi_unknown"),
)
#: The same of the columns a table of zones may have.
ZONE_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("country", "1", "ISO 3166-1 alpha-2 code of the country", "#country+code+v_iso2"),
    ("country_name", "1", "name of the country", "#country+name"),
    ("admin1", "1", "code of the province", "#adm1+code"),
    ("admin1_name", "1", "name of the province", "#adm1+name"),
    ("admin2", "1", "code of the district", "#adm2+code"),
    ("admin2_name", "1", "name of the district", "#adm2+name"),
)


@dataclass(frozen=True, slots=True)
class Exposure:
    """People by zone and intensity class."""

    population: Array
    """(zone, 11), people: column 0 where the shaking is unknown, column i at intensity i. The last row is of no zone."""
    unpopulated: npt.NDArray[np.int64]
    """(zone,), cells without population data."""
    expected: Array | None = None
    """Like `population`, each cell spread over the classes by the deviation of its intensity."""


def intensity_class(mmi: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the class 1 to 10 of an intensity, 0 where it is unknown; below I counts as 1, above X as 10."""
    values = np.asarray(mmi, dtype=np.float64)
    known = np.isfinite(values)
    rounded = np.floor(np.where(known, values, 0.0) + 0.5)
    return np.where(known, np.clip(rounded, 1, 10), 0).astype(np.int64)


def exposure(
    mmi: npt.ArrayLike,
    population: npt.ArrayLike,
    zone: npt.ArrayLike,
    *,
    zones: int,
    mmi_std: npt.ArrayLike | None = None,
) -> Exposure:
    """Return how many people are exposed to each intensity, by zone, in one pass over the cells.

    Parameters
    ----------
    mmi
        Modified Mercalli intensity of each cell; NaN unknown.
    population
        People in each cell (a count, not a density); NaN no data, which is counted apart and never as nobody.
    zone
        Row of each cell in the table of zones; -1 in none.
    zones
        Number of rows of that table.
    mmi_std
        Standard deviation of `mmi`, intensity units; NaN unknown. With it, `expected` holds the people times the
        probability that a cell's intensity, normally distributed, lies in each class. Those are expectations, right
        for one cell or many; the deviations of neighbouring cells are alike, so that the spread about them does not
        shrink with the number of cells.

    Raises
    ------
    InputError
        Where the arrays differ in shape, people are negative or more than can be added exactly, or a zone is not in
        the table.
    """
    intensities, people, rows = (np.asarray(a).ravel() for a in (mmi, population, zone))
    _refuse(intensities, people, rows, zones)
    rows = np.where(rows < 0, zones, rows).astype(np.int64)
    known = np.isfinite(people)
    unpopulated = np.bincount(rows[~known], minlength=zones + 1)
    lived_in = known & (people > 0)
    counted = np.round(people[lived_in].astype(np.float64) * _STEPS) / _STEPS
    if counted.sum() > _MOST_PEOPLE:
        raise InputError(f"population: found {counted.sum():.3g} people; expected at most {_MOST_PEOPLE:.3g}")
    rows, intensities = rows[lived_in], intensities[lived_in]
    by_class = np.bincount(rows * 11 + intensity_class(intensities), weights=counted, minlength=(zones + 1) * 11)
    expected = None
    if mmi_std is not None:
        deviations = np.broadcast_to(np.asarray(mmi_std), np.shape(mmi)).ravel()[lived_in]
        expected = _expected(intensities.astype(np.float64), deviations.astype(np.float64), counted, rows, zones)
    return Exposure(by_class.astype(np.float64).reshape(zones + 1, 11), unpopulated, expected)


def exposure_table(exposed: Exposure, zones: pd.DataFrame) -> pd.DataFrame:
    """Return the table of zones with the columns of `EXPOSURE_COLUMNS` (and `EXPECTED_COLUMNS`), by zone.

    The last row, whose columns of the zone are empty, is of the cells in no zone: the table holds every person.

    Raises
    ------
    InputError
        Where the table is not the one the exposure was counted by.
    """
    if len(zones) != len(exposed.population) - 1:
        raise InputError(f"zones: found {len(zones)} rows; expected {len(exposed.population) - 1}, as in the exposure")
    whole = dict.fromkeys(zones.select_dtypes("integer").columns, "Int64")
    table = zones.astype(whole).reset_index(drop=True).reindex(range(len(zones) + 1))
    return table.assign(**_columns(exposed))


def by_country(exposed: Exposure, countries: pd.Series) -> dict[str, Array]:
    """Return people at intensities 1 to 10 by country, as the loss models take them.

    Parameters
    ----------
    exposed
        By zone.
    countries
        ISO 3166-1 alpha-2 code of each zone; missing, or cells in no zone: `UNKNOWN_COUNTRY`.
    """
    codes = [*countries.where(countries.notna(), UNKNOWN_COUNTRY), UNKNOWN_COUNTRY]
    if len(codes) != len(exposed.population):
        raise InputError(f"countries: found {len(codes) - 1}; expected one for each of {len(exposed.population) - 1} zones")
    names, index = np.unique(np.array(codes, dtype=str), return_inverse=True)
    sums = np.zeros((len(names), 11))
    np.add.at(sums, index, exposed.population)
    return {str(name): row[1:] for name, row in zip(names, sums, strict=True) if row.any()}


def _refuse(mmi: npt.NDArray[Any], people: npt.NDArray[Any], rows: npt.NDArray[Any], zones: int) -> None:
    if not mmi.size == people.size == rows.size:
        raise InputError(f"exposure: found {mmi.size}, {people.size} and {rows.size} cells; expected one grid")
    if not np.issubdtype(rows.dtype, np.integer) or (rows.size and (rows.min() < -1 or rows.max() >= zones)):
        raise InputError(f"zone: expected whole numbers from -1 to {zones - 1}, found {rows.dtype} beyond them")
    if np.any(people < 0):
        raise InputError("population: found negative counts; expected people, NaN where unknown")


def _expected(mmi: Array, deviation: Array, people: Array, rows: npt.NDArray[np.int64], zones: int) -> Array:
    """Return people spread over the classes; cumulated shares are rounded, so that each cell keeps all its people."""
    known = np.isfinite(mmi) & np.isfinite(deviation) & (deviation >= 0)
    found = np.zeros((zones + 1, 11))
    found[:, 0] = np.bincount(rows[~known], weights=people[~known], minlength=zones + 1)
    mmi, deviation, people, rows = mmi[known], deviation[known], people[known], rows[known]
    below = np.zeros_like(people)
    for number, edge in zip(CLASSES[:-1], _EDGES, strict=True):
        up_to = np.round(people * _below(edge, mmi, deviation) * _STEPS) / _STEPS
        found[:, number] = np.bincount(rows, weights=up_to - below, minlength=zones + 1)
        below = up_to
    found[:, 10] = np.bincount(rows, weights=people - below, minlength=zones + 1)
    return found


def _below(edge: float, mmi: Array, deviation: Array) -> Array:
    """Return the probability that an intensity is below an edge; without deviation it is below or not."""
    with np.errstate(over="ignore"):
        standard = (edge - mmi) / np.where(deviation > 0, deviation, 1.0)
    return np.where(deviation > 0, ndtr(standard), mmi < edge)


def _columns(exposed: Exposure) -> Mapping[str, npt.NDArray[np.generic]]:
    columns: dict[str, npt.NDArray[np.generic]] = {f"population_mmi{i}": exposed.population[:, i] for i in CLASSES}
    columns["population_shaking_unknown"] = exposed.population[:, 0]
    columns["population"] = exposed.population.sum(axis=1)
    columns["cells_without_population"] = exposed.unpopulated
    if exposed.expected is not None:
        columns |= {f"expected_mmi{i}": exposed.expected[:, i] for i in CLASSES}
        columns["expected_unknown"] = exposed.expected[:, 0]
    return columns

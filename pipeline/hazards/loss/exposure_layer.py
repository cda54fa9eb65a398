"""The layer `exposure`: people by intensity and district, PAGER's losses by country, and who is in none of the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import InputError
from pipeline.grid import geobox_of
from pipeline.hazards.loss import exposure as people
from pipeline.hazards.loss import pager
from pipeline.hazards.loss.zones import COLUMNS, zone_of_cells, zone_table
from pipeline.layer import Answers, Declared, Rows, Table, Variable, layer, tabulate

#: Least intensity at which people and wealth are in the loss models.
_MODELLED = 5
#: Level of an alert that cannot be known; no colour of PAGER's.
UNKNOWN_LEVEL = "unknown"

#: (column, units, meaning, HXL tag) of the table by district.
DISTRICT_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    *(column for name in COLUMNS for column in people.ZONE_COLUMNS if column[0] == name),
    *(column for column in people.EXPOSURE_COLUMNS if column[0] == "population"),
    ("mmi6_or_more", "1", "people at intensity VI or more", "#population+mmi6plus"),
    ("mmi7_or_more", "1", "people at intensity VII or more", "#population+mmi7plus"),
    ("mmi8_or_more", "1", "people at intensity VIII or more", "#population+mmi8plus"),
    *(column for column in people.EXPOSURE_COLUMNS if column[0] != "population"),
    ("cells", "1", "cells of the grid in the district", "#meta+cells"),
    *people.EXPECTED_COLUMNS,
)
#: The same of the table of who is not, or not surely, in the numbers.
UNCOUNTED_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("code", "1", "0 counted, else why not or not surely", "#meta+exclusion"),
    ("reason", "1", "the same in words", "#meta+exclusion+name"),
    ("people", "1", "people concerned; empty where nobody knows", "#population+uncounted"),
    ("cells", "1", "cells concerned", "#meta+cells"),
)
#: Why people are not, or not surely, in the numbers.
REASONS = {
    0: "counted at a known intensity",
    1: "population unknown: counted nowhere",
    2: "shaking unknown: in no intensity and no loss model",
    3: "shaking limited by its method: counted all the same",
    4: "intensity without deviation: not in the expected numbers",
    5: "in no known country (none, or no code of ISO 3166-1): in no loss model",
}


def described(columns: tuple[tuple[str, str, str, str], ...], texts: tuple[str, ...], **rest: Any) -> dict[str, Any]:
    """Return what `Table` takes of a list of columns: their Variables and HXL tags."""
    variables = {
        name: Variable(unit, meaning, dtype="object" if name in texts else "float64")
        for name, unit, meaning, _ in columns
        if name != "geometry"
    }
    return {"columns": variables, "hxl": {name: tag for name, _, _, tag in columns if name != "geometry"}, **rest}


def _zones(long_name: str, *names: str) -> Table:
    columns = {
        "id": Variable("1", "code of the district", dtype="object"),
        "name": Variable("1", "name of the district", dtype="object"),
        "country": Variable("1", "ISO 3166-1 code, two or three letters; any other: none known", dtype="object"),
        "geometry": Variable("1", "polygon in degrees, as well-known bytes", dtype="object"),
    }
    return Table(long_name, {name: columns[name] for name in names}, optional=True)


_INPUTS: dict[str, Declared] = {
    "mmi": Variable("1", "median Modified Mercalli intensity"),
    "mmi_std": Variable("1", "standard deviation of Modified Mercalli intensity"),
    "population": Variable("1", "people in each cell: a count, its sum kept when it is regridded"),
    "shaking_exclusion": Variable("1", "exclusion of the shaking, 0 where it stands", optional=True),
    "areas": _zones("districts", "id", "name", "country", "geometry"),
    "countries": _zones("countries, for what is in no district", "country", "geometry"),
}
_TABLES = {
    "districts": Table("People by intensity and district", **described(DISTRICT_COLUMNS, COLUMNS)),
    "countries": Table(
        "Losses by country, PAGER's empirical models",
        **described(pager.COUNTRY_LOSS_COLUMNS, ("country", "fatality_model", "economic_model"), inline=True),
    ),
    "alert": Table(
        "PAGER's scale of likely impact; no severity of a warning",
        **described(pager.ALERT_COLUMNS, ("kind", "level", "combined_level", "range_level"), inline=True),
    ),
    "uncounted": Table("Who is not, or not surely, in the numbers", **described(UNCOUNTED_COLUMNS, ("reason",), inline=True)),
}


@layer(
    title="People exposed to an earthquake, and likely losses",
    inputs=_INPUTS,
    tables=_TABLES,
    answers=Answers(estimate="districts", uncertainty="alert", exclusion="uncounted"),
    source="Jaiswal and Wald (2010); (2013), 10.1193/1.4000104; Wald et al. (2011), 10.1061/(ASCE)NH.1527-6996.0000040",
    doi="10.1193/1.3480331",
    version="1.0.0",
    blockwise=False,
)
def exposure(
    mmi: xr.DataArray,
    mmi_std: xr.DataArray,
    population: xr.DataArray,
    shaking_exclusion: xr.DataArray,
    areas: xr.Dataset,
    countries: xr.Dataset,
    *,
    gdp_per_capita: Mapping[str, float] | None = None,
    total_term: bool = True,
    max_unknown: float = 0.5,
) -> Mapping[str, Rows]:
    """Return the people exposed by intensity and district, losses by country, PAGER's scale, and who is not in the numbers.

    A cell's people belong to the district its centre lies in. Where a district or the whole grid has no population data,
    its numbers are unknown (empty), never nobody.

    Parameters
    ----------
    mmi, mmi_std
        NaN unknown; below I counts as I, above X as X.
    population
        People; NaN unknown.
    shaking_exclusion
        Codes; 0 or NaN where the shaking stands by itself.
    areas
        Districts; without any all people are in one row without a name. Where two overlap the first one counts.
    countries
        Tell the country of what is in no district; without one people are counted, but in no loss model.
    gdp_per_capita
        USD in the year of the event by country (alpha-2), in place of the models' values of about 2008.
    total_term
        As in `pager.fatalities`.
    max_unknown
        Share beyond which the scale is "unknown", not a colour: of the people who may be hit (intensity V or more, or
        unknown) those in no loss model, or of the cells that may be hit those without population data.

    Raises
    ------
    InputError
        Where a table is not what it should be, or a parameter is no share.
    """
    if not 0.0 <= max_unknown <= 1.0:
        raise InputError(f"exposure: max_unknown {max_unknown}: expected a share from 0 to 1")
    found: Any = tabulate(
        _tables,
        *(mmi, mmi_std, population, shaking_exclusion, areas, countries),
        geobox=geobox_of(mmi),
        gdp={str(country): float(value) for country, value in (gdp_per_capita or {}).items()},
        total_term=bool(total_term),
        max_unknown=float(max_unknown),
    )
    return {name: found[name] for name in _TABLES}


def _tables(
    mmi: people.Array,
    mmi_std: people.Array,
    population: people.Array,
    limited: people.Array,
    areas: xr.Dataset,
    countries: xr.Dataset,
    *,
    geobox: GeoBox,
    gdp: Mapping[str, float],
    total_term: bool,
    max_unknown: float,
) -> Any:
    zones = zone_table(areas, countries)
    zone = zone_of_cells(geobox, zones.pop("geometry").to_numpy())
    counted = np.where(population < 0, np.nan, population)
    exposed = people.exposure(mmi, counted, zone, zones=len(zones), mmi_std=mmi_std)
    by_country = people.by_country(exposed, zones["country"])
    deaths = pager.fatalities(by_country, total_term=total_term)
    economic = pager.economic_losses(pager.economic_exposure(by_country, gdp), total_term=total_term)
    alert = pager.alert_table(deaths, economic)
    if max(_unmodelled(exposed, by_country), _unpopulated(mmi, counted)) > max_unknown:
        alert = _unknown(alert)
    return {
        "districts": _districts(exposed, zones, zone),
        "countries": pager.country_losses(by_country, deaths, economic, gdp),
        "alert": alert,
        "uncounted": _uncounted(mmi, mmi_std, counted, limited, zones["country"].notna().to_numpy(dtype=bool), zone),
    }


def _districts(exposed: people.Exposure, zones: pd.DataFrame, zone: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Return the districts on the grid, most people at VI or more first, what is in none last."""
    table = people.exposure_table(exposed, zones)
    cells = np.bincount(np.where(zone < 0, len(zones), zone).ravel(), minlength=len(zones) + 1)
    table["cells"] = cells
    for least in (6, 7, 8):
        table[f"mmi{least}_or_more"] = exposed.population[:, least:].sum(axis=1)
    names = [name for name, *_ in DISTRICT_COLUMNS]
    numbers = [name for name in names if name.startswith(("population", "mmi", "expected"))]
    unknown = (table["cells"] == table["cells_without_population"]).to_numpy()
    order = np.lexsort((-table["population"], -table["mmi6_or_more"], np.arange(len(table)) == len(zones)))
    table.loc[unknown, numbers] = np.nan
    ordered = table.iloc[[place for place in order if cells[place]]]
    return ordered[names].reset_index(drop=True)


def _unpopulated(mmi: people.Array, population: people.Array) -> float:
    """Return the share of the cells that may be hit whose population is unknown; of all cells where none is hit."""
    hit = (people.intensity_class(mmi) >= _MODELLED) | ~np.isfinite(mmi)
    unknown = ~np.isfinite(population)
    return float(unknown[hit].mean() if hit.any() else unknown.mean())


def _unmodelled(exposed: people.Exposure, by_country: Mapping[str, people.Array]) -> float:
    """Return the share of the people who may be hit that no loss model counts."""
    lost = exposed.population[:, 0].sum() + by_country.get(people.UNKNOWN_COUNTRY, np.zeros(10))[_MODELLED - 1 :].sum()
    hit = exposed.population[:, 0].sum() + sum(row[_MODELLED - 1 :].sum() for row in by_country.values())
    return float(lost / hit) if hit > 0 else 0.0


def _unknown(alert: pd.DataFrame) -> pd.DataFrame:
    """Return the scale with every number unknown; no colour stands for "not known"."""
    blank = alert.assign(level=UNKNOWN_LEVEL, combined_level=UNKNOWN_LEVEL)
    return blank.assign(expected=np.nan, deviation=np.nan, probability=np.nan)


def _uncounted(
    mmi: people.Array,
    mmi_std: people.Array,
    population: people.Array,
    limited: people.Array,
    in_country: np.ndarray[Any, Any],
    zone: np.ndarray[Any, Any],
) -> pd.DataFrame:
    known, shaken = np.isfinite(population), np.isfinite(mmi)
    conditions = {
        0: known & shaken,
        1: ~known,
        2: known & ~shaken,
        3: known & shaken & np.isfinite(limited) & (limited != 0),
        4: known & shaken & ~np.isfinite(mmi_std),
        5: known & ~np.append(in_country, False)[zone],
    }
    rows = [
        (code, REASONS[code], float(np.sum(population[cells], dtype=np.float64)) if code != 1 else np.nan, int(cells.sum()))
        for code, cells in conditions.items()
    ]
    return pd.DataFrame(rows, columns=[name for name, *_ in UNCOUNTED_COLUMNS])

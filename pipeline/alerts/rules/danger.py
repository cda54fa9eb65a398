"""The rule `danger_class`: the class that is reached on a share of each area's known cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr

from pipeline.alerts.assessment import LEVELS, Assessment, Level, highest
from pipeline.alerts.rules import table, zones
from pipeline.alerts.rules.parameters import DangerClass, parsed
from pipeline.errors import ConfigError
from pipeline.grid import geobox_of


def danger_class(
    dataset: xr.Dataset, areas: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, parameters: Mapping[str, Any]
) -> Assessment:
    """Return the level of each area by the danger class reached on at least `share` of its known cells.

    Parameters
    ----------
    dataset
        `danger` (codes that ascend with danger; labels in attrs `flag_values`, `flag_meanings`) and `exclusion`
        (0 inside the method's range), uint8 with 255 for unknown; dims (y, x).
    areas, places
        As the package says.
    parameters
        Fields of `parameters.DangerClass`.

    Raises
    ------
    ConfigError
        Where the parameters are wrong or name a class the data do not have.
    """
    rule = parsed(DangerClass, "danger_class", parameters)
    codes = {level: _code(dataset[rule.variable], name) for level, name in rule.levels.items()}
    conditions: dict[str, tuple[str, int]] = {level: (rule.variable, code) for level, code in codes.items()}
    found = zones.shares(dataset, areas, geobox_of(dataset), conditions)
    judged: list[tuple[Level | None, Level | None, float]] = []
    for number in range(len(found.areas)):
        shares = {level: float(found.met[level][number]) for level in LEVELS if level in codes}
        reached = highest(level for level, share in shares.items() if share >= rule.share)
        held = highest(level for level, share in shares.items() if share >= rule.share * (1.0 - rule.hysteresis))
        least = next(iter(shares))
        judged.append((reached, held, shares[reached or least]))
    impacts, exposed = table.share_impacts(found, places, judged=judged, max_unknown=rule.max_unknown)
    affected = [impact for impact in impacts if impact.level]
    return Assessment(
        level=highest(impact.level for impact in impacts),
        complete=bool(impacts) and all(impact.observed for impact in impacts),
        areas=impacts,
        places=exposed,
        facts={
            "share": max((impact.value or 0.0 for impact in affected), default=0.0),
            "unknown_share": max((impact.unknown_share for impact in affected), default=0.0),
            "population": sum(impact.population for impact in affected),
        },
        certainty="Likely",
    )


def _code(array: xr.DataArray, name: int | str) -> int:
    """Return the code of a class given by code or label."""
    if isinstance(name, int):
        return name
    meanings = str(array.attrs.get("flag_meanings", "")).split()
    labels = dict(zip(meanings, np.atleast_1d(array.attrs.get("flag_values", [])), strict=False))
    wanted = name.replace(" ", "_")
    if wanted not in labels:
        raise ConfigError(f"alert rule danger_class: field levels: found class {name!r}, expected one of {meanings}")
    return int(labels[wanted])

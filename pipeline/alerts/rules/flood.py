"""The rule `area_fraction`: the flooded share of each area among its known cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import xarray as xr

from pipeline.alerts.assessment import LEVELS, Assessment, Level, highest
from pipeline.alerts.rules import table, zones
from pipeline.alerts.rules.parameters import AreaFraction, parsed
from pipeline.grid import geobox_of


def area_fraction(
    dataset: xr.Dataset, areas: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, parameters: Mapping[str, Any]
) -> Assessment:
    """Return the level of each area by its flooded share.

    Parameters
    ----------
    dataset
        `flooded` (0, 1) and `exclusion` (0 inside the method's range), uint8 with 255 for unknown; dims (y, x).
    areas, places
        As the package says.
    parameters
        Fields of `parameters.AreaFraction`.

    Raises
    ------
    ConfigError
        Where the parameters are wrong.
    """
    rule = parsed(AreaFraction, "area_fraction", parameters)
    found = zones.shares(dataset, areas, geobox_of(dataset), {"met": (rule.variable, 1)})
    judged = [(_level(share, rule.levels), _level(share, rule.levels, rule.hysteresis), share) for share in found.met["met"]]
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
    )


def _level(share: float, levels: Mapping[Level, float], hysteresis: float = 0.0) -> Level | None:
    reached = [level for level in LEVELS if level in levels and share >= levels[level] * (1.0 - hysteresis)]
    return None if math.isnan(share) else highest(reached)

"""The rules that turn a product into an `Assessment`: pure functions of the data, the areas, the places and thresholds.

    RULES["area_fraction"](dataset, areas, places, parameters={"levels": {"moderate": 0.02, "severe": 0.10}})

`areas` has columns id, name, geometry, and where known names ({language: name}) or name_<language>, country,
languages, geocode; `places` is what `places.load` returns. Unknown cells are never counted as free of the hazard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import geopandas as gpd
import xarray as xr
from pydantic import BaseModel

from pipeline.alerts.assessment import Assessment
from pipeline.alerts.rules import parameters as thresholds
from pipeline.alerts.rules.danger import danger_class
from pipeline.alerts.rules.flood import area_fraction
from pipeline.alerts.rules.shaking import mmi_exposure
from pipeline.errors import ConfigError


class Rule(Protocol):
    """What every rule looks like."""

    def __call__(
        self, dataset: xr.Dataset, areas: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, parameters: Mapping[str, Any]
    ) -> Assessment:
        """Return the assessment of one product."""


RULES: dict[str, Rule] = {"mmi_exposure": mmi_exposure, "area_fraction": area_fraction, "danger_class": danger_class}

_PARAMETERS: dict[str, type[BaseModel]] = {
    "mmi_exposure": thresholds.MmiExposure,
    "area_fraction": thresholds.AreaFraction,
    "danger_class": thresholds.DangerClass,
}


def check(rule: str, parameters: Mapping[str, Any]) -> None:
    """Raise ConfigError where the rule is unknown or refuses its parameters; reads no data."""
    if rule not in RULES:
        raise ConfigError(f"alert rule {rule!r}: expected one of {sorted(RULES)}")
    thresholds.parsed(_PARAMETERS[rule], rule, parameters)

"""Aftershocks: how many are to be expected after an earthquake, and how sure that is."""

from pipeline.hazards.aftershocks.forecast import FORECAST_COLUMNS, aftershock_forecast
from pipeline.hazards.aftershocks.rate import (
    GLOBAL_CATALOGUE,
    LOCAL_CATALOGUE,
    Completeness,
    Generic,
    generic,
    search_radius,
    smallest_counted,
)

__all__ = [
    "FORECAST_COLUMNS",
    "GLOBAL_CATALOGUE",
    "LOCAL_CATALOGUE",
    "Completeness",
    "Generic",
    "aftershock_forecast",
    "generic",
    "search_radius",
    "smallest_counted",
]

"""The layer `aftershocks`: what is to be expected after an earthquake, and which events that rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.hazards.aftershocks.forecast import FORECAST_COLUMNS, MAGNITUDES, WINDOWS, aftershock_forecast, watch
from pipeline.hazards.aftershocks.rate import CATALOGUES, Array, Completeness, generic, smallest_counted
from pipeline.layer import Answers, Declared, Rows, Table, Variable, layer, tabulate

#: (column, units, meaning, HXL tag) of what the events given counted for.
EVENT_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("code", "1", "0 used, else why not or with which caveat", "#meta+exclusion"),
    ("reason", "1", "the same in words", "#meta+exclusion+name"),
    ("events", "1", "events concerned", "#meta+events"),
)
#: What becomes of an event, and from 4 on: what limits the forecast.
REASONS = {
    0: "used: above the magnitude of completeness",
    1: "not used: below the magnitude of completeness",
    2: "not used: magnitude unknown",
    3: "not used: not in the time between the mainshock and now that was watched",
    4: "larger than the mainshock: forecast from that event instead",
    5: "magnitude of the mainshock unknown: no forecast",
    6: "nothing was watched since the mainshock: forecast of the regime alone, no sign of few aftershocks",
    7: "watched for a part of the time only: aftershocks of the rest are not known",
}

_INPUTS: dict[str, Declared] = {
    "magnitude": Variable("1", "magnitude of the mainshock", on="scalar"),
    "elapsed": Variable("days", "time from the mainshock to the moment that is forecast from", on="scalar"),
    "watched_from": Variable("days", "begin of the time in which events would be known", on="scalar", optional=True),
    "watched_until": Variable("days", "its end; unknown: nothing was watched", on="scalar", optional=True),
    "sequence": Table(
        "events near the mainshock, after it",
        {
            "days": Variable("days", "time since the mainshock", dtype="float64"),
            "magnitude": Variable("1", "magnitude; NaN unknown", dtype="float64"),
        },
        optional=True,
    ),
}


def _table(long_name: str, columns: tuple[tuple[str, str, str, str], ...], *texts: str) -> Table:
    variables = {
        name: Variable(unit, meaning, dtype="object" if name in texts else "float64") for name, unit, meaning, _ in columns
    }
    return Table(long_name, variables, hxl={name: tag for name, _, _, tag in columns}, inline=True)


_TABLES = {
    "forecast": _table("Aftershocks expected, by span and smallest magnitude", FORECAST_COLUMNS, "window"),
    "events": _table("What the events known counted for", EVENT_COLUMNS, "reason"),
}


@layer(
    title="Aftershocks expected after an earthquake",
    inputs=_INPUTS,
    tables=_TABLES,
    answers=Answers(estimate="forecast", uncertainty="forecast", exclusion="events"),
    source="Reasenberg and Jones (1989); Page et al. (2016), 10.1785/0120160073; Michael et al. (2020), 10.1785/0220190196",
    doi="10.1126/science.243.4895.1173",
    version="1.1.0",
    blockwise=False,
)
def aftershocks(
    magnitude: xr.DataArray,
    elapsed: xr.DataArray,
    watched_from: xr.DataArray,
    watched_until: xr.DataArray,
    sequence: xr.Dataset,
    *,
    regime: str = "ANSR-SHALCON",
    catalogue: str = "global",
) -> Mapping[str, Rows]:
    """Return the aftershocks expected by span and magnitude, their range and probability, and what the events counted for.

    Nothing is said of where they happen. Spans begin `elapsed` days after the mainshock.

    Parameters
    ----------
    magnitude
        Of the mainshock; where NaN every number of the forecast is unknown.
    elapsed
        Days, 0 or more.
    watched_from, watched_until
        Days since the mainshock; events count, and their absence too, in this time alone. NaN: nothing was watched,
        the forecast is that of the regime.
    sequence
        Within the search radius (`rate.search_radius`).
    regime
        Key of the packaged parameters (`rate.generic`).
    catalogue
        "global" or "local": how complete the events given are.

    Raises
    ------
    InputError
        Where there is no such regime or catalogue, or a time is unknown or negative.
    """
    parameters = generic(regime)
    smallest_counted(catalogue)
    found: Any = tabulate(
        _tables,
        *(magnitude, elapsed, watched_from, watched_until, sequence),
        parameters=parameters,
        completeness=CATALOGUES[catalogue],
    )
    return {name: found[name] for name in _TABLES}


def _tables(
    magnitude: Any, elapsed: Any, begin: Any, end: Any, sequence: xr.Dataset, *, parameters: Any, completeness: Completeness
) -> Any:
    mainshock, now, watched = float(magnitude), float(elapsed), (float(begin), float(end))
    days, sizes = (np.asarray(sequence[name].values, dtype=np.float64) for name in ("days", "magnitude"))
    if math.isnan(mainshock):
        forecast = _unknown(now)
    else:
        forecast = aftershock_forecast(
            *(days, sizes), mainshock=mainshock, now=now, parameters=parameters, completeness=completeness, watched=watched
        )
    return {"forecast": forecast, "events": _counted(days, sizes, mainshock, now, watch(now, watched), completeness)}


def _unknown(now: float) -> pd.DataFrame:
    """Return the spans and magnitudes of a forecast without any number."""
    rows = [(name, now, now + span, size, False) for name, span in WINDOWS for size in MAGNITUDES]
    table = pd.DataFrame(rows, columns=["window", "begin", "end", "magnitude", "is_mainshock"])
    return table.reindex(columns=[name for name, *_ in FORECAST_COLUMNS])


def _counted(
    days: Array, sizes: Array, mainshock: float, now: float, watched: tuple[float, float], completeness: Completeness
) -> pd.DataFrame:
    begin, end = watched
    inside = (days > begin) & (days <= end)
    after = (days > 0.0) & (days <= now)
    known = np.isfinite(sizes)
    complete = np.zeros(days.shape, dtype=bool)
    if not math.isnan(mainshock):
        complete[inside] = sizes[inside] >= completeness(days[inside], mainshock)
    numbers = (
        complete.sum(),
        (inside & known & ~complete).sum(),
        (inside & ~known).sum(),
        (~inside).sum(),
        (after & known & (sizes > mainshock)).sum(),
        int(math.isnan(mainshock)),
        int(begin == end),
        int(begin < end and (begin > 0.0 or end < now)),
    )
    return pd.DataFrame({"code": list(REASONS), "reason": list(REASONS.values()), "events": [int(n) for n in numbers]})

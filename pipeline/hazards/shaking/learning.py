"""What is known of one earthquake, worked out once and then asked for by every cell: prior, and what stations taught."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning import Event, Options, Stations, Update, fit, near, station_residuals
from pipeline.hazards.shaking.conditioning.components import LARGER
from pipeline.hazards.shaking.conditioning.residuals import ABSENT, FLAGS, Residuals
from pipeline.hazards.shaking.ground_motion import Array
from pipeline.hazards.shaking.prior import Earthquake, Prior, rupture_of
from pipeline.hazards.shaking.regimes import models_of
from pipeline.layer import held

#: Cells that the correlation of models is taken over, at most.
_SAMPLE = 65536


class Axes(NamedTuple):
    """Centres of the cells of a geographic grid, and what lies between them; degrees."""

    latitude: Array
    longitude: Array
    spacing: tuple[float, float]
    """Cell height and width."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the cells."""
        high, wide = self.spacing[0] / 2.0, self.spacing[1] / 2.0
        west, east = float(self.longitude.min()) - wide, float(self.longitude.max()) + wide
        return west, float(self.latitude.min()) - high, east, float(self.latitude.max()) + high

    @property
    def stride(self) -> int:
        """Every how many rows and columns a cell is taken into the sample of the grid."""
        return max(1, math.ceil(math.sqrt(self.latitude.size * self.longitude.size / _SAMPLE)))


class Choices(NamedTuple):
    """The parameters of the layer."""

    regimes: tuple[dict[str, Any], ...]
    mechanism: str
    options: Options


class Known(NamedTuple):
    """An earthquake as every block of a grid needs it."""

    prior: Prior
    update: Update | None
    """None where nothing was recorded or felt."""
    residuals: Residuals | None


def learn(*given: Any, axes: Axes, choices: Choices) -> npt.NDArray[np.object_]:
    """Return a `Known` in an array without dimensions; None in it where magnitude or epicentre is unknown.

    Parameters
    ----------
    given
        magnitude, depth (km), longitude, latitude and rake (degrees), single values; rupture and stations, Datasets;
        Vs30 (m/s) of the sample of the grid (every `axes.stride`-th cell), and of the cells the stations stand in.
    axes
        Of the grid.
    choices
        Of the layer.
    """
    magnitude, depth, longitude, latitude, rake = (float(np.asarray(value).reshape(-1)[0]) for value in given[:5])
    rupture, stations, sample, site = given[5:]
    known = np.empty((), object)
    if math.isnan(magnitude) or math.isnan(longitude) or math.isnan(latitude):
        return known
    about = Earthquake(magnitude, depth, longitude, latitude, choices.mechanism, rake)
    models = models_of(choices.regimes, depth, longitude, latitude)
    alone = Prior(about, models, rupture_of(rupture))
    rows, columns = axes.latitude[:: axes.stride], axes.longitude[:: axes.stride]
    prior = Prior(about, models, alone.rupture, alone.correlated(columns[None, :], rows[:, None], sample))
    residuals = _residuals(prior, _usable(stations, axes), _site_of(stations, site, sample), choices.options)
    event = Event(magnitude, prior.is_point)
    update = None if residuals is None else fit(residuals, event, options=choices.options)
    known[()] = Known(prior, update, residuals)
    return known


def station_rows(known: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Return one row for each observation: what was observed, what was expected, and whether it counts."""
    found = held(known)
    residuals = None if found is None else found.residuals
    if residuals is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _STATION_TYPES.items()})
    measure, station = np.nonzero(residuals.flag != ABSENT)
    total = np.hypot(residuals.tau, residuals.phi)
    values = {
        "station_id": residuals.station_id[station],
        "longitude": residuals.longitude[station],
        "latitude": residuals.latitude[station],
        "distance": residuals.distance[station],
        "measure": np.array(residuals.measures)[measure],
        "observed": residuals.observed[measure, station],
        "noise": residuals.noise[measure, station],
        "expected": residuals.predicted[measure, station],
        "deviations": (residuals.residual / total)[measure, station],
        "flag": np.array(FLAGS)[residuals.flag[measure, station]],
    }
    return pd.DataFrame(values).astype(_STATION_TYPES)


def bias_rows(known: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Return by measure by how much the event exceeds what models expect, and from how many observations that is known."""
    found = held(known)
    if found is None or found.update is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _BIAS_TYPES.items()})
    biases: pd.DataFrame = found.update.biases().reset_index().astype(_BIAS_TYPES)
    return biases[list(_BIAS_TYPES)]


_STATION_TYPES = {
    "station_id": "str",
    "longitude": "float64",
    "latitude": "float64",
    "distance": "float64",
    "measure": "str",
    "observed": "float64",
    "noise": "float64",
    "expected": "float64",
    "deviations": "float64",
    "flag": "str",
}
_BIAS_TYPES = {
    "measure": "str",
    "bias": "float64",
    "bias_std": "float64",
    "event_term": "float64",
    "event_std": "float64",
    "observations": "int64",
}


def _usable(stations: xr.Dataset, axes: Axes) -> xr.Dataset:
    """Return the stations on or near the grid, each once, the newest word counting.

    Raises
    ------
    InputError
        Where they recorded another component than the map shows.
    """
    places = pd.Series(stations["station_id"].values.astype(str))
    component = stations.attrs.get("component", LARGER)
    if component != LARGER:
        raise InputError(f"stations: found component {component!r}, expected {LARGER!r}")
    chosen = ~places.duplicated(keep="last").to_numpy()
    chosen &= near(stations["longitude"].values, stations["latitude"].values, axes.bounds)
    return stations.isel(station=np.flatnonzero(chosen)).assign(place=("station", np.flatnonzero(chosen)))


def _site_of(stations: xr.Dataset, site: Any, sample: Any) -> Array:
    """Return Vs30 of each station: of its cell, else its own, else the median of the grid; NaN where there is none."""
    vs30 = np.asarray(site, np.float64)
    if "vs30" in stations:
        vs30 = np.where(np.isnan(vs30), stations["vs30"].values.astype(np.float64), vs30)
    known = np.asarray(sample, np.float64)
    known = known[np.isfinite(known)]
    return np.where(np.isnan(vs30), np.median(known), vs30) if known.size else vs30


def _residuals(prior: Prior, stations: xr.Dataset, site: Array, options: Options) -> Residuals | None:
    if not stations.sizes["station"]:
        return None
    expected = prior.at(stations["longitude"].values, stations["latitude"].values, site[stations["place"].values])
    event = Event(prior.earthquake.magnitude, prior.is_point)
    return station_residuals(stations, Stations(expected.distance, expected.motions), event, options)

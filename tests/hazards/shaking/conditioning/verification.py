"""The setting of ShakeMap's verification tests: a prior of zero everywhere and a correlation known by heart."""

import math

import numpy as np
import xarray as xr

from pipeline.hazards.shaking.conditioning import Cells, Event, Stations, condition
from pipeline.hazards.shaking.conditioning.correlation import Coregionalization
from pipeline.hazards.shaking.conditioning.kernel import EARTH_RADIUS
from pipeline.hazards.shaking.ground_motion import GroundMotion

#: Deviations of ShakeMap's NullGMPE, whose mean is zero everywhere.
TAU, PHI = 0.6, 0.8


class Verification:
    """The correlation of ShakeMap's verification tests: T1/T2 exp(-h/10)."""

    ranges = (30.0, 1.0)

    def between(self, first, second):
        a, b = np.atleast_1d(first)[:, None], np.atleast_1d(second)[None]
        ratio = np.minimum(a, b) / np.maximum(a, b)
        return Coregionalization(ratio, np.zeros_like(ratio), np.zeros_like(ratio))


def _null(count, measures=("pga",)):
    return {m: GroundMotion(np.zeros(count), np.full(count, TAU), np.full(count, PHI)) for m in measures}


def constant_stations(longitude, amplitude, noise=0.0, latitude=38.0, measure="pga"):
    longitude = np.atleast_1d(np.asarray(longitude, float))
    count = longitude.size
    columns = {
        "station_id": [f"AZ.{i}" for i in range(count)],
        "longitude": longitude,
        "latitude": np.broadcast_to(latitude, count).astype(float),
        "kind": np.zeros(count, np.uint8),
        "flag": [""] * count,
        measure: np.exp(np.broadcast_to(amplitude, count).astype(float)),
        f"{measure}_std": np.broadcast_to(noise, count).astype(float),
    }
    return xr.Dataset({name: ("station", values) for name, values in columns.items()})


def verify(stations, longitude=(), measures=("pga",), **keywords):
    longitude = np.concatenate([stations["longitude"].values, np.asarray(longitude, float)])
    cells = Cells(longitude, np.full(longitude.size, 38.0), _null(longitude.size, measures))
    prior = Stations(np.full(stations.sizes["station"], 20.0), _null(stations.sizes["station"], measures))
    keywords = {"correlation": Verification()} | keywords
    return condition(cells, stations, prior, Event(6.0, False), **keywords)


def apart(kilometres):
    """Degrees of longitude at 38 N."""
    return math.degrees(2 * math.asin(math.sin(kilometres / EARTH_RADIUS / 2) / math.cos(math.radians(38.0))))

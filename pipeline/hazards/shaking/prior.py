"""What ground-motion models expect of an earthquake at any place, before anything was recorded."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from pipeline.hazards.shaking import worden12
from pipeline.hazards.shaking.conditioning import convert_component
from pipeline.hazards.shaking.conditioning.components import LARGER
from pipeline.hazards.shaking.conditioning.measures import MMI, model_name
from pipeline.hazards.shaking.distance import epicentral_distance
from pipeline.hazards.shaking.ground_motion import Array, ArrayLike, GroundMotion
from pipeline.hazards.shaking.model_sets import ModelSet, model_correlation, weighted_motion
from pipeline.hazards.shaking.source import (
    Hypocentre,
    Rupture,
    epicentral_table,
    hypocentral_distance,
    mechanism,
    mechanism_of_rake,
    quad_rupture,
    right_dipping,
    rupture_distances,
)
from pipeline.hazards.shaking.source.epicentral import DEFAULT_DEPTH, EpicentralTable

#: Motions in the order of the layer's outputs; intensity comes from the second, as ShakeMap's virtual intensity.
MEASURES = ("pga", "pgv", "sa_0p3", "sa_1p0", "sa_3p0")
_IMTS = tuple(model_name(measure) for measure in MEASURES)
_INTENSITY_FROM = _IMTS.index(worden12.INTENSITY_MEASURES[0])


class Earthquake(NamedTuple):
    """What is known of the source."""

    magnitude: float
    """NaN unknown."""
    depth: float
    """km; NaN unknown."""
    longitude: float
    """Degrees; NaN unknown."""
    latitude: float
    """Degrees; NaN unknown."""
    mechanism: str
    """Key of `MECHANISMS`, where the rake is not known."""
    rake: float = math.nan
    """Degrees; NaN unknown."""


class Expected(NamedTuple):
    """The prior at some places, arrays of their shape."""

    motions: Mapping[str, GroundMotion]
    """By measure, the intensity "mmi" among them."""
    distance: Array
    """To the rupture, of a point source to the hypocentre, km."""
    epicentral: Array
    """To the epicentre, km."""
    rupture: Array
    """To the rupture or its effective place, km: what the models' range is stated in."""


@dataclass(frozen=True)
class Prior:
    """An earthquake, its models and what is known of its rupture; hand the same one to every block of a grid."""

    earthquake: Earthquake
    models: ModelSet
    rupture: Rupture | None
    """None: a point source, which stands for every rupture its hypocentre may belong to."""
    correlation: Array | None = None
    """`model_correlation` over the grid; None: over the places asked for."""

    @property
    def is_point(self) -> bool:
        """Whether no finite rupture is known."""
        return self.rupture is None

    @property
    def depth(self) -> float:
        """Depth of the hypocentre, km; a usual one where it is unknown."""
        return DEFAULT_DEPTH if math.isnan(self.earthquake.depth) else self.earthquake.depth

    @property
    def rake(self) -> float:
        """Degrees; NaN for an unspecified mechanism."""
        return mechanism(self.earthquake.mechanism).rake if math.isnan(self.earthquake.rake) else self.earthquake.rake

    @property
    def table(self) -> EpicentralTable:
        """The virtual ruptures of a point source."""
        about = self.earthquake
        kind = about.mechanism if math.isnan(about.rake) else mechanism_of_rake(about.rake)
        known = None if math.isnan(about.depth) else about.depth
        rake = None if math.isnan(about.rake) else about.rake
        deepest = max(model.depth.high for model in self.models.models())
        return epicentral_table(_motion_of(self.models), _IMTS, Hypocentre(about.magnitude, known, kind, rake), deepest)

    def at(self, longitude: ArrayLike, latitude: ArrayLike, vs30: ArrayLike) -> Expected:
        """Return the expected motion, of the larger horizontal component, and intensity.

        Parameters
        ----------
        longitude, latitude
            Degrees, of one broadcast shape: (1, x) and (y, 1) give a grid.
        vs30
            m/s, of that shape; NaN is unknown, and so is everything there.
        """
        predictors, shift, variance = self._source(longitude, latitude)
        site = np.asarray(vs30, np.float64)
        found = weighted_motion(
            self.models, _IMTS, conversion=_to_larger, correlation=self.correlation, vs30=site, **predictors
        )
        motions = {
            measure: GroundMotion(
                found.mean_ln[place] + shift[place],
                np.sqrt(np.square(found.tau[place]) + variance[place]),
                found.phi[place],
            )
            for place, measure in enumerate(MEASURES)
        }
        distance = np.asarray(predictors["rhypo" if self.is_point else "rrup"])
        magnitude = self.earthquake.magnitude
        motions[MMI] = worden12.predicted_intensity(
            _IMTS[_INTENSITY_FROM], motions[MEASURES[_INTENSITY_FROM]], magnitude=magnitude, distance=distance
        )
        epicentre = (self.earthquake.longitude, self.earthquake.latitude)
        return Expected(motions, distance, epicentral_distance(longitude, latitude, epicentre), np.asarray(predictors["rrup"]))

    def correlated(self, longitude: ArrayLike, latitude: ArrayLike, vs30: ArrayLike) -> Array:
        """Return the correlation of the models over these places, for `correlation`."""
        predictors, _, _ = self._source(longitude, latitude)
        site = np.asarray(vs30, np.float64)
        return model_correlation(self.models, _IMTS, conversion=_to_larger, vs30=site, **predictors)

    def _source(self, longitude: ArrayLike, latitude: ArrayLike) -> tuple[dict[str, Any], tuple[Any, ...], tuple[Any, ...]]:
        """Return the predictors at places, and what a point source adds to mean and variance by measure."""
        about = self.earthquake
        if self.rupture is None:
            seen = self.table.at(epicentral_distance(longitude, latitude, (about.longitude, about.latitude)))
            cells = {"rrup": seen.rrup, "rjb": seen.rjb, "rhypo": seen.rhypo}
            return {**self.table.predictors, **cells}, seen.shift, seen.variance
        event = {
            "magnitude": about.magnitude,
            "rake": self.rake,
            "dip": self.rupture.dip,
            "ztor": self.rupture.ztor,
            "width": self.rupture.width,
            "hypo_depth": self.depth,
        }
        rhypo = hypocentral_distance(longitude, latitude, (about.longitude, about.latitude, self.depth))
        distances = rupture_distances(self.rupture, longitude, latitude)
        none = (0.0,) * len(MEASURES)
        return {**event, **distances._asdict(), "rhypo": rhypo}, none, none


def rupture_of(samples: xr.Dataset) -> Rupture | None:
    """Return the finite rupture that samples (quad, corner) of longitude, latitude and depth draw; None where none.

    Raises
    ------
    InputError
        Where the corners make no rupture.
    """
    corners = [samples[name].values.astype(np.float64) for name in ("longitude", "latitude", "depth")]
    if samples.attrs.get("is_point") or not corners[0].size:
        return None
    return quad_rupture(*right_dipping(*corners))


@lru_cache(maxsize=16)
def _motion_of(models: ModelSet) -> Callable[..., GroundMotion]:
    """Return the motion of a set as one long-lived function: tables are remembered by it."""

    def motion(imt: str, **predictors: Any) -> GroundMotion:
        found = weighted_motion(models, (imt,), conversion=_to_larger, **predictors)
        return GroundMotion(found.mean_ln[0], found.tau[0], found.phi[0])

    return motion


@lru_cache(maxsize=256)
def _to_larger(component: str, imt: str, magnitude: float) -> tuple[float, float, float]:
    """Return (c, r, deviation) of the change from a model's component to the larger horizontal one."""
    if math.isnan(magnitude):
        return math.nan, math.nan, math.nan
    at = np.array([50.0, 50.0 * math.e])
    nothing = GroundMotion(np.zeros(2), np.zeros(2), np.zeros(2))
    found = convert_component(imt, nothing, (component, LARGER), magnitude=magnitude, distance=at)
    return float(found.mean_ln[0]), float(found.mean_ln[1] - found.mean_ln[0]), float(found.phi[0])

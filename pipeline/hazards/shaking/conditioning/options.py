"""What a conditioning is told besides its data: the event and the limits within which observations are believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.hazards.shaking.ground_motion import Array, GroundMotion

#: Predicted motion by measure ("pga", "sa_0p3", "mmi"): ln of g or of cm/s, for "mmi" the intensity itself.
Motions = Mapping[str, GroundMotion]


class Event(NamedTuple):
    """The source as far as its observations depend on it."""

    magnitude: float
    is_point: bool
    """Whether no finite rupture is known: a large event is then neither screened for outliers nor corrected."""


class Stations(NamedTuple):
    """The prior at the stations, in their order."""

    distance: Array
    """Distance to the rupture, km (to the hypocentre for a point source)."""
    motions: Motions


class Cells(NamedTuple):
    """The prior at the cells of the map, in one dimension."""

    longitude: Array
    """Degrees."""
    latitude: Array
    """Degrees."""
    motions: Motions


@dataclass(frozen=True, slots=True)
class Options:
    """Limits, all with the defaults of ShakeMap 4 (model.conf)."""

    screen_outliers: bool = True
    outlier_deviation: float = 3.0
    """A residual of more than this many total deviations of the prior is an outlier."""
    outlier_magnitude: float = 7.0
    """Largest magnitude at which outliers are sought around a point source."""
    correct_bias: bool = True
    bias_range: float = 120.0
    """Distance to the rupture beyond which a residual says nothing of the event's bias, km."""
    bias_magnitude: float = 7.7
    """Largest magnitude at which the bias around a point source is applied."""
    mmi_std: float = 0.3
    """Deviation of reported intensities where none of them has one of its own."""
    convertible_mmi: float = 4.0
    """Least intensity from which ground motion is derived."""

"""What a rule found: a level, the areas and places behind it, and what could not be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["minor", "moderate", "severe", "extreme"]
"""CAP severity in lower case."""

#: Levels from the least to the greatest.
LEVELS: tuple[Level, ...] = ("minor", "moderate", "severe", "extreme")

Point = tuple[float, float]
"""(longitude, latitude), degrees."""

Ring = tuple[Point, ...]
"""A closed, counter-clockwise outline."""

Fact = str | int | float | None


def rank(level: Level | None) -> int:
    """Return 0 for no level, 1 for minor and so on to 4 for extreme."""
    return 0 if level is None else LEVELS.index(level) + 1


def highest(levels: Iterable[Level | None]) -> Level | None:
    """Return the greatest of some levels; None where none is reached."""
    return max(levels, key=rank, default=None)


@dataclass(frozen=True, slots=True)
class AreaImpact:
    """One area, and the level its data reach."""

    id: str
    level: Level | None
    """Level reached; None both where the data are below every threshold and where too little was observed."""
    held: Level | None = None
    """Level an alert already issued keeps: that of the thresholds lowered by the rule's hysteresis."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Name by language (BCP 47)."""
    polygons: tuple[Ring, ...] = ()
    geocodes: tuple[tuple[str, str], ...] = ()
    """(system, code) pairs, for example ("ISO 3166-2", "KZ-27")."""
    value: float | None = None
    """What the rule compared with its thresholds; None where nothing is known."""
    unknown_share: float = 0.0
    """Share of the area that is excluded, without data or outside the grid, 0 to 1."""
    observed: bool = True
    """Whether enough of it is known to say that a level is not reached."""
    population: int = 0
    """People in the listed places of the area (not a census of the area)."""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceImpact:
    """A place inside the affected areas."""

    name: str
    country: str
    population: int
    value: float | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer of a rule for one product; JSON-able by `pipeline.model.to_json`."""

    level: Level | None
    complete: bool
    """Whether every area that meets the grid was observed; an incomplete assessment never gives an all-clear."""
    areas: tuple[AreaImpact, ...] = ()
    places: tuple[PlaceImpact, ...] = ()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    certainty: Literal["Observed", "Likely", "Possible"] = "Observed"

    @property
    def affected(self) -> tuple[AreaImpact, ...]:
        """The areas that reach a level."""
        return tuple(area for area in self.areas if area.level is not None)

    @property
    def not_observed(self) -> tuple[AreaImpact, ...]:
        """The areas of which too little is known: neither warned nor cleared."""
        return tuple(area for area in self.areas if not area.observed)

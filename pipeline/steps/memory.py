"""What a day is made from: the model cycles that cover it, and the last analysis of a layer with memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.config import Binding, HazardConfig
from pipeline.errors import InputNotReady
from pipeline.model import ObservationRef, RegionPeriod, Window
from pipeline.products.catalog import item_key
from pipeline.products.product import Input
from pipeline.steps.workspace import Workspace
from pipeline.store import sha256

#: Source of an input that is a declared number: the cold start of a layer with memory.
COLD_START = "cold_start"

#: Longest forecast that may stand in for cycles that are missing.
_LONGEST_FORECAST = timedelta(days=10)
_DAY = timedelta(days=1)
_NOON = timedelta(hours=12)


def cycles(work: Workspace, feed: str, period: RegionPeriod) -> list[ObservationRef]:
    """Return the model cycles that a day is made from, the fewest of the newest that cover it; none where they do not."""
    needed = _needed(work, period)
    found = work.archive.find(feed, Window(needed.start - _LONGEST_FORECAST, period.end))
    known = [ref for ref in found if ref.granule.start and ref.granule.start < period.end]
    for first in reversed(range(len(known))):
        if _covers(known[first:], needed):
            return known[first:]
    return []


def _needed(work: Workspace, period: RegionPeriod) -> Window:
    """Return the time a day is made from: 24 hours up to local noon, from the region's eastern to its western edge."""
    west, _, east, _ = work.config.regions[period.region].bounds
    if west > east:
        west, east = -180.0, 180.0
    noon = period.start + _NOON
    return Window(noon - _DAY - _sun_time(east), noon - _sun_time(west))


def _sun_time(longitude: float) -> timedelta:
    """Return by how much the mean sun at a longitude is ahead of UTC."""
    return timedelta(hours=longitude / 15.0)


def _covers(refs: Iterable[ObservationRef], needed: Window) -> bool:
    """Whether cycles, in order of their start, reach over a window without a gap."""
    reached = needed.start
    for ref in refs:
        start, end = ref.granule.start, ref.granule.end
        if start is not None and end is not None and start <= reached:
            reached = max(reached, end)
    return reached >= needed.end


@dataclass(frozen=True, slots=True)
class Memory:
    """The analysis that a layer with memory goes on from."""

    item: Mapping[str, Any] | None
    """Its Item; None: a cold start."""
    time: datetime
    """The day it is about; of a cold start the day that begins."""
    gap: int
    """Whole days between it and the subject for which there are no data."""

    @property
    def spin_up_day(self) -> int:
        """Days since the cold start, from 1."""
        return 1 if self.item is None else int(self.item["properties"].get("hazmon:spin_up_day") or 0) + 1


def remember(work: Workspace, hazard: str, subject: RegionPeriod) -> Memory:
    """Return yesterday's analysis; where there are no data of yesterday, the last one within `carry_days`.

    Raises
    ------
    InputNotReady
        Where a day in between can be computed but is not published yet.
    """
    config, _ = work.hazard(hazard)
    for gap in range(config.season.carry_days + 1):
        start = subject.start - (gap + 1) * _DAY
        day = RegionPeriod(subject.region, start, start + _DAY)
        item = work.catalog.latest(hazard, day.key)
        if item is not None and not item["properties"]["hazmon:forecast"]:
            return Memory(item, start, gap)
        if all(_is_analysed(cycles(work, feed, day), day) for feed in driving_feeds(config)):
            raise InputNotReady(f"{hazard} of {start:%Y-%m-%d} can be computed but is not published yet")
    return Memory(None, subject.start, 0)


def previous(memory: Memory, hazard: str, subject: RegionPeriod, name: str, binding: Binding) -> Input:
    """Return one code of the analysis remembered as an input, or the declared value of a cold start."""
    if memory.item is not None:
        properties = memory.item["properties"]
        return Input(
            name=name,
            source=hazard,
            variable=binding.variable,
            id=memory.item["id"],
            sha256=properties["hazmon:digest"],
            key=item_key(memory.item["id"]),
            at="previous",
            time=memory.time,
            media_type="application/geo+json",
            synthetic=bool(properties["hazmon:synthetic"]),
        )
    if binding.start is None:
        raise InputNotReady(f"{hazard} before {subject.start:%Y-%m-%d} is not published, and no start value is set")
    value = f"{binding.start:g}"
    return Input(name, COLD_START, binding.variable, value, sha256(value.encode()), at="previous", time=memory.time)


def _is_analysed(refs: Sequence[ObservationRef], period: RegionPeriod) -> bool:
    """Whether a day is covered by cycles of its own, not by a forecast of the day before."""
    return any(ref.granule.start is not None and ref.granule.start >= period.start for ref in refs)


def driving_feeds(config: HazardConfig) -> list[str]:
    """Return the feeds among a hazard's inputs whose news starts a run."""
    return sorted({binding.origin for binding in config.inputs.values() if binding.origin in config.trigger})

"""Which inputs a layer call uses (named, with checksums, before any pixel is read), and how they are opened.

`resolve` answers from records alone and its answer is kept with the product; `open_inputs` reads exactly what such
an answer names, so that a product can be made again from the archive years later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline import grid
from pipeline.config import EVENT, Binding, HazardConfig
from pipeline.errors import InputError, InputNotReady
from pipeline.layer import Variable, seal
from pipeline.model import Event, ObservationRef, RegionPeriod, Scene, Subject, Window
from pipeline.observations import daily, events
from pipeline.observations.derive import derive
from pipeline.observations.series import newest_per_time
from pipeline.observations.solution import GIVEN
from pipeline.products.catalog import item_key
from pipeline.products.cog import write_cogs
from pipeline.products.product import Input
from pipeline.products.read import open_asset, open_raster
from pipeline.steps import journal
from pipeline.steps.ingest import discover, ingest
from pipeline.steps.workspace import Workspace
from pipeline.store import sha256

#: Source of an input that is a declared number: the cold start of a layer with memory.
COLD_START = "cold_start"

#: Longest forecast that may stand in for cycles that are missing.
_LONGEST_FORECAST = timedelta(days=10)
_DAY = timedelta(days=1)
_NOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Plan:
    """All inputs of one layer call on one grid."""

    geobox: GeoBox
    inputs: tuple[Input, ...]
    revision: int | None = None
    """What orders products about the same thing; None: as the inputs' own revisions do."""
    forecast: bool = False
    spin_up_day: int | None = None
    """Days since a cold start, from 1; None for layers without memory."""
    carried_days: int = 0
    """Days without any data that the memory was carried over, unchanged."""


def resolve(work: Workspace, hazard: str, subject: Subject, now: datetime) -> Plan:
    """Return which inputs a product of this subject is made from, as the archive and catalogue stand now.

    Raises
    ------
    InputNotReady
        Where an input that is sure to come, or must be there, is not there yet.
    """
    config, _ = work.hazard(hazard)
    match subject:
        case Event():
            return _resolve_event(work, config, subject, now)
        case Scene():
            return _resolve_scene(work, config, subject, now)
        case RegionPeriod():
            return _resolve_period(work, hazard, subject, now)


def _resolve_event(work: Workspace, config: HazardConfig, subject: Event, now: datetime) -> Plan:
    record = events.read(work.store, subject.id)
    if record.revision != subject.revision:
        raise InputNotReady(f"event {subject.id}: revision {subject.revision} is superseded by {record.revision}")
    basis = record.basis
    geobox = grid.event_geobox(basis.longitude, basis.latitude, config.radius_km, config.resolution)
    inputs: list[Input] = []
    for name, binding in config.inputs.items():
        if binding.origin == EVENT:
            given = Input(
                name=name,
                source=basis.feed,
                variable=binding.variable,
                id=basis.event_id,
                sha256=basis.payload_sha256,
                revision=basis.revision,
                key=basis.payload_key,
                time=basis.time,
                received=basis.received,
                synthetic=basis.synthetic,
            )
            inputs.append(given)
        else:
            inputs += _static(work, name, binding, now)
    return Plan(geobox, tuple(inputs))


def _resolve_scene(work: Workspace, config: HazardConfig, subject: Scene, now: datetime) -> Plan:
    ref = work.archive.newest(subject.feed, subject.id, subject.start)
    if ref is None:
        raise InputNotReady(f"scene {subject.feed}/{subject.id} is not archived")
    native = grid.geobox_of(work.feed(subject.feed).decode(work.archive.read(ref), ref.granule))
    is_finer = abs(native.resolution.x) < config.resolution * (1 - 1e-6)
    geobox = native.zoom_to(resolution=config.resolution) if is_finer else native
    inputs: list[Input] = []
    for name, binding in config.inputs.items():
        if binding.origin == subject.feed:
            inputs.append(_observed(name, binding, ref))
        else:
            inputs += _static(work, name, binding, now)
    return Plan(geobox, tuple(inputs))


def _resolve_period(work: Workspace, hazard: str, subject: RegionPeriod, now: datetime) -> Plan:
    config, _ = work.hazard(hazard)
    if subject.region not in config.regions:
        raise InputError(f"{hazard}: region {subject.region!r}: expected one of {list(config.regions)}")
    region = work.config.regions[subject.region]
    geobox = grid.region_geobox(grid.projected_bounds(region.bounds, region.crs), config.resolution, region.crs)
    inputs: list[Input] = []
    memory: _Memory | None = None
    newest: datetime | None = None
    for name, binding in config.inputs.items():
        if binding.at == "static":
            inputs += _static(work, name, binding, now)
        elif binding.at == "previous":
            memory = memory or _remember(work, hazard, subject)
            inputs.append(_previous(memory, hazard, subject, name, binding))
        else:
            refs = cycles(work, binding.origin, subject)
            if not refs:
                raise InputNotReady(f"{binding.origin}: no cycle covers {subject.start:%Y-%m-%d} yet")
            inputs += [_observed(name, binding, ref) for ref in refs]
            newest = max(ref.granule.start for ref in refs if ref.granule.start)
    return Plan(
        geobox,
        tuple(inputs),
        revision=None if newest is None else int(newest.timestamp()),
        forecast=newest is not None and newest < subject.start,
        spin_up_day=memory.spin_up_day if memory else None,
        carried_days=memory.gap if memory else 0,
    )


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
class _Memory:
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


def _remember(work: Workspace, hazard: str, subject: RegionPeriod) -> _Memory:
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
            return _Memory(item, start, gap)
        if all(_is_analysed(cycles(work, feed, day), day) for feed in driving_feeds(config)):
            raise InputNotReady(f"{hazard} of {start:%Y-%m-%d} can be computed but is not published yet")
    return _Memory(None, subject.start, 0)


def _previous(memory: _Memory, hazard: str, subject: RegionPeriod, name: str, binding: Binding) -> Input:
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


def _static(work: Workspace, name: str, binding: Binding, now: datetime) -> Iterator[Input]:
    """Yield the newest version of a static map; asked of its feed where none was archived yet."""
    ref = work.archive.newest(binding.origin, binding.variable, None) or record_map(work, binding, now)
    if ref is not None:
        yield _observed(name, binding, ref)
    elif not binding.optional:
        raise InputNotReady(f"static map {binding.origin}.{binding.variable}: its feed does not offer it")


def record_map(work: Workspace, binding: Binding, now: datetime) -> ObservationRef | None:
    """Return a static map as its feed offers it now, recorded; None where there is nothing new.

    It stays in the journal: the next poll of its feed tells whoever else uses the map, or waits for it.
    """
    offered = discover(work, binding.origin, Window(now, now), now).granules
    granules = [granule for granule in offered if granule.id == binding.variable]
    journal.begin(work, granules, now)
    return next((ingest(work, granule, now) for granule in granules), None)


def _observed(name: str, binding: Binding, ref: ObservationRef) -> Input:
    return Input(
        name=name,
        source=binding.origin,
        variable=binding.variable,
        id=ref.granule.id,
        sha256=ref.payload.sha256,
        revision=ref.granule.revision,
        key=ref.payload.key,
        at=binding.at,
        time=ref.granule.start,
        received=ref.payload.received,
        size=ref.payload.size,
        synthetic=ref.synthetic,
    )


def open_inputs(work: Workspace, hazard: str, plan: Plan, subject: Subject) -> dict[str, xr.DataArray]:
    """Return each layer input as an array on the plan's grid (or a single value), read lazily where it is large."""
    config, layer = work.hazard(hazard)
    opener = _Opener(work, plan.geobox, subject)
    arrays: dict[str, xr.DataArray] = {}
    for name, binding in config.inputs.items():
        given = [entry for entry in plan.inputs if entry.name == name]
        if given:
            arrays[name] = opener.open(binding, given, layer.inputs[name])
    return arrays


#: How UTC steps become one day, by the name in the binding.
_REDUCTIONS = {"at_local_noon": daily.at_local_noon, "total_to_local_noon": daily.total_to_local_noon}


@dataclass(frozen=True)
class _Opener:
    """Opens the inputs of one layer call; a payload that fills several inputs is decoded once."""

    work: Workspace
    geobox: GeoBox
    subject: Subject
    decoded: dict[tuple[str, bool], xr.Dataset] = field(default_factory=dict)

    def open(self, binding: Binding, given: Sequence[Input], variable: Variable) -> xr.DataArray:
        """Return one input on the grid, or as a single value."""
        first = given[0]
        if first.source == COLD_START:
            cells = np.full(tuple(self.geobox.shape), float(first.id), np.float32)
            return grid.on_geobox(xr.DataArray(cells, dims=("y", "x"), attrs={"units": variable.units}), self.geobox)
        if first.is_product:
            return open_asset(self.work.store, self.work.catalog.get(first.id), first.variable)
        if binding.origin == EVENT:
            value = getattr(self._solution(first), first.variable)
            return xr.DataArray(np.nan if value is None else float(value), attrs={"units": GIVEN[first.variable]})
        if binding.reduce is None:
            return self._window(first) if binding.at == "same" else derive(self._dataset(first, native=False), first.variable)
        return self._day(binding.reduce, binding.resampling, given)

    def _window(self, given: Input) -> xr.DataArray:
        """Return a remote raster on the grid; from the copy in the archive where one is kept."""
        store = self.work.store
        key = f"{given.key}.windows/{given.variable}-{sha256(repr(self.geobox).encode())[:8]}.tif"
        if not store.exists(key):
            remote = derive(self._dataset(given, native=False), given.variable)
            if not self.work.config.feeds[given.source].archive:
                return remote
            kept = Variable(str(remote.attrs["units"]), given.variable)
            with tempfile.TemporaryDirectory(prefix="hazmon-") as scratch:
                window = xr.Dataset({given.variable: seal(remote, kept)})
                store.put(key, write_cogs(window, {given.variable: kept}, Path(scratch))[given.variable].path)
        return open_raster(store.href(key))

    def _day(self, reduce: str, resampling: str, given: Sequence[Input]) -> xr.DataArray:
        if not isinstance(self.subject, RegionPeriod):
            raise InputError(f"input {given[0].name}: reduce {reduce} needs a region and a day, found {self.subject.key}")
        series = newest_per_time([derive(self._dataset(entry, native=True), entry.variable) for entry in given])
        reduced = _REDUCTIONS[reduce](series, self.subject.start.astimezone(UTC).date())
        day = np.datetime64(self.subject.start.date().isoformat(), "ns")
        return grid.regrid(reduced, self.geobox, resampling).assign_coords(time=day)

    def _dataset(self, given: Input, *, native: bool) -> xr.Dataset:
        key = (given.key, native)
        if key not in self.decoded:
            ref = self.work.archive.origin(given.source, given.key, given.time)
            grid_or_none = None if native else self.geobox
            self.decoded[key] = self.work.feed(given.source).decode(self.work.archive.read(ref), ref.granule, grid_or_none)
        return self.decoded[key]

    def _solution(self, given: Input) -> events.Solution:
        ref = self.work.archive.origin(given.source, given.key, given.time)
        return events.solution(self._dataset(given, native=True), ref)

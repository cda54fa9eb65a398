"""Which inputs a layer call uses (named, with checksums, before any pixel is read), and how they are opened.

`resolve` answers from records alone and its answer is kept with the product; `open_inputs` reads exactly what such
an answer names, so that a product can be made again from the archive years later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
from pipeline.products.catalog import item_key
from pipeline.products.cog import write_cogs
from pipeline.products.product import Input
from pipeline.products.read import open_asset, open_raster
from pipeline.steps.ingest import discover, ingest
from pipeline.steps.workspace import Workspace
from pipeline.store import sha256

#: Source of an input that is a declared number: the cold start of a layer with memory.
COLD_START = "cold_start"

#: Reach of model cycles before a day: 24 h of rain up to local noon begin in the cycle of the day before.
_CYCLES_BEFORE = timedelta(hours=36)
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
    geobox = grid.region_geobox(region.bounds, config.resolution, region.crs)
    inputs: list[Input] = []
    spin_up: int | None = None
    newest: datetime | None = None
    for name, binding in config.inputs.items():
        if binding.at == "static":
            inputs += _static(work, name, binding, now)
        elif binding.at == "previous":
            given, spin_up = _previous(work, hazard, subject, name, binding)
            inputs.append(given)
        else:
            refs = cycles(work, binding.origin, subject)
            if not refs:
                raise InputNotReady(f"{binding.origin}: no cycle covers {subject.start:%Y-%m-%d} yet")
            inputs += [_observed(name, binding, ref) for ref in refs]
            newest = max(ref.granule.start for ref in refs if ref.granule.start)
    forecast = newest is not None and newest < subject.start
    return Plan(geobox, tuple(inputs), None if newest is None else int(newest.timestamp()), forecast, spin_up)


def cycles(work: Workspace, feed: str, period: RegionPeriod) -> list[ObservationRef]:
    """Return the archived model cycles that a day is made from, or none where they do not cover it."""
    window = Window(period.start - _CYCLES_BEFORE, period.end)
    found = [ref for ref in work.archive.find(feed, window) if ref.granule.start and ref.granule.start in window]
    return found if _covers(found, period) else []


def _covers(refs: Iterable[ObservationRef], period: RegionPeriod) -> bool:
    """Whether cycles reach without a gap from noon of the day before to noon of the day (UTC)."""
    reached = period.start - _NOON
    for ref in refs:
        start, end = ref.granule.start, ref.granule.end
        if start is not None and end is not None and start <= reached:
            reached = max(reached, end)
    return reached >= period.start + _NOON


def _previous(work: Workspace, hazard: str, subject: RegionPeriod, name: str, binding: Binding) -> tuple[Input, int]:
    """Return yesterday's product as an input, or the declared cold start where yesterday can not be computed."""
    yesterday = RegionPeriod(subject.region, subject.start - _DAY, subject.start)
    item = work.catalog.latest(hazard, yesterday.key)
    if item is not None and not item["properties"]["hazmon:forecast"]:
        properties = item["properties"]
        given = Input(
            name=name,
            source=hazard,
            variable=binding.variable,
            id=item["id"],
            sha256=properties["hazmon:digest"],
            key=item_key(item["id"]),
            at="previous",
            time=yesterday.start,
            media_type="application/geo+json",
            synthetic=bool(properties["hazmon:synthetic"]),
        )
        return given, int(properties.get("hazmon:spin_up_day") or 0) + 1
    if binding.start is None:
        raise InputNotReady(f"{hazard} of {yesterday.start:%Y-%m-%d} is not published, and no start value is set")
    config, _ = work.hazard(hazard)
    if all(_is_analysed(cycles(work, feed, yesterday), yesterday) for feed in driving_feeds(config)):
        raise InputNotReady(f"{hazard} of {yesterday.start:%Y-%m-%d} can be computed but is not published yet")
    value = f"{binding.start:g}"
    return Input(name, COLD_START, binding.variable, value, sha256(value.encode()), at="previous", time=subject.start), 1


def _is_analysed(refs: Sequence[ObservationRef], period: RegionPeriod) -> bool:
    """Whether a day is covered by cycles of its own, not by a forecast of the day before."""
    return any(ref.granule.start is not None and ref.granule.start >= period.start for ref in refs)


def driving_feeds(config: HazardConfig) -> list[str]:
    """Return the feeds among a hazard's inputs whose news starts a run."""
    return sorted({binding.origin for binding in config.inputs.values() if binding.origin in config.trigger})


def _static(work: Workspace, name: str, binding: Binding, now: datetime) -> Iterator[Input]:
    """Yield the newest version of a static map; asked of its feed where none was archived yet."""
    ref = work.archive.newest(binding.origin, binding.variable, None)
    if ref is None:
        offered = discover(work, binding.origin, Window(now, now), now).granules
        ref = next((ingest(work, granule, now) for granule in offered if granule.id == binding.variable), None)
    if ref is not None:
        yield _observed(name, binding, ref)
    elif not binding.optional:
        raise InputNotReady(f"static map {binding.origin}.{binding.variable}: its feed does not offer it")


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

#: What an event gives to layers, and in which units.
EVENT_UNITS = {"magnitude": "1", "depth": "km", "longitude": "degrees_east", "latitude": "degrees_north"}


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
            return xr.DataArray(np.nan if value is None else float(value), attrs={"units": EVENT_UNITS[first.variable]})
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

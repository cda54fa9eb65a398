"""Which inputs a layer call uses (named, with checksums, before any pixel is read).

`resolve` answers from records alone and its answer is kept with the product; `opening` reads exactly what it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from odc.geo.geobox import GeoBox

from pipeline import grid
from pipeline.config import EVENT, Binding, HazardConfig
from pipeline.errors import ConfigError, InputError, InputNotReady
from pipeline.hazards.aftershocks import search_radius
from pipeline.layer import Table
from pipeline.model import Event, ObservationRef, RegionPeriod, Scene, Subject, Window
from pipeline.observations import events
from pipeline.observations.sequence import NUMBERS, SEQUENCE, keep, members_of, sequence, times_of
from pipeline.products.catalog import item_key
from pipeline.products.product import Input
from pipeline.steps import journal
from pipeline.steps.due import is_about, least_counted
from pipeline.steps.ingest import discover, ingest
from pipeline.steps.memory import Memory, cycles, previous, remember
from pipeline.steps.workspace import Workspace

#: How far the time of an event may have moved since an observation of it was announced.
_AROUND = timedelta(hours=1)


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


def resolve(work: Workspace, hazard: str, subject: Subject, now: datetime, *, to_make: bool = True) -> Plan:
    """Return which inputs a product of this subject is made from, as the archive and catalogue stand now.

    Where one is `to_make`, the sequence of an earthquake is kept in the store as it is now.

    Raises
    ------
    InputNotReady
        Where an input that is sure to come, or must be there, is not there yet.
    """
    config, _ = work.hazard(hazard)
    match subject:
        case Event():
            return _resolve_event(work, hazard, subject, now, to_make)
        case Scene():
            return _resolve_scene(work, config, subject, now)
        case RegionPeriod():
            return _resolve_period(work, hazard, subject, now)


def _resolve_event(work: Workspace, hazard: str, subject: Event, now: datetime, to_make: bool) -> Plan:
    config, _ = work.hazard(hazard)
    record = events.read(work.store, subject.id)
    if record.revision != subject.revision:
        raise InputNotReady(f"event {subject.id}: revision {subject.revision} is superseded by {record.revision}")
    basis = record.basis
    geobox = grid.event_geobox(basis.longitude, basis.latitude, config.radius_km, config.resolution)
    inputs: list[Input] = []
    for name, binding in config.inputs.items():
        if binding.origin == EVENT and binding.variable in (SEQUENCE, *NUMBERS):
            inputs += _after(work, config, record, name, binding, to_make)
        elif binding.at == "event":
            inputs += _sampled(work, hazard, record, name, binding)
        elif binding.origin in work.config.hazards:
            inputs.append(_made(work, subject, name, binding))
        elif binding.origin == EVENT:
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
    memory: Memory | None = None
    newest: datetime | None = None
    for name, binding in config.inputs.items():
        if binding.at == "static":
            inputs += _static(work, name, binding, now)
        elif binding.at == "previous":
            memory = memory or remember(work, hazard, subject)
            inputs.append(previous(memory, hazard, subject, name, binding))
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


def _static(work: Workspace, name: str, binding: Binding, now: datetime) -> Iterator[Input]:
    """Yield the newest version of a static map; asked of its feed where none was archived yet."""
    ref = work.archive.newest(binding.origin, binding.variable, None) or record_map(work, binding, now)
    if ref is not None:
        yield _observed(name, binding, ref)
    elif not binding.optional:
        raise InputNotReady(f"static map {binding.origin}.{binding.variable}: its feed does not offer it")


def _made(work: Workspace, subject: Event, name: str, binding: Binding) -> Input:
    """Return another hazard's product about the same revision of an event."""
    item = work.catalog.latest(binding.origin, subject.series)
    if item is None or item["properties"]["hazmon:subject"] != subject.key:
        raise InputNotReady(f"{binding.origin} of {subject.key} is not published yet")
    return Input(
        name=name,
        source=binding.origin,
        variable=binding.variable,
        id=item["id"],
        sha256=item["properties"]["hazmon:digest"],
        key=item_key(item["id"]),
        time=subject.start,
        media_type="application/geo+json",
        synthetic=bool(item["properties"]["hazmon:synthetic"]),
    )


def _sampled(work: Workspace, hazard: str, record: events.EventRecord, name: str, binding: Binding) -> list[Input]:
    """Return the observations of an event with the columns of a table; the newest alone where rows do not add up."""
    table = work.hazard(hazard)[1].inputs[name]
    if not isinstance(table, Table):
        raise ConfigError(f"{work.config.path('hazards', hazard)}: field inputs.{name}: at: event is for tables only")
    needed = {column for column, variable in table.columns.items() if not variable.optional}
    around = Window(record.basis.time - _AROUND, record.basis.time + _AROUND)
    found = [
        ref
        for feed in (binding.origin, *binding.also)
        for ref in work.archive.find(feed, around)
        if needed <= set(ref.variables) and not ref.granule.deleted and is_about(ref, record)
    ]
    if not found and not table.optional:
        raise InputNotReady(f"{binding.origin}: nothing about event {record.id} yet")
    chosen = _preferred(found)
    return [_observed(name, binding, ref) for ref in (chosen if len(table.dims) == 1 else _finite(work, chosen))]


def _preferred(refs: Sequence[ObservationRef]) -> list[ObservationRef]:
    """Return the observations that count, the last word last.

    Of several networks' products of one kind the heaviest counts (its property `weight`), then the newest; what
    another one holds already (its property `unless` names the part) does not count a second time.
    """
    heaviest: dict[tuple[str, ...], ObservationRef] = {}
    for ref in refs:
        said = ref.granule.properties
        sort = (ref.feed, str(said["kind"]), str(said["part"])) if "kind" in said else (ref.feed, ref.granule.id)
        held = heaviest.get(sort)
        if held is None or _weight(ref) > _weight(held):
            heaviest[sort] = ref
    felt = {str(ref.granule.properties.get("part")) for ref in heaviest.values() if "mmi" in ref.variables}
    counting = [ref for ref in heaviest.values() if ref.granule.properties.get("unless") not in felt]
    return sorted(counting, key=lambda ref: (ref.payload.received, ref.granule.revision, ref.granule.id))


def _weight(ref: ObservationRef) -> tuple[int, int, datetime]:
    return int(ref.granule.properties.get("weight", 0)), ref.granule.revision, ref.payload.received


def _finite(work: Workspace, refs: Sequence[ObservationRef]) -> list[ObservationRef]:
    """Return the rupture that counts: one given by hand before others, a finite one before a point, then the newest."""
    by_hand = [ref for ref in refs if "kind" not in ref.granule.properties]
    for ref in reversed([*(ref for ref in refs if ref not in by_hand), *by_hand]):
        if not work.feed(ref.feed).decode(work.archive.read(ref), ref.granule).attrs.get("is_point"):
            return [ref]
    return list(refs[-1:])


def _after(
    work: Workspace, hazard: HazardConfig, record: events.EventRecord, name: str, binding: Binding, to_make: bool
) -> list[Input]:
    """Return what happened after an event and near it, or up to when and in which time that is known."""
    polled = {id for id, feed in work.config.feeds.items() if feed.schedule is not None}
    found = sequence(work.store, record, search_radius, least=least_counted(hazard), feeds=polled)
    parts = members_of(found) if binding.variable == SEQUENCE else [times_of(found)]
    if to_make:
        for kept in parts:
            keep(work.store, kept)
    return [
        Input(
            name=name,
            source=kept.feed,
            variable=binding.variable,
            id=record.id,
            sha256=kept.sha256,
            key=kept.key,
            at=binding.at,
            time=kept.time,
            received=kept.received,
            size=len(kept.data),
            media_type="application/json",
            synthetic=kept.synthetic,
        )
        for kept in parts
    ]


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
        source=ref.feed,
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

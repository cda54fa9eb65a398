"""From an observation to the subjects it is news for: events, scenes, days, and whatever waits for a static map."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import cast

from pipeline.config import HazardConfig
from pipeline.hazards.aftershocks import search_radius, smallest_counted
from pipeline.model import Bounds, Event, ObservationRef, RegionPeriod, Scene, Trigger, Window, subject_from_key
from pipeline.observations import events
from pipeline.observations.sequence import SPAN, has_been_near
from pipeline.steps import waiting
from pipeline.steps.workspace import Workspace


def is_about(ref: ObservationRef, record: events.EventRecord) -> bool:
    """Whether an observation names one of an event's ids."""
    return bool(set(ref.granule.properties.get("ids", ())) & set(record.aliases))


def due(work: Workspace, ref: ObservationRef, now: datetime) -> list[Trigger]:
    """Return the subjects that an observation is news for; asking twice changes nothing.

    An earthquake solution is first associated with the event it belongs to, and concerns those whose aftershock that
    is; what was observed of an earthquake concerns the events it names. A static map concerns every current
    product that was made from an older version of it, and every subject that waits for it.
    """
    hazards = work.config.hazards_of(ref.feed)
    kinds = {hazard.grid for hazard in hazards.values()}
    triggers: list[Trigger] = []
    if "event" in kinds and events.is_solution(ref):
        family = _associated(work, ref, now)
        triggers += _events_due(work, family, hazards)
        triggers += _mainshocks_due(work, family)
    elif "event" in kinds:
        triggers += _events_named(work, ref, hazards)
    for id, hazard in hazards.items():
        if hazard.grid == "scene" and ref.granule.start is not None and not ref.granule.deleted:
            triggers.append(Trigger(id, Scene(ref.feed, ref.granule.id, ref.granule.start).key))
        elif hazard.grid == "region":
            triggers += [Trigger(id, period.key) for period in _periods(work, ref, hazard)]
    if ref.granule.start is None:
        triggers += _static_due(work, ref)
        triggers += [entry for entry in waiting.of(work) if ref.granule.id in _static_inputs(work, entry.hazard, ref.feed)]
    return list(dict.fromkeys(triggers))


def _associated(work: Workspace, ref: ObservationRef, now: datetime) -> list[events.EventRecord]:
    """Return the event a solution belongs to, and those that gained or lost solutions with it."""
    dataset = work.feed(ref.feed).decode(work.archive.read(ref), ref.granule)
    record, _ = events.update(work.store, events.solution(dataset, ref), order=work.config.agencies, now=now)
    return [record, *(events.read(work.store, id) for id in record.relatives)]


def _events_due(work: Workspace, family: list[events.EventRecord], hazards: dict[str, HazardConfig]) -> list[Trigger]:
    """Return the current revision of these events for each hazard that they concern."""
    subjects = [(relative, events.event(relative)) for relative in family]
    return [
        Trigger(id, subject.key)
        for relative, subject in subjects
        for id, hazard in hazards.items()
        if concerns(work, hazard, relative)
    ]


def _mainshocks_due(work: Workspace, family: list[events.EventRecord]) -> list[Trigger]:
    """Return the earthquakes in whose sequence these events are, or were, for the hazards that are made from it."""
    times = [relative.basis.time for relative in family]
    before = Window(min(times) - SPAN - events.MARGIN, max(times) + events.MARGIN)
    triggers = []
    for id, hazard in ((id, hazard) for id, hazard in work.config.hazards.items() if hazard.reads_sequence):
        least = least_counted(hazard)
        for item in work.catalog.find(hazard=id, current=True, window=before):
            about = subject_from_key(item["properties"]["hazmon:subject"])
            mainshock = events.read(work.store, cast(Event, about).id)
            others = [relative for relative in family if relative.id != mainshock.id]
            if any(has_been_near(relative, mainshock.basis, search_radius, least) for relative in others):
                triggers.append(Trigger(id, events.event(mainshock).key))
    return triggers


def least_counted(hazard: HazardConfig) -> float:
    """Return the magnitude below which no aftershock counts for a hazard."""
    return smallest_counted(hazard.parameters.get("catalogue", "global"))


def _events_named(work: Workspace, ref: ObservationRef, hazards: dict[str, HazardConfig]) -> list[Trigger]:
    """Return the events that stations, felt reports or a rupture are about; one not known yet will ask for them itself."""
    start = ref.granule.start
    if start is None:
        return []
    records = events.find(work.store, Window(start - events.MARGIN, start + events.MARGIN))
    return [
        Trigger(id, events.event(record).key)
        for record in records
        if is_about(ref, record) and not record.withdrawn
        for id, hazard in hazards.items()
        if hazard.grid == "event" and concerns(work, hazard, record)
    ]


def concerns(work: Workspace, hazard: HazardConfig, record: events.EventRecord) -> bool:
    """Whether an event is, or was at an earlier revision, an earthquake large and near enough for a hazard's regions.

    What concerned it once concerns it until the end: a withdrawal or a smaller magnitude must reach what was published.
    """
    return any(_is_relevant(work, hazard, step.solution) for step in record.history if not step.withdrawn)


def _is_relevant(work: Workspace, hazard: HazardConfig, solution: events.Solution) -> bool:
    if solution.event_type != "earthquake":
        return False
    if solution.magnitude is None or solution.magnitude < hazard.minimum_magnitude:
        return False
    margin = hazard.radius_km / 111.0
    return any(_inside(work.config.regions[id].bounds, solution.longitude, solution.latitude, margin) for id in hazard.regions)


def _inside(bounds: Bounds, longitude: float, latitude: float, margin: float) -> bool:
    west, south, east, north = bounds
    return south - margin <= latitude <= north + margin and west - margin <= longitude <= east + margin


def _periods(work: Workspace, ref: ObservationRef, hazard: HazardConfig) -> Iterable[RegionPeriod]:
    """Return the days a model cycle changes: its own, and the next, whose 24 h of rain begin in it."""
    cycle = ref.granule.start
    if cycle is None:
        return
    first = cycle.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    newest = max(
        r.granule.start for r in work.archive.find(ref.feed, Window(first, first + timedelta(days=2))) if r.granule.start
    )
    last = max(first + timedelta(days=hazard.season.forecast_days), newest.replace(hour=0, minute=0, second=0, microsecond=0))
    day = first
    while day <= last:
        for region in hazard.regions:
            yield RegionPeriod(region, day, day + timedelta(days=1))
        day += timedelta(days=1)


def _static_due(work: Workspace, ref: ObservationRef) -> list[Trigger]:
    """Return the current products that used another version of this static map."""
    triggers = []
    for id in work.config.hazards:
        if ref.granule.id not in _static_inputs(work, id, ref.feed):
            continue
        for item in work.catalog.find(hazard=id, current=True):
            used = {link.get("file:checksum") for link in item["links"] if link.get("title") == f"{ref.feed} {ref.granule.id}"}
            if used and f"1220{ref.payload.sha256}" not in used:
                triggers.append(Trigger(id, item["properties"]["hazmon:subject"]))
    return triggers


def _static_inputs(work: Workspace, hazard: str, feed: str) -> set[str]:
    """Return the maps of a feed that a hazard reads."""
    bindings = work.config.hazards[hazard].inputs.values()
    return {binding.variable for binding in bindings if binding.origin == feed and binding.at == "static"}

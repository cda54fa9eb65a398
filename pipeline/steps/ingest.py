"""From a remote source to checked, archived observations, and from those to the subjects that are due."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter

from pipeline.config import HazardConfig
from pipeline.errors import FeedMalformed, FeedRefused, Incomplete
from pipeline.feeds.protocol import Feed, Rejected
from pipeline.model import Bounds, Granule, ObservationRef, RegionPeriod, Scene, Trigger, Window, to_json
from pipeline.observations import events
from pipeline.observations.check import check
from pipeline.steps.workspace import Workspace
from pipeline.store import to_bytes

log = logging.getLogger(__name__)

#: Longest gap of a feed that a poll makes good by itself; more is a back-fill.
LONGEST_GAP = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a poll found: granules not archived yet, and parts that could not be read (in quarantine)."""

    granules: tuple[Granule, ...]
    rejected: tuple[str, ...] = ()


def since(work: Workspace, feed: str, end: datetime) -> Window:
    """Return the window of a poll that ends at a moment: the feed's lookback, longer where the feed had a gap."""
    start = end - timedelta(hours=work.config.feeds[feed].lookback_hours)
    reached = work.archive.reached(feed)
    if reached is not None:
        start = min(start, max(reached, end - LONGEST_GAP))
    return Window(start, end)


def discover(work: Workspace, feed: str, window: Window, now: datetime) -> Discovery:
    """Return the granules that a feed offers in a window and that are not archived yet."""
    began = perf_counter()
    source = work.feed(feed)
    granules: dict[str, Granule] = {}
    rejected: list[str] = []
    for found in source.discover(window, _bounds(work, feed)):
        if isinstance(found, Rejected):
            rejected.append(_quarantine(work, feed, found, now))
        elif work.archive.known(found) is None:
            granules[found.key] = found
    log.info("discover %s [%s, %s): %d new, %.2f s", feed, window.start, window.end, len(granules), perf_counter() - began)
    return Discovery(tuple(granules.values()), tuple(rejected))


def ingest(work: Workspace, granule: Granule, now: datetime) -> ObservationRef:
    """Return the archived observation of a granule: fetched, decoded, checked, recorded; done already is no work.

    Raises
    ------
    FeedUnavailable
        Where the source does not answer now; try again later.
    FeedMalformed, FeedRefused
        Where the payload cannot be used; its bytes are in quarantine.
    """
    known = work.archive.known(granule)
    if known is not None:
        return known
    began = perf_counter()
    source = work.feed(granule.feed)
    try:
        fetched = source.fetch(granule)
    except FeedMalformed as error:
        asked = to_bytes(to_json(granule))
        key = work.archive.quarantine(granule.feed, f"{granule.id}-{granule.revision}", asked, str(error), now)
        raise FeedMalformed(f"{error} (what was asked for is kept as {key}, in quarantine)") from error
    ref = _archive(work, source, granule, fetched.data, now)
    log.info("ingest %s: %d bytes as %s, %.2f s", granule.key, len(fetched.data), ref.payload.key, perf_counter() - began)
    return ref


def take(work: Workspace, granule: Granule, now: datetime) -> tuple[ObservationRef, list[Trigger]]:
    """Ingest a granule and return it with the subjects that are due."""
    ref = ingest(work, granule, now)
    return ref, due(work, ref, now)


def account(work: Workspace, granules: Sequence[Granule], rejected: Sequence[str]) -> str:
    """Return how many of the granules expected were got.

    Raises
    ------
    Incomplete
        Where one is missing or a part of the feed's answer could not be read: what is good is published, the run is red.
    """
    missing = [granule.key for granule in granules if work.archive.known(granule) is None]
    if missing or rejected:
        got = len(granules) - len(missing)
        raise Incomplete(f"got {got} of {len(granules)} granules; missing {missing}; not readable {list(rejected)}")
    return f"got {len(granules)} of {len(granules)} granules"


def ingest_file(work: Workspace, feed: str, data: bytes, name: str, now: datetime) -> tuple[list[ObservationRef], list[str]]:
    """Return the observations in a payload from disk and the quarantine keys of its unreadable parts.

    The same path as from the network from the first byte on.
    """
    source = work.feed(feed)
    refs: list[ObservationRef] = []
    rejected: list[str] = []
    try:
        for found in source.split(data, name):
            if isinstance(found, Rejected):
                rejected.append(_quarantine(work, feed, found, now))
                continue
            try:
                refs.append(_archive(work, source, *found, now))
            except (FeedMalformed, FeedRefused) as error:
                log.error("%s", error)
                rejected.append(str(error))
    except FeedMalformed as error:
        rejected.append(_quarantine(work, feed, Rejected(data=data, reason=str(error), name=name), now))
    return refs, rejected


def _archive(work: Workspace, source: Feed, granule: Granule, data: bytes, now: datetime) -> ObservationRef:
    try:
        dataset = source.decode(data, granule)
        check(dataset, granule, now)
    except (FeedMalformed, FeedRefused) as error:
        key = work.archive.quarantine(granule.feed, f"{granule.id}-{granule.revision}", data, str(error), now)
        raise type(error)(f"{error} (kept as {key})") from error
    payload = work.archive.keep(granule, data, received=now)
    variables = tuple(sorted(str(name) for name in dataset.data_vars))
    return work.archive.record(ObservationRef(granule, payload, variables, bool(dataset.attrs.get("synthetic", False))))


def _quarantine(work: Workspace, feed: str, part: Rejected, now: datetime) -> str:
    key = work.archive.quarantine(feed, part.name, part.data, part.reason, now)
    log.error("%s: %s: %s (kept as %s)", feed, part.name, part.reason, key)
    return f"{part.name}: {part.reason} (kept as {key})"


def due(work: Workspace, ref: ObservationRef, now: datetime) -> list[Trigger]:
    """Return the subjects that an observation is news for; asking twice changes nothing.

    An earthquake solution is first associated with the event it belongs to. A static map concerns every current
    product that was made from an older version of it.
    """
    hazards = work.config.hazards_of(ref.feed)
    kinds = {hazard.grid for hazard in hazards.values()}
    triggers: list[Trigger] = []
    if "event" in kinds:
        triggers += _events_due(work, ref, hazards, now)
    for id, hazard in hazards.items():
        if hazard.grid == "scene" and ref.granule.start is not None and not ref.granule.deleted:
            triggers.append(Trigger(id, Scene(ref.feed, ref.granule.id, ref.granule.start).key))
        elif hazard.grid == "region":
            triggers += [Trigger(id, period.key) for period in _periods(work, ref, hazard)]
    if ref.granule.start is None:
        triggers += _static_due(work, ref)
    return triggers


def _events_due(work: Workspace, ref: ObservationRef, hazards: dict[str, HazardConfig], now: datetime) -> list[Trigger]:
    """Return the event a solution belongs to, and those that gained or lost solutions with it."""
    dataset = work.feed(ref.feed).decode(work.archive.read(ref), ref.granule)
    record, _ = events.update(work.store, events.solution(dataset, ref), order=work.config.agencies, now=now)
    family = [record, *(events.read(work.store, id) for id in record.relatives)]
    subjects = [(relative, events.event(relative)) for relative in family]
    return [
        Trigger(id, subject.key)
        for relative, subject in subjects
        for id, hazard in hazards.items()
        if _concerns(work, hazard, relative)
    ]


def _concerns(work: Workspace, hazard: HazardConfig, record: events.EventRecord) -> bool:
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
    for id, hazard in work.config.hazards.items():
        names = {b.variable for b in hazard.inputs.values() if b.origin == ref.feed and b.at == "static"}
        if ref.granule.id not in names:
            continue
        for item in work.catalog.find(hazard=id, current=True):
            used = {link.get("file:checksum") for link in item["links"] if link.get("title") == f"{ref.feed} {ref.granule.id}"}
            if used and f"1220{ref.payload.sha256}" not in used:
                triggers.append(Trigger(id, item["properties"]["hazmon:subject"]))
    return triggers


def _bounds(work: Workspace, feed: str) -> Bounds | None:
    """Return the box around every region for which a hazard reads this feed, or None where none does."""
    regions = {
        region
        for hazard in work.config.hazards.values()
        for region in hazard.regions
        if feed in hazard.trigger or any(binding.origin == feed for binding in hazard.inputs.values())
    }
    boxes = [work.config.regions[region].bounds for region in sorted(regions)]
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)

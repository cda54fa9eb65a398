"""From a remote source to checked, archived observations, handed on with the subjects that are due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

from pipeline.errors import FeedError, FeedMalformed, FeedRefused, FeedUnavailable, Incomplete, InputError
from pipeline.feeds import http
from pipeline.feeds.protocol import Feed, Rejected
from pipeline.model import Bounds, Granule, ObservationRef, Trigger, Window, to_json
from pipeline.observations.check import check
from pipeline.steps import journal, polls
from pipeline.steps.due import due
from pipeline.steps.workspace import Workspace
from pipeline.store import to_bytes

log = logging.getLogger(__name__)

#: A window is half-open; this much later it holds the moment itself.
INSTANT = timedelta(seconds=1)

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


def poll(work: Workspace, feed: str, now: datetime, window: Window | None = None) -> Discovery:
    """Return what is to be worked on: what an earlier poll left unfinished, and what is new; all of it in the journal.

    How the poll went is noted for whoever asks (`polls`).

    Parameters
    ----------
    window
        Where to look; None: back to where the feed had come (`since`).

    Raises
    ------
    FeedUnavailable
        Where the source does not answer now; what was left waits in the journal.
    FeedMalformed, FeedRefused
        Where the answer cannot be used and nothing was left; else what was left goes on, and the error is among
        the rejected parts.
    """
    with polls.noted(work, feed, now) as outcome:
        for granule in journal.drop(work, feed, now - LONGEST_GAP):
            log.error("%s was never brought to its end; given up", granule.key)
        unfinished = journal.left(work, feed, now)
        try:
            found = discover(work, feed, window or since(work, feed, now + INSTANT), now)
        except FeedUnavailable:
            raise
        except FeedError as error:
            if not unfinished:
                raise
            found, outcome.problem = Discovery((), (str(error),)), error
        granules = {granule.key: granule for granule in (*unfinished, *found.granules)}
        journal.begin(work, granules.values(), now)
        outcome.granules, outcome.rejected = found.granules, found.rejected
    return Discovery(tuple(granules.values()), found.rejected)


def look(work: Workspace, feed: str, window: Window, now: datetime) -> Discovery:
    """Return what `discover` returns and raise what it raises, noted as a poll of the feed: the board tells how it went."""
    with polls.noted(work, feed, now) as outcome:
        found = discover(work, feed, window, now)
        outcome.granules, outcome.rejected = found.granules, found.rejected
    return found


def discover(work: Workspace, feed: str, window: Window, now: datetime) -> Discovery:
    """Return the granules that a feed offers in a window and that are not archived yet.

    Raises
    ------
    FeedUnavailable, FeedRefused
        As the source behaves.
    FeedMalformed
        Where its answer as a whole cannot be read; the answer is in quarantine.
    """
    began = perf_counter()
    source = work.feed(feed)
    granules: dict[str, Granule] = {}
    rejected: list[str] = []
    with http.witness() as answer:
        try:
            for found in source.discover(window, _bounds(work, feed)):
                if isinstance(found, Rejected):
                    rejected.append(_quarantine(work, feed, found, now))
                elif work.archive.known(found) is None:
                    granules[found.key] = found
        except FeedMalformed as error:
            raise _kept(work, feed, f"{feed}-discover", answer, error, now) from error
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
    with http.witness() as answer:
        try:
            fetched = source.fetch(granule)
        except FeedMalformed as error:
            asked = http.Answer(granule.href, to_bytes(to_json(granule)))
            unread = answer if answer.body else asked
            raise _kept(work, granule.feed, f"{granule.id}-{granule.revision}", unread, error, now) from error
    ref = archive(work, source, granule, fetched.data, now)
    log.info("ingest %s: %d bytes as %s, %.2f s", granule.key, len(fetched.data), ref.payload.key, perf_counter() - began)
    return ref


def take(
    work: Workspace, granule: Granule, now: datetime, announce: Callable[[Trigger], object] | None = None
) -> tuple[ObservationRef, list[Trigger]]:
    """Ingest a granule and return it with the subjects that are due.

    Its note in the journal ends here where nothing is left to do with it: it can never be read, nothing is due, or
    `announce` has taken every subject that is.

    Raises
    ------
    FeedUnavailable, FeedMalformed, FeedRefused
        As `ingest` does.
    """
    try:
        ref = ingest(work, granule, now)
        triggers = due(work, ref, now)
    except (FeedMalformed, FeedRefused, InputError):
        journal.end(work, [granule])
        raise
    if announce is not None:
        for trigger in triggers:
            announce(trigger)
    if announce is not None or not triggers:
        journal.end(work, [granule])
    return ref, triggers


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
                refs.append(archive(work, source, *found, now))
            except (FeedMalformed, FeedRefused) as error:
                log.error("%s", error)
                rejected.append(str(error))
    except FeedMalformed as error:
        rejected.append(_quarantine(work, feed, Rejected(data=data, reason=str(error), name=name), now))
    return refs, rejected


def archive(work: Workspace, source: Feed, granule: Granule, data: bytes, now: datetime) -> ObservationRef:
    """Return the recorded observation that raw bytes hold, once they are decoded and checked.

    Raises
    ------
    FeedMalformed, FeedRefused
        Where they cannot be used; they are in quarantine.
    """
    try:
        dataset = source.decode(data, granule)
        check(dataset, granule, now)
    except (FeedMalformed, FeedRefused) as error:
        key = work.archive.quarantine(granule.feed, f"{granule.id}-{granule.revision}", data, str(error), now)
        raise type(error)(f"{error} (kept as {key})") from error
    payload = work.archive.keep(granule, data, received=now)
    variables = tuple(sorted(str(name) for name in dataset.data_vars))
    return work.archive.record(ObservationRef(granule, payload, variables, bool(dataset.attrs.get("synthetic", False))))


def _kept(work: Workspace, feed: str, name: str, answer: http.Answer, error: FeedMalformed, now: datetime) -> FeedMalformed:
    """Return the error of an unreadable answer, naming the place in quarantine where its bytes are kept."""
    if not answer.body:
        return error
    key = work.archive.quarantine(feed, name, answer.body, f"{answer.url}: {error}", now)
    return FeedMalformed(f"{error} (kept as {key})")


def _quarantine(work: Workspace, feed: str, part: Rejected, now: datetime) -> str:
    key = work.archive.quarantine(feed, part.name, part.data, part.reason, now)
    log.error("%s: %s: %s (kept as %s)", feed, part.name, part.reason, key)
    return f"{part.name}: {part.reason} (kept as {key})"


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

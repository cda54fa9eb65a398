"""How the polls of each feed went: written by whoever polls, read by whoever asks whether the feeds are in order.

    polls/FEED.json

Only the newest poll and the newest good one are remembered: a board shows how things stand, history is the scheduler's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.errors import HazmonError, InputError, KeyMissing, StoreError
from pipeline.model import Granule, from_json, to_json
from pipeline.steps.workspace import Workspace
from pipeline.store import to_bytes

log = logging.getLogger(__name__)

#: How often the note is tried to be written beside other polls of the same feed; then it is theirs.
_TRIES = 20

#: Longest text of an error that is kept, characters.
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Polls:
    """The polls of one feed up to now."""

    feed: str
    attempt: datetime | None = None
    """When it was last polled."""
    good: datetime | None = None
    """When a poll last got an answer that could be read."""
    news: datetime | None = None
    """When a poll last found something new."""
    granule: str | None = None
    """The newest of what it found then."""
    data_time: datetime | None = None
    """The newest moment that anything found so far is about."""
    failures: int = 0
    """Polls in a row that failed."""
    error: str | None = None
    """Why the last poll failed, or which parts of its answer could not be read."""
    rejected: int = 0
    """Parts of the last answer that could not be read."""


@dataclass
class Outcome:
    """What a poll brought; filled in by it."""

    granules: Sequence[Granule] = ()
    rejected: Sequence[str] = ()
    problem: HazmonError | None = None
    """Why there was no answer, or none that could be read."""


def read(work: Workspace, feed: str) -> Polls:
    """Return how the polls of a feed went; nothing in it where there was none yet."""
    try:
        return _parsed(feed, work.store.get(_key(feed)))
    except KeyMissing:
        return Polls(feed)


@contextmanager
def noted(work: Workspace, feed: str, now: datetime) -> Iterator[Outcome]:
    """Yield what a poll fills in, and note it at the end of the block, or the error that ended it.

    A note that cannot be written is a line in the log: it must not take the place of the poll's own error.
    """
    outcome = Outcome()
    try:
        yield outcome
    except HazmonError as error:
        outcome.problem = error
        raise
    finally:
        try:
            _write(work, feed, now, outcome)
        except StoreError as error:
            log.warning("the poll of %s could not be noted: %s", feed, error)


def _write(work: Workspace, feed: str, now: datetime, outcome: Outcome) -> None:
    for _ in range(_TRIES):
        try:
            old: bytes | None = work.store.get(_key(feed))
        except KeyMissing:
            old = None
        before = Polls(feed) if old is None else _parsed(feed, old)
        after = _failed(before, now, outcome.problem) if outcome.problem is not None else _ended(before, now, outcome)
        if work.store.swap(_key(feed), old, to_bytes(to_json(after))):
            return


def _parsed(feed: str, data: bytes) -> Polls:
    """Return what a note says; one that cannot be read says nothing, and is written anew by the next poll."""
    try:
        return from_json(Polls, json.loads(data))
    except (InputError, ValueError):
        return Polls(feed)


def _failed(before: Polls, now: datetime, problem: HazmonError) -> Polls:
    return replace(before, attempt=now, failures=before.failures + 1, error=str(problem)[:_LONGEST], rejected=0)


def _ended(before: Polls, now: datetime, outcome: Outcome) -> Polls:
    after = replace(
        before,
        attempt=now,
        good=now,
        failures=0,
        error="; ".join(outcome.rejected)[:_LONGEST] or None,
        rejected=len(outcome.rejected),
    )
    if not outcome.granules:
        return after
    newest = max(outcome.granules, key=lambda granule: (granule.start or now, granule.id))
    times = [moment for moment in (before.data_time, newest.start) if moment is not None]
    return replace(after, news=now, granule=newest.id, data_time=max(times, default=None))


def _key(feed: str) -> str:
    return f"polls/{feed}.json"

"""How each feed stands: when it was polled, how old its data are, against what is promised of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pipeline.config import FeedConfig
from pipeline.service.status.schedule import longest_gap
from pipeline.steps import Polls, Workspace, polls

State = Literal["good", "late", "failing", "never", "off"]

#: So many polls may be missed before it is said that nobody polls.
MISSED = 3

#: However often a feed is polled, so long may nothing happen.
_AT_LEAST = timedelta(minutes=10)


@dataclass(frozen=True)
class Feed:
    """One feed on the board."""

    id: str
    title: str
    state: State
    """good; late: older data than promised, or nobody polls; failing: the last poll failed; never: not polled yet; off."""
    last_good: datetime | None
    last_attempt: datetime | None
    data_time: datetime | None
    """Newest moment that archived data are about."""
    age_s: float | None
    promise_s: float | None
    failures: int
    """Polls in a row that failed."""
    error: str | None
    attribution: str


def feeds(work: Workspace, now: datetime) -> list[Feed]:
    """Return how every feed stands at a moment."""
    return [_feed(work, id, config, now) for id, config in work.config.feeds.items()]


def _feed(work: Workspace, id: str, config: FeedConfig, now: datetime) -> Feed:
    noted = polls.read(work, id)
    data_time = work.archive.reached(id)
    promise = timedelta(minutes=config.promise_minutes) if config.promise_minutes else None
    return Feed(
        id=id,
        title=config.title,
        state=_state(config, noted, data_time, now, in_drill=work.drill is not None),
        last_good=noted.good,
        last_attempt=noted.attempt,
        data_time=data_time,
        age_s=age(data_time, now),
        promise_s=promise.total_seconds() if promise else None,
        failures=noted.failures,
        error=noted.error,
        attribution=config.attribution,
    )


def age(data_time: datetime | None, now: datetime) -> float | None:
    """Return how old something is, seconds; what is about the future (a forecast) is new."""
    return None if data_time is None else max(0.0, (now - data_time).total_seconds())


def _state(config: FeedConfig, noted: Polls, data_time: datetime | None, now: datetime, *, in_drill: bool) -> State:
    if config.schedule is None:
        return "off"
    if noted.attempt is None:
        return "never"
    if noted.failures:
        return "failing"
    if config.promise_minutes is not None:
        old = age(data_time, now)
        if old is None or old > config.promise_minutes * 60:
            return "late"
    # A drill is polled when its script says so, not by schedule.
    longest = max(MISSED * longest_gap(config.schedule), _AT_LEAST)
    return "late" if not in_drill and now - noted.attempt > longest else "good"

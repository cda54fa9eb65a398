"""Plays scenarios: sets the exercise's clock, has the feeds polled, and hands on what each poll brought.

Who polls is a `Runner`: the steps themselves (`Direct`, in this process) or Airflow (`pipeline.exercise.up`).
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

import tenacity

from pipeline import steps
from pipeline.errors import FeedMalformed, FeedRefused, FeedUnavailable, HazmonError, InputError, InputNotReady
from pipeline.exercise.scenario import News, Scenario
from pipeline.model import Granule, Trigger

log = logging.getLogger(__name__)

Say = Callable[[str], None]
Result = TypeVar("Result")

#: Feeds of what does not change, read once before anything happens: maps, and tables where a scenario has some.
MAPS, TABLES = "terrain", "places"

_PATIENT = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(FeedUnavailable),
    stop=tenacity.stop_after_attempt(6),
    wait=tenacity.wait_exponential(multiplier=0.1, max=2),
    reraise=True,
)

#: What the same bytes would meet again, however often they are tried.
_FINAL = (FeedMalformed, FeedRefused, InputError)


class Runner(Protocol):
    """Polls a feed and brings everything that follows to its end."""

    def poll(self, feed: str, now: datetime) -> None:
        """Return when the news of a feed at `now` is ingested, computed, published and warned of."""


class Clock(Protocol):
    """The exercise's clock: what the feed server shows is what was announced by then."""

    def set(self, now: datetime) -> None:
        """Set the moment it is."""


def play(scenarios: Sequence[Scenario], runner: Runner, clock: Clock, say: Say) -> None:
    """Play scenarios together, their events in order of time.

    Parameters
    ----------
    scenarios
        What happens.
    runner
        Who polls.
    clock
        Of the server that the feeds read.
    say
        Told of each event before it is played: progress for people.
    """
    start = min(scenario.start for scenario in scenarios)
    clock.set(start)
    for feed in static_feeds(scenarios):
        runner.poll(feed, start)
    events = list(_merged(scenarios))
    for number, event in enumerate(events, 1):
        say(f"[{number:2d}/{len(events)}] {event.at:%Y-%m-%d %H:%M:%S} {_words(event)}")
        clock.set(event.at)
        for feed in event.poll:
            runner.poll(feed, event.at)


def static_feeds(scenarios: Iterable[Scenario]) -> tuple[str, ...]:
    """Return the feeds that are read once before anything happens."""
    return (MAPS, TABLES) if any(scenario.tables for scenario in scenarios) else (MAPS,)


def _merged(scenarios: Iterable[Scenario]) -> Iterator[News]:
    return heapq.merge(*(scenario.events for scenario in scenarios), key=lambda event: event.at)


def _words(event: News) -> str:
    match event.what:
        case "quake":
            size = "M ?" if event.magnitude is None else f"M {event.magnitude:.1f}"
            return f"{event.service} publishes {event.id}: {size}, {event.place}"
        case "delete":
            return f"{event.service} withdraws {event.event}"
        case "products":
            kinds = [name for name in ("shakemap", "dyfi") if getattr(event, name) is not None]
            return f"usgs adds {' and '.join(kinds)} to {event.event}"
        case "scene":
            return f"scene {event.id}"
        case "cycle":
            return f"{event.model} cycle of {event.cycle:%Y-%m-%d %H} UTC"
        case "poll":
            return "nothing new; polled all the same"


@dataclass
class Direct:
    """Runs the steps one after the other in this process."""

    work: steps.Workspace
    failures: list[str] = field(default_factory=list)
    """What went wrong for good, in words."""

    def poll(self, feed: str, now: datetime) -> None:
        """Poll, ingest, and run whatever is due; one failure never stops the rest, a killed poll is finished first."""
        found = self._tried(lambda: steps.poll(self.work, feed, now))
        if found is None:
            return
        self.failures += found.rejected
        taken, triggers = self._taken(found.granules, now)
        finished = [self._run(trigger, now) for trigger in triggers]
        if all(finished):
            self._tried(lambda: steps.end(self.work, taken))

    def _taken(self, granules: Iterable[Granule], now: datetime) -> tuple[list[Granule], list[Trigger]]:
        """Return the granules that could be ingested, and what is due with them, each subject once."""
        triggers: dict[Trigger, None] = {}
        taken = []
        for granule in granules:
            try:
                triggers |= dict.fromkeys(_PATIENT(steps.take, self.work, granule, now)[1])
                taken.append(granule)
            except HazmonError as error:
                self._failed(error)
        return taken, list(triggers)

    def _run(self, first: Trigger, now: datetime) -> bool:
        """Run a subject, warn of it, then the later days that rest on it; tell whether trying again is pointless."""
        waiting, done = [first], True
        while waiting:
            trigger = waiting.pop(0)
            try:
                ref = steps.run(self.work, trigger.hazard, trigger.subject, now)
                steps.warn(self.work, trigger.hazard, trigger.subject, now)
                waiting += steps.followers(self.work, ref)
            except InputNotReady as error:
                log.info("%s: %s", trigger.subject, error)
            except HazmonError as error:
                self._failed(error, f"{trigger.subject}: ")
                done &= isinstance(error, _FINAL)
        return done

    def _tried(self, action: Callable[[], Result]) -> Result | None:
        try:
            return _PATIENT(action)
        except HazmonError as error:
            self._failed(error)
            return None

    def _failed(self, error: HazmonError, about: str = "") -> None:
        log.error("%s%s", about, error)
        self.failures.append(f"{about}{error}")

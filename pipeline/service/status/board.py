"""Everything that is told of how things stand, looked up at most once every few seconds however many ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from time import monotonic
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from pipeline.errors import StoreError
from pipeline.products.catalog import ROOT_KEY
from pipeline.service.door import Door
from pipeline.service.stac import copy_of
from pipeline.service.status.feeds import Feed, feeds
from pipeline.service.status.layers import Layer, layers
from pipeline.service.status.runs import Run, runs
from pipeline.steps import waiting

if TYPE_CHECKING:
    from pipeline.service.stac.copied import Copy

T = TypeVar("T")

#: Seconds that an answer is given again.
FRESH = 2.0

Overall = Literal["ok", "degraded", "failing"]


@dataclass(frozen=True)
class Check:
    """One thing without which the service cannot answer, or with pgstac what it searches as it should."""

    name: Literal["store", "index", "page", "background", "copy", "news", "items"]
    good: bool
    detail: str


@dataclass(frozen=True)
class Readiness:
    """Whether the service can answer."""

    ready: bool
    checks: list[Check]


@dataclass(frozen=True)
class Health:
    """Whether the service can answer, and what it would answer is as new as promised."""

    state: Overall
    """ok; degraded: a feed, a layer, the news or the copy in pgstac is not in order; failing: the service cannot answer."""
    at: datetime
    checks: list[Check]
    feeds: list[Feed]
    layers: list[Layer]


@dataclass(frozen=True)
class Status:
    """The board of the page."""

    at: datetime
    clock: Literal["wall", "exercise"]
    exercise: str | None
    feeds: list[Feed]
    layers: list[Layer]
    runs: list[Run] | None
    """None: no Airflow is known, or it does not answer (`runs_error`)."""
    runs_error: str | None
    quarantine: int
    """Payloads that could not be read and wait for somebody to look at them."""
    waiting: int
    """Subjects that wait for an input."""


class Remembered(Generic[T]):
    """A value that is looked up again once it is old; while one asks, the others wait for the same answer."""

    def __init__(self, look: Callable[[], T], seconds: float = FRESH) -> None:
        self._look = look
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: tuple[float, T] | None = None

    def __call__(self) -> T:
        """Return the value, looked up anew where it is old."""
        with self._lock:
            if self._held is None or monotonic() - self._held[0] > self._seconds:
                value = self._look()
                self._held = monotonic(), value
            return self._held[1]


class Board:
    """How things stand in one home."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._runs: dict[str, Run] = {}
        self.readiness = Remembered(self._readiness)
        self.health = Remembered(self._health)
        self.status = Remembered(self._status)
        self._feeds = Remembered(lambda: feeds(door.work, door.now()))
        self._layers = Remembered(self._newest)
        self._copy = copy_of(door)

    def _newest(self) -> list[Layer]:
        self._door.fresh.look()
        return layers(self._door.work, self._door.now())

    def _readiness(self) -> Readiness:
        work = self._door.work
        checks = [
            _check("store", lambda: work.store.exists(ROOT_KEY)),
            _check("index", lambda: work.catalog.index.search(limit=1)),
            Check("page", *_page()),
            Check("background", *_background(self._door)),
        ]
        return Readiness(all(check.good for check in checks), checks)

    def _health(self) -> Health:
        found, at = self.readiness(), self._door.now()
        # Not a matter of readiness: whoever does not search is answered all the same.
        checks = found.checks if self._copy is None else [*found.checks, _keeps_up(self._copy)]
        checks = [*checks, *(Check("news", False, said) for said in self._door.background.troubles().values())]
        if not all(check.good for check in found.checks if check.name in ("store", "index")):
            return Health("failing", at, checks, [], [])
        checks = [*checks, _readable(self._door.work.catalog.index.unreadable())]
        health = Health("ok", at, checks, self._feeds(), self._layers())
        state: Overall = "failing" if not found.ready else "degraded" if self._is_degraded(health) else "ok"
        return Health(state, at, checks, health.feeds, health.layers)

    def _is_degraded(self, health: Health) -> bool:
        """Whether something is not in order; a drill polls only the feeds of its script."""
        bad = {"late", "failing"} if self._door.work.drill is not None else {"late", "failing", "never"}
        if not all(check.good for check in health.checks):
            return True
        return any(feed.state in bad for feed in health.feeds) or any(layer.is_overdue for layer in health.layers)

    def _status(self) -> Status:
        door, store = self._door, self._door.work.store
        newest, problem = runs(door, self._runs)
        return Status(
            at=door.now().astimezone(UTC),
            clock="exercise" if door.work.drill is not None else "wall",
            exercise=door.work.drill,
            feeds=self._feeds(),
            layers=self._layers(),
            runs=newest,
            runs_error=problem,
            quarantine=sum(not key.endswith(".json") for key in store.list("quarantine")),
            waiting=len(waiting.of(door.work)),
        )


def _check(name: Literal["store", "index"], look: Callable[[], object]) -> Check:
    try:
        look()
    except StoreError:
        return Check(name, False, "cannot be read")
    return Check(name, True, "can be read")


def _keeps_up(copy: Copy) -> Check:
    try:
        good = copy.keeps_up()
    except StoreError:
        return Check("copy", False, "cannot be read")
    return Check("copy", good, "keeps up with the news" if good else "is behind the news for more than a minute")


def _background(door: Door) -> tuple[bool, str]:
    """Return whether all work in the background goes on, and in words; what ended is not begun again in this process."""
    ended = door.background.ended
    return not ended, "; ".join(f"{name} ended: {why}" for name, why in ended.items()) or "goes on"


def _readable(left_out: Mapping[str, str]) -> Check:
    """Return whether all public Items are among those that are found."""
    words = f"{len(left_out)} cannot be read and are left out, for example {min(left_out)}" if left_out else "can be read"
    return Check("items", not left_out, words)


def _page() -> tuple[bool, str]:
    """Return whether the page's built files are there, and in words."""
    there = files("pipeline.service").joinpath("web", "dist").is_dir()
    return there, "is there" if there else "was not built"

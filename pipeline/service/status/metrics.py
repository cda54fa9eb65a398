"""How things stand, as Prometheus reads it: the counters of this process beside what the home says.

Several processes behind one port each count for themselves; where PROMETHEUS_MULTIPROC_DIR names a folder (`hazmon serve
--workers` sees to it), whichever of them is asked adds them up. What the home says is the same from each.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from pipeline import news
from pipeline.alerts.cap import Status
from pipeline.errors import KeyMissing
from pipeline.products.catalog import hazard_of
from pipeline.service.alerts import shelf_of
from pipeline.service.alerts.find import Wanted, find
from pipeline.service.door import Door
from pipeline.service.events.subscriptions import Subscriptions
from pipeline.service.guard import tally
from pipeline.service.status.board import Board, Health, Remembered

#: Media type of what `text` returns.
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Counting all Items takes longer than looking at the newest; so many seconds old it may be.
_COUNTED_S = 30.0


def registry(door: Door, board: Board) -> CollectorRegistry:
    """Return everything that is measured over one home."""
    found = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(found)  # type: ignore[no-untyped-call]
    else:
        found.register(_Counters())
    found.register(Home(door, board))
    return found


def text(found: CollectorRegistry) -> bytes:
    """Return what is measured as Prometheus reads it."""
    return generate_latest(found)


class _Counters(Collector):
    """What this process counts."""

    def collect(self) -> Iterable[Metric]:
        """Return the counters as they are now."""
        return tally.REGISTRY.collect()


class Home(Collector):
    """What a home says of itself, looked up when it is asked for."""

    def __init__(self, door: Door, board: Board) -> None:
        self._door = door
        self._board = board
        self._items = Remembered(self._count, _COUNTED_S)
        self._unreadable = Remembered(lambda: len(shelf_of(door).problems()), _COUNTED_S)
        self._head = 0

    def describe(self) -> Iterable[Metric]:
        """Return nothing: a registry then does not ask for everything only to learn its names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every measure; of a store that cannot be read only that."""
        health = self._board.health()
        yield _gauge("hazmon_ready", "1 where the service can answer", {(): float(self._board.readiness().ready)})
        if not all(check.good for check in health.checks if check.name in ("store", "index")):
            return
        yield from _feeds(health)
        yield from _layers(health)
        self._head = news.head(self._door.work.store, self._head)
        yield _gauge("hazmon_items", "Public Items", self._items(), ("hazard", "stands"))
        left_out = {(): float(len(self._door.work.catalog.index.unreadable()))}
        yield _gauge("hazmon_items_unreadable", "Public Items that are left out, since they cannot be read", left_out)
        yield from self._alerts()
        yield from self._webhooks()
        yield _gauge("hazmon_news_number", "Number of the newest entry of the news", {(): float(self._head)})

    def _alerts(self) -> Iterator[Metric]:
        shelf = shelf_of(self._door)
        shelf.refresh()
        now = self._door.now()
        active = {(s,): float(find(shelf, Wanted(active=True, same={"status": s}), now, limit=1)[1]) for s in get_args(Status)}
        yield _gauge("hazmon_alerts_active", "Messages that stand", active, ("status",))
        unreadable = {(): float(self._unreadable())}
        yield _gauge("hazmon_alerts_unreadable", "Files among the alerts that cannot be read", unreadable)

    def _webhooks(self) -> Iterator[Metric]:
        """Yield how far behind each subscription is; its id says nothing of who it is to whoever has no key."""
        subscriptions = Subscriptions(self._door.work.store)
        lags, failures = {}, {}
        for id in (subscription.id for subscription in subscriptions.all()):
            try:
                _, progress = subscriptions.progress(id)
            except KeyMissing:
                continue  # removed meanwhile
            lags[(id,)] = max(0.0, float(self._head - progress.position))
            failures[(id,)] = float(progress.failures)
        yield _gauge("hazmon_webhook_lag", "Entries of the news that a subscriber has not taken yet", lags, ("subscription",))
        yield _gauge("hazmon_webhook_failures", "Failed attempts since the last success", failures, ("subscription",))

    def _count(self) -> dict[tuple[str, ...], float]:
        self._door.fresh.look()
        rows = self._door.work.catalog.index.rows()
        return {
            key: float(number)
            for key, number in Counter((hazard_of(row.id), "yes" if row.current else "no") for row in rows).items()
        }


def _feeds(health: Health) -> Iterator[Metric]:
    found = health.feeds
    ages = {(feed.id,): feed.age_s for feed in found if feed.age_s is not None}
    promises = {(feed.id,): feed.promise_s for feed in found if feed.promise_s is not None}
    yield _gauge("hazmon_feed_age_seconds", "Age of the newest archived data", ages, ("feed",))
    yield _gauge("hazmon_feed_promise_seconds", "Age up to which a feed is in order", promises, ("feed",))
    yield _gauge("hazmon_feed_failures", "Polls in a row that failed", {(f.id,): float(f.failures) for f in found}, ("feed",))
    good = {(feed.id,): feed.last_good.timestamp() for feed in found if feed.last_good is not None}
    yield _gauge("hazmon_feed_last_good_timestamp_seconds", "When a poll last got an answer", good, ("feed",))
    states = {(feed.id, feed.state): 1.0 for feed in found}
    yield _gauge("hazmon_feed_state", "1 for the state that a feed is in", states, ("feed", "state"))


def _layers(health: Health) -> Iterator[Metric]:
    ages = {(layer.hazard, layer.region): layer.age_s for layer in health.layers if layer.age_s is not None}
    late = {(layer.hazard, layer.region): float(layer.is_overdue) for layer in health.layers}
    promises = {(layer.hazard, layer.region): layer.promise_s for layer in health.layers if layer.promise_s is not None}
    states = {(layer.hazard, layer.region, layer.state): 1.0 for layer in health.layers}
    yield _gauge("hazmon_layer_age_seconds", "Age of the data behind the newest Item", ages, ("hazard", "region"))
    yield _gauge("hazmon_layer_promise_seconds", "Age up to which a layer is in order", promises, ("hazard", "region"))
    yield _gauge("hazmon_layer_late", "1 where data are older than promised, or were never made", late, ("hazard", "region"))
    yield _gauge("hazmon_layer_state", "1 for the state that a layer is in", states, ("hazard", "region", "state"))


def _gauge(name: str, words: str, values: Mapping[Any, float], labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family

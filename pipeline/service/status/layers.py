"""How each hazard layer stands in each of its regions: its newest standing Item, and how old the data behind it are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline.config import Config, HazardConfig
from pipeline.errors import KeyMissing, Unreadable
from pipeline.model import moment
from pipeline.products.stored import read_item
from pipeline.service.status.feeds import age
from pipeline.steps import Workspace


@dataclass(frozen=True)
class Layer:
    """One hazard in one region on the board."""

    hazard: str
    region: str
    state: Literal["good", "late", "never"]
    """good; late: made from older data than is promised; never: nothing published yet."""
    item: str | None
    """Id of the newest Item that stands."""
    newest: datetime | None
    """The moment it is about."""
    data_time: datetime | None
    """How far the data behind it reach."""
    age_s: float | None
    promise_s: float | None
    """None: nothing is promised, as of earthquakes, which come when they come; of what was never made, too, where no feed
    behind it is polled, and in a drill, which plays only what its script says."""

    @property
    def is_overdue(self) -> bool:
        """Whether a promise is broken: by what is late, and by what was promised and never made."""
        return self.state == "late" or (self.state == "never" and self.promise_s is not None)


def layers(work: Workspace, now: datetime) -> list[Layer]:
    """Return how every hazard stands in every region at a moment."""
    return [_layer(work, id, region, now) for id, hazard in work.config.hazards.items() for region in sorted(hazard.regions)]


def promise(config: Config, id: str) -> float | None:
    """Return how old a hazard's data may be, seconds: the promise of the feed at the beginning of its chain."""
    hazard = config.hazards[id]
    feeds = [config.feeds[name].promise_minutes for name in hazard.trigger if name in config.feeds]
    before = [promise(config, name) for name in hazard.trigger if name in config.hazards]
    promised = [minutes * 60 for minutes in feeds if minutes] + [seconds for seconds in before if seconds]
    return max(promised, default=None)


def _is_polled(config: Config, id: str) -> bool:
    """Whether any feed at the beginning of a hazard's chain is polled: of one that is off nothing comes."""
    feeds = (config.feeds[name] for name in config.hazards[id].trigger if name in config.feeds)
    before = (name for name in config.hazards[id].trigger if name in config.hazards)
    return any(feed.schedule is not None for feed in feeds) or any(_is_polled(config, name) for name in before)


def _layer(work: Workspace, id: str, region: str, now: datetime) -> Layer:
    promised = promise(work.config, id)
    properties, item = _newest(work, id, work.config.hazards[id], region)
    if item is None:
        is_owed = work.drill is None and _is_polled(work.config, id)
        return Layer(id, region, "never", None, None, None, None, promised if is_owed else None)
    newest = moment(properties["datetime"] or properties["start_datetime"])
    # A forecast is about the future; it is as old as what it was made from.
    data_time = min(moment(properties.get("hazmon:data_time") or newest.isoformat()), moment(properties["hazmon:received"]))
    old = age(data_time, now)
    late = promised is not None and old is not None and old > promised
    return Layer(id, region, "late" if late else "good", item, newest, data_time, old, promised)


def _newest(work: Workspace, id: str, hazard: HazardConfig, region: str) -> tuple[dict[str, str], str | None]:
    """Return the properties and the id of the newest standing Item; of a scene or an event, what touches the region."""
    if hazard.grid == "region":
        keys = work.catalog.index.search(hazard=id, subject=f"region:{region}", current=True, limit=1)
    else:
        keys = work.catalog.index.search(hazard=id, bbox=work.config.regions[region].bounds, current=True, limit=1)
    try:
        item = read_item(work.store, keys[0]) if keys else None
    except KeyMissing:
        item = None  # removed by hand; the index has not heard of it
    except Unreadable:
        item = json.loads(work.catalog.index.document(keys[0].split("/")[2]) or b"null")  # as it was when it could be read
    return (item["properties"], item["id"]) if item else ({}, None)

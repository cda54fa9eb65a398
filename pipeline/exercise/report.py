"""What an exercise left behind: what was published, how good it is against the truth, and what is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from pipeline import steps
from pipeline.alerts.ledger import Incident, Row
from pipeline.exercise.scenario import Expectation, Message, Scenario
from pipeline.exercise.score import otsu_water, score
from pipeline.model import from_json
from pipeline.products.catalog import item_key
from pipeline.products.read import open_asset

_KINDS: Mapping[str, Message] = {"alert": "Alert", "update": "Update", "cancel": "Cancel", "all_clear": "AllClear"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of the drill."""

    hazard: str
    incident: str
    row: Row

    @property
    def kind(self) -> Message:
        """Alert, Update, Cancel or AllClear."""
        return _KINDS[self.row.kind]


@dataclass(frozen=True)
class Report:
    """The end of an exercise, for people and for an exit code."""

    root: str
    items: Sequence[Mapping[str, Any]]
    alerts: Sequence[Sent]
    scores: Sequence[str]
    missing: Sequence[str]
    failures: Sequence[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether everything expected was published and nothing failed for good."""
        return not self.missing and not self.failures

    def lines(self) -> Iterator[str]:
        """Yield it in words."""
        yield f"Published under {self.root}:"
        for item in sorted(self.items, key=lambda item: (item["properties"]["datetime"], item["properties"]["created"])):
            state = "superseded or withdrawn" if item["properties"]["deprecated"] else "current"
            estimate = item["properties"]["hazmon:answers"]["estimate"]
            yield f"  {state:24s} {item_key(item['id'])}  COG {estimate}.tif and {_others(item)} more"
        for sent in self.alerts:
            yield f"  {sent.kind:24s} {sent.row.key}  {sent.row.headline}"
        yield from self.scores
        for text in self.failures:
            yield f"FAILED   {text}"
        for text in self.missing:
            yield f"MISSING  {text}"
        if self.complete:
            yield f"Everything expected is there: {len(self.items)} Items, {len(self.alerts)} messages."


def of(work: steps.Workspace, scenarios: Sequence[Scenario], failures: Sequence[str], truth: Path) -> Report:
    """Return what scenarios left behind in a home.

    Parameters
    ----------
    work
        The home.
    scenarios
        What was played.
    failures
        What went wrong for good while it was played.
    truth
        Folder of the generated truth, `SCENE.tif`; no hazard code ever sees it.
    """
    items = work.catalog.find()
    alerts = list(_sent(work))
    missing = [text for scenario in scenarios for wanted in scenario.expectations for text in _misses(wanted, items, alerts)]
    scores = [line for item in items for line in _scored(work, item, truth)]
    return Report(work.store.root, items, alerts, sorted(scores), missing, list(failures))


def _others(item: Mapping[str, Any]) -> int:
    return sum("data" in asset["roles"] for asset in item["assets"].values()) - 1


def _sent(work: steps.Workspace) -> Iterator[Sent]:
    for key in work.store.list("ledger"):
        incident = from_json(Incident, json.loads(work.store.get(key)))
        for row in incident.rows:
            yield Sent(incident.hazard, incident.incident, row)


def _misses(wanted: Expectation, items: Sequence[Mapping[str, Any]], alerts: Sequence[Sent]) -> list[str]:
    found = [
        item["properties"]["deprecated"]
        for item in items
        if item["collection"] == wanted.hazard and wanted.concerns(item["properties"]["hazmon:subject"])
    ]
    kinds = Counter(sent.kind for sent in alerts if sent.hazard == wanted.hazard and wanted.concerns_alert(sent.incident))
    return wanted.misses(len(found), found.count(False), dict(kinds))


def _scored(work: steps.Workspace, item: Mapping[str, Any], truth: Path) -> Iterator[str]:
    """Yield how a water map compares with the truth, beside Otsu's threshold on the same scene."""
    scene = item["properties"]["hazmon:subject"].split(":")[2]
    path = truth / f"{scene}.tif"
    if item["properties"]["deprecated"] or not path.is_file():
        return
    with rasterio.open(path) as source:
        wet = source.read(1)
    water = open_asset(work.store, item, "water").values
    excluded = open_asset(work.store, item, "exclusion").values != 0
    yield f"Truth    {scene}: {score(water, wet, excluded)}"
    power = truth / f"{scene}-vv.tif"
    if power.is_file():
        with rasterio.open(power) as source:
            plain = otsu_water(np.asarray(source.read(1)), nodata=source.nodata)
        yield f"Truth    {scene}: {score(plain, wet)}  (Otsu on 5 x 5 means, for comparison)"

"""What an exercise left behind: what was published, how good it is against the truth, and what is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import rasterio

from pipeline import steps
from pipeline.alerts.ledger import Incident, Row
from pipeline.exercise.generate import items
from pipeline.exercise.scenario import Expectation, Message, Pass
from pipeline.exercise.score import otsu_water, score
from pipeline.exercise.stage import Stage
from pipeline.model import Scene, from_json, subject_from_key
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
    published: Sequence[Mapping[str, Any]]
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
        for item in sorted(self.published, key=lambda item: (item["properties"]["datetime"], item["properties"]["created"])):
            state = "superseded or withdrawn" if item["properties"]["deprecated"] else "current"
            yield f"  {state:24s} {item_key(item['id'])}  {_estimate(item)} and {_others(item)} more"
        for sent in self.alerts:
            yield f"  {sent.kind:24s} {sent.row.key}  {sent.row.headline}"
        yield from self.scores
        for text in self.failures:
            yield f"FAILED   {text}"
        for text in self.missing:
            yield f"MISSING  {text}"
        if self.complete:
            yield f"Everything expected is there: {len(self.published)} Items, {len(self.alerts)} messages."


def of(work: steps.Workspace, stages: Sequence[Stage], failures: Sequence[str]) -> Report:
    """Return what scenarios left behind in a home.

    Parameters
    ----------
    work
        The home.
    stages
        What was played, with the truth that no hazard code ever sees.
    failures
        What went wrong for good while it was played.
    """
    published = work.catalog.find()
    alerts = list(_sent(work))
    expectations = [wanted for stage in stages for wanted in stage.scenario.expectations]
    missing = [text for wanted in expectations for text in _misses(wanted, published, alerts)]
    scores = [line for stage in stages for item in published for line in _scored(work, item, stage)]
    return Report(work.store.root, published, alerts, scores, missing, list(failures))


def _estimate(item: Mapping[str, Any]) -> str:
    """Return the file of an Item's estimate: a COG or a table."""
    name = str(item["assets"][item["properties"]["hazmon:answers"]["estimate"]]["href"]).rsplit("/", 1)[-1]
    return f"COG {name}" if name.endswith(".tif") else f"table {name}"


def _others(item: Mapping[str, Any]) -> int:
    return sum("data" in asset["roles"] for asset in item["assets"].values()) - 1


def _sent(work: steps.Workspace) -> Iterator[Sent]:
    for key in work.store.list("ledger"):
        incident = from_json(Incident, json.loads(work.store.get(key)))
        for row in incident.rows:
            yield Sent(incident.hazard, incident.incident, row)


def _misses(wanted: Expectation, published: Sequence[Mapping[str, Any]], alerts: Sequence[Sent]) -> list[str]:
    found = [
        item["properties"]["deprecated"]
        for item in published
        if item["collection"] == wanted.hazard and wanted.concerns(item["properties"]["hazmon:subject"])
    ]
    kinds = Counter(sent.kind for sent in alerts if sent.hazard == wanted.hazard and wanted.concerns_alert(sent.incident))
    return wanted.misses(len(found), found.count(False), dict(kinds))


def _scored(work: steps.Workspace, item: Mapping[str, Any], stage: Stage) -> Iterator[str]:
    """Yield how a water map compares with the truth, beside Otsu's threshold on the same scene."""
    subject = subject_from_key(item["properties"]["hazmon:subject"])
    passes = [event for event in stage.scenario.events if isinstance(event, Pass) and event.acquired == subject.start]
    if not isinstance(subject, Scene) or not passes or item["properties"]["deprecated"]:
        return
    news = passes[-1]
    with rasterio.open(stage.truth(news.id)) as source:
        wet = source.read(1)
    water = open_asset(work.store, item, "water").values
    excluded = open_asset(work.store, item, "exclusion").values != 0
    yield f"Truth    {news.id}: {score(water, wet, excluded)}"
    with rasterio.open(stage.folder / "files" / items.blob_path(news, "vv")) as source:
        plain = otsu_water(source.read(1), nodata=source.nodata)
    yield f"Truth    {news.id}: {score(plain, wet)}  (Otsu on 5 x 5 means, for comparison)"

"""Assessments and contexts made by hand, and a store that dies at a chosen write."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import shapely

from pipeline.alerts.assessment import AreaImpact, Assessment, highest
from pipeline.alerts.context import WarnContext
from pipeline.alerts.rules.outline import rings
from pipeline.store import Store

NOW = datetime(2024, 4, 10, 6, 0, tzinfo=UTC)


def area(id="west", level="severe", *, held=None, observed=True, size=1.0, languages=("kk", "ru")):
    left = {"west": 50.0, "east": 53.0}.get(id, 60.0)
    return AreaImpact(
        id=id,
        level=level,
        held=held or level,
        names={"": id.title(), "ru": f"Район {id}", "zh": "西区"},
        polygons=rings(shapely.box(left, 48.0, left + size, 49.0)) if level or held else (),
        geocodes=(("ISO 3166-2", "KZ-27"),),
        value={"minor": 0.01, "moderate": 0.05, "severe": 0.2, "extreme": 0.5}.get(level, 0.0),
        observed=observed,
        unknown_share=0.1 if observed else 0.9,
        languages=languages,
    )


def assessment(*areas):
    return Assessment(
        level=highest(found.level for found in areas),
        complete=all(found.observed for found in areas),
        areas=areas,
        facts={"mmi": 7.6, "threshold": 5.0, "population": 123456},
    )


def context(**changes):
    given = {
        "hazard": "flood_extent",
        "words": "flood",
        "incident": "scene:sentinel1",
        "subject": "scene-1",
        "revision": 0,
        "product": "item-1",
        "data_time": NOW - timedelta(hours=3),
        "now": NOW,
        "status": "Test",
        "sender": "alerts@hazmon.example",
        "sender_name": "hazmon",
        "category": "Met",
        "event_code": "OET-081",
        "languages": ("kk", "ru", "en"),
        "lifetime": timedelta(hours=24),
    }
    return WarnContext(**{**given, **changes})


class Killed(Exception):
    """The process died here."""


@dataclass
class MortalStore:
    """A store whose owner is killed before its n-th change."""

    store: Store
    changes_left: int

    def _change(self):
        if self.changes_left == 0:
            raise Killed
        self.changes_left -= 1

    def put(self, key, data):
        self._change()
        self.store.put(key, data)

    def create(self, key, data):
        self._change()
        return self.store.create(key, data)

    def swap(self, key, expected, data):
        self._change()
        return self.store.swap(key, expected, data)

    def __getattr__(self, name):
        return getattr(self.store, name)


def public(store):
    """The public files and their bytes."""
    return {key: store.get(key) for key in store.list("alerts")}

"""Published layers as they are listed: small records, and the choice among the versions of one thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.errors import InputError
from pipeline.model import Bounds, Event, moment
from pipeline.products.bands import COG_TYPE
from pipeline.products.table import PARQUET_TYPE
from pipeline.reader.source import Item, Source
from pipeline.reader.wanted import Wanted, region_of, subject_of, times_of, wanted

#: So many of what exists are named where something does not.
_NAMED = 6


@dataclass(frozen=True, slots=True)
class PublishedLayer:
    """One Item of the catalogue; a list of them makes a `pandas.DataFrame`."""

    id: str
    hazard: str
    title: str
    start: datetime
    end: datetime
    """Equal to the start for an instant."""
    event: str | None
    """Our id of the event it is about."""
    aliases: tuple[str, ...]
    """What agencies call the event."""
    region: str | None
    revision: int
    version: str
    standing: bool
    """Neither superseded nor withdrawn."""
    withdrawn: str | None
    """Why, where it was withdrawn."""
    synthetic: bool
    exercise: bool
    forecast: bool
    """Made of what was forecast, at least in part."""
    data_time: datetime | None
    """The newest time its changing inputs are about."""
    bbox: Bounds
    variables: tuple[str, ...]
    """For `open_layer`; the estimate first."""
    tables: tuple[str, ...]
    """For `open_table`."""


def listed(item: Item) -> PublishedLayer:
    """Return what is listed of an Item."""
    properties = item["properties"]
    about = subject_of(item)
    start, end = times_of(item)
    west, south, east, north = item["bbox"]
    known = properties.get("hazmon:data_time")
    return PublishedLayer(
        id=item["id"],
        hazard=item["collection"],
        title=properties["title"],
        start=start,
        end=end,
        event=about.id if isinstance(about, Event) else None,
        aliases=tuple(properties.get("hazmon:aliases", ())),
        region=region_of(item),
        revision=properties["hazmon:revision"],
        version=properties["version"],
        standing=not properties["deprecated"],
        withdrawn=properties.get("hazmon:withdrawn", {}).get("reason"),
        synthetic=properties["hazmon:synthetic"],
        exercise=properties["hazmon:exercise"],
        forecast=properties.get("hazmon:forecast", False),
        data_time=moment(known) if known else None,
        bbox=(west, south, east, north),
        variables=rasters(item),
        tables=tables(item),
    )


def rasters(item: Item) -> tuple[str, ...]:
    """Return the raster assets of an Item: estimate, uncertainty, exclusion, then the others by name."""
    return _assets(item, COG_TYPE)


def tables(item: Item) -> tuple[str, ...]:
    """Return the tables of an Item in the same order."""
    return _assets(item, PARQUET_TYPE)


def _assets(item: Item, kind: str) -> tuple[str, ...]:
    answers = item["properties"]["hazmon:answers"]
    first = [answers[question] for question in ("estimate", "uncertainty", "exclusion")]
    found = [name for name, asset in item["assets"].items() if asset.get("type") == kind]
    return tuple(sorted(found, key=lambda name: (first.index(name) if name in first else len(first), name)))


def found(source: Source, conditions: Wanted) -> list[Item]:
    """Return the Items asked for by time, one version of each thing: at least one, and one only where one is meant.

    Raises
    ------
    InputError
        Naming what exists, where nothing satisfies the conditions.
    """
    check_hazard(source, conditions.hazard)
    items = source.search(conditions)
    if not items:
        raise InputError(_nothing(source, conditions))
    versions = items if conditions.standing else newest_versions(items)
    return versions[-1:] if conditions.is_one else versions


def newest_versions(items: Iterable[Item]) -> list[Item]:
    """Return of each thing the version that stands, else the one made last; several may share a revision."""
    chosen: dict[str, Item] = {}
    for item in sorted(items, key=lambda item: (not item["properties"]["deprecated"], item["properties"]["created"])):
        chosen[item["properties"]["hazmon:lineage"]] = item
    return sorted(chosen.values(), key=lambda item: (item["properties"]["datetime"], item["id"]))


def check_hazard(source: Source, hazard: str) -> None:
    """Refuse a hazard of which nothing was published.

    Raises
    ------
    InputError
        Naming those that are there.
    """
    there = source.hazards()
    if hazard not in there:
        raise InputError(f"hazard {hazard!r}: nothing published at {source.place}; expected one of {there}")


def _nothing(source: Source, conditions: Wanted) -> str:
    """Return why nothing was found and what there is instead."""
    said = f"{conditions.hazard}: nothing satisfies {conditions.said()}"
    every = wanted(conditions.hazard, event=conditions.event, region=conditions.region, standing=False)
    others = sorted(source.search(every), key=lambda item: int(item["properties"]["hazmon:revision"]))
    if others and conditions.event is not None:
        return f"{said}; there is {_versions(others)}; what no longer stands is opened by revision="
    newest = source.search(wanted(conditions.hazard), limit=_NAMED)
    names = [_name(item) for item in reversed(newest)]
    return f"{said}; the newest that stand at {source.place}: {', '.join(names) or 'none'}"


def _versions(items: Sequence[Item]) -> str:
    return ", ".join(f"revision {item['properties']['hazmon:revision']} ({_state(item)})" for item in items[-_NAMED:])


def _name(item: Item) -> str:
    """Return how to ask for an Item."""
    about, properties = subject_of(item), item["properties"]
    if isinstance(about, Event):
        return f"event {about.id} ({', '.join(properties.get('hazmon:aliases', [])) or 'no other name'})"
    return f"time {properties['datetime']} ({region_of(item) or item['id']})"


def _state(item: Mapping[str, Any]) -> str:
    return state(item["properties"])


def state(properties: Mapping[str, Any]) -> str:
    """Return whether an Item stands, in words."""
    if "hazmon:withdrawn" in properties:
        gone = properties["hazmon:withdrawn"]
        return f"withdrawn {gone['at']}: {gone['reason']}"
    return "superseded" if properties["deprecated"] else "standing"

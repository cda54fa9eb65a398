"""The sequence of an earthquake: the events known after it and near it, and up to when they are known.

What a product used of it is kept as it was, one file a feed (each to be credited) and one for the moment it was known:

    derived/sequence/EVENT/SHA8.json

The moment is that of the newest step in the life of the earthquake or of an event of its sequence. No clock is read: as
long as nothing is learned about the sequence, its bytes and what is made of them stay the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, SupportsFloat

import numpy as np
import xarray as xr

from pipeline.errors import StoreError
from pipeline.model import Window, moment
from pipeline.observations import events
from pipeline.observations.events import EventRecord
from pipeline.observations.solution import Solution, kilometres_between
from pipeline.store import Store, sha256, to_bytes

#: What an event gives to layers besides its solution: a table, and a number in days.
SEQUENCE, ELAPSED = "sequence", "elapsed"
#: How long after an earthquake events are counted as its aftershocks.
SPAN = timedelta(days=366)
_FOLDER = "derived/sequence"
_DAY = timedelta(days=1)

#: Distance (km) from the epicentre within which events are of the sequence, by the magnitude of the earthquake.
Radius = Callable[[float], SupportsFloat]


@dataclass(frozen=True, slots=True)
class Sequence:
    """What is known after an earthquake."""

    mainshock: EventRecord
    members: tuple[EventRecord, ...]
    """Events that stand, oldest first."""
    known: datetime
    """The moment of the newest step in the life of any of them, or of one that no longer belongs to them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of a sequence as it is kept."""

    key: str
    sha256: str
    size: int
    feed: str
    time: datetime
    """The newest event's own, or the moment up to which the sequence is known."""
    received: datetime
    synthetic: bool


def sequence(store: Store, mainshock: EventRecord, radius: Radius) -> Sequence:
    """Return the sequence of an earthquake as the store knows it."""
    basis = mainshock.basis
    near = [
        record
        for record in events.find(store, Window(basis.time, basis.time + SPAN))
        if record.id != mainshock.id and has_been_near(record, basis, radius)
    ]
    members = tuple(r for r in near if not r.withdrawn and is_near(r.basis, basis, radius))
    steps = [record.history[-1].at for record in (mainshock, *near)]
    return Sequence(mainshock, members, max([*steps, basis.time, *(record.basis.time for record in members)]))


def is_near(one: Solution, mainshock: Solution, radius: Radius) -> bool:
    """Whether an event is an earthquake after another one and within the distance of its sequence."""
    if mainshock.magnitude is None or one.event_type != "earthquake":
        return False
    after = mainshock.time < one.time < mainshock.time + SPAN
    return after and kilometres_between(one, mainshock) <= float(radius(mainshock.magnitude))


def has_been_near(record: EventRecord, mainshock: Solution, radius: Radius) -> bool:
    """Whether an event is of a sequence, or was at an earlier revision: what is said of it then is news."""
    return any(is_near(step.solution, mainshock, radius) for step in record.history)


def keep_members(store: Store, found: Sequence) -> list[Kept]:
    """Store the events of a sequence, one file for each feed they are from; none where there is no event."""
    feeds = sorted({record.basis.feed for record in found.members})
    return [_kept(store, found, feed, [r for r in found.members if r.basis.feed == feed]) for feed in feeds]


def keep_elapsed(store: Store, found: Sequence) -> Kept:
    """Store the moment up to which a sequence is known."""
    basis = found.mainshock.basis
    value = {"event": found.mainshock.id, "origin": basis.time.isoformat(), "known": found.known.isoformat()}
    key, data = _put(store, found, value)
    return Kept(key, sha256(data), len(data), basis.feed, found.known, found.known, basis.synthetic)


def read_members(store: Store, key: str, checksum: str) -> xr.Dataset:
    """Return the events in a file along `row`: `days` since the earthquake and `magnitude`, NaN where unknown.

    Raises
    ------
    StoreError
        Where the file is not there, or other bytes than were kept.
    """
    value = _get(store, key, checksum)
    origin = moment(value["origin"])
    days = [(moment(row["time"]) - origin) / _DAY for row in value["events"]]
    magnitudes = [np.nan if row["magnitude"] is None else row["magnitude"] for row in value["events"]]
    columns = {"days": (days, "days"), "magnitude": (magnitudes, "1")}
    return xr.Dataset({n: ("row", np.array(v, dtype=np.float64), {"units": unit}) for n, (v, unit) in columns.items()})


def read_elapsed(store: Store, key: str, checksum: str) -> xr.DataArray:
    """Return the days from the earthquake to the moment up to which its sequence is known; raises as `read_members`."""
    value = _get(store, key, checksum)
    return xr.DataArray((moment(value["known"]) - moment(value["origin"])) / _DAY, attrs={"units": "days"})


def is_kept(key: str) -> bool:
    """Whether a store key is that of a part of a sequence."""
    return key.startswith(f"{_FOLDER}/")


def _kept(store: Store, found: Sequence, feed: str, members: list[EventRecord]) -> Kept:
    value = {
        "event": found.mainshock.id,
        "origin": found.mainshock.basis.time.isoformat(),
        "feed": feed,
        "events": [_row(record) for record in members],
    }
    key, data = _put(store, found, value)
    newest = max(record.basis.time for record in members)
    received = max(record.basis.received for record in members)
    return Kept(key, sha256(data), len(data), feed, newest, received, any(record.basis.synthetic for record in members))


def _row(record: EventRecord) -> dict[str, object]:
    basis = record.basis
    return {
        "event": record.id,
        "revision": record.revision,
        "time": basis.time.astimezone(UTC).isoformat(),
        "magnitude": basis.magnitude,
        "magnitude_type": basis.magnitude_type,
        "longitude": basis.longitude,
        "latitude": basis.latitude,
        "id": basis.key,
        "payload": basis.payload_key,
        "sha256": basis.payload_sha256,
    }


def _put(store: Store, found: Sequence, value: object) -> tuple[str, bytes]:
    data = to_bytes(value)
    key = f"{_FOLDER}/{found.mainshock.id}/{sha256(data)[:8]}.json"
    store.create(key, data)
    return key, data


def _get(store: Store, key: str, checksum: str) -> dict[str, Any]:
    data = store.get(key)
    if sha256(data) != checksum:
        raise StoreError(f"{key}: SHA-256 {sha256(data)}, expected {checksum}")
    value: dict[str, Any] = json.loads(data)
    return value

"""The sequence of an earthquake: the events known after it and near it, up to when, and in which time any would be known.

What a product used of it is kept as it was, one file a feed (each to be credited) and one for the times:

    derived/sequence/EVENT/SHA8.json

It is known up to the newest step in the life of the earthquake or of an event of its sequence. It is watched while
the feeds that are polled told of events, wherever they were, soon after these happened: an archive that was filled later
holds no event of a time because nobody looked, not because there was none. No clock is read: as long as nothing is
learned about the sequence, its bytes and what is made of them stay the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable
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

#: What an event gives to layers besides its solution: a table, and numbers in days.
SEQUENCE, ELAPSED, WATCHED_FROM, WATCHED_UNTIL = "sequence", "elapsed", "watched_from", "watched_until"
NUMBERS = (ELAPSED, WATCHED_FROM, WATCHED_UNTIL)
#: How long after an earthquake events are counted as its aftershocks.
SPAN = timedelta(days=366)
#: An event that was received so soon after its origin was watched for.
PROMPT = timedelta(days=1)
#: Without any such event for so long nobody is known to have watched.
SILENCE = timedelta(days=14)
_FOLDER = "derived/sequence"
_DAY = timedelta(days=1)

#: Distance (km) from the epicentre within which events are of the sequence, by the magnitude of the earthquake.
Radius = Callable[[float], SupportsFloat]


@dataclass(frozen=True, slots=True)
class Sequence:
    """What is known after an earthquake."""

    mainshock: EventRecord
    members: tuple[EventRecord, ...]
    """Events that stand and count, oldest first."""
    known: datetime
    """The moment of the newest step in the life of any of them, or of one that no longer belongs to them."""
    watched: tuple[datetime, datetime] | None
    """Begin and end of the time whose events would be among them; None where nothing was watched."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of a sequence as it is kept: `keep` stores it."""

    key: str
    data: bytes
    feed: str
    time: datetime
    """The newest event's own, or the moment up to which the sequence is known."""
    received: datetime
    synthetic: bool

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return sha256(self.data)


def sequence(
    store: Store, mainshock: EventRecord, radius: Radius, *, least: float = -math.inf, feeds: Collection[str] = ()
) -> Sequence:
    """Return the sequence of an earthquake as the store knows it.

    Parameters
    ----------
    mainshock
        The earthquake.
    radius
        Distance of its sequence, km, by its magnitude.
    least
        Smallest magnitude that counts: what is said of a smaller event is no news. An unknown magnitude counts.
    feeds
        Those that are polled: what they tell soon after it happened shows that somebody watched.
    """
    basis = mainshock.basis
    found = events.find(store, Window(basis.time - SILENCE, basis.time + SPAN + SILENCE))
    others = [record for record in found if record.id != mainshock.id]
    near = [record for record in others if has_been_near(record, basis, radius, least)]
    members = tuple(r for r in near if not r.withdrawn and is_near(r.basis, basis, radius, least))
    steps = [mainshock.history[-1].at, *(_news(record, basis, radius, least) for record in near)]
    known = max([*steps, basis.time, *(record.basis.time for record in members)])
    return Sequence(mainshock, members, known, _watched(others, basis.time, known, feeds))


def is_near(one: Solution, mainshock: Solution, radius: Radius, least: float = -math.inf) -> bool:
    """Whether an event is an earthquake after another one, within the distance of its sequence and not too small."""
    if mainshock.magnitude is None or one.event_type != "earthquake":
        return False
    if one.magnitude is not None and one.magnitude < least:
        return False
    after = mainshock.time < one.time < mainshock.time + SPAN
    return after and kilometres_between(one, mainshock) <= float(radius(mainshock.magnitude))


def has_been_near(record: EventRecord, mainshock: Solution, radius: Radius, least: float = -math.inf) -> bool:
    """Whether an event is of a sequence, or was at an earlier revision: what is said of it then is news."""
    return any(is_near(step.solution, mainshock, radius, least) for step in record.history)


def members_of(found: Sequence) -> list[Kept]:
    """Return the events of a sequence, one file for each feed they are from; none where there is no event."""
    feeds = sorted({record.basis.feed for record in found.members})
    return [_kept(found, feed, [r for r in found.members if r.basis.feed == feed]) for feed in feeds]


def times_of(found: Sequence) -> Kept:
    """Return the moment up to which a sequence is known, and the time in which it was watched."""
    basis = found.mainshock.basis
    value = {
        "event": found.mainshock.id,
        "origin": basis.time.isoformat(),
        "known": found.known.isoformat(),
        "watched": None if found.watched is None else [time.isoformat() for time in found.watched],
    }
    return Kept(*_file(found, value), basis.feed, found.known, found.known, basis.synthetic)


def keep(store: Store, part: Kept) -> None:
    """Store a part of a sequence; the same again changes nothing."""
    store.create(part.key, part.data)


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


def read_number(store: Store, key: str, checksum: str, name: str) -> xr.DataArray:
    """Return one of `NUMBERS`, days since the earthquake, NaN where nothing was watched; raises as `read_members`."""
    value = _get(store, key, checksum)
    begin, end = value.get("watched") or (None, None)
    time = {ELAPSED: value["known"], WATCHED_FROM: begin, WATCHED_UNTIL: end}[name]
    days = np.nan if time is None else (moment(time) - moment(value["origin"])) / _DAY
    return xr.DataArray(days, attrs={"units": "days"})


def is_kept(key: str) -> bool:
    """Whether a store key is that of a part of a sequence."""
    return key.startswith(f"{_FOLDER}/")


def _news(record: EventRecord, mainshock: Solution, radius: Radius, least: float) -> datetime:
    """Return the moment of the newest step that brought an event into a sequence, changed it there or took it out."""
    counts = [is_near(step.solution, mainshock, radius, least) for step in record.history]
    changed = [now or before for now, before in zip(counts, [False, *counts], strict=False)]
    return max(step.at for step, is_news in zip(record.history, changed, strict=True) if is_news)


def _watched(
    records: Iterable[EventRecord], origin: datetime, known: datetime, feeds: Collection[str]
) -> tuple[datetime, datetime] | None:
    """Return the longest time between two moments in which events were told of soon after they happened."""
    solutions = (step.solution for record in records for step in record.history)
    prompt = {s.received for s in solutions if s.feed in feeds and s.time <= s.received <= min(s.time + PROMPT, known)}
    spans: list[tuple[datetime, datetime]] = []
    for told in sorted({*prompt, known} if prompt else ()):
        if spans and told - spans[-1][1] <= SILENCE:
            spans[-1] = (spans[-1][0], told)
        else:
            spans.append((told, told))
    clipped = [(max(begin, origin), min(end, origin + SPAN)) for begin, end in spans]
    longest = max(clipped, key=lambda span: span[1] - span[0], default=None)
    return longest if longest is not None and longest[0] < longest[1] else None


def _kept(found: Sequence, feed: str, members: list[EventRecord]) -> Kept:
    value = {
        "event": found.mainshock.id,
        "origin": found.mainshock.basis.time.isoformat(),
        "feed": feed,
        "events": [_row(record) for record in members],
    }
    newest = max(record.basis.time for record in members)
    received = max(record.basis.received for record in members)
    return Kept(*_file(found, value), feed, newest, received, any(record.basis.synthetic for record in members))


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


def _file(found: Sequence, value: object) -> tuple[str, bytes]:
    data = to_bytes(value)
    return f"{_FOLDER}/{found.mainshock.id}/{sha256(data)[:8]}.json", data


def _get(store: Store, key: str, checksum: str) -> dict[str, Any]:
    data = store.get(key)
    if sha256(data) != checksum:
        raise StoreError(f"{key}: SHA-256 {sha256(data)}, expected {checksum}")
    value: dict[str, Any] = json.loads(data)
    return value

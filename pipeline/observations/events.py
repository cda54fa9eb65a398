"""Earthquakes as this house knows them: one event out of many agencies' solutions, its id for ever, its revisions.

An event's solutions are decided by `association.partition`, a pure function of the set of solutions. What is added
here has memory: an id that never changes, and a revision number that rises only when the preferred solution's
parameters or the withdrawn state change. The table is one object a month, `events/2024-01.json`, replaced by
compare-and-swap, so that two feeds at once never make two events and lose nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import xarray as xr
from pydantic import TypeAdapter, ValidationError

from pipeline.errors import Conflict, KeyMissing, StoreError
from pipeline.model import Event, Window
from pipeline.observations.association import Cluster, component, newest, partition, preferred_first, stands
from pipeline.observations.solution import Solution, is_solution, solution
from pipeline.store import Store, sha256

__all__ = [
    "EventRecord",
    "EventTable",
    "Revision",
    "Solution",
    "associate",
    "event",
    "find",
    "is_solution",
    "named",
    "read",
    "scalars",
    "solution",
    "update",
]

#: How near a month's end the neighbouring month is read as well; origin times are revised by seconds, not by days.
MARGIN = timedelta(days=1)
#: Rounds of compare-and-swap before giving up; each lost round means that somebody else's was won.
ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class Revision:
    """One step in an event's life: what products of this revision are made from."""

    number: int
    solution: Solution
    withdrawn: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with all its solutions."""

    id: str
    """Ours, for ever: `eq`, origin time and four digits of the first agency's id."""
    revision: int
    solutions: tuple[Solution, ...]
    """The newest of each agency's id, the preferred one first; empty where the event was merged into another."""
    preferred: Solution
    aliases: tuple[str, ...]
    """Every agency's id of it, sorted."""
    withdrawn: bool
    """No solution stands any more, or the event was merged into its successor."""
    created: datetime
    history: tuple[Revision, ...]
    successor: str | None = None
    """The event it turned out to be the same as."""
    relatives: tuple[str, ...] = ()
    """Events that solutions came from or went to: merged into this one, split off, or taking over."""

    @property
    def basis(self) -> Solution:
        """The solution as it was when the current revision was made; same parameters as `preferred`, stable payload."""
        return self.history[-1].solution


@dataclass(frozen=True, slots=True)
class EventTable:
    """Events by id."""

    records: Mapping[str, EventRecord] = field(default_factory=dict)

    def holder(self, key: str) -> EventRecord | None:
        """Return the event that an agency's id stands in, or None."""
        return next((record for record in self.records.values() if any(s.key == key for s in record.solutions)), None)


#: A month's table as JSON: one event's fields in the order above, events in the order of their ids.
_TABLE = TypeAdapter(dict[str, EventRecord])


def associate(
    solution: Solution, table: EventTable, *, order: Sequence[str] = (), now: datetime
) -> tuple[EventTable, EventRecord, bool]:
    """Return the table with a solution in it, the event it belongs to, and whether that event has a new revision.

    The same solution again, or an older one of the same agency's id, changes nothing. A newer one supersedes, a
    deleted one withdraws: other agencies' solutions take over, else the event is withdrawn. Events that turn out to
    be one are merged: the oldest id survives, the others are withdrawn and name it as their successor.

    Parameters
    ----------
    solution
        What arrived.
    table
        The events around its time.
    order
        Agencies, most trusted first.
    now
        Time of this step; enters `created` and `history` only.
    """
    standing = [s for record in table.records.values() for s in record.solutions]
    concerned = newest(component(solution, [*standing, solution]))
    clusters = partition(concerned.values(), order)
    holders = [record for record in table.records.values() if any(s.key in concerned for s in record.solutions)]
    claims = _claims(holders, clusters, order)
    records, families = dict(table.records), []
    for cluster, claimants in zip(clusters, claims, strict=True):
        sources = {record.id for record in holders if {s.key for s in record.solutions} & {s.key for s in cluster}}
        survivor = claimants[0] if claimants else _born(cluster, records, now)
        records[survivor.id] = _revised(survivor, cluster, now)
        for merged in claimants[1:]:
            records[merged.id] = _merged(merged, survivor.id, now)
        families.append({survivor.id, *sources})
    for family in families:
        _relate(records, family)
    after = EventTable(records) if records != table.records else table
    found = after.holder(solution.key)
    if found is None:
        raise KeyMissing(f"{solution.key}: in no event after its association")
    before = table.records.get(found.id)
    return after, found, before is None or before.revision != found.revision


def update(store: Store, solution: Solution, *, order: Sequence[str] = (), now: datetime) -> tuple[EventRecord, bool]:
    """Associate a solution in the store; return its event and whether that has a new revision.

    Safe for any number of writers, and to be repeated after a crash. Near a month's end two objects are concerned:
    after writing, the other one is read again, and where somebody changed it meanwhile the association is repeated on
    both. Of two writers at least one sees the other's event; it merges them.

    Raises
    ------
    Conflict
        Where others kept changing the table.
    """
    keys = _tables(Window(solution.time - MARGIN, solution.time + MARGIN))
    began: dict[str, int] | None = None
    for _ in range(ROUNDS):
        held = {key: _get(store, key) for key in keys}
        before = _parse(held.values())
        began = {id: record.revision for id, record in before.records.items()} if began is None else began
        after, record, _ = associate(solution, before, order=order, now=now)
        tables = _split(after, _home(record.id))
        if not tables.keys() <= held.keys():
            keys = sorted({*keys, *tables})
            continue
        if _swap_all(store, held, tables):
            return record, began.get(record.id) != record.revision
    raise Conflict(f"{', '.join(keys)}: changed by others {ROUNDS} times in a row")


def _swap_all(store: Store, held: Mapping[str, bytes | None], tables: Mapping[str, bytes]) -> bool:
    """Write the tables that differ from what was read; return False where anybody else wrote one of them meanwhile."""
    written = {key: data for key, data in tables.items() if data != held[key]}
    if not all(store.swap(key, held[key], data) for key, data in written.items()):
        return False
    return len(held) == 1 or all(_get(store, key) == written.get(key, before) for key, before in held.items())


def read(store: Store, id: str) -> EventRecord:
    """Return the event of one of our ids.

    Raises
    ------
    KeyMissing
        Where there is no such event.
    """
    record = _parse([_get(store, _home(id))]).records.get(id)
    if record is None:
        raise KeyMissing(f"{_home(id)}: no event {id}")
    return record


def find(store: Store, window: Window) -> list[EventRecord]:
    """Return the events, withdrawn ones too, whose preferred origin lies in a window, oldest first."""
    tables = _parse(_get(store, key) for key in _tables(Window(window.start - MARGIN, window.end + MARGIN)))
    found = [record for record in tables.records.values() if record.preferred.time in window]
    return sorted(found, key=lambda record: (record.preferred.time, record.id))


def named(store: Store, name: str) -> EventRecord | None:
    """Return the newest event that any agency calls by this id, one that stands before a withdrawn one; None: unknown."""
    written = f'"{name}"'.encode()
    for key in sorted(store.list("events"), reverse=True):
        data = _get(store, key)
        if data is None or written not in data:
            continue
        found = [r for r in _parse([data]).records.values() if name in r.aliases and r.successor is None]
        if found:
            return max(found, key=lambda r: (not r.withdrawn, r.preferred.time, r.id))
    return None


def event(record: EventRecord) -> Event:
    """Return the subject that products of an event's current revision are about."""
    start = record.basis.time.replace(microsecond=0)
    return Event(record.id, record.revision, start, aliases=record.aliases, withdrawn=record.withdrawn)


def scalars(record: EventRecord) -> xr.Dataset:
    """Return what layers read of an event, 0-d: magnitude "1", depth "km", longitude, latitude, time; NaN: unknown."""
    basis = record.basis
    values = {
        "magnitude": (basis.magnitude, {"units": "1", "long_name": f"magnitude {basis.magnitude_type}".strip()}),
        "depth": (basis.depth, {"units": "km", "standard_name": "depth", "positive": "down"}),
        "longitude": (basis.longitude, {"units": "degrees_east", "standard_name": "longitude"}),
        "latitude": (basis.latitude, {"units": "degrees_north", "standard_name": "latitude"}),
    }
    dataset = xr.Dataset(
        {name: ((), np.float64(np.nan if value is None else value), attrs) for name, (value, attrs) in values.items()}
    )
    dataset["time"] = ((), np.datetime64(basis.time.astimezone(UTC).replace(tzinfo=None), "ns"), {"standard_name": "time"})
    dataset.attrs.update(
        event=record.id,
        revision=record.revision,
        agency=basis.agency,
        ids=list(record.aliases),
        status=basis.status,
        event_type=basis.event_type,
        place=basis.place,
        synthetic=int(basis.synthetic),
    )
    return dataset


def _claims(holders: Iterable[EventRecord], clusters: list[Cluster], order: Sequence[str]) -> list[list[EventRecord]]:
    """Return for each cluster the records that go on as it, oldest first: each goes where its best solution went."""
    place = {s.key: index for index, cluster in enumerate(clusters) for s in cluster}
    current = {s.key: s for cluster in clusters for s in cluster}
    claims: list[list[EventRecord]] = [[] for _ in clusters]
    for record in sorted(holders, key=lambda r: (r.created, r.id)):
        best = preferred_first([current[s.key] for s in record.solutions if s.key in current], order)[0]
        claims[place[best.key]].append(record)
    return claims


def _born(cluster: Cluster, taken: Mapping[str, EventRecord], now: datetime) -> EventRecord:
    """Return a record without revisions, named after the solution received first whose name is free."""
    first, *others = sorted(cluster, key=lambda s: (s.received, s.key))
    names = (_name(s, attempt) for attempt in count() for s in (first, *others))
    free = next(name for name in names if name not in taken)
    return EventRecord(free, 0, cluster, cluster[0], (), withdrawn=False, created=now, history=())


def _name(solution: Solution, attempt: int) -> str:
    digits = sha256(f"{solution.key}{attempt or ''}".encode())[:4]
    return f"eq{solution.time.astimezone(UTC):%Y%m%d%H%M%S}{digits}"


def _revised(record: EventRecord, cluster: Cluster, now: datetime) -> EventRecord:
    """Return a record with these solutions, and a new revision where they make a difference to products."""
    preferred = cluster[0]
    withdrawn = not stands(preferred, cluster)
    aliases = tuple(sorted({alias for s in cluster for alias in s.aliases}))
    after = replace(record, solutions=cluster, preferred=preferred, aliases=aliases, withdrawn=withdrawn)
    last = record.history[-1] if record.history else None
    if last is not None and last.withdrawn == withdrawn and (withdrawn or last.solution.parameters == preferred.parameters):
        return after
    return _stepped(after, now)


def _merged(record: EventRecord, successor: str, now: datetime) -> EventRecord:
    """Return a record that turned out to be another event."""
    after = replace(record, solutions=(), withdrawn=True, successor=successor)
    return after if record.withdrawn else _stepped(after, now)


def _stepped(record: EventRecord, now: datetime) -> EventRecord:
    step = Revision(record.revision + 1, record.preferred, record.withdrawn, now)
    return replace(record, revision=step.number, history=(*record.history, step))


def _relate(records: dict[str, EventRecord], ids: set[str]) -> None:
    """Note in each of these records that it exchanged solutions with the others."""
    for id in ids:
        record = records[id]
        records[id] = replace(record, relatives=tuple(sorted({*record.relatives, *ids} - {id})))


def _tables(window: Window) -> list[str]:
    """Return the keys of the months that a window touches."""
    keys, day = [], window.start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while day <= window.end:
        keys.append(f"events/{day:%Y-%m}.json")
        day = (day + timedelta(days=32)).replace(day=1)
    return keys


def _home(id: str) -> str:
    """Return the key of the table that an event stands in: the month in its id, wherever its origin moves."""
    return f"events/{id[2:6]}-{id[6:8]}.json"


def _get(store: Store, key: str) -> bytes | None:
    try:
        return store.get(key)
    except KeyMissing:
        return None


def _parse(tables: Iterable[bytes | None]) -> EventTable:
    """Return the events of several months' tables.

    Raises
    ------
    StoreError
        Where an object is not such a table.
    """
    records: dict[str, EventRecord] = {}
    for data in tables:
        try:
            records.update(_TABLE.validate_json(data or b"{}"))
        except ValidationError as error:
            raise StoreError(f"events: not a table of events: {error}") from error
    return EventTable(records)


def _split(table: EventTable, first: str) -> dict[str, bytes]:
    """Return the bytes of each month's table, the one of an event's survivor first: merged ones are written after it."""
    months: dict[str, dict[str, EventRecord]] = {first: {}}
    for id in sorted(table.records):
        months.setdefault(_home(id), {})[id] = table.records[id]
    return {key: _TABLE.dump_json(records, indent=1) for key, records in months.items()}

"""The search index of the catalogue: SQLite with an R-tree, a cache that the Items in the store can rebuild."""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from pipeline.errors import KeyMissing, StoreError, Unreadable
from pipeline.model import Bounds, Window
from pipeline.products import index_row, index_search
from pipeline.products.cache import PATIENCE_S, Cache
from pipeline.products.index_row import boxes, time_text
from pipeline.products.index_search import Found, Query

#: Version of the tables; an index of another version is dropped and rebuilt.
_VERSION = 3

#: Longest time that a search may take, seconds.
_LONGEST_S = 20.0

#: How many steps of SQLite's machine pass between two looks at the clock.
_STEPS = 10_000

#: How much of the file a reader may map into memory, bytes.
_MAPPED = 1 << 28

_TABLES = """
CREATE TABLE IF NOT EXISTS items (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    hazard TEXT NOT NULL,
    subject TEXT NOT NULL,
    lineage TEXT NOT NULL,
    start TEXT NOT NULL,
    stop TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created TEXT NOT NULL,
    current INTEGER NOT NULL,
    west REAL, south REAL, east REAL, north REAL,
    is_box INTEGER NOT NULL,
    state TEXT
);
CREATE INDEX IF NOT EXISTS items_by_start ON items (start, id);
CREATE INDEX IF NOT EXISTS items_by_hazard ON items (hazard, start, id);
CREATE INDEX IF NOT EXISTS items_by_lineage ON items (lineage);
CREATE INDEX IF NOT EXISTS items_by_subject ON items (subject);
CREATE TABLE IF NOT EXISTS contents (number INTEGER PRIMARY KEY, properties TEXT NOT NULL, geometry BLOB);
CREATE TABLE IF NOT EXISTS documents (number INTEGER PRIMARY KEY, document BLOB NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS places USING rtree (number, west, east, south, north, start, stop);
CREATE TABLE IF NOT EXISTS names (hazard TEXT, name TEXT, type TEXT, PRIMARY KEY (hazard, name, type)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreadable (key TEXT PRIMARY KEY, problem TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS progress (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL,
    mark TEXT NOT NULL
);
"""

_NAMES = ("items", "places", "contents", "documents", "names", "unreadable", "progress")


@dataclass(frozen=True, slots=True)
class Reached:
    """Up to which entry an index has followed the news."""

    number: int = 0
    mark: str = ""
    """What tells the entry from every other that could be told under its number."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the index says of one Item."""

    id: str
    key: str
    current: bool
    state: str | None = field(default=None, compare=False)
    """Checksum of the Item, where it was put on its own."""


class Index:
    """One SQLite file in WAL mode, safe for many threads and processes at once: one writes, nobody waits to read.

    Raises
    ------
    StoreError
        From any method, where the file cannot be read or stays locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._own = threading.local()
        self._cache = Cache(path, "index", _VERSION, _TABLES, _NAMES)
        self._cache.make()

    def __reduce__(self) -> tuple[type[Index], tuple[Path]]:
        return Index, (self.path,)

    @property
    def reached(self) -> Reached | None:
        """The last news entry that is in the index; None before it was ever filled."""
        found = self._read("SELECT number, mark FROM progress")
        return Reached(*found[0]) if found else None

    def put(self, key: str, read: Callable[[str], Mapping[str, Any]]) -> None:
        """Add an Item or replace what is known of it; it is read once the pen is held, so that no older state wins."""
        with self._cache.writing() as connection:
            index_row.insert(connection, read(key), key, with_state=True)

    def follow(
        self,
        keys: Iterable[str],
        read: Callable[[str], Mapping[str, Any]],
        *,
        reached: Reached | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Put Items as they are now and note up to which news entry the index has followed.

        One whose file was taken away by hand is forgotten, one that cannot be read is left out and noted: neither must hold
        up those that came after it.

        Parameters
        ----------
        keys
            Of the Items.
        read
            Returns an Item; KeyMissing or Unreadable where there is none.
        reached
            The last entry that told of them.
        patience_s
            How long to wait for another writer, seconds; Busy afterwards.
        """
        with self._cache.writing(patience_s) as connection:
            for key in keys:
                try:
                    index_row.insert(connection, read(key), key, with_state=True)
                except KeyMissing:
                    index_row.forget(connection, key)
                except Unreadable as error:
                    index_row.leave_out(connection, key, str(error))
            if reached is not None:
                _reach(connection, reached)

    def replace(
        self,
        items: Iterable[tuple[str, Mapping[str, Any] | Unreadable]],
        *,
        reached: Callable[[], Reached] = Reached,
        only_if: Callable[[Reached | None], bool] = lambda _: True,
        patience_s: float = PATIENCE_S,
    ) -> int:
        """Forget all, take these Items by key instead, in one transaction; return how many there are.

        Parameters
        ----------
        items
            Read once the pen is held, so that nothing that is put meanwhile is forgotten; what cannot be read is noted.
        reached
            Tells which news entry is the last that these Items surely show; asked before the first of them is read.
        only_if
            Whether to do so, by what the index has reached once the pen is held: another process may have been faster.
        patience_s
            How long to wait for another writer, seconds; Busy afterwards.
        """
        with self._cache.writing(patience_s) as connection:
            found = connection.execute("SELECT number, mark FROM progress").fetchone()
            if only_if(Reached(*found) if found else None):
                last = reached()
                for name in _NAMES:
                    connection.execute(f"DELETE FROM {name}")
                for key, item in items:
                    _take(connection, key, item)
                _reach(connection, last)
            return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])

    def unreadable(self) -> dict[str, str]:
        """Return the store keys of Items that are left out, since they cannot be read, and why."""
        return dict(self._read("SELECT key, problem FROM unreadable ORDER BY key"))

    def rows(self) -> list[Row]:
        """Return all rows, by id."""
        found = self._read("SELECT id, key, current, state FROM items ORDER BY id")
        return [Row(id, key, bool(current), state) for id, key, current, state in found]

    def row(self, id: str) -> Row | None:
        """Return the row of one Item, where it has one."""
        found = self._read("SELECT id, key, current, state FROM items WHERE id = ?", (id,))
        return Row(found[0][0], found[0][1], bool(found[0][2]), found[0][3]) if found else None

    def document(self, id: str) -> bytes | None:
        """Return an Item as JSON text, where it is known."""
        query = "SELECT document FROM documents JOIN items USING (number) WHERE id = ?"
        found = self._read(query, (id,))
        return zlib.decompress(found[0][0]) if found else None

    def types(self, hazard: str | None = None) -> dict[str, set[str]]:
        """Return which types of value the properties of Items have: "string", "date-time", "number", "integer" and so on."""
        query = "SELECT name, type FROM names WHERE ? IS NULL OR hazard = ? ORDER BY name, type"
        found: dict[str, set[str]] = {}
        for name, kind in self._read(query, (hazard, hazard)):
            found.setdefault(name, set()).add(kind)
        return found

    def find(self, query: Query) -> list[Found]:
        """Return the Items that a query asks for, as documents, in its order; StoreError where that takes too long."""
        until = monotonic() + _LONGEST_S
        with self._reading() as connection:
            connection.set_progress_handler(lambda: monotonic() > until, _STEPS)
            try:
                return index_search.run(connection, query)
            finally:
                connection.set_progress_handler(None, 0)

    def search(
        self,
        *,
        hazard: str | None = None,
        subject: str | None = None,
        bbox: Bounds | None = None,
        window: Window | None = None,
        current: bool | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return the keys of Items that satisfy all conditions, the newest first.

        Parameters
        ----------
        hazard
            Id of the hazard.
        subject
            Key of a subject, lineage or series: whatever begins with it.
        bbox
            (west, south, east, north), degrees; west > east crosses the antimeridian.
        window
            Items about any moment in [start, end).
        current
            Only those that stand (True), or only superseded and withdrawn ones (False).
        limit
            At most so many.
        """
        terms: list[str] = []
        values: list[Any] = []
        if hazard is not None:
            terms.append("hazard = ?")
            values.append(hazard)
        if subject is not None:
            terms.append("(subject = ? OR lineage = ? OR substr(subject, 1, ?) = ?)")
            values += [subject, subject, len(subject) + 1, f"{subject}:"]
        if window is not None:
            terms.append("start < ? AND (stop > ? OR start >= ?)")
            values += [time_text(window.end.isoformat()), *[time_text(window.start.isoformat())] * 2]
        if current is not None:
            terms.append("current = ?")
            values.append(int(current))
        if bbox is not None:
            wanted = boxes(bbox)
            overlap = "west <= ? AND east >= ? AND south <= ? AND north >= ?"
            places = f"SELECT number >> 1 FROM places WHERE {' OR '.join([f'({overlap})'] * len(wanted))}"
            terms.append(f"number IN ({places})")
            values += [value for west, south, east, north in wanted for value in (east, west, north, south)]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        query = f"SELECT key FROM items {where} ORDER BY start DESC, revision DESC, created DESC, id LIMIT ?"
        return [key for (key,) in self._read(query, [*values, -1 if limit is None else limit])]

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._reading() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend this thread's own connection, opened anew where the process was forked or the file was replaced."""
        try:
            status = self.path.stat()
            identity = (os.getpid(), status.st_dev, status.st_ino)
            if getattr(self._own, "identity", None) != identity:
                connection = self._cache.connect()
                connection.execute(f"PRAGMA mmap_size = {_MAPPED}")
                index_search.prepare(connection)
                self._own.connection, self._own.identity = connection, identity
            yield self._own.connection
        except (sqlite3.Error, OSError, zlib.error) as error:
            raise StoreError(f"{self.path}: index: {error}") from error


def _take(connection: sqlite3.Connection, key: str, item: Mapping[str, Any] | Unreadable) -> None:
    """Put an Item, or note why it cannot be read."""
    try:
        if isinstance(item, Unreadable):
            raise item
        index_row.insert(connection, item, key)
    except Unreadable as error:
        index_row.leave_out(connection, key, str(error))


def _reach(connection: sqlite3.Connection, reached: Reached) -> None:
    """Note how far the news are in the index; another process may have come further."""
    connection.execute(
        "INSERT INTO progress (only, number, mark) VALUES (1, ?, ?) ON CONFLICT (only) DO UPDATE"
        " SET number = excluded.number, mark = excluded.mark WHERE excluded.number >= number",
        (reached.number, reached.mark),
    )

"""The search index of the catalogue: SQLite with an R-tree, a cache that the Items in the store can rebuild."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import StoreError
from pipeline.model import Bounds, Window

#: Version of the tables; an index of another version is dropped and rebuilt.
_VERSION = 1

#: How long a writer waits for another process, seconds.
_PATIENCE_S = 30.0

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
    current INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS items_by_hazard ON items (hazard, start);
CREATE INDEX IF NOT EXISTS items_by_lineage ON items (lineage);
CREATE INDEX IF NOT EXISTS items_by_subject ON items (subject);
CREATE VIRTUAL TABLE IF NOT EXISTS places USING rtree (number, west, east, south, north, +item INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What the index says of one Item."""

    id: str
    key: str
    current: bool


class Index:
    """One SQLite file in WAL mode, safe for many processes at once; every call opens and closes it.

    Raises
    ------
    StoreError
        From any method, where the file cannot be read or stays locked.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
                connection.executescript("DROP TABLE IF EXISTS items; DROP TABLE IF EXISTS places;")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {_VERSION}")

    def put(self, key: str, read: Callable[[str], Mapping[str, Any]]) -> None:
        """Add an Item or replace what is known of it; it is read once the pen is held, so that no older state wins."""
        with self._writing() as connection:
            _insert(connection, read(key), key)

    def replace(self, items: Iterable[tuple[Mapping[str, Any], str]]) -> int:
        """Forget all, take these (Item, key) instead, in one transaction; return how many there are."""
        with self._writing() as connection:
            connection.execute("DELETE FROM items")
            connection.execute("DELETE FROM places")
            count = 0
            for item, key in items:
                _insert(connection, item, key)
                count += 1
            return count

    def rows(self) -> list[Row]:
        """Return all rows, by id."""
        with self._open() as connection:
            found = connection.execute("SELECT id, key, current FROM items ORDER BY id").fetchall()
        return [Row(id, key, bool(current)) for id, key, current in found]

    def row(self, id: str) -> Row | None:
        """Return the row of one Item, where it has one."""
        with self._open() as connection:
            found = connection.execute("SELECT id, key, current FROM items WHERE id = ?", (id,)).fetchone()
        return Row(found[0], found[1], bool(found[2])) if found else None

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
            values += [_time(window.end.isoformat()), *[_time(window.start.isoformat())] * 2]
        if current is not None:
            terms.append("current = ?")
            values.append(int(current))
        if bbox is not None:
            boxes = _boxes(bbox)
            overlap = "west <= ? AND east >= ? AND south <= ? AND north >= ?"
            terms.append(f"number IN (SELECT item FROM places WHERE {' OR '.join([f'({overlap})'] * len(boxes))})")
            values += [value for west, south, east, north in boxes for value in (east, west, north, south)]
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        query = f"SELECT key FROM items {where} ORDER BY start DESC, revision DESC, created DESC, id LIMIT ?"
        with self._open() as connection:
            return [key for (key,) in connection.execute(query, [*values, -1 if limit is None else limit])]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)
            try:
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: index: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the only pen; what is not finished is undone."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, item: Mapping[str, Any], key: str) -> None:
    properties = item["properties"]
    start = properties.get("start_datetime") or properties["datetime"]
    connection.execute("DELETE FROM places WHERE item IN (SELECT number FROM items WHERE id = ?)", (item["id"],))
    connection.execute("DELETE FROM items WHERE id = ?", (item["id"],))
    number = connection.execute(
        "INSERT INTO items (id, key, hazard, subject, lineage, start, stop, revision, created, current)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            item["id"],
            key,
            item["collection"],
            properties.get("hazmon:subject", item["id"]),
            properties.get("hazmon:lineage", item["id"]),
            _time(start),
            _time(properties.get("end_datetime") or start),
            properties.get("hazmon:revision", 0),
            properties.get("created", ""),
            int(not properties.get("deprecated", False)),
        ),
    ).lastrowid
    for west, south, east, north in _boxes(tuple(item["bbox"])):
        connection.execute(
            "INSERT INTO places (west, east, south, north, item) VALUES (?, ?, ?, ?, ?)", (west, east, south, north, number)
        )


def _boxes(bbox: Bounds) -> list[Bounds]:
    """Return the boxes on either side of the antimeridian."""
    west, south, east, north = bbox
    return [bbox] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def _time(text: str) -> str:
    """Return a UTC time as text that sorts: `Z` and `+00:00` alike, without fractions of a second."""
    return text[:19]

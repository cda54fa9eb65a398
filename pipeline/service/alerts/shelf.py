"""The shelf: every CAP message of the store, read once and kept in a SQLite file that the files can rebuild.

The file is a cache beside the catalogue's index. A process lists the store when it starts and every few minutes; in
between it follows the log of news, so that a message is found as soon as it is told of, by reading one file.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from time import monotonic

import shapely

from pipeline import news
from pipeline.errors import AlertError, KeyMissing, StoreError
from pipeline.products.cache import Cache
from pipeline.service.alerts.record import Record, moment, read, to_geojson
from pipeline.store import Store

_log = logging.getLogger(__name__)

#: Version of the tables; a file of another version is dropped and rebuilt.
_VERSION = 2
#: How often the store is listed for files that no news tell of (put there by hand, or left by a writer that died), seconds.
_LIST_AGAIN_S = 300.0
#: How long a request waits for another that takes messages in, seconds; 10,000 messages read for the first time take about 25.
_WAIT_S = 5.0
#: Files read between two commits, so that no reader waits long for a large store.
_BATCH = 200

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    sha256 TEXT NOT NULL,
    sender TEXT NOT NULL,
    identifier TEXT NOT NULL UNIQUE,
    sent TEXT NOT NULL,
    begins TEXT NOT NULL,
    expires TEXT NOT NULL,
    status TEXT NOT NULL,
    closes INTEGER NOT NULL,
    severity TEXT,
    hazard TEXT,
    incident TEXT,
    body TEXT NOT NULL,
    geometry TEXT,
    shape BLOB
);
CREATE INDEX IF NOT EXISTS messages_by_sent ON messages (sent, identifier);
CREATE INDEX IF NOT EXISTS messages_by_expires ON messages (expires);
CREATE INDEX IF NOT EXISTS messages_by_incident ON messages (incident);
CREATE TABLE IF NOT EXISTS superseded (
    sender TEXT NOT NULL,
    identifier TEXT NOT NULL,
    status TEXT NOT NULL,
    sent TEXT NOT NULL,
    successor TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS superseded_by_message ON superseded (identifier, sender, status, sent, successor);
CREATE INDEX IF NOT EXISTS superseded_by_successor ON superseded (successor);
CREATE VIRTUAL TABLE IF NOT EXISTS outlines USING rtree (number, west, east, south, north);
CREATE TABLE IF NOT EXISTS unreadable (key TEXT PRIMARY KEY, problem TEXT NOT NULL);
"""
_NAMES = ("messages", "superseded", "outlines", "unreadable")


@dataclass(frozen=True, slots=True)
class Problem:
    """A file among the messages that cannot be read."""

    key: str
    problem: str


class Shelf:
    """The messages of one store, safe for many threads and processes at once.

    Parameters
    ----------
    store
        Where the messages lie; the truth.
    path
        The SQLite file; made where missing.
    """

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path
        self._lock = Lock()
        self._after, self._mark = 0, ""
        self._stopping = Event()
        self._listed: float | None = None
        self._cache = Cache(path, "shelf of messages", _VERSION, _TABLES, _NAMES)
        self._cache.make()

    def refresh(self) -> None:
        """Take in what became public since the last call.

        Raises
        ------
        StoreError
            Where another thread is still reading a large store for the first time: what is there so far is not all, and
            must not look like it.
        """
        with self._mine():
            if not self.path.exists():
                self._listed = None
                self._cache.make()
            if self._listed is None or monotonic() - self._listed > _LIST_AGAIN_S or not self._is_ours():
                self._list()
            self._follow()

    def _follow(self) -> None:
        """Take in what the news tell of, and where they cannot be read, what is there, to go on after it."""
        while True:
            try:
                told = list(news.after(self.store, self._after))
            except news.EntryBroken as error:
                _log.error("the messages are listed, for the news cannot be followed: %s", error)
                self._list(past=error.number)
                continue
            if not told:
                return
            self._take([entry.key for entry in told if entry.kind == "alert"])
            self._after, self._mark = told[-1].number, told[-1].mark

    def problems(self) -> list[Problem]:
        """Return the files that cannot be read, after looking at those that could not be, and at new ones, again.

        Raises
        ------
        StoreError
            As `refresh` does.
        """
        with self._mine():
            self._list()
        with self.open() as connection:
            found = connection.execute("SELECT key, problem FROM unreadable ORDER BY key").fetchall()
        return [Problem(*row) for row in found]

    @contextmanager
    def stopping(self) -> Iterator[None]:
        """Until the end of the block, let nobody read a large store to its end; what was read so far is kept."""
        self._stopping.set()
        try:
            yield
        finally:
            self._stopping.clear()

    @contextmanager
    def _mine(self) -> Iterator[None]:
        """Be the only thread that takes messages in until the end of the block."""
        if not self._lock.acquire(timeout=_WAIT_S):
            raise StoreError(f"{self.path}: the messages of {self.store.root} are still being read; try again soon")
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Give a connection until the end of the block.

        Raises
        ------
        StoreError
            Where the file cannot be read or stays locked.
        """
        with self._cache.open() as connection:
            yield connection

    def _is_ours(self) -> bool:
        """Whether the log is still the one that was followed."""
        return news.stands(self.store, self._after, self._mark)

    def _list(self, past: int = 0) -> None:
        """Make the shelf hold what the store holds; the head is taken first, so that what comes meanwhile is followed.

        It lies `past` an entry that cannot be read; where the log was set back, it is looked for from the beginning.
        """
        head = news.head(self.store, past or (self._after if self._is_ours() else 0))
        mark = news.mark_at(self.store, head)
        there = {key for key in self.store.list("alerts") if _is_message(key)}
        with self.open() as connection:
            known = {key for (key,) in connection.execute("SELECT key FROM messages")}
            gone = [(key,) for key in known - there]
            gone += [(key,) for (key,) in connection.execute("SELECT key FROM unreadable") if key not in there]
        if gone:
            with self._cache.writing() as connection:
                _forget(connection, gone)
        self._take(sorted(there - known))
        self._after, self._mark, self._listed = head, mark, monotonic()

    def _take(self, keys: list[str]) -> None:
        for start in range(0, len(keys), _BATCH):
            if self._stopping.is_set():
                raise StoreError(f"{self.path}: the service stops while messages are still being read")
            read = [self._read(key) for key in keys[start : start + _BATCH]]
            with self._cache.writing() as connection:
                for found in read:
                    if isinstance(found, Record):
                        _put(connection, found)
                    else:
                        _note(connection, found)

    def _read(self, key: str) -> Record | Problem:
        try:
            return read(key, self.store.get(key))
        except (AlertError, KeyMissing) as error:
            return Problem(key, str(error))


def _is_message(key: str) -> bool:
    """Whether a store key is that of a message: `alerts/YYYY/IDENTIFIER.xml`."""
    parts = key.split("/")
    return len(parts) == 3 and parts[1].isdecimal() and parts[2].endswith(".xml")


def _put(connection: sqlite3.Connection, record: Record) -> None:
    alert = record.alert
    held = connection.execute("SELECT key FROM messages WHERE identifier = ?", (alert.identifier,)).fetchone()
    if held is not None:
        if held[0] != record.key:
            _note(connection, Problem(record.key, f"holds the message {alert.identifier} of {held[0]} again"))
        return
    connection.execute("DELETE FROM unreadable WHERE key = ?", (record.key,))
    body = {"properties": record.properties, "texts": record.texts}
    number = connection.execute(
        "INSERT INTO messages (key, sha256, sender, identifier, sent, begins, expires, status, closes, severity, hazard,"
        " incident, body, geometry, shape) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.key,
            record.sha256,
            alert.sender,
            alert.identifier,
            moment(alert.sent),
            moment(record.begins),
            moment(record.expires),
            alert.status,
            int(record.closes),
            record.properties["severity"],
            record.hazard,
            record.properties["incident"],
            _text(body),
            None if record.shape is None else _text(to_geojson(record.shape)),
            None if record.shape is None else shapely.to_wkb(record.shape),
        ),
    ).lastrowid
    if record.shape is not None:
        west, south, east, north = record.shape.bounds
        connection.execute("INSERT INTO outlines VALUES (?, ?, ?, ?, ?)", (number, west, east, south, north))
    connection.executemany(
        "INSERT INTO superseded VALUES (?, ?, ?, ?, ?)",
        [(sender, id, alert.status, moment(alert.sent), alert.identifier) for sender, id, _ in alert.references],
    )


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _note(connection: sqlite3.Connection, found: Problem) -> None:
    old = connection.execute("SELECT problem FROM unreadable WHERE key = ?", (found.key,)).fetchone()
    if old is None or old[0] != found.problem:
        _log.error("%s is left out of the alerts: %s", found.key, found.problem)
        connection.execute("INSERT OR REPLACE INTO unreadable VALUES (?, ?)", (found.key, found.problem))


def _forget(connection: sqlite3.Connection, keys: list[tuple[str]]) -> None:
    message = "(SELECT {} FROM messages WHERE key = ?)"
    connection.executemany(f"DELETE FROM outlines WHERE number = {message.format('number')}", keys)
    connection.executemany(f"DELETE FROM superseded WHERE successor = {message.format('identifier')}", keys)
    connection.executemany("DELETE FROM messages WHERE key = ?", keys)
    connection.executemany("DELETE FROM unreadable WHERE key = ?", keys)

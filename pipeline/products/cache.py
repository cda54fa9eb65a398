"""A SQLite file that the store can rebuild: made where missing, emptied where of another version, set aside where damaged."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Busy, StoreError
from pipeline.store import locked

_log = logging.getLogger(__name__)

#: How long a writer waits for another process, seconds.
PATIENCE_S = 30.0

#: What lies beside a SQLite file, and the file itself last: who opens it meanwhile still finds it damaged.
_PARTS = ("-wal", "-shm", "")


@dataclass(frozen=True, slots=True)
class Cache:
    """One SQLite file in WAL mode, safe for many threads and processes at once: one writes, nobody waits to read."""

    path: Path
    what: str
    """What it is, for messages."""
    version: int
    """A file of another version is emptied."""
    tables: str
    """The statements that make the tables, where they are not there."""
    names: tuple[str, ...]
    """The tables."""

    def make(self) -> None:
        """Make the file ready; one that is no database, or a damaged one, is set aside and begun anew.

        Raises
        ------
        StoreError
            Where it cannot be opened or stays locked.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except OSError as error:
            raise StoreError(f"{self.path}: {self.what}: {error}") from error
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise self._told(error) from error
            self._begin_anew()

    def connect(self, patience_s: float = PATIENCE_S) -> sqlite3.Connection:
        """Return a new connection; its statements raise what sqlite3 raises."""
        connection = sqlite3.connect(self.path, timeout=patience_s, isolation_level=None)
        # What a power cut takes from the last commits comes back with the news or a rebuild.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def open(self, patience_s: float = PATIENCE_S) -> Iterator[sqlite3.Connection]:
        """Give a connection until the end of the block.

        Raises
        ------
        Busy
            Where another process holds the pen for longer than the patience.
        StoreError
            Where the file cannot be read.
        """
        try:
            with closing(self.connect(patience_s)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise self._told(error) from error

    @contextmanager
    def writing(self, patience_s: float = PATIENCE_S) -> Iterator[sqlite3.Connection]:
        """Hold the only pen until the end of the block; what is not finished is undone. Raises as `open` does."""
        with self.open(patience_s) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def _prepare(self) -> None:
        with closing(self.connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            if _version(connection) == self.version:
                return
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) not in (0, self.version):
                for name in self.names:
                    connection.execute(f"DROP TABLE IF EXISTS {name}")
            for statement in self.tables.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self.version}")
            connection.execute("COMMIT")

    def _begin_anew(self) -> None:
        """Set the file aside, unless another process has just done so."""
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            try:
                self._prepare()
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise self._told(error) from error
                aside = self.path.with_name(f"{self.path.name}.damaged")
                for part in _PARTS:
                    _move(Path(f"{self.path}{part}"), Path(f"{aside}{part}"))
                _log.error("%s: %s: %s; set aside as %s and begun anew", self.path, self.what, error, aside.name)
                self._prepare()

    def _told(self, error: sqlite3.Error) -> StoreError:
        kind = Busy if _code(error) == sqlite3.SQLITE_BUSY else StoreError
        return kind(f"{self.path}: {self.what}: {error}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 where the error is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_damage(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _move(old: Path, new: Path) -> None:
    new.unlink(missing_ok=True)
    if old.exists():
        old.replace(new)

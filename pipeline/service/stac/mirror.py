"""The copy of the catalogue in PostgreSQL: Items and collections in pgstac, and up to which news it was brought."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from pypgstac import __version__ as pgstac_version
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods
from pypgstac.migrate import Migrate, MigrationPath, migrations_dir

from pipeline.errors import StoreError
from pipeline.service.stac import names

#: Held by whoever writes, so that of two at once one waits: any number that nobody else takes in this database.
_LOCK = 0x68617A6D6F6E

#: How long a database may take to answer whoever only looks, seconds.
_LOOK_S = 2

_TABLES = """
CREATE SCHEMA IF NOT EXISTS hazmon;
CREATE TABLE IF NOT EXISTS hazmon.synced (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    number bigint NOT NULL,
    mark text NOT NULL
);
"""

#: Members of a collection that stay out. `item_assets`: pgstac would leave out of each Item what its collection says too, and
#: put it back as the collection says by then. `links`: they list every Item.
_LEFT_OUT = ("item_assets", "links")

#: Members of an Item that have columns of their own.
_COLUMNS = ("id", "collection", "geometry")


class Mirror:
    """One connection to the database.

    Raises
    ------
    StoreError
        From any method, where the database refuses or cannot be reached.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        info = connection.info
        self.name = f"{info.host}/{info.dbname}"

    @classmethod
    @contextmanager
    def open(cls, url: str) -> Iterator[Mirror]:
        """Give the copy in a database, which is made where there is none of its name."""
        with _told(_name(url)):
            connection = _connect(url)
        try:
            yield cls(connection)
        finally:
            connection.close()

    @classmethod
    def number(cls, url: str) -> int:
        """Return up to which entry of the news everything is in a database, as it is: nothing is made."""
        with _told(_name(url)), psycopg.connect(url, connect_timeout=_LOOK_S) as connection:
            synced = cls(connection).synced()
        return synced[0] if synced else 0

    def prepare(self) -> None:
        """Bring schema and queryables to what this version of the service needs."""
        with _told(self.name), self.alone():
            self._migrate()
            self.connection.execute(_TABLES + names.TABLE)
            names.prepare(self.connection)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the pen, after waiting for whoever has it."""
        with _told(self.name):
            self.connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            yield
            self.connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction that no search can meet half way.

        A search that holds a partition and waits for pgstac's list of partitions, and a writer the other way about, would
        wait for each other: everyone takes the table of all partitions first.
        """
        with _told(self.name), self.connection.transaction():
            self.connection.execute("LOCK TABLE pgstac.items IN ACCESS EXCLUSIVE MODE")
            yield

    def synced(self) -> tuple[int, str] | None:
        """Return the number of the last entry of the news that is in here and what it told; None before the first load."""
        with _told(self.name):
            row = self.connection.execute("SELECT number, mark FROM hazmon.synced").fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def remember(self, number: int, mark: str) -> None:
        """Note up to which entry of the news everything is in here."""
        self.connection.execute(
            "INSERT INTO hazmon.synced (number, mark) VALUES (%s, %s)"
            " ON CONFLICT (only_one) DO UPDATE SET number = excluded.number, mark = excluded.mark",
            [number, mark],
        )

    def put_collections(self, collections: Iterable[Mapping[str, Any]]) -> None:
        """Add collections or replace what is known of them."""
        rows = [{name: value for name, value in found.items() if name not in _LEFT_OUT} for found in collections]
        self.connection.cursor().executemany("SELECT pgstac.upsert_collection(%s)", [[Jsonb(row)] for row in rows])

    def put_items(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Add Items or replace what is known of them; their collections are there."""
        names.learn(self.connection, items)
        _WholeItems(_Given(self.connection)).load_items(iter(items), Methods.upsert)

    def delete(self, items: Collection[str]) -> None:
        """Forget Items; one that is missing already is no error."""
        self.connection.execute("DELETE FROM pgstac.items WHERE id = ANY(%s)", [list(items)])

    def delete_collections(self, keep: Collection[str]) -> None:
        """Forget all collections but some, with their Items."""
        self.connection.execute("DELETE FROM pgstac.collections WHERE NOT id = ANY(%s)", [list(keep)])

    def collections(self) -> set[str]:
        """Return the ids of the collections in here."""
        with _told(self.name):
            return {id for (id,) in self.connection.execute("SELECT id FROM pgstac.collections")}

    def items(self) -> set[str]:
        """Return the ids of the Items in here."""
        with _told(self.name):
            return {id for (id,) in self.connection.execute("SELECT id FROM pgstac.items")}

    def analyze(self) -> None:
        """Let the planner know what came in; autovacuum leaves the table of all partitions out."""
        with _told(self.name):
            self.connection.execute("ANALYZE pgstac.items")

    def _migrate(self) -> None:
        database = _Given(self.connection)
        found = database.version
        if found == pgstac_version:
            return
        if found is not None and MigrationPath(migrations_dir, found, pgstac_version).build_path() is None:
            raise StoreError(f"{self.name}: found pgstac {found}, expected one that can be migrated to {pgstac_version}")
        try:
            Migrate(database).run_migration()
        finally:
            self.connection.rollback()
            self.connection.autocommit = True
            # The scripts leave a role behind that may not do what comes next.
            self.connection.execute("RESET ROLE")


class _Given(PgstacDB):
    """pgstac's own tools on a connection that is open already, in whatever transaction that is."""

    def __init__(self, connection: psycopg.Connection) -> None:
        super().__init__(connection=connection)
        self._given = connection

    def connect(self) -> psycopg.Connection:
        """Return the connection."""
        return self._given


class _WholeItems(Loader):
    """Loads Items with everything they say, so that they come out as they went in whatever their collection becomes."""

    def format_item(self, _item: Path | str | dict[str, Any]) -> dict[str, Any]:
        """Return the row of an Item; pgstac would leave out of it what its collection says too."""
        row = super().format_item(_item)
        if isinstance(_item, dict):
            content = {name: value for name, value in _item.items() if name not in _COLUMNS}
            row["content"] = json.dumps(content, ensure_ascii=False)
        return row


def _connect(url: str) -> psycopg.Connection:
    url = make_conninfo(url, application_name="hazmon", options="-c search_path=pgstac,public -c client_min_messages=warning")
    try:
        return psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError:
        if not _created(url):
            raise
    return psycopg.connect(url, autocommit=True)


def _created(url: str) -> bool:
    """Whether the database was missing and could be made: text in it sorts by code points, as in the embedded index."""
    name = conninfo_to_dict(url).get("dbname")
    if not name:
        return False
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as server:
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return False
        made = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
        server.execute(made.format(Identifier(str(name))))
    return True


def _name(url: str) -> str:
    """Return the part of an address that may be shown."""
    parts = conninfo_to_dict(url)
    return f"{parts.get('host', os.environ.get('PGHOST', 'localhost'))}/{parts.get('dbname', '')}"


@contextmanager
def _told(database: str) -> Iterator[None]:
    """Turn what the database says into an error of the house."""
    try:
        yield
    except psycopg.Error as error:
        raise StoreError(f"{database}: {str(error).strip()}") from error

"""What pgstac is told of the properties of Items: how each is compared and sorted, and operators of our own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Literal

from pipeline.products.index_row import filterable, kind
from pipeline.service.stac.dialect import OPERATORS, WRAPPERS, own_name, unknown_name
from pipeline.service.stac.properties import ALWAYS, one_kind

#: Which types of value the properties have, of all Items that ever were in here.
TABLE = "CREATE TABLE IF NOT EXISTS hazmon.names (name text, type text, PRIMARY KEY (name, type));"

#: Columns under names of their own, so that they compare with properties.
_COLUMNS = {"id": ("string", "to_jsonb(id)"), "collection": ("string", "to_jsonb(collection)")}
_COLUMNS |= {"datetime": ("date-time", "to_jsonb(datetime)")}

_Row = tuple[str, str, str, str]


def prepare(connection: psycopg.Connection) -> None:
    """Tell what does not depend on any Item."""
    connection.cursor().executemany(
        "INSERT INTO pgstac.cql2_ops (op, template) VALUES (%s, %s)"
        " ON CONFLICT (op) DO UPDATE SET template = excluded.template",
        list(OPERATORS.items()),
    )
    rows = [_row(own_name(name), each, path) for name, (each, path) in _COLUMNS.items()]
    known = {name for (name,) in connection.execute("SELECT name FROM pgstac.queryables")}
    _tell(connection, [row for row in rows if row[0] not in known])
    _learn(connection, {(name, each) for name, types in ALWAYS.items() for each in types})


def learn(connection: psycopg.Connection, items: Iterable[Mapping[str, Any]]) -> None:
    """Tell of properties that Items bring for the first time, or as another type than before."""
    _learn(connection, {(name, kind(value)) for item in items for name, value in filterable(item["properties"]).items()})


def _learn(connection: psycopg.Connection, found: set[tuple[str, str]]) -> None:
    known: dict[str, set[str]] = {}
    for name, each in connection.execute("SELECT name, type FROM hazmon.names"):
        known.setdefault(name, set()).add(each)
    new = sorted((name, each) for name, each in found if each not in known.get(name, ()))
    if not new:
        return
    connection.cursor().executemany("INSERT INTO hazmon.names (name, type) VALUES (%s, %s)", new)
    for name, each in new:
        known.setdefault(name, set()).add(each)
    rows = []
    for name in sorted({name for name, _ in new} - set(_COLUMNS)):
        path, text = (_path(connection, template, name) for template in (_PATH, _TEXT))
        each = one_kind(known[name])
        rows.append(_row(own_name(name), each, f"nullif({path}, '[]')" if each == "array" else path))
        rows.append(_row(unknown_name(name), "string", f"to_jsonb(({text}) IS NULL)"))
    _tell(connection, rows)


_PATH = SQL("content->'properties'->{}")
_TEXT = SQL("content->'properties'->>{}")


def _path(connection: psycopg.Connection, template: SQL, name: str) -> str:
    written: Composable = template.format(Literal(name))
    return written.as_string(connection)


def _row(name: str, each: str, path: str) -> _Row:
    schema = {"type": "string", "format": "date-time"} if each == "date-time" else {"type": each}
    return name, json.dumps(schema), path, WRAPPERS.get(each, "to_text")


def _tell(connection: psycopg.Connection, rows: list[_Row]) -> None:
    """Write queryables in one go: after each statement pgstac looks through all partitions."""
    if not rows:
        return
    names, schemas, paths, wrappers = zip(*rows, strict=True)
    connection.execute("DELETE FROM pgstac.queryables WHERE name = ANY(%s)", [list(names)])
    connection.execute(
        "INSERT INTO pgstac.queryables (name, definition, property_path, property_wrapper)"
        " SELECT * FROM unnest(%s::text[], %s::jsonb[], %s::text[], %s::text[])",
        [list(names), list(schemas), list(paths), list(wrappers)],
    )

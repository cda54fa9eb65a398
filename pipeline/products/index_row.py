"""What the index keeps of one Item: its row, its place in space and time, its properties and its document."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape

from pipeline.errors import Unreadable
from pipeline.model import Bounds
from pipeline.store import sha256, to_bytes

_log = logging.getLogger(__name__)

#: An instant as RFC 3339 writes it.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

#: A fast level: the documents shrink to a sixth, ten times as fast as with the best.
_LEVEL = 1

_COLUMNS = (
    "id",
    "key",
    "hazard",
    "subject",
    "lineage",
    "start",
    "stop",
    "revision",
    "created",
    "current",
    "west",
    "south",
    "east",
    "north",
    "is_box",
    "state",
)
_INSERT = (
    f"INSERT INTO items ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS)} RETURNING number"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the tables hold of one Item."""

    columns: tuple[Any, ...]
    around: Bounds | None
    times: tuple[float, float]
    filterable: Mapping[str, Any]
    text: str
    shape: bytes | None
    document: bytes


def insert(connection: sqlite3.Connection, item: Mapping[str, Any], key: str, *, with_state: bool = False) -> None:
    """Put an Item into the tables, in place of what they hold of it.

    Raises
    ------
    Unreadable
        Where it is no Item that can be searched for; the tables are as they were.
    """
    held = facts(item, key, with_state=with_state)
    (number,) = connection.execute(_INSERT, held.columns).fetchone()
    _place(connection, number, held.around, held.times)
    names = [(item["collection"], name, kind(value)) for name, value in held.filterable.items()]
    connection.executemany("INSERT OR IGNORE INTO names (hazard, name, type) VALUES (?, ?, ?)", names)
    connection.execute("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", (number, held.text, held.shape))
    connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (number, held.document))
    connection.execute("DELETE FROM unreadable WHERE key = ?", (key,))


def facts(item: Mapping[str, Any], key: str, *, with_state: bool = False) -> Facts:
    """Return what the tables hold of an Item; Unreadable where it is no Item that can be searched for."""
    try:
        return _facts(item, key, with_state)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError, ShapelyError) as error:
        raise Unreadable(f"{key}: found what no index can hold: {type(error).__name__}: {error}") from error


def _facts(item: Mapping[str, Any], key: str, with_state: bool) -> Facts:
    properties = item["properties"]
    start = time_text(properties.get("start_datetime") or properties["datetime"])
    stop = max(start, time_text(properties.get("end_datetime") or start))
    box, geometry = item.get("bbox"), item.get("geometry")
    around = bounds(box) if box else None
    if around is not None and any(west > east or south > north for west, south, east, north in boxes(around)):
        raise ValueError(f"found bbox {box}, expected west, south, east, north")
    footprint = shape(geometry) if geometry else None
    columns = (
        *_texts(
            item["id"],
            key,
            item["collection"],
            properties.get("hazmon:subject", item["id"]),
            properties.get("hazmon:lineage", item["id"]),
        ),
        start,
        stop,
        int(properties.get("hazmon:revision", 0)),
        *_texts(properties.get("created", "")),
        int(not properties.get("deprecated", False)),
        *(around or (None,) * 4),
        int(_is_box(footprint, around)),
        sha256(to_bytes(item)) if with_state else None,
    )
    compared = filterable(properties)
    return Facts(
        columns=columns,
        around=around,
        times=(seconds(start), seconds(stop)),
        filterable=compared,
        text=_compact(compared),
        shape=shapely.to_wkb(footprint) if footprint is not None else None,
        document=zlib.compress(_compact(item).encode(), _LEVEL),
    )


def _texts(*values: Any) -> tuple[str, ...]:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"found {value!r}, expected text")
    return values


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def leave_out(connection: sqlite3.Connection, key: str, problem: str) -> None:
    """Take the Item of a store key out of the tables and note why it cannot be read; logged once."""
    old = connection.execute("SELECT problem FROM unreadable WHERE key = ?", (key,)).fetchone()
    if old is None or old[0] != problem:
        _log.error("%s is left out of the index: %s", key, problem)
    forget(connection, key)
    connection.execute("INSERT INTO unreadable VALUES (?, ?)", (key, problem))


def forget(connection: sqlite3.Connection, key: str) -> None:
    """Take the Item of a store key out of the tables, where they hold it."""
    for (number,) in connection.execute("SELECT number FROM items WHERE key = ?", (key,)).fetchall():
        connection.execute("DELETE FROM places WHERE number IN (?, ?)", (2 * number, 2 * number + 1))
        for table in ("items", "contents", "documents"):
            connection.execute(f"DELETE FROM {table} WHERE number = ?", (number,))
    connection.execute("DELETE FROM unreadable WHERE key = ?", (key,))


def _place(connection: sqlite3.Connection, number: int, around: Bounds | None, times: tuple[float, float]) -> None:
    """Enter one or, across the antimeridian, two boxes in space and time; their numbers tell the Item's."""
    connection.execute("DELETE FROM places WHERE number IN (?, ?)", (2 * number, 2 * number + 1))
    for side, (west, south, east, north) in enumerate(boxes(around) if around else []):
        connection.execute(
            "INSERT INTO places VALUES (?, ?, ?, ?, ?, ?, ?)", (2 * number + side, west, east, south, north, *times)
        )


def filterable(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that a filter can compare: numbers, texts, booleans and lists of texts; instants sort as text."""
    found: dict[str, Any] = {}
    for name, value in properties.items():
        if isinstance(value, str):
            found[name] = time_text(value) if is_instant(value) else value
        elif isinstance(value, (bool, int, float)) or (
            isinstance(value, list) and value and all(isinstance(each, str) for each in value)
        ):
            found[name] = value
    return found


def kind(value: Any) -> str:
    """Return the type of a filterable property's value, in the words of JSON Schema; "date-time" for an instant."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "date-time" if is_instant(value) else "string"
    return "array"


def is_instant(text: str) -> bool:
    """Whether a text is an instant of RFC 3339."""
    return _INSTANT.fullmatch(text) is not None


def time_text(text: str) -> str:
    """Return an instant as text that sorts: UTC, always with microseconds.

    Examples
    --------
    >>> time_text("2024-04-05T06:00:00+06:00")
    '2024-04-05T00:00:00.000000Z'
    """
    if len(text) == 20 and text[-1] == "Z":
        return f"{text[:19]}.000000Z"
    moment = datetime.fromisoformat(text)
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S.%f').zfill(26)}Z"


def seconds(text: str) -> float:
    """Return an instant as the R-tree holds it: seconds since 1970, which it rounds outwards by up to two minutes."""
    return datetime.fromisoformat(text).timestamp()


def bounds(bbox: list[float] | tuple[float, ...]) -> Bounds:
    """Return (west, south, east, north) of a box with or without heights."""
    half = len(bbox) // 2
    return float(bbox[0]), float(bbox[1]), float(bbox[half]), float(bbox[half + 1])


def boxes(bbox: Bounds) -> list[Bounds]:
    """Return the boxes on either side of the antimeridian."""
    west, south, east, north = bbox
    return [bbox] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def _is_box(footprint: shapely.Geometry | None, around: Bounds | None) -> bool:
    """Whether an Item's place is just its bounding box, on one side of the antimeridian."""
    if around is None or around[0] > around[2]:
        return False
    return footprint is None or bool(shapely.box(*around).equals(footprint))

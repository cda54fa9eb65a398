"""Messages found on the shelf: by place, time, what they warn of, and whether they stand at a moment."""

from __future__ import annotations

import json
import math
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import shapely

from pipeline.model import Bounds
from pipeline.service.alerts.record import moment
from pipeline.service.alerts.shelf import Shelf

#: Who superseded a message last: only messages of the same status can, so that no drill ends a warning.
_SUPERSEDED_BY = (
    "(SELECT successor FROM superseded s WHERE s.identifier = m.identifier AND s.sender = m.sender AND s.status = m.status"
    " ORDER BY s.sent DESC, s.successor DESC LIMIT 1)"
)
_ACTIVE = f"(NOT m.closes AND m.expires > ? AND {_SUPERSEDED_BY} IS NULL)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages; None asks nothing."""

    boxes: tuple[Bounds, ...] = ()
    """West, south, east, north; two on either side of the antimeridian."""
    start: datetime | None = None
    end: datetime | None = None
    """Those that hold at any moment from start to end, both included."""
    active: bool | None = None
    same: dict[str, str] = field(default_factory=dict)
    """Column and value."""


@dataclass(frozen=True, slots=True)
class Found:
    """One message as it stands at a moment."""

    key: str
    sha256: str
    identifier: str
    sent: str
    active: bool
    superseded_by: str | None
    body: dict[str, Any]
    """`properties`, and `texts` by language."""
    geometry: dict[str, Any] | None = None
    """GeoJSON; None, too, where it was not asked for."""

    @property
    def cursor(self) -> tuple[str, str]:
        """Its place in the order."""
        return self.sent, self.identifier


#: Columns that may be asked for by value.
COLUMNS = ("hazard", "severity", "status", "incident", "identifier", "key")


def find(
    shelf: Shelf, wanted: Wanted, now: datetime, *, limit: int, before: tuple[str, str] | None = None
) -> tuple[list[Found], int]:
    """Return messages, the newest first, and how many there are on all pages.

    Parameters
    ----------
    shelf
        Where they stand.
    wanted
        Which.
    now
        The moment at which a message is active or not.
    limit
        At most so many.
    before
        Place of the last one on the page before; a page stays where it is while newer messages come.
    """
    terms, values = _terms(wanted, now)
    where = f"WHERE {' AND '.join(terms)}" if terms else ""
    page = where if before is None else f"{where} {'AND' if terms else 'WHERE'} (m.sent, m.identifier) < (?, ?)"
    columns = f"m.key, m.sha256, m.identifier, m.sent, {_ACTIVE}, {_SUPERSEDED_BY}, m.body, m.geometry"
    query = f"SELECT {columns} FROM messages m {page} ORDER BY m.sent DESC, m.identifier DESC LIMIT ?"
    with shelf.open() as connection:
        connection.execute("BEGIN")
        _meet(connection, wanted)
        count = connection.execute(f"SELECT count(*) FROM messages m {where}", values).fetchone()[0]
        rows = connection.execute(query, [moment(now), *values, *(before or ()), limit]).fetchall()
    return [_found(row) for row in rows], count


def extent(shelf: Shelf) -> tuple[Bounds | None, tuple[str, str] | None]:
    """Return the box and the period that all messages lie in; None where there are none."""
    with shelf.open() as connection:
        box = connection.execute("SELECT min(west), min(south), max(east), max(north) FROM outlines").fetchone()
        period = connection.execute("SELECT min(begins), max(expires) FROM messages").fetchone()
    # The tree keeps 32-bit numbers, rounded outwards.
    bounds = None if box[0] is None else (_down(box[0]), _down(box[1]), -_down(-box[2]), -_down(-box[3]))
    return bounds, (None if period[0] is None else tuple(period))


def _down(degrees: float) -> float:
    return math.floor(degrees * 1e4) / 1e4


def months(shelf: Shelf) -> list[str]:
    """Return the months, YYYY-MM, in which messages were sent, the earliest first."""
    with shelf.open() as connection:
        return [month for (month,) in connection.execute("SELECT DISTINCT substr(sent, 1, 7) FROM messages ORDER BY 1")]


def hazards(shelf: Shelf) -> list[str]:
    """Return the hazards that messages were sent of."""
    with shelf.open() as connection:
        return [hazard for (hazard,) in connection.execute("SELECT DISTINCT hazard FROM messages WHERE hazard IS NOT NULL")]


def sent_in(shelf: Shelf, month: str | None, now: datetime, limit: int) -> list[Found]:
    """Return the messages sent in a month (None: in any), the newest first, without their geometries."""
    term, values = ("WHERE m.sent >= ? AND m.sent < ?", [month, f"{month}~"]) if month else ("", [])
    columns = f"m.key, m.sha256, m.identifier, m.sent, {_ACTIVE}, {_SUPERSEDED_BY}, m.body"
    query = f"SELECT {columns} FROM messages m {term} ORDER BY m.sent DESC, m.identifier DESC LIMIT ?"
    with shelf.open() as connection:
        return [_found(row) for row in connection.execute(query, [moment(now), *values, limit])]


def _found(row: tuple[Any, ...]) -> Found:
    key, sha256, identifier, sent, active, superseded_by, body, *geometry = row
    drawn = json.loads(geometry[0]) if geometry and geometry[0] else None
    return Found(key, sha256, identifier, sent, bool(active), superseded_by, json.loads(body), drawn)


def _terms(wanted: Wanted, now: datetime) -> tuple[list[str], list[Any]]:
    terms: list[str] = []
    values: list[Any] = []
    for column in COLUMNS:
        if column in wanted.same:
            terms.append(f"m.{column} = ?")
            values.append(wanted.same[column])
    if wanted.start is not None:
        terms.append("m.expires >= ?")
        values.append(moment(wanted.start))
    if wanted.end is not None:
        terms.append("m.begins <= ?")
        values.append(moment(wanted.end))
    if wanted.active is not None:
        terms.append(_ACTIVE if wanted.active else f"NOT {_ACTIVE}")
        values.append(moment(now))
    if wanted.boxes:
        terms.append("m.number IN (SELECT number FROM meeting)")
    return terms, values


def _meet(connection: sqlite3.Connection, wanted: Wanted) -> None:
    """Note the messages whose outline, not only its box, meets the boxes asked for, in a table of this connection."""
    if not wanted.boxes:
        return
    overlap = " OR ".join(["(west <= ? AND east >= ? AND south <= ? AND north >= ?)"] * len(wanted.boxes))
    values = [value for west, south, east, north in wanted.boxes for value in (east, west, north, south)]
    query = f"SELECT number, shape FROM messages WHERE number IN (SELECT number FROM outlines WHERE {overlap})"
    near = connection.execute(query, values).fetchall()
    asked = shapely.union_all([_area(box) for box in wanted.boxes])
    shapely.prepare(asked)
    meets = shapely.intersects(asked, shapely.from_wkb([shape for _, shape in near]))
    connection.execute("CREATE TEMP TABLE meeting (number INTEGER PRIMARY KEY)")
    numbers = [(number,) for (number, _), met in zip(near, meets, strict=True) if met]
    connection.executemany("INSERT INTO meeting VALUES (?)", numbers)


def _area(box: Bounds) -> Any:
    """Return a box as an area, or as the line or point it may have shrunk to."""
    west, south, east, north = box
    if west < east and south < north:
        return shapely.box(west, south, east, north)
    return shapely.LineString([(west, south), (east, north)]) if (west, south) != (east, north) else shapely.Point(west, south)

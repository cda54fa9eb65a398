"""How the index is searched: conditions and an order as SQL, pages that begin where another ended."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import shapely

from pipeline.model import Bounds
from pipeline.products.index_row import seconds

#: Fewer places than this are looked up in the R-tree; of more, enough are met by walking through time.
_FEW = 1000


@dataclass(frozen=True, slots=True)
class Term:
    """A condition or an expression over the tables `items` and `contents`; values never stand in the text."""

    sql: str
    values: tuple[Any, ...] = ()
    is_costly: bool = False
    """Whether it is better asked last, and of as few Items as may be."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an order; where it is unknown an Item comes last."""

    term: Term
    descending: bool = False
    is_known: bool = False
    """Whether every Item has it."""


#: The order in which searches answer where they are not asked for another: the newest first.
NEWEST_FIRST = (Key(Term("items.start"), True, True), Key(Term("items.id"), True, True))


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for, in which order, and after or before which Item."""

    terms: Sequence[Term] = ()
    places: Sequence[Bounds] = ()
    """Boxes of which an Item's own must touch one, none of them across the antimeridian; for the R-tree."""
    window: tuple[str | None, str | None] | None = None
    """First and last moment, both included, as `time_text` writes them; None: open."""
    order: Sequence[Key] = NEWEST_FIRST
    """The last key differs for every Item."""
    beyond: Sequence[Any] | None = None
    """The keys of the Item where another page ended."""
    backwards: bool = False
    """Look before `beyond` instead of after it."""
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Found:
    """An Item as JSON text, and its sort keys."""

    document: bytes
    keys: tuple[Any, ...] = field(default=())


def run(connection: sqlite3.Connection, query: Query) -> list[Found]:
    """Return what a query finds, in its order."""
    order = [Key(key.term, key.descending != query.backwards, key.is_known) for key in query.order]
    terms = [*query.terms, *_window(query.window), *_beyond(order, query)]
    near = _near(query)
    few = near is not None and _are_few(connection, near)
    source = "items"
    if near is not None and few:
        source = f"(SELECT DISTINCT number >> 1 AS number FROM places WHERE {near.sql}) CROSS JOIN items USING (number)"
    sorting = _sorting(order, query.backwards)
    cheap = [term for term in terms if not (few and term.is_costly)]
    keys = [Term(f"{key.term.sql} AS k{place}", key.term.values) for place, key in enumerate(order)]
    inner = _select([Term("items.number AS number"), *keys], source, cheap, near.values if near and few else ())
    statement = Term(f"{inner.sql} ORDER BY {sorting} LIMIT ?", (*inner.values, -1 if len(cheap) < len(terms) else query.limit))
    names = ", ".join(f"k{place}" for place in range(len(order)))
    if len(cheap) < len(terms):
        # The sorted rows are taken one by one until enough of them satisfy what is costly to ask.
        costly = [term for term in terms if term.is_costly]
        outer = _select(
            [Term(f"sorted.number AS number, {names}")],
            f"({statement.sql}) AS sorted CROSS JOIN items USING (number)",
            costly,
            statement.values,
        )
        statement = Term(f"{outer.sql} LIMIT ?", (*outer.values, query.limit))
    # The documents come last: none is carried through the sorting.
    text = f"SELECT document, {names} FROM ({statement.sql}) AS found CROSS JOIN documents USING (number) ORDER BY {sorting}"
    rows = connection.execute(text, statement.values).fetchall()
    found = [Found(zlib.decompress(row[0]), tuple(row[1:])) for row in rows]
    return found[::-1] if query.backwards else found


def _select(columns: Sequence[Term], source: str, terms: Sequence[Term], source_values: Sequence[Any]) -> Term:
    """Return a SELECT over a source that has the table `items`, with the contents where they are asked for."""
    if any("contents." in term.sql for term in (*columns, *terms)):
        source += " CROSS JOIN contents ON contents.number = items.number"
    where = f" WHERE {' AND '.join(f'({term.sql})' for term in terms)}" if terms else ""
    values = [value for term in columns for value in term.values]
    values += [*source_values, *(value for term in terms for value in term.values)]
    return Term(f"SELECT {', '.join(term.sql for term in columns)} FROM {source}{where}", tuple(values))


def _sorting(order: Sequence[Key], backwards: bool) -> str:
    """Return what to sort by; unknown keys are last, or first where the search goes backwards."""
    words = []
    for place, key in enumerate(order):
        if not key.is_known:
            words.append(f"k{place} IS {'NOT ' if backwards else ''}NULL")
        words.append(f"k{place} {'DESC' if key.descending else 'ASC'}")
    return ", ".join(words)


def _beyond(order: Sequence[Key], query: Query) -> list[Term]:
    """Return the condition that an Item comes after the one where another page ended."""
    if query.beyond is None:
        return []
    ways: list[Term] = []
    same: list[Term] = []
    for key, value in zip(order, query.beyond, strict=True):
        later = _later(key, value, query.backwards)
        if later is not None:
            terms = [*same, later]
            sql = " AND ".join(f"({term.sql})" for term in terms)
            ways.append(Term(sql, tuple(each for term in terms for each in term.values)))
        same.append(Term(f"{key.term.sql} IS ?", (*key.term.values, value)))
    either = Term(" OR ".join(f"({way.sql})" for way in ways) or "0", tuple(each for way in ways for each in way.values))
    first = order[0]
    if not first.is_known:
        return [either]
    # Says nothing new, but lets SQLite begin in the middle of an index.
    comparison = "<=" if first.descending else ">="
    return [Term(f"{first.term.sql} {comparison} ?", (*first.term.values, query.beyond[0])), either]


def _later(key: Key, value: Any, backwards: bool) -> Term | None:
    """Return the condition that one key alone puts an Item after another; None where nothing can come after it."""
    sql, own = key.term.sql, key.term.values
    comparison = "<" if key.descending else ">"
    if value is None:
        return Term(f"{sql} IS NOT NULL", own) if backwards else None
    if key.is_known or backwards:
        return Term(f"{sql} {comparison} ?", (*own, value))
    return Term(f"{sql} {comparison} ? OR {sql} IS NULL", (*own, value, *own))


def _window(window: tuple[str | None, str | None] | None) -> list[Term]:
    first, last = window or (None, None)
    terms = [] if first is None else [Term("items.stop >= ?", (first,))]
    return terms if last is None else [*terms, Term("items.start <= ?", (last,))]


def _near(query: Query) -> Term | None:
    """Return what the R-tree is asked; its numbers are rounded outwards, so that it never finds too few."""
    first, last = query.window or (None, None)
    overlap = "(west <= ? AND east >= ? AND south <= ? AND north >= ?)"
    sql = [f"({' OR '.join([overlap] * len(query.places))})"] if query.places else []
    values = [value for west, south, east, north in query.places for value in (east, west, north, south)]
    if first is not None:
        sql.append("stop >= ?")
        values.append(seconds(first))
    if last is not None:
        sql.append("start <= ?")
        values.append(seconds(last))
    return Term(" AND ".join(sql), tuple(values)) if sql else None


def _are_few(connection: sqlite3.Connection, near: Term) -> bool:
    statement = f"SELECT count(*) FROM (SELECT 1 FROM places WHERE {near.sql} LIMIT {_FEW + 1})"
    return int(connection.execute(statement, near.values).fetchone()[0]) <= _FEW


def in_places(places: Sequence[Bounds], shape: shapely.Geometry) -> Term:
    """Return the condition that an Item's footprint meets a shape that is just these boxes."""
    touching, inside, values = [], [], []
    for west, south, east, north in places:
        touching.append("(items.west <= ? AND items.east >= ? AND items.south <= ? AND items.north >= ?)")
        values += [east, west, north, south]
    for west, south, east, north in places:
        inside.append("(items.west >= ? AND items.east <= ? AND items.south >= ? AND items.north <= ?)")
        values += [west, east, south, north]
    meets = spatial("intersects", shape)
    sql = (
        f"CASE WHEN items.west > items.east THEN {meets.sql}"
        f" ELSE ({' OR '.join(touching)}) AND (items.is_box OR {' OR '.join(inside)} OR {meets.sql}) END"
    )
    return Term(sql, (*meets.values, *values, *meets.values), True)


def near_shape(shape: shapely.Geometry) -> Term:
    """Return the condition that an Item's box touches that of a shape, as the R-tree knows them."""
    west, south, east, north = shapely.bounds(shape).tolist()
    sql = "items.number IN (SELECT number >> 1 FROM places WHERE west <= ? AND east >= ? AND south <= ? AND north >= ?)"
    return Term(sql, (east, west, north, south))


#: Relations of an Item's footprint to another shape.
RELATIONS: dict[str, Callable[[shapely.Geometry, shapely.Geometry], Any]] = {
    # The other shape is the prepared one and has to come first.
    "intersects": lambda own, other: shapely.intersects(other, own),
    "disjoint": lambda own, other: shapely.disjoint(other, own),
    "within": lambda own, other: shapely.contains(other, own),
    "contains": lambda own, other: shapely.within(other, own),
    "crosses": shapely.crosses,
    "equals": shapely.equals,
    "overlaps": lambda own, other: shapely.overlaps(other, own),
    "touches": lambda own, other: shapely.touches(other, own),
}


def spatial(relation: str, shape: shapely.Geometry) -> Term:
    """Return the condition that an Item's footprint has a relation (of RELATIONS) to a shape."""
    return Term("spatial(?, contents.geometry, ?)", (relation, shapely.to_wkb(shape)), True)


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that conditions use."""
    connection.create_function("spatial", 3, _spatial, deterministic=True)
    connection.create_function("lower_text", 1, _lower, deterministic=True)


def _spatial(relation: str, own: bytes | None, other: bytes) -> int | None:
    if own is None:
        return None
    return int(RELATIONS[relation](shapely.from_wkb(own), _prepared(other)))


@lru_cache(maxsize=64)
def _prepared(data: bytes) -> shapely.Geometry:
    shape = shapely.from_wkb(data)
    shapely.prepare(shape)
    return shape


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text

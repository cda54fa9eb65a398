"""A search in pgstac's own words, written so that it finds what the embedded index finds.

pgstac reads CQL2 in its own way: it forgets brackets around sums, takes every temporal function for one of the Item's
whole time, compares a column only with literals, and sorts what is unknown as the greatest. What it would read otherwise is
put in terms of operators and names of our own, which the copy of the catalogue brings into its tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from pipeline.service.stac import cql
from pipeline.service.stac.asked import Asked
from pipeline.service.stac.literals import box, geometry, instant
from pipeline.service.stac.paging import Place
from pipeline.service.stac.properties import property_of

Node = dict[str, Any]

#: Operators of our own: how pgstac writes each in SQL.
OPERATORS: Mapping[str, str] = {
    "hazmon_plus": "(%s + %s)",
    "hazmon_minus": "(%s - %s)",
    "hazmon_times": "(%s * %s)",
    "hazmon_over": "(%s / nullif(%s, 0))",
    "hazmon_lower": "lower(%s)",
    # A number beside no property would be compared as text.
    "hazmon_number": "(%s)::float",
    "hazmon_instant": """to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
}

#: How pgstac reads a property of each kind.
WRAPPERS: Mapping[str, str] = {"number": "to_float", "date-time": "to_tstz"}

#: Properties that are columns, and those that pgstac would take for another column.
_COLUMNS = ("id", "collection", "datetime")
_TAKEN = ("id", "collection", "datetime", "geometry", "start_datetime", "end_datetime")

_ARITHMETIC = {"+": "hazmon_plus", "-": "hazmon_minus", "*": "hazmon_times", "/": "hazmon_over"}
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_ARRAYS = {"a_contains": ["a_contains"], "a_containedby": ["a_contained_by"], "a_overlaps": ["a_overlaps"]}
_ARRAYS |= {"a_equals": ["a_contains", "a_contained_by"]}

_TRUE: Node = {"op": "=", "args": [1, 1]}
_FALSE: Node = {"op": "=", "args": [1, 0]}


def own_name(name: str) -> str:
    """Return the name of a property that is never taken for a column."""
    return f"hazmon:own:{name}" if name in _TAKEN else name


def unknown_name(name: str) -> str:
    """Return the name of what tells whether an Item lacks a property."""
    return f"hazmon:unknown:{name}"


def search(asked: Asked, types: Mapping[str, set[str]], order: Sequence[tuple[str, bool]], place: Place | None) -> Node:
    """Return a search as pgstac's function `search` takes it; one Item more than wanted tells whether there is another page.

    Parameters
    ----------
    asked
        What is looked for; its condition was checked.
    types
        Types of value of each property.
    order
        Properties, the last is the id, and whether the greatest comes first.
    place
        Where another page ended, if this one begins there.
    """
    backwards = place is not None and place.way == "prev"
    found: Node = {"limit": asked.limit + 1, "conf": {"nohydrate": True}, "sortby": _sorting(order, backwards)}
    if asked.collections:
        found["collections"] = list(asked.collections)
    if asked.ids:
        found["ids"] = list(asked.ids)
    if asked.window is not None:
        first, last = asked.window
        found["datetime"] = first if first == last else f"{first or '..'}/{last or '..'}"
    if asked.shape is not None:
        found["intersects"] = shapely.geometry.mapping(asked.shape)
    writer = _Writer(types)
    conditions = [] if asked.condition is None else [writer.condition(asked.condition)]
    conditions += [_FALSE] if () in (asked.ids, asked.collections) else []
    conditions += [] if place is None else [writer.beyond(order, place.keys, backwards)]
    if conditions:
        found["filter-lang"] = "cql2-json"
        found["filter"] = {"op": "and", "args": conditions}
    return found


def _sorting(order: Sequence[tuple[str, bool]], backwards: bool) -> list[Node]:
    """Return pgstac's order: unknown keys are last, or first where the search goes backwards."""
    keys = []
    for name, descending in order:
        if name not in _COLUMNS:
            keys.append({"field": unknown_name(name), "direction": "desc" if backwards else "asc"})
        field = name if name in _COLUMNS else own_name(name)
        keys.append({"field": field, "direction": "desc" if descending != backwards else "asc"})
    return keys


@dataclass(frozen=True)
class _Writer:
    """Writes one filter that was found good already."""

    types: Mapping[str, set[str]]

    def condition(self, node: Any) -> Node:
        if isinstance(node, bool):
            return _TRUE if node else _FALSE
        if "property" in node:
            return {"op": "=", "args": [self._property(node, alone=True), True]}
        name, args = str(node["op"]).lower(), node["args"]
        if name in ("and", "or", "not"):
            return {"op": name, "args": [self.condition(each) for each in args]}
        if name in _COMPARISONS or name == "between":
            return {"op": name, "args": self.values(args)}
        if name == "in":
            own, *others = self.values([args[0], *args[1]])
            return {"op": "in", "args": [own, others]}
        if name == "like":
            return self._like(args)
        if name == "isnull":
            return self._is_null(args[0])
        if name in _ARRAYS:
            own = self._property(args[0], alone=True)
            parts = [{"op": each, "args": [own, args[1]]} for each in _ARRAYS[name]]
            return parts[0] if len(parts) == 1 else {"op": "and", "args": parts}
        if name.startswith("s_"):
            return _relation(name, args)
        return self._temporal(name, args)

    def values(self, nodes: Sequence[Any]) -> list[Any]:
        """Return values that are compared with one another."""
        alone = sum(isinstance(node, Mapping) and "property" in node for node in nodes) == 1
        simple = all(not isinstance(node, Mapping) or "op" not in node for node in nodes)
        instants = any(self.is_instant(node) for node in nodes)
        return [self.value(node, alone=alone and simple, instant=instants) for node in nodes]

    def value(self, node: Any, *, alone: bool, instant: bool) -> Any:
        if isinstance(node, Mapping):
            if "property" in node:
                return self._property(node, alone=alone)
            if "op" in node:
                name = str(node["op"]).lower()
                return {"op": _ARITHMETIC.get(name, "hazmon_lower"), "args": self.values(node["args"])}
            return _moment(node)
        if isinstance(node, (int, float)) and not isinstance(node, bool):
            return {"op": "hazmon_number", "args": [node]}
        return _moment(node) if instant and isinstance(node, str) else node

    def is_instant(self, node: Any) -> bool:
        if not isinstance(node, Mapping):
            return False
        if "property" in node:
            return property_of(node["property"], self.types).kind == "date-time"
        return "timestamp" in node or "date" in node

    def beyond(self, order: Sequence[tuple[str, bool]], keys: Sequence[Any], backwards: bool) -> Node:
        """Return the condition that an Item comes after, or before, the one where another page ended."""
        ways: list[Node] = []
        same: list[Node] = []
        for (name, descending), key in zip(order, keys, strict=True):
            own: Node = {"property": name if name in _COLUMNS else own_name(name)}
            value = self._key(name, key)
            later = _later(own, value, descending != backwards, backwards, known=name in _COLUMNS)
            if later is not None:
                ways.append({"op": "and", "args": [*same, later]})
            same.append({"op": "isNull", "args": [own]} if key is None else {"op": "=", "args": [own, value]})
        either: Node = {"op": "or", "args": ways} if ways else _FALSE
        (name, descending), key = order[0], keys[0]
        if name not in _COLUMNS:
            return either
        # Says nothing new, but lets PostgreSQL begin in the middle of an index.
        bound = "<=" if descending != backwards else ">="
        return {"op": "and", "args": [{"op": bound, "args": [{"property": name}, self._key(name, key)]}, either]}

    def _key(self, name: str, key: Any) -> Any:
        """Return a sort key of a token as a literal."""
        kind = property_of(name, self.types).kind
        if kind == "date-time" and isinstance(key, str):
            return {"timestamp": key}
        return bool(key) if kind == "boolean" and key is not None else key

    def _property(self, node: Mapping[str, Any], *, alone: bool) -> Node:
        name = _plain(node["property"])
        return {"property": name if alone and name in _COLUMNS else own_name(name)}

    def _like(self, args: Sequence[Any]) -> Node:
        own, pattern = args
        if isinstance(pattern, Mapping):
            pattern = pattern["args"][0].lower()
        (left,) = self.values([own])
        if self.is_instant(own):
            left = {"op": "hazmon_instant", "args": [left]}
        return {"op": "like", "args": [left, _pattern(pattern)]}

    def _is_null(self, node: Any) -> Node:
        if isinstance(node, Mapping) and "property" in node:
            if _plain(node["property"]) in ("geometry", *_COLUMNS):
                return _FALSE  # every Item has it
            return {"op": "isNull", "args": [self._property(node, alone=False)]}
        return {"op": "isNull", "args": self.values([node])}

    def _temporal(self, name: str, args: Sequence[Any]) -> Node:
        (a, b), (c, d) = _span(args[0]), _span(args[1])
        ends = {"a": a, "b": b, "c": c, "d": d}
        word = "or" if " OR " in cql.TEMPORAL[name] else "and"
        parts = []
        for left, op, right in re.findall(r"\{(\w)\} ([<>=]+) \{(\w)\}", cql.TEMPORAL[name]):
            parts.append({"op": op, "args": self.values([ends[left], ends[right]])})
        return {"op": word, "args": parts}


def _later(own: Node, value: Any, descending: bool, backwards: bool, *, known: bool) -> Node | None:
    """Return the condition that one key alone puts an Item beyond another; None where nothing can come there."""
    if value is None:
        return {"op": "not", "args": [{"op": "isNull", "args": [own]}]} if backwards else None
    found: Node = {"op": "<" if descending else ">", "args": [own, value]}
    if known or backwards:
        return found
    return {"op": "or", "args": [found, {"op": "isNull", "args": [own]}]}


def _relation(name: str, args: Sequence[Any]) -> Node:
    own_is_second = isinstance(args[1], Mapping) and args[1].get("property") == "geometry"
    if own_is_second:
        name = {"s_within": "s_contains", "s_contains": "s_within"}.get(name, name)
    shape = _shape(args[0] if own_is_second else args[1])
    return {"op": name, "args": [{"property": "geometry"}, shapely.geometry.mapping(shape)]}


def _span(node: Any) -> tuple[Any, Any]:
    """Return the first and the last moment of an instant or an interval."""
    if isinstance(node, Mapping) and "interval" in node:
        first, last = node["interval"]
        begin = {"timestamp": "-infinity"} if first == ".." else _edge(first)
        return begin, {"timestamp": "infinity"} if last == ".." else _edge(last)
    return _edge(node), _edge(node)


def _edge(node: Any) -> Any:
    return node if isinstance(node, Mapping) and "property" in node else _moment(node)


def _moment(node: Any) -> Node:
    """Return an instant as pgstac reads it; a day is the moment it begins."""
    text = node if isinstance(node, str) else str(node.get("timestamp", node.get("date")))
    if text in ("infinity", "-infinity"):
        return {"timestamp": text}
    return {"timestamp": instant("filter", f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text)}


def _shape(node: Any) -> shapely.Geometry:
    if isinstance(node, Mapping) and "bbox" in node:
        return shapely.union_all([shapely.box(*place) for place in box(node["bbox"])])
    return geometry(node)


def _pattern(text: str) -> str:
    """Return a pattern of LIKE in which a backslash stands only before what would mean something else."""
    found, letters = [], iter(text)
    for letter in letters:
        if letter == "\\":
            escaped = next(letters, "\\")
            found.append(f"\\{escaped}" if escaped in "\\%_" else escaped)
        else:
            found.append(letter)
    return "".join(found)


def _plain(name: str) -> str:
    return name.removeprefix("properties.")

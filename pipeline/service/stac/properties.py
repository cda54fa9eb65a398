"""What filters and orders may name: the properties that Items really have, each with its type and its place in the index."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import InputError
from pipeline.products.index_search import Key, Term

#: What every Item has, and the columns that hold it.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "id": ("string", "items.id"),
    "collection": ("string", "items.hazard"),
    "datetime": ("date-time", "items.start"),
    "deprecated": ("boolean", "(1 - items.current)"),
}

#: What every Item has, in its properties.
ALWAYS: Mapping[str, set[str]] = {
    "created": {"date-time"},
    "updated": {"date-time"},
    "hazmon:hazard": {"string"},
    "hazmon:subject": {"string"},
    "hazmon:lineage": {"string"},
    "hazmon:revision": {"integer"},
    "hazmon:exercise": {"boolean"},
    "hazmon:synthetic": {"boolean"},
    "title": {"string"},
}

#: What people may want to know of a name.
_TITLES: Mapping[str, str] = {
    "deprecated": "Superseded by a later version, or withdrawn; false: what stands",
    "datetime": "Data time; the begin of a period",
    "hazmon:exercise": "Made in an exercise",
    "hazmon:synthetic": "Made from synthetic data",
    "hazmon:lineage": "What the versions of one thing have in common",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A value in SQL and what kind it is: number, string, boolean, date-time, array or geometry."""

    kind: str
    term: Term
    literal: str | None = None
    """The text, where it is one that somebody wrote."""


def property_of(name: str, types: Mapping[str, set[str]], where: str = "filter") -> Typed:
    """Return a property as a value in SQL; `where` it is named is told to who names one that no Item has.

    Raises
    ------
    InputError
        Where no Item has it.
    """
    plain = _plain(name)
    if plain == "geometry":
        return Typed("geometry", Term("contents.geometry"))
    if plain in COLUMNS:
        kind, column = COLUMNS[plain]
        return Typed(kind, Term(column))
    found = types.get(plain) or ALWAYS.get(plain)
    if not found:
        near = difflib.get_close_matches(plain, {**COLUMNS, **ALWAYS, **types}, 3)
        hint = f"one like {', '.join(near)}" if near else "one of /stac/queryables"
        raise InputError(f"{where}: found property {name[:100]!r}, which no Item has, expected {hint}")
    return Typed(one_kind(found), Term("json_extract(contents.properties, ?)", (f"$.{json.dumps(plain, ensure_ascii=False)}",)))


def key_of(name: str, descending: bool, types: Mapping[str, set[str]]) -> Key:
    """Return a property as a key to sort by; raises as `property_of` does."""
    found = property_of(name, types, "sortby")
    if found.kind in ("geometry", "array"):
        raise InputError(f"sortby: found {name!r}, which is {found.kind}, expected a property that has an order")
    return Key(found.term, descending, _plain(name) in COLUMNS)


def queryables(types: Mapping[str, set[str]], url: str, title: str) -> dict[str, Any]:
    """Return a JSON Schema of what a filter may name.

    Parameters
    ----------
    types
        As `Index.types` returns them, of one hazard or of all.
    url
        Where the schema is served.
    title
        What it is of, for people.
    """
    found: dict[str, Any] = {
        "id": {"type": "string", "title": "Item ID"},
        "collection": {"type": "string", "title": "Collection: id of the hazard"},
        "geometry": {"$ref": "https://geojson.org/schema/Geometry.json", "title": "Footprint"},
        "datetime": {"type": "string", "format": "date-time"},
        "deprecated": {"type": "boolean"},
    }
    for name, kinds in sorted({**ALWAYS, **types}.items()):
        found.setdefault(name, _schema(one_kind(kinds), kinds))
    for name, words in _TITLES.items():
        found[name] = {**found[name], "title": words}
    return {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": url,
        "type": "object",
        "title": title,
        "properties": found,
        "additionalProperties": False,
    }


def _schema(kind: str, kinds: set[str]) -> dict[str, Any]:
    if kind == "date-time":
        return {"type": "string", "format": "date-time"}
    if kind == "array":
        return {"type": "array", "items": {"type": "string"}}
    if kind == "number":
        return {"type": "integer" if kinds == {"integer"} else "number"}
    return {"type": kind}


def one_kind(kinds: set[str]) -> str:
    """Return the one kind by which values are compared; texts that only sometimes are instants are compared as texts."""
    if kinds <= {"integer", "number"}:
        return "number"
    if kinds <= {"date-time", "string"}:
        return "string" if "string" in kinds else "date-time"
    return next(iter(kinds)) if len(kinds) == 1 else "string"


def _plain(name: str) -> str:
    return name.removeprefix("properties.")

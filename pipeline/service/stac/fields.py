"""The fields extension: Items with only the parts that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

#: What an Item keeps in any case, so that it is known for what it is and can be asked for whole.
ALWAYS = ("type", "stac_version", "id", "collection")

#: What is wanted where the inclusions are said to be none, as the extension recommends.
DEFAULT = frozenset({*ALWAYS, "geometry", "bbox", "links", "assets", "properties.datetime"})


@dataclass(frozen=True)
class Fields:
    """Which parts of Items are wanted, by dotted names."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


#: No wish: Items as they are.
EVERYTHING = Fields()


def cut(item: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """Return an Item without what was excluded and, where something was included, with nothing else but what names it."""
    if not fields.include and not fields.exclude:
        return item
    # An inclusion stands against an exclusion of the same name, and against one of the whole it is in.
    kept = dict(item) if not fields.include else _only(item, {*fields.include, *ALWAYS})
    for name in sorted(fields.exclude - fields.include - {*ALWAYS}):
        kept = _without(kept, name.split("."), _inside(name, fields.include))
    return kept


def _only(item: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in sorted(names):
        _copy(item, kept, name.split("."))
    return kept


def _copy(source: dict[str, Any], target: dict[str, Any], path: list[str]) -> None:
    first, rest = path[0], path[1:]
    if first not in source:
        return
    if not rest or not isinstance(source[first], dict):
        if not rest:
            target[first] = source[first]
        return
    inner = dict(target.get(first, {}))
    _copy(source[first], inner, rest)
    if inner:
        target[first] = inner


def _without(source: dict[str, Any], path: list[str], spared: set[str]) -> dict[str, Any]:
    first, rest = path[0], path[1:]
    if first not in source:
        return source
    if rest:
        inner = source[first]
        return {**source, first: _without(inner, rest, spared)} if isinstance(inner, dict) else source
    if spared and isinstance(source[first], dict):
        return {**source, first: {name: value for name, value in source[first].items() if name in spared}}
    return {name: value for name, value in source.items() if name != first}


def _inside(name: str, included: Iterable[str]) -> set[str]:
    """Return which parts of an excluded whole were included by name."""
    return {each.removeprefix(f"{name}.").split(".")[0] for each in included if each.startswith(f"{name}.")}

"""Filters as they are written, CQL2 text or JSON: read with the cql2 package, within bounds that it does not have itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import cql2

from pipeline.errors import InputError

#: Longest filter as text, characters, and how deep one may nest: the parser calls itself and would exhaust the stack.
_LONGEST = 10_000
_DEEPEST = 60

#: A part of a filter in CQL2 JSON.
Node = Any


def from_text(text: str) -> Node:
    """Return CQL2 text as CQL2 JSON.

    Raises
    ------
    InputError
        Where it is none, or too long or deep.
    """
    if len(text) > _LONGEST:
        raise InputError(f"filter: found {len(text)} characters, expected at most {_LONGEST}")
    depth = _depth(re.sub(r"'(?:[^']|'')*'", "", text))
    if depth > _DEEPEST:
        raise InputError(f"filter: found {depth} parts inside one another, expected at most {_DEEPEST}")
    node = _parsed(cql2.parse_text, text)
    _check_size(node)
    return node


def from_json(given: Node) -> Node:
    """Return CQL2 JSON after the parser's own changes to it; raises as `from_text` does."""
    if not isinstance(given, Mapping):
        raise InputError(f'filter: found {type(given).__name__}, expected CQL2 JSON such as {{"op": "=", "args": [...]}}')
    _check_size(given)
    return _parsed(cql2.parse_json, json.dumps(given))


def _parsed(parse: Callable[[str], cql2.Expr], text: str) -> Node:
    # Not checked against its JSON Schema, which takes 0.2 s: what the translation does not know it refuses.
    try:
        return parse(text).to_json()
    except (cql2.ParseError, cql2.ValidationError, ValueError, TypeError) as error:
        raise InputError(f"filter: found what is no CQL2 ({str(error)[:300]})") from error


def _depth(text: str) -> int:
    """Return how deep the parser would have to go: brackets that are open together, and signs and words that nest."""
    deepest = depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    return deepest + len(re.findall(r"\bnot\b|-\s*-|\^", text, re.IGNORECASE))


def _check_size(given: Node) -> None:
    count, level = 0, [given]
    for _ in range(4 * _DEEPEST):
        level = [child for node in level for child in _children(node)]
        count += len(level)
        if count > 20 * _LONGEST:
            raise InputError(f"filter: found more than {20 * _LONGEST} parts, expected fewer")
        if not level:
            return
    raise InputError(f"filter: found parts inside one another deeper than expected: {4 * _DEEPEST} at most")


def _children(node: Node) -> Iterable[Node]:
    if isinstance(node, Mapping):
        return node.values()
    return node if isinstance(node, list) else ()

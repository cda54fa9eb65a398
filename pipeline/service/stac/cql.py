"""CQL2 filters as SQL over the index; what is not understood is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from pipeline.errors import InputError
from pipeline.products.index_row import is_instant
from pipeline.products.index_search import RELATIONS, Term, near_shape, spatial
from pipeline.service.stac.filters import Node
from pipeline.service.stac.literals import box, geometry, instant
from pipeline.service.stac.properties import Typed, property_of

#: Most parts of a filter: SQLite's own limit on the depth of an expression is 1000.
_MOST = 800

#: Most values of one list.
_MOST_VALUES = 5000

_COMPARISONS = {"=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "/": "/"}

#: Later than, and earlier than, every moment: open ends of intervals.
_NEVER, _EVER = "~", ""

#: Relations of two spans of time, by their ends: a, b of the first and c, d of the second (OGC 21-065r2, 7.8).
TEMPORAL = {
    "t_after": "{a} > {d}",
    "t_before": "{b} < {c}",
    "t_contains": "{a} < {c} AND {b} > {d}",
    "t_disjoint": "{a} > {d} OR {b} < {c}",
    "t_during": "{a} > {c} AND {b} < {d}",
    "t_equals": "{a} = {c} AND {b} = {d}",
    "t_finishedby": "{a} < {c} AND {b} = {d}",
    "t_finishes": "{a} > {c} AND {b} = {d}",
    "t_intersects": "{a} <= {d} AND {b} >= {c}",
    "t_meets": "{b} = {c}",
    "t_metby": "{a} = {d}",
    "t_overlappedby": "{a} > {c} AND {a} < {d} AND {b} > {d}",
    "t_overlaps": "{a} < {c} AND {b} > {c} AND {b} < {d}",
    "t_startedby": "{a} = {c} AND {b} > {d}",
    "t_starts": "{a} = {c} AND {b} < {d}",
}


@dataclass
class _Translator:
    """Writes one filter; knows which types of value the properties have."""

    types: Mapping[str, set[str]]
    parts: int = 0

    def condition(self, node: Node) -> Term:
        self.parts += 1
        if self.parts > _MOST:
            raise InputError(f"filter: found more than {_MOST} parts, expected fewer")
        if isinstance(node, bool):
            return Term("1" if node else "0")
        if not isinstance(node, Mapping):
            raise InputError(f"filter: found {node!r}, expected a condition")
        if "property" in node:
            return self._boolean(node)
        name, args = str(node.get("op", "")).lower(), node.get("args")
        if not isinstance(args, list):
            raise InputError(f"filter: found {node!r}, expected an operator with arguments")
        write = _OPERATORS.get(name)
        if write is None:
            raise InputError(f"filter: found operator {node.get('op')!r}, expected one of {sorted(_OPERATORS)}")
        return write(self, name, args)

    def _boolean(self, node: Node) -> Term:
        found = self.value(node)
        if found.kind != "boolean":
            raise InputError(f"filter: found {node['property']}, which is {found.kind}, expected a condition")
        return found.term

    def junction(self, name: str, args: Sequence[Node]) -> Term:
        if not args:
            raise InputError(f"filter: found {name} of nothing, expected conditions")
        # A balanced tree: SQLite counts how deep an expression is, and a chain is as deep as it is long.
        if len(args) > 2:
            middle = len(args) // 2
            halves = [self.junction(name, part) if len(part) > 1 else self.condition(part[0]) for part in _halves(args, middle)]
        else:
            halves = [self.condition(each) for each in args]
        return _joined(f" {name.upper()} ", halves)

    def negation(self, name: str, args: Sequence[Node]) -> Term:
        term = self.condition(_only(name, args))
        return Term(f"NOT ({term.sql})", term.values)

    def comparison(self, name: str, args: Sequence[Node]) -> Term:
        left, right = self.pair(name, args)
        return Term(f"{left.term.sql} {_COMPARISONS[name]} {right.term.sql}", (*left.term.values, *right.term.values))

    def between(self, name: str, args: Sequence[Node]) -> Term:
        if len(args) == 2 and isinstance(args[1], list):
            # As drafts of CQL2 wrote it, and some clients still do.
            args = [args[0], *args[1]]
        if len(args) != 3:
            raise InputError(f"filter: found {name} with {len(args)} arguments, expected 3")
        low, high = self.pair(name, args[:2]), self.pair(name, [args[0], args[2]])
        if low[0].kind not in ("number", "date-time"):
            raise InputError(f"filter: found {name} of {low[0].kind}, expected numbers or instants")
        values = (*low[0].term.values, *low[1].term.values, *high[1].term.values)
        return Term(f"{low[0].term.sql} BETWEEN {low[1].term.sql} AND {high[1].term.sql}", values)

    def membership(self, name: str, args: Sequence[Node]) -> Term:
        if len(args) != 2 or not isinstance(args[1], list) or not 0 < len(args[1]) <= _MOST_VALUES:
            raise InputError(f"filter: found {name}, expected a value and a list of at most {_MOST_VALUES} values")
        pairs = [self.pair(name, [args[0], each]) for each in args[1]]
        own = pairs[0][0].term
        values = tuple(value for _, each in pairs for value in each.term.values)
        return Term(f"{own.sql} IN ({', '.join(each.term.sql for _, each in pairs)})", (*own.values, *values))

    def like(self, name: str, args: Sequence[Node]) -> Term:
        if len(args) != 2:
            raise InputError(f"filter: found {name} with {len(args)} arguments, expected 2")
        own, pattern = self.value(args[0]), args[1]
        folded = isinstance(pattern, Mapping) and str(pattern.get("op")).lower() == "casei"
        if folded:
            pattern = _only("casei", pattern.get("args", []))
        if own.kind not in ("string", "date-time") or not isinstance(pattern, str):
            raise InputError(f"filter: found {name} of {own.kind}, expected a property that is text and a pattern")
        glob = _glob(pattern.lower() if folded else pattern)
        return Term(f"{own.term.sql} GLOB ?", (*own.term.values, glob))

    def is_null(self, name: str, args: Sequence[Node]) -> Term:
        term = self.value(_only(name, args)).term
        return Term(f"{term.sql} IS NULL", term.values)

    def relation(self, name: str, args: Sequence[Node]) -> Term:
        if len(args) != 2:
            raise InputError(f"filter: found {name} with {len(args)} arguments, expected 2")
        relation = name.removeprefix("s_")
        own = [isinstance(each, Mapping) and each.get("property") == "geometry" for each in args]
        if own.count(True) != 1:
            raise InputError(f"filter: found {name} without the property geometry, expected it and a literal geometry")
        shape = _shape(args[own.index(False)])
        if own[1]:
            relation = {"within": "contains", "contains": "within"}.get(relation, relation)
        meets = spatial(relation, shape)
        if relation == "disjoint":
            return meets
        near = near_shape(shape)
        return Term(f"{near.sql} AND {meets.sql}", (*near.values, *meets.values))

    def temporal(self, name: str, args: Sequence[Node]) -> Term:
        if len(args) != 2:
            raise InputError(f"filter: found {name} with {len(args)} arguments, expected 2")
        a, b = self.span(args[0])
        c, d = self.span(args[1])
        ends = {"a": a, "b": b, "c": c, "d": d}
        pattern = TEMPORAL[name]
        values = [value for letter in re.findall(r"\{(\w)\}", pattern) for value in ends[letter].values]
        return Term(pattern.format(**{letter: term.sql for letter, term in ends.items()}), tuple(values))

    def arrays(self, name: str, args: Sequence[Node]) -> Term:
        if len(args) != 2 or not isinstance(args[1], list) or not all(isinstance(each, str) for each in args[1]):
            raise InputError(f"filter: found {name}, expected a property that is a list and a list of texts")
        own = self.value(args[0])
        if own.kind != "array":
            raise InputError(f"filter: found {name} of {own.kind}, expected a property that is a list")
        wanted = list(dict.fromkeys(args[1]))
        marks = ", ".join("?" * len(wanted))
        each = f"FROM json_each({own.term.sql}) WHERE value"
        held = Term(f"(SELECT count(DISTINCT value) {each} IN ({marks}))", (*own.term.values, *wanted))
        others = Term(f"(SELECT count(*) {each} NOT IN ({marks}))", (*own.term.values, *wanted))
        there = Term(f"{own.term.sql} IS NOT NULL", own.term.values)
        all_held, none_other = Term(f"{held.sql} = {len(wanted)}", held.values), Term(f"{others.sql} = 0", others.values)
        parts = {
            "a_contains": [there, all_held],
            "a_containedby": [there, none_other],
            "a_equals": [there, all_held, none_other],
            "a_overlaps": [there, Term(f"{held.sql} > 0", held.values)],
        }
        return _joined(" AND ", parts[name])

    def pair(self, name: str, args: Sequence[Node]) -> tuple[Typed, Typed]:
        """Return two values that can be compared."""
        if len(args) != 2:
            raise InputError(f"filter: found {name} with {len(args)} arguments, expected 2")
        left, right = self.value(args[0]), self.value(args[1])
        if left.kind == "date-time" or right.kind == "date-time":
            left, right = _as_instant(left), _as_instant(right)
        if left.kind != right.kind or left.kind in ("array", "geometry"):
            raise InputError(
                f"filter: found {name} of {left.kind} and {right.kind}, expected two of one kind that has an order"
            )
        return left, right

    def value(self, node: Node) -> Typed:
        if isinstance(node, bool):
            return Typed("boolean", Term("?", (int(node),)))
        if isinstance(node, (int, float)):
            return Typed("number", Term("?", (_number(node),)))
        if isinstance(node, str):
            return Typed("string", Term("?", (node,)), literal=node)
        if isinstance(node, Mapping):
            if isinstance(node.get("property"), str):
                return property_of(node["property"], self.types)
            if "timestamp" in node or "date" in node:
                return Typed("date-time", Term("?", (_moment(node),)))
            return self._computed(node)
        raise InputError(f"filter: found {node!r}, expected a property, a number, a text, a boolean or an instant")

    def _computed(self, node: Mapping[str, Any]) -> Typed:
        name, args = str(node.get("op", "")).lower(), node.get("args")
        if name == "casei" and isinstance(args, list):
            found = self.value(_only(name, args))
            if found.kind != "string":
                raise InputError(f"filter: found casei of {found.kind}, expected text")
            return Typed("string", Term(f"lower_text({found.term.sql})", found.term.values))
        if name in _ARITHMETIC and isinstance(args, list):
            left, right = self.pair(name, args)
            if left.kind != "number":
                raise InputError(f"filter: found {name} of {left.kind}, expected numbers")
            # Whole numbers would be divided without their rest.
            sql = f"(({left.term.sql}) * 1.0 {_ARITHMETIC[name]} ({right.term.sql}))"
            return Typed("number", Term(sql, (*left.term.values, *right.term.values)))
        raise InputError(f"filter: found {name or node!r}, expected a property or a literal value")

    def span(self, node: Node) -> tuple[Term, Term]:
        """Return the first and the last moment of an instant or an interval."""
        if isinstance(node, Mapping) and isinstance(node.get("interval"), list) and len(node["interval"]) == 2:
            first, last = node["interval"]
            begin = Term("?", (_EVER,)) if first == ".." else self._edge(first)
            return begin, Term("?", (_NEVER,)) if last == ".." else self._edge(last)
        moment = self._edge(node)
        return moment, moment

    def _edge(self, node: Node) -> Term:
        if isinstance(node, str):
            node = {"date" if len(node) == 10 else "timestamp": node}
        found = self.value(node)
        if found.kind != "date-time":
            raise InputError(f"filter: found {found.kind}, expected an instant or an interval")
        return found.term


def to_sql(node: Node, types: Mapping[str, set[str]]) -> Term:
    """Return a filter as a condition over the index.

    Unknown values make a comparison unknown, as in SQL, and what is unknown is not selected.

    Parameters
    ----------
    node
        CQL2 JSON, as `filters` reads it.
    types
        Types of value of each property, as `Index.types` returns them.

    Raises
    ------
    InputError
        Where it names an unknown property or operator, or compares what cannot be compared.
    """
    return _Translator(types).condition(node)


_Writer = Callable[[_Translator, str, Sequence[Node]], Term]
_OPERATORS: dict[str, _Writer] = {
    "and": _Translator.junction,
    "or": _Translator.junction,
    "not": _Translator.negation,
    "between": _Translator.between,
    "in": _Translator.membership,
    "like": _Translator.like,
    "isnull": _Translator.is_null,
    **dict.fromkeys(_COMPARISONS, _Translator.comparison),
    **dict.fromkeys((f"s_{name}" for name in RELATIONS), _Translator.relation),
    **dict.fromkeys(TEMPORAL, _Translator.temporal),
    **dict.fromkeys(("a_contains", "a_containedby", "a_equals", "a_overlaps"), _Translator.arrays),
}


def _only(name: str, args: Sequence[Node]) -> Node:
    if len(args) != 1:
        raise InputError(f"filter: found {name} with {len(args)} arguments, expected 1")
    return args[0]


def _halves(args: Sequence[Node], middle: int) -> tuple[Sequence[Node], Sequence[Node]]:
    return args[:middle], args[middle:]


def _joined(word: str, terms: Sequence[Term]) -> Term:
    return Term(word.join(f"({term.sql})" for term in terms), tuple(value for term in terms for value in term.values))


def _number(node: float) -> float:
    try:
        found = float(node)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise InputError("filter: found a number beyond all bounds, expected a finite one")
    return found


def _as_instant(value: Typed) -> Typed:
    """Return a text as the instant it may be: many clients write instants as plain text."""
    if value.literal is None or value.kind != "string":
        return value
    if is_instant(value.literal):
        return Typed("date-time", Term("?", (instant("filter", value.literal),)))
    return Typed("date-time", Term("?", (_moment({"date": value.literal}),)))


def _moment(node: Mapping[str, Any]) -> str:
    """Return an instant as the index writes it; a day is the moment it begins."""
    text = node.get("timestamp", node.get("date"))
    if isinstance(text, str) and "date" in node and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text = f"{text}T00:00:00Z"
    if not isinstance(text, str):
        raise InputError(f"filter: found {text!r}, expected an instant")
    return instant("filter", text)


def _shape(node: Node) -> shapely.Geometry:
    if isinstance(node, Mapping) and isinstance(node.get("bbox"), list):
        if not all(isinstance(each, (int, float)) for each in node["bbox"]):
            raise InputError(f"filter: found bbox {node['bbox']!r}, expected 4 or 6 numbers")
        return shapely.union_all([shapely.box(*place) for place in box(node["bbox"])])
    return geometry(node, "filter")


def _glob(pattern: str) -> str:
    """Return a LIKE pattern in SQLite's other language, which tells capital letters from small ones."""
    found, letters = [], iter(pattern)
    for letter in letters:
        if letter == "\\":
            found.append(_plain(next(letters, "\\")))
        else:
            found.append({"%": "*", "_": "?"}.get(letter) or _plain(letter))
    return "".join(found)


def _plain(letter: str) -> str:
    return f"[{letter}]" if letter in "*?[" else letter

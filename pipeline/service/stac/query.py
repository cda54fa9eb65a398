"""The query extension, in terms of CQL2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import InputError

Condition = dict[str, Any]


def _op(name: str) -> Callable[[Condition, Any], Condition]:
    return lambda left, right: {"op": name, "args": [left, right]}


def _like(prefix: str, suffix: str) -> Callable[[Condition, Any], Condition]:
    def made(left: Condition, right: Any) -> Condition:
        if not isinstance(right, str):
            raise InputError(f"query: found {right!r}, expected text")
        plain = "".join(f"\\{letter}" if letter in "\\%_" else letter for letter in right)
        return {"op": "like", "args": [left, f"{prefix}{plain}{suffix}"]}

    return made


#: Operators of the extension, each made of CQL2's.
OPERATORS: Mapping[str, Callable[[Condition, Any], Condition]] = {
    "eq": _op("="),
    "neq": _op("<>"),
    "lt": _op("<"),
    "lte": _op("<="),
    "gt": _op(">"),
    "gte": _op(">="),
    "in": _op("in"),
    "startsWith": _like("", "%"),
    "endsWith": _like("%", ""),
    "contains": _like("%", "%"),
}


def condition(query: Any) -> Condition:
    """Return a query as a CQL2 condition.

    Examples
    --------
    >>> condition({"hazmon:magnitude": {"gte": 6}})
    {'op': '>=', 'args': [{'property': 'hazmon:magnitude'}, 6]}

    Raises
    ------
    InputError
        Where it is malformed or names an unknown operator.
    """
    if not isinstance(query, Mapping) or not all(isinstance(tests, Mapping) for tests in query.values()):
        raise InputError('query: expected an object such as {"hazmon:magnitude": {"gte": 6}}')
    found = []
    for name, tests in query.items():
        for operator, value in tests.items():
            if operator not in OPERATORS:
                raise InputError(f"query: found operator {operator!r}, expected one of {sorted(OPERATORS)}")
            found.append(OPERATORS[operator]({"property": name}, value))
    if not found:
        raise InputError("query: found nothing in it, expected at least one property with an operator")
    return found[0] if len(found) == 1 else {"op": "and", "args": found}

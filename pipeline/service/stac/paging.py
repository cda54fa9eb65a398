"""Tokens that name where a page ended by the sort keys of its last Item, so that pages stay put while Items are published.

An Item that is superseded or withdrawn meanwhile changes its `updated` and `deprecated`: of pages sorted or filtered by these
it may leave one that was not read yet, or come once more.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.errors import InputError

Sort = tuple[tuple[str, bool], ...]
Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Place:
    """Between which Items a page begins, and which way it goes from there."""

    way: Literal["next", "prev"]
    keys: tuple[Value, ...]


def token(place: Place, sort: Sort) -> str:
    """Return a place in an order as text that means nothing to clients."""
    text = json.dumps([place.way, list(place.keys), [list(each) for each in sort]], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(text: str, sort: Sort, count: int) -> Place:
    """Return what a token says.

    Parameters
    ----------
    text
        The token.
    sort
        The order that is asked for, which has to be the token's own.
    count
        How many sort keys the order has.

    Raises
    ------
    InputError
        Where it is no token of this search.
    """
    way, keys, own = _read(text)
    if own != [list(each) for each in sort]:
        raise InputError("token: found one of a search in another order, expected the one that the page before gave")
    if way not in ("next", "prev") or not isinstance(keys, list) or len(keys) != count:
        raise InputError("token: found one that cannot be read, expected the one that the page before gave")
    if not all(_is_key(key) for key in keys):
        raise InputError("token: found one that cannot be read, expected the one that the page before gave")
    return Place("next" if way == "next" else "prev", tuple(keys))


def _is_key(key: object) -> bool:
    """Whether a value is what an index can have given."""
    if isinstance(key, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in key)
    return key is None or isinstance(key, float) or (isinstance(key, int) and abs(key) < 2**63)


def _read(text: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InputError("token: found one that cannot be read, expected the one that the page before gave") from error
    if not isinstance(found, list) or len(found) != 3:
        raise InputError("token: found one that cannot be read, expected the one that the page before gave")
    return found

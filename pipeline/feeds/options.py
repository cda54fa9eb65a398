"""Options of a feed as its YAML gives them: read, or refused with feed, option, found and expected."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import ConfigError


def refuse(feed: str, option: str, found: object, expected: str) -> ConfigError:
    """Return the error of a wrong option, to be raised."""
    return ConfigError(f"feed {feed}: option {option}: found {found!r}, expected {expected}")


def texts(feed: str, option: str, value: object) -> tuple[str, ...]:
    """Return a list of texts.

    Raises
    ------
    ConfigError
        Where it is anything else.
    """
    if isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise refuse(feed, option, value, "a list of texts")


def number(feed: str, option: str, value: object) -> float:
    """Return a number; the texts nan and inf are numbers too.

    Raises
    ------
    ConfigError
        Where it is anything else.
    """
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return float(value)
    except ValueError:
        pass
    raise refuse(feed, option, value, "a number")


def one_of(feed: str, option: str, value: object, known: Iterable[str]) -> str:
    """Return a text that must be one of those known.

    Raises
    ------
    ConfigError
        Where it is not.
    """
    known = sorted(known)
    if isinstance(value, str) and value in known:
        return value
    raise refuse(feed, option, value, f"one of {known}")


def for_name(value: object, name: str) -> Any:
    """Return what an option says of one name: its own entry of a mapping, or the one value for all."""
    return value.get(name) if isinstance(value, Mapping) else value


def canonical(value: object) -> bytes:
    """Return a JSON value as canonical bytes: sorted, without white space, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

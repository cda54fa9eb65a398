"""An Item as it lies in the store: whether it can be read, and is one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from pipeline import news
from pipeline.errors import InputError, KeyMissing, Unreadable
from pipeline.model import moment
from pipeline.products import lineage
from pipeline.store import Store, sha256, to_bytes

#: Items read between two looks at the list of them.
_BATCH = 100

#: Items read at once: most of the time is spent waiting where the store is far away.
_AT_ONCE = 16

#: What every reader of an Item asks of it.
_PARTS: Mapping[str, type[Any]] = {"properties": dict, "assets": dict, "links": list}


def is_item_key(key: str) -> bool:
    """Whether a store key is that of a public Item: `catalog/HAZARD/ITEM/ITEM.json`."""
    parts = key.split("/")
    return len(parts) == 4 and parts[3] == f"{parts[2]}.json"


def read_item(store: Store, key: str) -> dict[str, Any]:
    """Return the Item under a key.

    Raises
    ------
    KeyMissing
        Where nothing is stored there.
    Unreadable
        Where it is no JSON, or no Item of this name, or lacks what every reader asks of it.
    """
    return checked(store.get_json(key), key, store.root)


def checked(found: Any, key: str, root: str) -> dict[str, Any]:
    """Return what was found under a key of the store at `root`; Unreadable where it is no Item, as `read_item` says."""
    problem = _problem(found, key)
    if problem:
        raise Unreadable(f"{root}: {key}: {problem}")
    item: dict[str, Any] = found
    return item


def read_all(store: Store) -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
    """Yield (key, Item) of everything public, many read at once; an Item that cannot be read as what is wrong with it."""
    keys = filter(is_item_key, store.list("catalog"))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(keys, _BATCH)):
            for key, found in zip(some, pool.map(partial(_tried, store), some), strict=True):
                if found is not None:
                    yield key, found


def entry(item: Mapping[str, Any], key: str, at: datetime) -> news.Entry:
    """Return what the news say of an Item as it stands."""
    state = sha256(to_bytes(item))
    return news.Entry("item", lineage.standing(item), item["id"], item["collection"], at, key, state)


def _tried(store: Store, key: str) -> dict[str, Any] | Unreadable | None:
    """Return an Item, or what is wrong with it; None where it was removed meanwhile."""
    try:
        return read_item(store, key)
    except Unreadable as problem:
        return problem
    except KeyMissing:
        return None


def _problem(item: Any, key: str) -> str:
    """Return what an Item lacks that every reader asks of it; empty where all is there."""
    if not isinstance(item, dict):
        return f"found {type(item).__name__}, expected a JSON object"
    for name, kind in _PARTS.items():
        if not isinstance(item.get(name), kind):
            return f"{name}: found {type(item.get(name)).__name__}, expected {kind.__name__}"
    _, hazard, id, _ = key.split("/")
    if (item.get("id"), item.get("collection")) != (id, hazard):
        return f"found Item {item.get('id')!r} of {item.get('collection')!r}, expected {id!r} of {hazard!r}"
    for name, fields in (("assets", item["assets"].values()), ("links", item["links"])):
        if not all(isinstance(each, dict) and isinstance(each.get("href"), str) for each in fields):
            return f"{name}: found one without href"
    deprecated = item["properties"].get("deprecated")
    if not isinstance(deprecated, bool):
        return f"properties.deprecated: found {deprecated!r}, expected true or false"
    return _untimely(item["properties"]) or _unwritable(item)


def _unwritable(item: Mapping[str, Any]) -> str:
    """Return what of an Item cannot be written again: NaN is no JSON, half a surrogate pair is no text; empty where all can."""
    try:
        json.dumps(item, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        return f"found what JSON cannot hold: {error}"
    return ""


def _untimely(properties: Mapping[str, Any]) -> str:
    """Return which time an Item lacks; empty where it lacks none."""
    times = {"datetime": properties.get("datetime") or properties.get("start_datetime"), "updated": properties.get("updated")}
    for name, text in times.items():
        if not isinstance(text, str):
            return f"properties.{name}: found {text!r}, expected a time"
        try:
            moment(text)
        except InputError as error:
            return f"properties.{name}: {error}"
    return ""

"""Which Items a hazard's collection lists: by month, and in homes of before by itself."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator

from pipeline.products.catalog import collection_key
from pipeline.products.collection import hrefs
from pipeline.products.product import month_of
from pipeline.store import Store


def listed(store: Store, hazard: str) -> Iterator[list[str]]:
    """Yield the ids of the Items that a hazard's collection lists, month by month, the latest first.

    Raises
    ------
    KeyMissing
        Where nothing of the hazard is public.
    Unreadable
        Where a list cannot be read.
    """
    collection = store.get_json(collection_key(hazard))
    months = {posixpath.basename(href).removesuffix(".json"): href for href in hrefs(collection, "child")}
    # Before there were months, a collection linked to its Items.
    older: dict[str, set[str]] = defaultdict(set)
    for id in map(_id, hrefs(collection, "item")):
        older[month_of(id)].add(id)
    for name in sorted({*months, *older}, reverse=True):
        ids = older[name]
        if name in months:
            month = store.get_json(posixpath.normpath(f"catalog/{hazard}/{months[name]}"))
            ids.update(map(_id, hrefs(month, "item")))
        yield sorted(ids)


def _id(href: str) -> str:
    """Return the id that `./ITEM/ITEM.json` leads to."""
    return href.split("/")[1]

"""How the copy of the catalogue in PostgreSQL keeps up with the store, whose files are the truth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Any

from pipeline import news
from pipeline.errors import HazmonError, KeyMissing, ProductError, StoreError, Unreadable
from pipeline.products.catalog import collection_key, hazard_of, item_key
from pipeline.products.stored import is_item_key, read_item
from pipeline.service.stac.mirror import Mirror
from pipeline.store import Store

log = logging.getLogger(__name__)

#: How long to wait before looking for news again, seconds.
PAUSE_S = 1.0

#: How long to wait before trying again what the store or the database refused, seconds.
RETRY_S = 5.0

#: How many Items or entries of the news go into one transaction; searches wait while it lasts.
BATCH = 200

#: How often the copy is brought up to date and counted before it counts as wrong: the store may grow meanwhile.
_TRIES = 5

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Synced:
    """What a synchronisation did, and what is in the database now."""

    items: int
    """Items in the database: as many as in the store."""
    collections: int
    loaded: int
    """Items written, changed or not."""
    removed: int
    number: int
    """The last entry of the news that is in."""


@dataclass(frozen=True, slots=True)
class News:
    """What came in at one time."""

    items: int
    """Items written, changed or not."""
    number: int
    """The last entry of the news that is in."""


def sync(store: Store, url: str, *, everything: bool = False, progress: Progress | None = None) -> Synced:
    """Return the counts after bringing the database to what the store holds.

    Parameters
    ----------
    store
        Folder or bucket.
    url
        Address of the database.
    everything
        Load all anew, and forget what the store no longer has; else only what the news tell of since the last time.
    progress
        Told (done, all, id) for each Item of a full load.

    Raises
    ------
    StoreError
        Where either cannot be reached, or the database holds other Items than the store afterwards.
    ProductError
        Where all is in but Items that cannot be read.
    """
    with Mirror.open(url) as mirror:
        mirror.prepare()
        return bring(store, mirror, everything=everything, progress=progress)


def bring(store: Store, mirror: Mirror, *, everything: bool = False, progress: Progress | None = None) -> Synced:
    """Return the counts after bringing a prepared copy to what the store holds; see `sync`."""
    loaded = removed = 0
    with mirror.alone():
        if everything or not _is_ours(store, mirror.synced()):
            loaded, removed = _load_all(store, mirror, progress)
        for _ in range(_TRIES):
            loaded += sum(found.items for found in iter(lambda: _follow(store, mirror), None))
            wanted, found = set(_ids(store)), mirror.items()
            if wanted == found:
                return Synced(len(found), len(mirror.collections()), loaded, removed, _number(mirror))
            loaded += _load(store, mirror, sorted(wanted - found))
    unreadable = sorted(id for id in wanted - found if not _is_readable(store, id))
    if wanted - found == set(unreadable) and found <= wanted:
        raise ProductError(f"{store.root}: found {len(unreadable)} Items that cannot be read, for example {unreadable[0]}")
    example = next(iter(sorted(wanted ^ found)))
    raise StoreError(
        f"{mirror.name}: found {len(found)} Items, expected {len(wanted)} as in {store.root} (one that differs: {example});"
        " load everything anew with --all"
    )


def watch(store: Store, mirror: Mirror, stop: Event) -> Iterator[News]:
    """Yield what came in, as soon as the news tell of it, until told to stop.

    However fast Items are published, it writes no more often than it looks, so that searches come in between.
    """
    while not stop.is_set():
        found = follow(store, mirror)
        if found is not None:
            yield found
        stop.wait(PAUSE_S)


def follow(store: Store, mirror: Mirror) -> News | None:
    """Return what came in since the last time, in one transaction; None where there is no news.

    It looks for one row and one file, so that asking every second costs nothing.
    """
    if next(news.after(store, _number(mirror), 1), None) is None:
        return None
    with mirror.alone():
        return _follow(store, mirror)


def keep(store: Store, url: str, stop: Event) -> None:
    """Bring the database to what the store holds and follow the news until told to stop, whatever happens to either."""
    while not stop.is_set():
        try:
            with Mirror.open(url) as mirror:
                mirror.prepare()
                _begin(store, mirror)
                for found in watch(store, mirror, stop):
                    log.info("pgstac: %s", found)
        except HazmonError as error:
            log.warning("pgstac: %s; tried again in %g s", error, RETRY_S)
            stop.wait(RETRY_S)


def _begin(store: Store, mirror: Mirror) -> None:
    """Bring the database to what the store holds; what cannot be read holds up nothing else."""
    try:
        log.info("pgstac: %s", bring(store, mirror))
    except ProductError as error:
        log.error("pgstac: %s", error)


def _is_ours(store: Store, synced: tuple[int, str] | None) -> bool:
    """Whether the copy was made from this store: its news tell the same under the same number."""
    if synced is None:
        return False
    number, mark = synced
    return news.mark_at(store, number) == mark


def _number(mirror: Mirror) -> int:
    synced = mirror.synced()
    return synced[0] if synced else 0


def _follow(store: Store, mirror: Mirror) -> News | None:
    """Return what the next entries of the news told of; the Items and the number come in together or not at all."""
    entries = list(news.after(store, _number(mirror), BATCH))
    if not entries:
        return None
    ids = sorted({entry.id for entry in entries if entry.kind == "item"})
    with mirror.writing():
        written = _put(store, mirror, ids)
        mirror.remember(entries[-1].number, entries[-1].mark)
    return News(written, entries[-1].number)


def _load_all(store: Store, mirror: Mirror, progress: Progress | None) -> tuple[int, int]:
    """Return how many Items were written and how many removed; news from here on are followed afterwards."""
    number = news.head(store)
    last = news.mark_at(store, number)
    ids = list(_ids(store))
    loaded = _load(store, mirror, ids, progress)
    extra = mirror.items() - set(ids)
    with mirror.writing():
        mirror.delete(extra)
        mirror.delete_collections({hazard_of(id) for id in ids})
        mirror.remember(number, last)
    mirror.analyze()
    return loaded, len(extra)


def _load(store: Store, mirror: Mirror, ids: list[str], progress: Progress | None = None) -> int:
    done = written = 0
    for batch in _batched(ids):
        with mirror.writing():
            written += _put(store, mirror, batch)
        done += len(batch)
        if progress is not None:
            progress(done, len(ids), batch[-1])
    return written


def _put(store: Store, mirror: Mirror, ids: list[str]) -> int:
    """Return how many Items were written, as they are in the store now.

    One that is no longer there is forgotten; one that cannot be read is left as it was.
    """
    items = []
    for id in ids:
        try:
            items.append(_item(store, id))
        except KeyMissing:
            mirror.delete([id])
        except Unreadable as error:
            log.error("pgstac: left out: %s", error)
    mirror.put_collections(_collection(store, hazard, items) for hazard in sorted({item["collection"] for item in items}))
    mirror.put_items(items)
    return len(items)


def _item(store: Store, id: str) -> dict[str, Any]:
    """Return an Item as it is in the store now; Unreadable where it lacks what a copy is made by."""
    item = read_item(store, item_key(id))
    missing = [name for name in ("bbox", "geometry", "stac_version") if name not in item]
    if missing or "datetime" not in item["properties"]:
        raise Unreadable(f"{store.root}: {item_key(id)}: found no {missing or 'properties.datetime'}")
    return item


def _is_readable(store: Store, id: str) -> bool:
    try:
        _item(store, id)
    except (KeyMissing, Unreadable):
        return False
    return True


def _collection(store: Store, hazard: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a hazard's collection; its first Item is public before it, so that there may be none yet, or none to be read."""
    try:
        found: dict[str, Any] = store.get_json(collection_key(hazard))
    except (KeyMissing, Unreadable):
        item = next(item for item in items if item["collection"] == hazard)
        time = item["properties"]["datetime"]
        extent = {"spatial": {"bbox": [item["bbox"]]}, "temporal": {"interval": [[time, time]]}}
        found = {"id": hazard, "type": "Collection", "stac_version": item["stac_version"], "extent": extent}
    return found


def _ids(store: Store) -> Iterator[str]:
    return (key.split("/")[2] for key in store.list("catalog") if is_item_key(key))


def _batched(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    return iter(lambda: list(islice(left, BATCH)), [])

"""The catalogue: assets first, the Item last, then everything that points to it; killed anywhere, a rerun mends it.

catalog/catalog.json                        root
catalog/{hazard}/collection.json            links to its months
catalog/{hazard}/{month}.json               links to the Items that start in a month: no list grows without end
catalog/{hazard}/{item}/{item}.json         the Item: the commit
catalog/{hazard}/{item}/mmi.tif ...         its assets, there before it
staging/{item}.json                         an Item on its way
lineages/{lineage}/{hazard}.json            versions of one thing
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from pipeline import news
from pipeline.errors import Conflict, KeyMissing, ProductError, StoreError, Unreadable
from pipeline.model import Bounds, Window
from pipeline.products import lineage as lineages
from pipeline.products.cache import PATIENCE_S
from pipeline.products.collection import (
    CollectionInfo,
    hrefs,
    item_href,
    with_collection,
    with_item,
    with_listed,
    with_months,
)
from pipeline.products.index import Index
from pipeline.products.index_follow import Follower
from pipeline.products.item import stamp
from pipeline.products.lineage import Version, Withdrawal
from pipeline.products.product import month_of
from pipeline.products.read import asset_key
from pipeline.products.stored import checked, entry, read_all, read_item
from pipeline.store import Store, to_bytes

_log = logging.getLogger(__name__)

#: Where the root of the public catalogue lies.
ROOT_KEY = "catalog/catalog.json"

#: What mends a hazard whose collection is lost: only a publication knows its title, its licence and its layer.
COLLECTION_REMEDY = "publish one of its Items again (hazmon run), then rebuild the catalogue"

#: How often a compare-and-swap is tried again before it counts as a conflict.
_TRIES = 1000

_WITHDRAWAL = "_withdrawn.json"


def hazard_of(item_id: str) -> str:
    """Return the hazard (and collection) an Item id belongs to."""
    return item_id.split("-", 1)[0]


def item_key(item_id: str) -> str:
    """Return the store key of a public Item."""
    return f"catalog/{hazard_of(item_id)}/{item_id}/{item_id}.json"


def staged_key(item_id: str) -> str:
    """Return the store key of an Item on its way."""
    return f"staging/{item_id}.json"


def collection_key(hazard: str) -> str:
    """Return the store key of a hazard's collection."""
    return f"catalog/{hazard}/collection.json"


def month_key(hazard: str, month: str) -> str:
    """Return the store key of the list of a hazard's Items of a month."""
    return f"catalog/{hazard}/{month}.json"


class Catalog:
    """Products made public in a store, with a local search index.

    Parameters
    ----------
    store
        Folder or bucket; the truth.
    index
        SQLite file; rebuilt from the store where missing.
    """

    def __init__(self, store: Store, index: Path) -> None:
        self.store = store
        self.index = Index(index)
        self._follower = Follower(store, self.index)
        self._follower.begin()

    def stage(self, item: Mapping[str, Any], assets: Mapping[str, Path]) -> str:
        """Return the store key of a staged Item after uploading its assets; done already where it is staged or public.

        Parameters
        ----------
        item
            As `build_item` returns it.
        assets
            The file of each asset of the Item.

        Raises
        ------
        ProductError
            Where files and the Item's assets do not match.
        """
        id = str(item["id"])
        if self.is_public(id):
            return item_key(id)
        if set(assets) != set(item["assets"]):
            raise ProductError(f"item {id}: found files for {sorted(assets)}, expected {sorted(item['assets'])}")
        if self.store.exists(staged_key(id)) and not self._incomplete(self.store.get_json(staged_key(id))):
            return staged_key(id)
        for name, path in sorted(assets.items()):
            self.store.put(asset_key(item, name), path)
        self.store.put(staged_key(id), to_bytes(item))
        return staged_key(id)

    def publish(self, item_id: str, info: CollectionInfo, *, now: datetime) -> dict[str, Any]:
        """Return the public Item; every step is repeated or skipped as needed, so that a rerun finishes what was begun.

        Versions of the same thing are linked, and only the latest stands: an older revision that comes late never
        becomes the latest. Nothing is rewritten where the Item is public already.

        Raises
        ------
        KeyMissing
            Where the Item is neither staged nor public.
        ProductError
            Where an asset is missing or has another size than the Item says.
        Unreadable
            Where the Item is public and cannot be read; another version that cannot be read is logged and left as it is.
        StoreError
            Where it cannot be read back afterwards.
        """
        item = self._commit(item_id, now)
        unlinked = self._relink(str(item["properties"]["hazmon:lineage"]), hazard_of(item_id), now)
        if item_id in unlinked:
            raise unlinked[item_id]
        self._list(item, info)
        self.store.delete(staged_key(item_id))
        return self._confirmed(item_id)

    def withdraw(self, lineage: str, *, now: datetime, reason: str, revision: int | None = None) -> list[str]:
        """Return the ids of Items that no longer stand, of all hazards, after marking them; none of the lineage is current.

        Parameters
        ----------
        lineage
            For example an event's `series`.
        now
            When.
        reason
            Why, for people.
        revision
            Source revision that withdrew it: later revisions stand again. The highest published, where not given.
        """
        prefix = lineages.folder(lineage)
        names = [key.rsplit("/", 1)[-1] for key in self.store.list(prefix)]
        hazards = [name.removesuffix(".json") for name in names if name != _WITHDRAWAL]
        known = [version.revision for hazard in hazards for version in self._versions(lineage, hazard)]
        upto = revision if revision is not None else max(known, default=0)
        self._update(f"{prefix}/{_WITHDRAWAL}", lambda old: _withdrawn(old, upto, stamp(now), reason))
        for hazard in hazards:
            self._relink(lineage, hazard, now)
        return sorted(
            version.id for hazard in hazards for version in self._visible(lineage, hazard) if version.revision <= upto
        )

    def get(self, item_id: str) -> dict[str, Any]:
        """Return a public Item.

        Raises
        ------
        KeyMissing
            Where there is none of this id.
        Unreadable
            Where it cannot be read.
        """
        return read_item(self.store, item_key(item_id))

    def is_public(self, item_id: str) -> bool:
        """Whether an Item is public."""
        return self.store.exists(item_key(item_id))

    def latest(self, hazard: str, lineage: str) -> dict[str, Any] | None:
        """Return the version that stands; None where there is none, or all are withdrawn."""
        found = lineages.latest(self._visible(lineage, hazard), self._withdrawal(lineage))
        return None if found is None else self.get(found.id)

    def find(
        self,
        *,
        hazard: str | None = None,
        subject: str | None = None,
        bbox: Bounds | None = None,
        window: Window | None = None,
        current: bool | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return public Items that satisfy all conditions, the newest first; see `Index.search`.

        One that was damaged or removed after the index took it is logged and left out.
        """
        self.refresh()
        keys = self.index.search(hazard=hazard, subject=subject, bbox=bbox, window=window, current=current, limit=limit)
        return [item for item in map(self._found, keys) if item is not None]

    def items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (key, Item) of everything public that can be read, from the files."""
        return ((key, item) for key, item in read_all(self.store) if not isinstance(item, Unreadable))

    def rebuild(self) -> int:
        """Return the number of Items after building the index and the lists anew, and telling the news of all."""
        count, entries = self._follower.rebuild()
        for hazard, ids in groupby((row.id for row in self.index.rows()), key=hazard_of):
            self._relist(hazard, list(ids))
        self._follower.tell_untold(entries)
        return count

    def refresh(self, patience_s: float = PATIENCE_S) -> int:
        """Return how many Items the index was told of, by the news since the last time; one look where there are none.

        What another process published, on another machine too, is found by searches after this.

        Raises
        ------
        Busy
            Where another process writes for longer than the patience, seconds; the index can be read meanwhile.
        """
        return self._follower.follow(patience_s)

    def _found(self, key: str) -> dict[str, Any] | None:
        """Return an Item that the index knows; None, and a log entry, where it cannot be read any more."""
        try:
            return read_item(self.store, key)
        except (KeyMissing, Unreadable) as error:
            _log.error("%s is left out of what was found: %s", key, error)
            return None

    def _incomplete(self, item: Mapping[str, Any]) -> str:
        """Return what is wrong with an Item's assets in the store; empty where all are there."""
        for name, asset in sorted(item["assets"].items()):
            try:
                size = self.store.size(asset_key(item, name))
            except KeyMissing:
                return f"asset {name!r} is missing"
            if size != asset["file:size"]:
                return f"asset {name!r} has {size} bytes, expected {asset['file:size']}"
        return ""

    def _commit(self, item_id: str, now: datetime) -> dict[str, Any]:
        """Return the Item after writing it as the last of its files; the first of two writers wins."""
        if not self.is_public(item_id):
            try:
                item = self.store.get_json(staged_key(item_id))
            except KeyMissing:
                if self.is_public(item_id):  # another process finished it meanwhile
                    return self.get(item_id)
                raise
            problem = self._incomplete(item)
            if problem:
                raise ProductError(f"item {item_id}: {problem}")
            versions = self._join(item)
            withdrawal = self._withdrawal(item["properties"]["hazmon:lineage"])
            self.store.create(item_key(item_id), to_bytes(lineages.linked(item, versions, withdrawal, now)))
        item = self.get(item_id)
        self._join(item)
        return item

    def _join(self, item: Mapping[str, Any]) -> list[Version]:
        """Return the public versions and this one, after entering it in the record of its lineage."""
        version = lineages.version_of(item)
        lineage, hazard = item["properties"]["hazmon:lineage"], item["collection"]

        def joined(old: Mapping[str, Any] | None) -> dict[str, Any]:
            others = [entry for entry in (old or {}).get("versions", []) if entry["id"] != version.id]
            versions = sorted([*others, version.to_json()], key=lambda entry: str(entry["id"]))
            return {"lineage": lineage, "hazard": hazard, "versions": versions}

        self._update(_record_key(lineage, hazard), joined)
        return [*(other for other in self._visible(lineage, hazard) if other.id != version.id), version]

    def _versions(self, lineage: str, hazard: str) -> list[Version]:
        try:
            record = self.store.get_json(_record_key(lineage, hazard))
        except KeyMissing:
            return []
        return [Version(**entry) for entry in record["versions"]]

    def _visible(self, lineage: str, hazard: str) -> list[Version]:
        """Return the versions whose Item is public; one that entered and was killed is left out."""
        return [version for version in self._versions(lineage, hazard) if self.is_public(version.id)]

    def _withdrawal(self, lineage: str) -> Withdrawal | None:
        try:
            return Withdrawal(**self.store.get_json(f"{lineages.folder(lineage)}/{_WITHDRAWAL}"))
        except KeyMissing:
            return None

    def _relink(self, lineage: str, hazard: str, now: datetime) -> dict[str, Unreadable]:
        """Link all public versions of a lineage, until nobody else changed it meanwhile; return which could not, and why."""
        for _ in range(_TRIES):
            versions, withdrawal = self._visible(lineage, hazard), self._withdrawal(lineage)
            change = partial(lineages.linked, versions=versions, withdrawal=withdrawal, now=now)
            unlinked: dict[str, Unreadable] = {}
            for version in versions:
                try:
                    self._link(version.id, change, now)
                except Unreadable as error:
                    unlinked[version.id] = error
                    self.index.follow([item_key(version.id)], partial(read_item, self.store))
            if (versions, withdrawal) == (self._visible(lineage, hazard), self._withdrawal(lineage)):
                for id, problem in unlinked.items():
                    _log.error("%s is not linked to the other versions of %s: %s", id, lineage, problem)
                return unlinked
        raise Conflict(f"{self.store.root}: lineage {lineage} of {hazard} changed {_TRIES} times while it was linked")

    def _link(self, id: str, change: Callable[[Mapping[str, Any]], dict[str, Any]], now: datetime) -> None:
        """Change the links of a public Item, put it into the index and tell the news of it."""
        key = item_key(id)

        def linked(old: Mapping[str, Any] | None) -> dict[str, Any]:
            if old is None:
                raise StoreError(f"{self.store.root}: {key} vanished while it was linked")
            return change(checked(old, key, self.store.root))

        self._update(key, linked)
        told = entry(self.get(id), key, now)
        if not self._follower.knows(told):
            self.index.put(key, partial(read_item, self.store))
        news.tell(self.store, told)

    def _list(self, item: Mapping[str, Any], info: CollectionInfo) -> None:
        """Enter an Item in its month, the month in its collection and the collection in the root."""
        hazard = str(item["collection"])
        self._list_month(hazard, info.title, [item["id"]])
        self._update(collection_key(hazard), lambda old: with_item(old, info, item))
        self._update(ROOT_KEY, lambda old: with_collection(old, hazard, info.title))

    def _relist(self, hazard: str, ids: list[str]) -> None:
        """Enter Items in their months, these in the collection, it in the root; a lost collection waits for a publication."""
        if not self.store.exists(collection_key(hazard)):
            _log.error("%s: %s is missing; %s", self.store.root, collection_key(hazard), COLLECTION_REMEDY)
            return
        title = self.store.get_json(collection_key(hazard))["title"]
        for _, found in groupby(sorted(ids, key=month_of), key=month_of):
            self._list_month(hazard, title, list(found))
        self._update(collection_key(hazard), lambda old: with_months(old or {}, ids))
        self._update(ROOT_KEY, lambda old: with_collection(old, hazard, title))

    def _list_month(self, hazard: str, title: str, ids: list[str]) -> None:
        """Enter Items that start in one month in its list."""
        self._update(month_key(hazard, month_of(ids[0])), lambda old: with_listed(old, hazard, title, ids))

    def _update(self, key: str, change: Callable[[Mapping[str, Any] | None], dict[str, Any]]) -> None:
        """Change a JSON document by compare-and-swap; not written where nothing changes."""
        for _ in range(_TRIES):
            try:
                old: bytes | None = self.store.get(key)
            except KeyMissing:
                old = None
            new = to_bytes(change(None if old is None else self.store.parsed(key, old)))
            if new == old or self.store.swap(key, old, new):
                return
        raise Conflict(f"{self.store.root}: {key} changed {_TRIES} times while it was being changed")

    def _confirmed(self, item_id: str) -> dict[str, Any]:
        """Return the Item as readers find it: in the store, in the index and in the list of its month."""
        item = self.get(item_id)
        if self.index.row(item_id) is None:
            raise StoreError(f"{self.index.path}: {item_id} was published but is not in the index; rebuild it")
        month = month_key(hazard_of(item_id), month_of(item_id))
        if item_href(item_id) not in hrefs(self.store.get_json(month), "item"):
            raise StoreError(f"{self.store.root}: {item_id} was published but {month} does not list it")
        return item


def _record_key(lineage: str, hazard: str) -> str:
    return f"{lineages.folder(lineage)}/{hazard}.json"


def _withdrawn(old: Mapping[str, Any] | None, revision: int, at: str, reason: str) -> dict[str, Any]:
    """Return the withdrawal that reaches further; the first one stays where both reach as far."""
    if old is not None and old["revision"] >= revision:
        return dict(old)
    return {"revision": revision, "at": at, "reason": reason}

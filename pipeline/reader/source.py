"""Where published layers come from: the catalogue of a home, or the STAC API of a service; both only read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urljoin

import httpx
import pystac_client
from pystac_client.exceptions import APIError

from pipeline import config
from pipeline.errors import InputError, StoreError
from pipeline.model import Event
from pipeline.observations import events
from pipeline.products.catalog import ROOT_KEY, item_key
from pipeline.products.listed import listed
from pipeline.products.product import UNDATED, month_of
from pipeline.products.read import asset_href, asset_key
from pipeline.reader.wanted import Wanted, is_ours, subject_of
from pipeline.store import Store

Item = Mapping[str, Any]

#: Items read at once: most of the time is spent waiting where the store is far away.
_AT_ONCE = 16
#: No period that a layer is about is longer.
_LONGEST = timedelta(days=366)
#: How long a service may take to answer, seconds.
_PATIENCE_S = 60.0
#: Items asked of a service at once.
_PAGE = 100


class Source(Protocol):
    """What the reader needs of a catalogue, wherever it is."""

    @property
    def place(self) -> str:
        """Path or URL, for messages."""
        ...

    def hazards(self) -> list[str]:
        """Return the hazards of which anything was published, sorted."""
        ...

    def search(self, wanted: Wanted, limit: int | None = None) -> list[Item]:
        """Return the Items that satisfy the conditions, by time; at most so many of the newest."""
        ...

    def href(self, item: Item, asset: str) -> str:
        """Return the path or URL of an asset."""
        ...

    def read(self, item: Item, asset: str) -> bytes:
        """Return an asset's bytes."""
        ...


def open_source(source: str | os.PathLike[str] | None) -> Source:
    """Return the catalogue at a folder, an `s3://` URL, or the `http(s)://` URL of a service.

    Parameters
    ----------
    source
        Default: HAZMON_HOME, else ./.hazmon.

    Raises
    ------
    InputError
        Where nothing was published there.
    StoreError
        Where it cannot be reached.
    """
    place = os.fspath(source) if source is not None else config.home()
    if re.match(r"https?://", place):
        return Service(place.rstrip("/"))
    if "://" not in place and not Path(place).expanduser().is_dir():
        raise InputError(f"source {place!r}: no such folder; expected a home, an s3:// URL or the URL of a service")
    store = Store.open(place)
    if not store.exists(ROOT_KEY):
        raise InputError(f"source {place!r}: nothing was published there ({ROOT_KEY} is missing)")
    return Home(store)


@dataclass(frozen=True)
class Home:
    """The catalogue of a home: the files themselves, neither its search index nor its configuration."""

    store: Store

    @property
    def place(self) -> str:
        """The folder or bucket."""
        return self.store.root

    def hazards(self) -> list[str]:
        """Return the hazards that the root catalogue lists, sorted."""
        links = self.store.get_json(ROOT_KEY)["links"]
        return sorted(link["href"].split("/")[1] for link in links if link["rel"] == "child")

    def search(self, wanted: Wanted, limit: int | None = None) -> list[Item]:
        """Return the Items that satisfy the conditions, by time.

        Ids say which event and when: only those that may fit are read.
        """
        if wanted.event is not None:
            wanted = replace(wanted, event=self._event(wanted.event))
        found: list[Item] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for ids in self._may_fit(wanted, _AT_ONCE if limit is None else max(limit, _AT_ONCE)):
                read = pool.map(self.store.get_json, map(item_key, ids))
                found += (item for item in read if wanted.accepts(item))
                if limit is not None and len(found) >= limit:
                    break
        return _by_time(found[:limit])

    def href(self, item: Item, asset: str) -> str:
        """Return the path or `s3://` URL of an asset."""
        return asset_href(self.store, item, asset)

    def read(self, item: Item, asset: str) -> bytes:
        """Return an asset's bytes."""
        return self.store.get(asset_key(item, asset))

    def _may_fit(self, wanted: Wanted, at_once: int) -> Iterator[list[str]]:
        """Yield the ids that may satisfy the conditions, the newest first, some at a time."""
        for ids in listed(self.store, wanted.hazard):
            newest = sorted((id for id in ids if _may_fit(id, wanted)), key=lambda id: id[-_TAIL:], reverse=True)
            while newest:
                yield newest[:at_once]
                del newest[:at_once]

    def _event(self, name: str) -> str:
        """Return our id of an event where the table of events knows the name, else the name."""
        if is_ours(name):
            return name
        found = events.named(self.store, name)
        return found.id if found is not None else name


@dataclass(frozen=True)
class Service:
    """The STAC API of a service."""

    place: str

    @cached_property
    def _client(self) -> pystac_client.Client:
        root = self.place if self.place.endswith("/stac") else f"{self.place}/stac"
        try:
            return pystac_client.Client.open(root, timeout=_PATIENCE_S)
        except (APIError, OSError, KeyError, ValueError) as error:
            raise StoreError(f"{root}: no STAC API answers: {error}") from error

    def hazards(self) -> list[str]:
        """Return the ids of the collections, sorted."""
        try:
            return sorted(collection.id for collection in self._client.get_collections())
        except APIError as error:
            raise StoreError(f"{self.place}: cannot list collections: {error}") from error

    def search(self, wanted: Wanted, limit: int | None = None) -> list[Item]:
        """Return the Items that satisfy the conditions, by time; the service sorts out most of the others."""
        if wanted.event is not None:
            wanted = replace(wanted, event=self._event(wanted.event))
        window = wanted.window
        found = self._client.search(
            collections=[wanted.hazard],
            ids=[wanted.item] if wanted.item else None,
            bbox=wanted.bbox,
            datetime=[window.start, window.end] if window else None,
            filter=_condition(wanted),
            filter_lang="cql2-json",
            sortby="-properties.datetime",
            limit=_PAGE,
        )
        try:
            return _by_time(islice((item for item in found.items_as_dicts() if wanted.accepts(item)), limit))
        except APIError as error:
            raise StoreError(f"{self.place}: cannot search {wanted.hazard}: {error}") from error

    def href(self, item: Item, asset: str) -> str:
        """Return the URL of an asset."""
        return urljoin(f"{self.place}/", str(item["assets"][asset]["href"]))

    def read(self, item: Item, asset: str) -> bytes:
        """Return an asset's bytes."""
        href = self.href(item, asset)
        try:
            return httpx.get(href, timeout=_PATIENCE_S).raise_for_status().content
        except httpx.HTTPError as error:
            raise StoreError(f"{href}: cannot be read: {error}") from error

    def _event(self, name: str) -> str:
        """Return our id of an event where any Item knows the name, else the name."""
        if is_ours(name):
            return name
        condition = {"op": "a_contains", "args": [{"property": "hazmon:aliases"}, [name]]}
        search = self._client.search(filter=condition, filter_lang="cql2-json", max_items=1, limit=1)
        try:
            found = [subject_of(item) for item in search.items_as_dicts()]
        except APIError as error:
            if error.status_code != _BAD_REQUEST:
                raise StoreError(f"{self.place}: cannot search events: {error}") from error
            found = []  # no Item of the service has such a property
        return next((about.id for about in found if isinstance(about, Event)), name)


#: HTTP status of a filter on a property that no Item has.
_BAD_REQUEST = 400

#: What Items are sorted by.
_ORDER = ("datetime", "hazmon:revision", "created")

#: Length of `20240122T180904Z-1a2b3c4d`, what every Item id ends with.
_TAIL = 25


def _may_fit(id: str, wanted: Wanted) -> bool:
    """Whether an Item of this id may satisfy the conditions, as far as the id tells."""
    if wanted.item is not None and id != wanted.item:
        return False
    if wanted.event is not None and is_ours(wanted.event) and not id.startswith(f"{wanted.hazard}-{wanted.event}-r"):
        return False
    if wanted.window is None or month_of(id) == UNDATED:
        return True
    start = datetime.strptime(f"{id[-_TAIL:-10]}+0000", "%Y%m%dT%H%M%S%z")
    return wanted.window.start - _LONGEST <= start < wanted.window.end


def _condition(wanted: Wanted) -> dict[str, Any] | None:
    """Return what of the conditions a service can judge, in CQL2."""
    every: list[dict[str, Any]] = []
    if wanted.standing:
        every.append(_equal("deprecated", False))
    if isinstance(wanted.revision, int):
        every.append(_equal("hazmon:revision", wanted.revision))
    if wanted.event is not None and is_ours(wanted.event):
        every.append(_equal("hazmon:lineage", f"event:{wanted.event}"))
    if len(every) < 2:
        return every[0] if every else None
    return {"op": "and", "args": every}


def _equal(name: str, value: object) -> dict[str, Any]:
    return {"op": "=", "args": [{"property": name}, value]}


def _by_time(items: Iterable[Item]) -> list[Item]:
    """Return Items by the time they are about, those of one moment by revision and creation."""
    return sorted(items, key=lambda item: [item["properties"][name] for name in _ORDER] + [item["id"]])

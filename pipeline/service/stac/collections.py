"""Collections as they lie in the store, read again only where they may have changed: each lists every Item it has."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from pipeline.errors import KeyMissing
from pipeline.products.catalog import ROOT_KEY, collection_key
from pipeline.store import Store

#: How long a document is taken as it was, seconds.
_FRESH_S = 1.0

#: How long it is taken as it was where it has the same size still, seconds.
_SAME_SIZE_S = 10.0


@dataclass(frozen=True, slots=True)
class _Kept:
    document: dict[str, Any]
    size: int
    read: float
    looked: float


class Collections:
    """The collections of a store, without the links to their Items."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def ids(self) -> list[str]:
        """Return the ids of all collections, sorted."""
        return [id for id, _ in self.titles()]

    def titles(self) -> list[tuple[str, str]]:
        """Return (id, title) of all collections, by id."""
        try:
            links = self._document(ROOT_KEY)["links"]
        except KeyMissing:
            return []
        children = [link for link in links if link["rel"] == "child"]
        return sorted((link["href"].removeprefix("./").split("/")[0], link.get("title", "")) for link in children)

    def get(self, hazard: str) -> dict[str, Any]:
        """Return a collection; 404 where there is none."""
        if hazard not in self.ids():
            # It may have come within the last second.
            self._kept.pop(ROOT_KEY, None)
        expected = self.ids()
        try:
            if hazard not in expected:
                raise KeyMissing(hazard)
            return self._document(collection_key(hazard))
        except KeyMissing as error:
            raise HTTPException(404, f"collection: found {hazard[:100]!r}, expected one of {expected}") from error

    def all(self) -> list[dict[str, Any]]:
        """Return all collections."""
        return [self._document(collection_key(hazard)) for hazard in self.ids()]

    def _document(self, key: str) -> dict[str, Any]:
        now, kept = self._clock(), self._kept.get(key)
        if kept is not None and now - kept.looked < _FRESH_S:
            return kept.document
        size = self._store.size(key)
        if kept is not None and kept.size == size and now - kept.read < _SAME_SIZE_S:
            self._kept[key] = _Kept(kept.document, size, kept.read, now)
            return kept.document
        document: dict[str, Any] = self._store.get_json(key)
        document["links"] = [link for link in document["links"] if link["rel"] != "item"]
        self._kept[key] = _Kept(document, size, now, now)
        return document

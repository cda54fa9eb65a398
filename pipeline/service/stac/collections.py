"""Collections as they lie in the store, read at most once a second."""

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


@dataclass(frozen=True, slots=True)
class _Kept:
    document: dict[str, Any]
    read: float


class Collections:
    """The collections of a store."""

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
        if kept is None or now - kept.read >= _FRESH_S:
            kept = self._kept[key] = _Kept(self._store.get_json(key), now)
        return kept.document

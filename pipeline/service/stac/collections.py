"""Collections as they lie in the store, read at most once a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from pipeline.errors import KeyMissing, Unreadable
from pipeline.products.catalog import ROOT_KEY, collection_key
from pipeline.store import Store

_log = logging.getLogger(__name__)

#: How long a document is taken as it was, seconds.
_FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class _Kept:
    document: dict[str, Any]
    problem: str
    """Why it cannot be read; empty where it can."""
    read: float


class Collections:
    """The collections of a store; one that cannot be read takes no other away."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def ids(self) -> list[str]:
        """Return the ids of all collections, sorted; 503 where the root that lists them cannot be read."""
        return [id for id, _ in self.titles()]

    def titles(self) -> list[tuple[str, str]]:
        """Return (id, title) of all collections, by id; 503 where the root that lists them cannot be read."""
        try:
            links = self._document(ROOT_KEY)["links"]
        except KeyMissing:
            return []
        except Unreadable as error:
            raise HTTPException(503, f"collections: {ROOT_KEY}, which lists them, cannot be read") from error
        children = [link for link in links if link["rel"] == "child"]
        return sorted((link["href"].removeprefix("./").split("/")[0], link.get("title", "")) for link in children)

    def get(self, hazard: str) -> dict[str, Any]:
        """Return a collection; 404 where there is none, 503 where it cannot be read."""
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
        except Unreadable as error:
            raise HTTPException(503, f"collection {hazard}: {collection_key(hazard)} cannot be read") from error

    def all(self) -> list[dict[str, Any]]:
        """Return all collections that can be read."""
        found = []
        for hazard in self.ids():
            try:
                found.append(self._document(collection_key(hazard)))
            except (KeyMissing, Unreadable):
                continue
        return found

    def _document(self, key: str) -> dict[str, Any]:
        now, kept = self._clock(), self._kept.get(key)
        if kept is None or now - kept.read >= _FRESH_S:
            before, kept = kept, self._read(key, now)
            self._kept[key] = kept
            if kept.problem and (before is None or not before.problem):
                _log.error("a list of the catalogue is left out: %s", kept.problem)
        if kept.problem:
            raise Unreadable(kept.problem)
        return kept.document

    def _read(self, key: str, now: float) -> _Kept:
        try:
            found = self._store.get_json(key)
        except Unreadable as error:
            return _Kept({}, str(error), now)
        links = found.get("links") if isinstance(found, dict) and "id" in found else None
        if not isinstance(links, list) or not all(isinstance(link, dict) and {"rel", "href"} <= set(link) for link in links):
            return _Kept({}, f"{self._store.root}: {key}: found no id and links, expected a STAC document", now)
        return _Kept(found, "", now)

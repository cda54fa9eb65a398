"""Lineages: which Items are versions of one thing, which of them is the latest, and how they are linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pipeline.model import slug
from pipeline.products.item import stamp
from pipeline.store import sha256

_RELATIONS = ("predecessor-version", "successor-version", "latest-version")


@dataclass(frozen=True, slots=True)
class Version:
    """One Item among its lineage."""

    id: str
    revision: int
    received: str
    created: str

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Source revision first, then time of receipt; a recomputation from the same data comes after the original."""
        return self.revision, self.received, self.created, self.id

    def to_json(self) -> dict[str, Any]:
        """Return what the lineage's record keeps."""
        return {"id": self.id, "revision": self.revision, "received": self.received, "created": self.created}


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The thing itself was withdrawn (a deleted event): versions up to this revision do not stand."""

    revision: int
    at: str
    reason: str


def version_of(item: Mapping[str, Any]) -> Version:
    """Return an Item's place among its lineage."""
    properties = item["properties"]
    return Version(item["id"], properties["hazmon:revision"], properties.get("hazmon:received", ""), properties["created"])


def standing(item: Mapping[str, Any]) -> Literal["published", "superseded", "withdrawn"]:
    """Return how an Item stands: as the latest of its lineage, behind a later one, or taken back."""
    properties = item["properties"]
    if "hazmon:withdrawn" in properties:
        return "withdrawn"
    return "superseded" if properties["deprecated"] else "published"


def folder(lineage: str) -> str:
    """Return the store prefix of a lineage's records: one per hazard, and the withdrawal."""
    return f"lineages/{slug(lineage)}-{sha256(lineage.encode())[:8]}"


def latest(versions: Sequence[Version], withdrawal: Withdrawal | None) -> Version | None:
    """Return the version that stands, where one does."""
    standing = [version for version in versions if withdrawal is None or version.revision > withdrawal.revision]
    return max(standing, key=lambda version: version.order, default=None)


def linked(
    item: Mapping[str, Any], versions: Sequence[Version], withdrawal: Withdrawal | None, now: datetime
) -> dict[str, Any]:
    """Return an Item with links to its neighbours and the latest, and whether it is deprecated; equal where nothing changes.

    Parameters
    ----------
    item
        One of the versions.
    versions
        All that are public, in any order.
    withdrawal
        Of the whole lineage, where there was one.
    now
        Becomes `updated` where anything changes.
    """
    ordered = sorted(versions, key=lambda version: version.order)
    place = [version.id for version in ordered].index(item["id"])
    current = latest(ordered, withdrawal)
    neighbours = {
        "predecessor-version": ordered[place - 1].id if place else None,
        "successor-version": ordered[place + 1].id if place + 1 < len(ordered) else None,
        "latest-version": current.id if current is not None and current.id != item["id"] else None,
    }
    links = [link for link in item["links"] if link["rel"] not in _RELATIONS]
    links += [_link(relation, id) for relation, id in neighbours.items() if id is not None]
    properties = {name: value for name, value in item["properties"].items() if name != "hazmon:withdrawn"}
    properties["deprecated"] = current is None or current.id != item["id"]
    if withdrawal is not None and ordered[place].revision <= withdrawal.revision:
        properties["hazmon:withdrawn"] = {"at": withdrawal.at, "reason": withdrawal.reason}
    changed = {**item, "links": links, "properties": properties}
    if changed != item:
        properties["updated"] = stamp(now)
    return changed


def _link(relation: str, id: str) -> dict[str, str]:
    return {"rel": relation, "href": f"../{id}/{id}.json", "type": "application/geo+json"}

"""USGS event products: what was recorded, felt and modelled of an earthquake, out of its detail's list of products.

Polled are the events of a GeoJSON summary; each one's detail lists products (ShakeMap, Did You Feel It?, finite fault),
each with contents, of which the observations and ruptures are granules here. Never the maps that others computed.
Formats: https://earthquake.usgs.gov/earthquakes/feed/v1.0/geojson_detail.php and `shakemap`. Imperfections by name:

- PREFERRED     several networks send the same kind; the heaviest `preferredWeight`, then the newest, is the one shown.
- SUPERSEDED    a detail with its history holds a product many times: of one source and code only the newest counts.
- DELETE        a product's last word may be `status` DELETE: its granules are withdrawn.
- NO_CONTENTS   a product need not hold what is wanted (no rupture.json before version 4): it is passed over by name.
- TYPES         a summary names the kinds of product of each event: details without a wanted kind are not asked for.
- GONE          a deleted event has no detail (409, 410, for a moment 404): its withdrawal is the event feed's.
- CHECKSUM      `sha256` of a content is in base64; other bytes than promised have been cut or changed on the way.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import http, options, usgs
from pipeline.feeds.origins import Report, check_options, malformed, offers, read_json
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.feeds.shakemap import dyfi, fault_text, finite_fault, rupture, rupture_json, stationlist, stations
from pipeline.model import Bounds, Granule, Window, slug
from pipeline.store import sha256

log = logging.getLogger(__name__)

#: What is wanted of each kind of product: parts by name, each under the first of its patterns that a product holds.
CONTENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "shakemap": {
        "stationlist": ("download/stationlist.json",),
        "rupture": ("download/rupture.json", "download/*_fault.txt"),
    },
    "dyfi": {"cells": ("dyfi_geo_10km.geojson",)},
    "finite-fault": {"model": ("FFM.geojson", "basic_inversion.param")},
}
#: The finer cells of Did You Feel It?, which few events have everywhere.
FINE_CELLS = ("dyfi_geo_1km.geojson", "dyfi_geo_10km.geojson")
#: Greatest age of an event whose products may be asked for, days.
LONGEST = 3650.0
#: What a file that an exercise has drawn says in its metadata.
SYNTHETIC = b'"hazmon:synthetic":true'
#: GONE: what a detail answers for an event that was deleted or is not there yet.
_GONE = usgs.GONE | {404}


@dataclass(frozen=True, slots=True)
class Product:
    """One product of an event in its newest version."""

    kind: str
    source: str
    code: str
    updated: int
    """Epoch milliseconds."""
    weight: int
    deleted: bool
    contents: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called here: shakemap.us.us7000pn9s."""
        return f"{self.kind}.{self.source}.{self.code}"


@dataclass(frozen=True)
class UsgsProducts:
    """The protocol "usgs_products": contents of the products in event details."""

    id: str
    url: str
    """Address of a summary, for example .../earthquakes/feed/v1.0/summary/4.5_week.geojson."""
    allowed_hosts: tuple[str, ...] = ()
    kinds: Sequence[str] = ("shakemap", "dyfi", "finite-fault")
    """Kinds of product that are read, of those in CONTENTS."""
    minimum_magnitude: float | None = 5.0
    """Smallest magnitude of an event whose products are read."""
    margin: float = 3.0
    """How far outside the box an epicentre still counts, degrees."""
    days: float = 30.0
    """Age of an event beyond which its products are no longer asked for, days."""
    fine_cells: bool = False
    """Take felt reports in cells of 1 km where there are any, not of 10 km."""
    least_responses: int = stations.LEAST_RESPONSES
    """Fewest responses of a felt report that is not flagged."""

    def __post_init__(self) -> None:
        check_options(self.id, self.minimum_magnitude, self.margin)
        for kind in options.texts(self.id, "kinds", self.kinds):
            options.one_of(self.id, "kinds", kind, CONTENTS)
        if isinstance(self.days, bool) or not isinstance(self.days, int | float) or not 0.0 < self.days <= LONGEST:
            raise options.refuse(self.id, "days", self.days, f"a number up to {LONGEST:g}")
        if isinstance(self.least_responses, bool) or not isinstance(self.least_responses, int) or self.least_responses < 1:
            raise options.refuse(self.id, "least_responses", self.least_responses, "a whole number from 1")
        if not isinstance(self.fine_cells, bool):
            raise options.refuse(self.id, "fine_cells", self.fine_cells, "true or false")

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield the wanted contents of the preferred products of each event that happened or was updated in the window."""
        response = http.get(self.url, allowed=self._hosts)
        for found in usgs.features(response.content, self.url):
            if isinstance(found, Rejected):
                yield found
            elif self._is_wanted(*found, window, bounds):
                yield from self._of_event(str(found[1]["properties"].get("detail") or ""), found[0])

    def fetch(self, granule: Granule) -> Fetched:
        """Return a content as it was promised, or a word that its product was deleted."""
        if granule.deleted:
            return Fetched(tombstone(granule))
        response = http.get(granule.href, allowed=self._hosts)
        promised = granule.properties.get("sha256")
        found = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
        if promised and found != promised:
            raise FeedUnavailable(f"{granule.href}: SHA-256 {found}, expected {promised} (CHECKSUM)")
        return Fetched(response.content, dict(response.headers))

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield the one content that a file on disk is: a stationlist, felt cells, a rupture or a finite-fault model.

        No name of an event or product is in most of these files: the granule is named after its bytes, and its `ids`
        hold the event where the file says it.
        """
        kind, part = recognise(data, name)
        content = CONTENTS[kind][part][-1 if data.lstrip()[:1] == b"#" else 0]
        granule = Granule(
            self.id,
            f"{kind}.file.{slug(name)}-{sha256(data)[:8]}.{part}",
            properties={"kind": kind, "part": part, "content": content, "ids": []},
        )
        event = self.decode(data, granule).attrs.get("eventid")
        ids = [str(event)] if event else []
        yield Granule(granule.feed, granule.id, properties={**granule.properties, "ids": ids}), data

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return stations (see `shakemap.stations.to_dataset`) or a rupture (see `shakemap.rupture.to_dataset`).

        Attributes besides: `ids` (every id of the event, with its agency in front), `kind`, `part` and `product` (its
        name), `weight` (preferredWeight, the larger one is preferred), `revision` and `status` (current or deleted;
        of a deleted product no station or quadrilateral is left), `synthetic` (1: drawn for an exercise). Points have
        no grid, `geobox` is not used.
        """
        where = granule.key
        dataset = _gone(data, granule) if granule.deleted else self._decode(data, granule, where)
        said = granule.properties
        dataset.attrs.update(
            ids=[str(id) for id in said.get("ids", ())],
            kind=str(said.get("kind", "")),
            part=str(said.get("part", "")),
            product=granule.id.rsplit(".", 1)[0],
            weight=int(said.get("weight", 0)),
            revision=granule.revision,
            status="deleted" if granule.deleted else "current",
            synthetic=int(SYNTHETIC in data),
        )
        return dataset

    @property
    def _hosts(self) -> tuple[str, ...]:
        return http.hosts(self.url, self.allowed_hosts)

    def _is_wanted(self, report: Report, feature: dict[str, Any], window: Window, bounds: Bounds | None) -> bool:
        if report.status == "deleted" or report.preferred.time < window.end - timedelta(days=self.days):
            return False
        types = feature["properties"].get("types")
        named = {part for part in types.split(",") if part} if isinstance(types, str) else set(self.kinds)
        return bool(named & set(self.kinds)) and offers(report, window, bounds, self.margin, self.minimum_magnitude)

    def _of_event(self, href: str, report: Report) -> Iterator[Granule | Rejected]:
        """Yield the granules of one event, out of its detail (GONE)."""
        if not href:
            log.debug("%s: %s has no detail", self.id, report.ids[0])
            return
        try:
            response = http.get(href, allowed=self._hosts, accept=_GONE)
        except (FeedMalformed, FeedRefused) as error:
            yield Rejected(json.dumps(report.ids).encode(), str(error), href)
            return
        if response.status_code in _GONE:
            log.debug("%s: %s is gone, HTTP %d", self.id, href, response.status_code)
            return
        yield from self.granules(response.content, href)

    def granules(self, data: bytes, where: str) -> Iterator[Granule | Rejected]:
        """Yield the granules that the products of a detail hold; a kind that cannot be read is rejected alone."""
        try:
            feature = read_json(data, where)
            report = usgs.read_feature(feature, where)
        except FeedMalformed as error:
            yield Rejected(data, str(error), where)
            return
        listed = feature["properties"].get("products") or {}
        for kind in self.kinds:
            try:
                yield from [
                    granule
                    for product in preferred(listed.get(kind) or [], kind, f"{where}: {kind}")
                    for granule in self._contents(product, report, where)
                ]
            except FeedMalformed as error:
                yield Rejected(json.dumps(listed.get(kind)).encode(), str(error), f"{where}#{kind}")

    def _contents(self, product: Product, report: Report, where: str) -> Iterator[Granule]:
        for part, patterns in CONTENTS[product.kind].items():
            wanted = FINE_CELLS if part == "cells" and self.fine_cells else patterns
            held = [name for pattern in wanted for name in sorted(product.contents) if fnmatchcase(name, pattern)]
            if product.deleted:
                yield self._granule(product, part, report, {})
            elif held:
                content = product.contents[held[0]]
                if not isinstance(content, dict) or not isinstance(content.get("url"), str):
                    malformed(f"{where}: {product.name}: {held[0]}", content, "an object with url")
                checksum = content.get("sha256")
                promised = {"sha256": checksum} if isinstance(checksum, str) else {}
                yield self._granule(product, part, report, {"content": held[0], **promised}, href=content["url"])
            else:
                log.debug("%s: %s holds none of %s", self.id, product.name, wanted)

    def _granule(self, product: Product, part: str, report: Report, more: dict[str, Any], *, href: str = "") -> Granule:
        origin = report.preferred
        return Granule(
            feed=self.id,
            id=f"{product.name}.{part}",
            revision=product.updated,
            href=href,
            start=origin.time,
            end=origin.time,
            issued=usgs.time_of(product.updated, product.name),
            bounds=(origin.longitude, origin.latitude, origin.longitude, origin.latitude),
            deleted=product.deleted,
            properties={
                "kind": product.kind,
                "part": part,
                "ids": list(report.ids),
                "weight": product.weight,
                **({"unless": "stationlist"} if part == "cells" else {}),
                **more,
            },
        )

    def _decode(self, data: bytes, granule: Granule, where: str) -> xr.Dataset:
        is_text = str(granule.properties.get("content", "")).endswith((".txt", ".param"))
        match granule.properties.get("part"):
            case "stationlist":
                dataset = stationlist.decode(data, where, least_responses=self.least_responses)
            case "cells":
                dataset = dyfi.decode_geojson(data, where, least_responses=self.least_responses)
            case "rupture" if is_text:
                dataset = fault_text.decode(data, where, near=granule.bounds[:2] if granule.bounds else None)
            case "rupture":
                dataset = rupture_json.decode(data, where)
            case "model" if is_text:
                dataset = finite_fault.decode_param(data, where)
            case "model":
                dataset = finite_fault.decode_geojson(data, where)
            case other:
                malformed(f"{where}: part", other, f"one of {[part for parts in CONTENTS.values() for part in parts]}")
        return dataset


def preferred(listed: object, kind: str, where: str) -> list[Product]:
    """Return the preferred product of a kind, and those whose last word is that they are deleted (PREFERRED, SUPERSEDED).

    Raises
    ------
    FeedMalformed
        Where the list is none, or a product names no source, code, time of update or weight.
    """
    if not isinstance(listed, list):
        malformed(where, listed, "a list of products")
    newest: dict[tuple[str, str], Product] = {}
    for product in (_product(entry, kind, where) for entry in listed):
        held = newest.get((product.source, product.code))
        if held is None or product.updated > held.updated:
            newest[product.source, product.code] = product
    living = [product for product in newest.values() if not product.deleted]
    best = max(living, key=lambda product: (product.weight, product.updated, product.name), default=None)
    return [product for product in newest.values() if product.deleted or product is best]


def recognise(data: bytes, where: str) -> tuple[str, str]:
    """Return the kind and part that a file is, told by its bytes.

    Raises
    ------
    FeedMalformed
        Where it is none of them.
    """
    if data.lstrip().startswith(finite_fault.PARAM):
        return "finite-fault", "model"
    value = read_json(data, where)
    listed = value.get("features")
    if not isinstance(listed, list):
        malformed(where, value.get("type"), "a stationlist, felt cells, a rupture or a finite-fault model")
    for feature in listed:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        names = properties.keys() if isinstance(properties, dict) else ()
        for sign, kind, part in (
            ("cdi", "dyfi", "cells"),
            ("slip", "finite-fault", "model"),
            ("rupture type", "shakemap", "rupture"),
        ):
            if sign in names:
                return kind, part
    return "shakemap", "stationlist"


def tombstone(granule: Granule) -> bytes:
    """Return bytes that say a product was deleted."""
    return usgs.to_bytes({"type": "Product", "id": granule.id, "status": "DELETE", "updateTime": granule.revision})


def _gone(data: bytes, granule: Granule) -> xr.Dataset:
    """Return stations or a rupture without any, where the bytes are a tombstone."""
    value = read_json(data, granule.key)
    if value.get("status") != "DELETE" or value.get("id") != granule.id:
        malformed(granule.key, value.get("status"), f"the status DELETE of {granule.id}")
    is_rupture = granule.properties.get("part") in ("rupture", "model")
    return rupture.to_dataset([]) if is_rupture else stations.to_dataset([])


def _product(entry: object, kind: str, where: str) -> Product:
    if not isinstance(entry, dict):
        malformed(where, entry, "a product")
    source, code, updated, weight = (entry.get(name) for name in ("source", "code", "updateTime", "preferredWeight"))
    if not isinstance(source, str) or not isinstance(code, str) or not source or not code:
        malformed(f"{where}: source, code", (source, code), "two names")
    if not isinstance(updated, int) or isinstance(updated, bool) or not isinstance(weight, int) or weight < 0:
        malformed(f"{where}: updateTime, preferredWeight", (updated, weight), "two whole numbers")
    usgs.time_of(updated, where)
    contents = entry.get("contents")
    deleted = entry.get("status") == "DELETE"
    if not isinstance(contents, dict) and not deleted:
        malformed(f"{where}: contents", contents, "an object of contents")
    return Product(kind, source.lower(), code, updated, weight, deleted, contents if isinstance(contents, dict) else {})

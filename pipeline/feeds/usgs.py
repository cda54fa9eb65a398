"""USGS GeoJSON: the summary feed that is polled, and the detail of one event with what other agencies contributed.

Format: https://earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php. Its imperfections have names here:

- EPOCH_MILLISECONDS  `time` and `updated` are milliseconds; seconds (as before 2013) are refused, never guessed.
- DELETED             a deleted event keeps its feature with `status: deleted`; its detail answers 409.
- PREFERRED_ID        an event comes back under another `id`; the old one stays in `ids`.
- IDS                 `ids` is text with commas at both ends: ",us7000lsze,usauto7000lsze,".
- NULLS               depth or magnitude may be null before they are known.
- STALE_DETAIL        the detail comes from a cache and may be older than the summary that points to it.
- SUPERSEDED          a detail asked for with its history holds a product many times; the heaviest, then newest counts.
- EVENT_TYPE          quarry blasts, explosions and more are in the same feed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import FeedMalformed, FeedUnavailable
from pipeline.feeds import http
from pipeline.feeds.origins import (
    DEPTHS,
    MAGNITUDES,
    Origin,
    Report,
    Status,
    check_options,
    choose,
    latitude,
    longitude,
    malformed,
    offers,
    optional,
    read_json,
    to_dataset,
    to_granule,
    utc,
)
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.model import Bounds, Granule, Window

#: EPOCH_MILLISECONDS: no product of the catalogue is older than 2000; a smaller `updated` is in seconds.
EARLIEST_UPDATE = 946_684_800_000
#: EPOCH_MILLISECONDS: times the catalogue can hold, 1700 to 2200.
TIMES = (-8_520_336_000_000, 7_258_118_400_000)
#: DELETED: what a detail answers for an event that was deleted.
GONE = frozenset({409, 410})
#: Products that hold an origin; the internal ones are of agencies that are not shown on the event page.
ORIGIN_PRODUCTS = ("origin", "internal-origin")


@dataclass(frozen=True)
class UsgsGeojson:
    """The protocol "usgs_geojson": a summary feed and the event details it points to."""

    id: str
    url: str
    """Address of the summary, for example .../earthquakes/feed/v1.0/summary/2.5_day.geojson."""
    allowed_hosts: tuple[str, ...] = ()
    detail: bool = True
    """Fetch each event's detail; False takes the summary's feature as it is, one request less."""
    minimum_magnitude: float | None = None
    """Smallest magnitude that is offered; events without magnitude always are."""
    margin: float = 3.0
    """How far outside the box an epicentre still counts, degrees."""

    def __post_init__(self) -> None:
        check_options(self.id, self.minimum_magnitude, self.margin)

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield the events of the summary that happened or were updated in the window, deleted ones too."""
        response = http.get(self.url, allowed=http.hosts(self.url, self.allowed_hosts))
        for found in features(response.content, self.url):
            if isinstance(found, Rejected):
                yield found
                continue
            report, feature = found
            if offers(report, window, bounds, self.margin, self.minimum_magnitude):
                yield self._granule(report, feature)

    def fetch(self, granule: Granule) -> Fetched:
        """Return the event's detail, or the summary's own feature where there is no detail to ask for."""
        if "feature" in granule.properties:
            return Fetched(to_bytes(granule.properties["feature"]))
        response = http.get(granule.href, allowed=http.hosts(self.url, self.allowed_hosts), accept=GONE)
        if response.status_code in GONE:
            return Fetched(tombstone(granule))
        found = _revision(response.content)
        if found is not None and found < granule.revision:
            raise FeedUnavailable(f"{granule.href}: revision {found}, expected {granule.revision} or newer (STALE_DETAIL)")
        return Fetched(response.content, dict(response.headers))

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield every event of a summary, a query's answer or a detail, with its feature as raw bytes."""
        for found in features(data, name):
            if isinstance(found, Rejected):
                yield found
                continue
            report, feature = found
            raw = data if "products" in feature.get("properties", {}) else to_bytes(feature)
            yield to_granule(report, self.id, href=_href(feature)), raw

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the event's origins (see `origins.to_dataset`); points have no grid, `geobox` is not used."""
        return to_dataset(choose(features(data, granule.key), granule))

    def _granule(self, report: Report, feature: dict[str, Any]) -> Granule:
        """Return the granule of a summary's feature; what cannot or need not be fetched again travels with it."""
        href = _href(feature)
        whole = report.status == "deleted" or not self.detail or not href
        properties = {"feature": feature} if whole else {}
        return to_granule(report, self.id, href=href, properties=properties)


def features(data: bytes, where: str) -> Iterator[tuple[Report, dict[str, Any]] | Rejected]:
    """Yield the events of a FeatureCollection or Feature with their features.

    Raises
    ------
    FeedMalformed
        Where the whole is not such GeoJSON, is an error wrapped into HTTP 200, or a lone Feature cannot be read.
    """
    value = read_json(data, where)
    if value.get("type") == "Feature":
        yield read_feature(value, where), value
        return
    listed = value.get("features")
    if value.get("type") != "FeatureCollection" or not isinstance(listed, list):
        malformed(where, value.get("type"), "a FeatureCollection with features, or a Feature")
    metadata = value.get("metadata")
    status = metadata.get("status", 200) if isinstance(metadata, dict) else 200
    if status != 200:
        malformed(f"{where}: metadata.status", status, "200")
    for place, feature in enumerate(listed):
        name = f"{where}#{feature.get('id', place) if isinstance(feature, dict) else place}"
        try:
            yield read_feature(feature, name), feature
        except FeedMalformed as error:
            yield Rejected(to_bytes(feature), str(error), name)


def read_feature(feature: object, where: str) -> Report:
    """Return what one feature, of a summary or a detail, says about its event."""
    if not isinstance(feature, dict):
        malformed(where, feature, "a GeoJSON Feature")
    properties = feature.get("properties")
    name = feature.get("id")
    if not isinstance(properties, dict) or not isinstance(name, str) or not name:
        malformed(where, name, "a Feature with id and properties")
    updated = properties.get("updated")
    if not isinstance(updated, int) or updated < EARLIEST_UPDATE:
        malformed(f"{where}: updated", updated, "epoch milliseconds (EPOCH_MILLISECONDS)")
    own = _origin(feature, name, time_of(updated, where), where)
    others = [origin for origin in _contributed(properties.get("products"), where) if origin.event_id != name]
    listed = [part for part in str(properties.get("ids") or "").split(",") if part]
    return Report(
        origins=(own, *others),
        ids=tuple(dict.fromkeys([name, *listed])),
        status=_status(properties.get("status")),
        event_type=str(properties.get("type") or "earthquake"),
        revision=updated,
        synthetic=bool(properties.get("synthetic", False)),
    )


def tombstone(granule: Granule) -> bytes:
    """Return a feature that says an event was deleted, where the service says so by status 409 alone."""
    if granule.start is None or granule.bounds is None:
        raise FeedMalformed(f"{granule.key}: deleted, but its time and place are not known")
    west, south, *_ = granule.bounds
    milliseconds = (granule.start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    properties = {"status": "deleted", "time": milliseconds, "updated": granule.revision, "mag": None}
    point = {"type": "Point", "coordinates": [west, south, None]}
    return to_bytes({"type": "Feature", "id": granule.id, "properties": properties, "geometry": point})


def _origin(feature: dict[str, Any], name: str, updated: datetime, where: str) -> Origin:
    properties = feature["properties"]
    geometry = feature.get("geometry")
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        malformed(where, geometry, "a Point with longitude, latitude and depth")
    return Origin(
        time=time_of(properties.get("time"), where),
        latitude=latitude(coordinates[1], where),
        longitude=longitude(coordinates[0], where),
        depth=optional(coordinates[2] if len(coordinates) > 2 else None, f"{where}: depth", DEPTHS),
        magnitude=optional(properties.get("mag"), f"{where}: mag", MAGNITUDES),
        magnitude_type=str(properties.get("magType") or ""),
        agency=str(properties.get("net") or _network(name)).lower(),
        event_id=name,
        updated=updated,
        place=str(properties.get("place") or ""),
    )


def _contributed(products: object, where: str) -> list[Origin]:
    """Return one origin of each agency that contributed one to a detail, in order of weight (SUPERSEDED)."""
    if products is None:
        return []
    if not isinstance(products, dict):
        malformed(f"{where}: products", products, "an object of lists")
    best: dict[str, tuple[tuple[int, int], Origin]] = {}
    for kind in ORIGIN_PRODUCTS:
        versions = products.get(kind) or []
        if not isinstance(versions, list):
            malformed(f"{where}: products.{kind}", versions, "a list")
        for product in versions:
            found = _product(product, where)
            if found is None:
                continue
            rank, origin = found
            held = best.get(origin.event_id)
            if held is None or rank > held[0]:
                best[origin.event_id] = (rank, origin)
    return [origin for _, origin in sorted(best.values(), key=lambda entry: (-entry[0][0], -entry[0][1], entry[1].event_id))]


def _product(product: object, where: str) -> tuple[tuple[int, int], Origin] | None:
    """Return one origin product with its weight and time, or None where it was deleted or holds no location."""
    said = product.get("properties") if isinstance(product, dict) else None
    if not isinstance(product, dict) or not isinstance(said, dict):
        malformed(f"{where}: origin product", product, "an object with properties")
    if product.get("status") == "DELETE" or not {"latitude", "longitude", "eventtime", "eventsource"} <= said.keys():
        return None
    agency = str(said["eventsource"]).lower()
    weight, sent = product.get("preferredWeight"), product.get("updateTime")
    if not isinstance(weight, int) or not isinstance(sent, int):
        malformed(f"{where}: origin product", (weight, sent), "preferredWeight and updateTime as integers")
    origin = Origin(
        time=utc(said["eventtime"], where),
        latitude=latitude(said["latitude"], where),
        longitude=longitude(said["longitude"], where),
        depth=optional(said.get("depth"), f"{where}: depth", DEPTHS),
        magnitude=optional(said.get("magnitude"), f"{where}: magnitude", MAGNITUDES),
        magnitude_type=str(said.get("magnitude-type") or ""),
        agency=agency,
        event_id=f"{agency}{said.get('eventsourcecode', '')}",
        updated=time_of(sent, where),
        place=str(said.get("title") or ""),
    )
    return (weight, sent), origin


def _revision(data: bytes) -> int | None:
    """Return the revision a detail holds, or None where it cannot be read; `decode` will say why."""
    try:
        found = next(features(data, "detail"))
    except FeedMalformed:
        return None
    return None if isinstance(found, Rejected) else found[0].revision


def time_of(value: object, where: str) -> datetime:
    """Return the UTC time that epoch milliseconds name; anything else is refused (EPOCH_MILLISECONDS)."""
    if isinstance(value, bool) or not isinstance(value, int) or not TIMES[0] < value < TIMES[1]:
        malformed(f"{where}: time", value, "epoch milliseconds (EPOCH_MILLISECONDS)")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)


def _status(value: object) -> Status:
    """Return the status; what is neither reviewed nor deleted is automatic, whatever its spelling."""
    match str(value).lower():
        case "deleted":
            return "deleted"
        case "reviewed":
            return "reviewed"
    return "automatic"


def _network(name: str) -> str:
    """Return the letters an id begins with: `us` of us7000lsze."""
    letters = len(name) - len(name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    return name[:letters] or name


def _href(feature: dict[str, Any]) -> str:
    return str(feature.get("properties", {}).get("detail") or "")


def to_bytes(value: object) -> bytes:
    """Return compact JSON; equal values give equal bytes."""
    return json.dumps(value, separators=(",", ":")).encode()

"""Satellite scenes from a STAC API: the Item is the raw payload, its pixels are opened lazily and never copied whole."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.warp import resampling_s2rio

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused
from pipeline.feeds import http, options
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.feeds.raster import WINDOW, Access, Band, Source, open_bands
from pipeline.feeds.stac_item import (
    SceneItem,
    band_metadata,
    grid,
    items_in,
    read_item,
    read_json,
    refuse_radar_geometry,
)
from pipeline.feeds.stac_search import search
from pipeline.model import Bounds, Granule, Window

#: Comparisons of the STAC query extension that are checked again on our side.
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda found, wanted: found in wanted,
    "startsWith": lambda found, wanted: str(found).startswith(wanted),
    "contains": lambda found, wanted: wanted in found,
}
#: Properties of an Item that travel with the decoded dataset.
_KEPT = (
    "platform",
    "constellation",
    "sat:orbit_state",
    "sat:relative_orbit",
    "sar:instrument_mode",
    "sar:looks_equivalent_number",
)


@dataclass(frozen=True)
class StacFeed:
    """Scenes of a STAC API.

    A granule is an acquisition: what tells one processing of it from the next orders revisions and is no part of its
    id, so that a reprocessed scene supersedes. Units, nodata and scale come from the Item, else from the options; they
    are never guessed.
    """

    id: str
    url: str
    allowed_hosts: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    """Collections that are searched; none: all."""
    bands: Mapping[str, str] = field(default_factory=dict)
    """Variable: asset, or `asset:2` for its second band."""
    units: str | Mapping[str, str] | None = None
    """Units (after scale and offset) where the Items name none; of all bands, or by variable."""
    nodata: float | str | Mapping[str, float | str] | None = None
    """Stored value of "unknown" where the Items name none; "nan" where NaN itself is."""
    scale: float | Mapping[str, float] = 1.0
    offset: float | Mapping[str, float] = 0.0
    resampling: str | Mapping[str, str] = "bilinear"
    """How a band is warped to another grid; `nearest` for classes."""
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """STAC query extension: property, comparison, value; asked of the server and checked again here."""
    method: Literal["GET", "POST"] = "GET"
    limit: int = 100
    """Items asked for per page."""
    signing: Literal["none", "planetary_computer"] = "none"
    local_files: bool = False
    """Whether Items may point to files on this machine; never for Items from a network."""
    chunk: int = WINDOW
    """Edge of the windows that are read at once, cells."""

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(f"feed {self.id}: url: found {self.url!r}, expected the http(s) address of a STAC API")
        object.__setattr__(self, "allowed_hosts", options.texts(self.id, "allowed_hosts", self.allowed_hosts))
        object.__setattr__(self, "collections", options.texts(self.id, "collections", self.collections))
        options.one_of(self.id, "method", self.method, ("GET", "POST"))
        options.one_of(self.id, "signing", self.signing, ("none", "planetary_computer"))
        if not isinstance(self.bands, Mapping) or not all(isinstance(v, str) for v in self.bands.values()):
            raise options.refuse(self.id, "bands", self.bands, "a mapping of variable to asset")
        for name, asset in self.bands.items():
            self._asset(asset)
            self._resampling(name)
            options.number(self.id, "scale", options.for_name(self.scale, name) or 1.0)
            options.number(self.id, "offset", options.for_name(self.offset, name) or 0.0)
            if options.for_name(self.nodata, name) is not None:
                options.number(self.id, "nodata", options.for_name(self.nodata, name))
        self._check_query()

    @property
    def access(self) -> Access:
        """What the feed may open, and how."""
        return Access(http.hosts(self.url, self.allowed_hosts), self.signing == "planetary_computer", self.local_files)

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield the acquisitions that touch a window and box, whatever the server thinks it has filtered.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            As the source behaves.
        """
        found = search(
            self.url,
            self.access.allowed,
            method=self.method,
            limit=self.limit,
            collections=self.collections,
            window=window,
            bounds=bounds,
            query=self.query,
        )
        for value in found:
            item = self._read(value)
            if isinstance(item, Rejected):
                yield item
            elif self._wanted(item) and item.start < window.end and item.end >= window.start and _meet(item.bounds, bounds):
                yield self._refused(item) or self._granule(item)

    def fetch(self, granule: Granule) -> Fetched:
        """Return the Item as canonical JSON.

        Raises
        ------
        FeedUnavailable, FeedMalformed
            As the source behaves.
        FeedRefused
            Where the source meanwhile serves another processing of the acquisition; it will be discovered as such.
        """
        response = http.get(granule.href, allowed=self.access.allowed)
        item = read_item(read_json(response.content, granule.href), granule.href)
        if (item.acquisition, item.revision) != (granule.id, granule.revision):
            raise FeedRefused(
                f"{granule.href}: found {item.acquisition} revision {item.revision}, "
                f"expected {granule.id} revision {granule.revision}: it has been replaced"
            )
        return Fetched(item.canonical, dict(response.headers))

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield the Items of a payload: one Item, an ItemCollection or search answer, or a list of them.

        Raises
        ------
        FeedMalformed
            Where the payload as a whole is none of these.
        """
        for value in items_in(read_json(data, name), name):
            item = self._read(value)
            if isinstance(item, Rejected):
                yield item
            elif not self._wanted(item):
                reason = f"{item.id}: collection {item.collection!r} or a property is not what feed {self.id} asks for"
                yield Rejected(item.canonical, reason, item.id)
            else:
                yield self._refused(item) or (self._granule(item), item.canonical)

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the bands as lazily opened float32, dims (y, x), NaN for unknown, units in attrs, scalar `time`.

        Parameters
        ----------
        data
            The Item.
        granule
            The acquisition.
        geobox
            The grid; None: the Item's own, that of the first band.

        Raises
        ------
        FeedMalformed
            Where the Item cannot be read, or units or nodata are declared nowhere.
        FeedRefused
            Where its georeferencing is invented, or an asset lies where nothing may be opened.
        """
        item = read_item(read_json(data, granule.id), granule.id)
        refuse_radar_geometry(item)
        if not self.bands:
            raise ConfigError(f"feed {self.id}: option bands: found none, expected a mapping of variable to asset")
        bands = [self._band(item, name, asset) for name, asset in self.bands.items()]
        dataset = open_bands(bands, geobox or bands[0].sources[0].grid, item.time, self.access, chunk=self.chunk)
        kept = {name.replace(":", "_"): item.properties[name] for name in _KEPT if name in item.properties}
        return dataset.assign_attrs(id=item.id, collection=item.collection or "", synthetic=int(item.is_synthetic), **kept)

    def _read(self, value: object) -> SceneItem | Rejected:
        """Return an Item, or why it cannot be read."""
        name = str(value.get("id", "item")) if isinstance(value, dict) else "item"
        try:
            return read_item(value, name)
        except FeedMalformed as error:
            return Rejected(options.canonical(value), str(error), name)

    def _refused(self, item: SceneItem) -> Rejected | None:
        """Return why an Item's geometry or assets cannot be used, or None."""
        try:
            refuse_radar_geometry(item)
            for asset in self.bands.values():
                grid(item, self._asset(asset)[0])
        except (FeedMalformed, FeedRefused) as error:
            return Rejected(item.canonical, str(error), item.id)
        return None

    def _granule(self, item: SceneItem) -> Granule:
        href = f"{self.url.rstrip('/')}/collections/{quote(item.collection or '')}/items/{quote(item.id)}"
        return Granule(
            feed=self.id,
            id=item.acquisition,
            revision=item.revision,
            href=href,
            start=item.start,
            end=item.end,
            issued=None if item.revision == 0 else _issued(item),
            bounds=item.bounds,
        )

    def _band(self, item: SceneItem, name: str, asset: str) -> Band:
        key, index = self._asset(asset)
        declared = band_metadata(item, key, index)
        units, nodata = options.for_name(self.units, name), options.for_name(self.nodata, name)
        if declared.units is not None and units is not None and declared.units != units:
            raise FeedMalformed(f"{item.id}: {name}: units {declared.units!r} in the Item, {units!r} in feed {self.id}")
        if declared.nodata is None and nodata is None:
            raise FeedMalformed(f"{item.id}: {name}: no nodata in the Item; expected one there or as option of feed {self.id}")
        if declared.units is None and units is None:
            raise FeedMalformed(f"{item.id}: {name}: no units in the Item; expected them there or as option of feed {self.id}")
        scale, offset = options.for_name(self.scale, name), options.for_name(self.offset, name)
        return Band(
            name=name,
            sources=(Source(str(item.assets[key]["href"]), grid(item, key), index),),
            units=str(declared.units or units),
            nodata=float(nodata if declared.nodata is None else declared.nodata),
            scale=float(declared.scale if declared.scale is not None else scale or 1.0),
            offset=float(declared.offset if declared.offset is not None else offset or 0.0),
            resampling=self._resampling(name),
        )

    def _asset(self, text: str) -> tuple[str, int]:
        """Return asset and band number (from 1) of `asset` or `asset:2`."""
        asset, _, number = text.partition(":")
        if number and not (number.isdecimal() and int(number) > 0):
            raise options.refuse(self.id, "bands", text, "an asset, or asset:number with a number from 1")
        return asset, int(number or 1)

    def _resampling(self, name: str) -> str:
        found = options.for_name(self.resampling, name) or "bilinear"
        try:
            resampling_s2rio(found)
        except (ValueError, AttributeError) as error:
            raise options.refuse(self.id, "resampling", found, "a resampling that GDAL knows") from error
        return str(found)

    def _check_query(self) -> None:
        for name, comparisons in self.query.items():
            if not isinstance(comparisons, Mapping):
                raise options.refuse(self.id, f"query.{name}", comparisons, "a mapping of comparison to value")
            for comparison in comparisons:
                options.one_of(self.id, f"query.{name}", comparison, _COMPARISONS)

    def _wanted(self, item: SceneItem) -> bool:
        """Whether an Item is of a collection and keeps every comparison asked for; a property it lacks keeps none."""
        if self.collections and item.collection not in self.collections:
            return False
        return all(
            name in item.properties and _keeps(comparison, item.properties[name], value)
            for name, comparisons in self.query.items()
            for comparison, value in comparisons.items()
        )


def _keeps(comparison: str, found: object, wanted: object) -> bool:
    try:
        return bool(_COMPARISONS[comparison](found, wanted))
    except TypeError:
        return False


def _issued(item: SceneItem) -> datetime:
    return datetime.fromtimestamp(item.revision / 1000, tz=item.start.tzinfo)


def _meet(box: Bounds | None, wanted: Bounds | None) -> bool:
    """Whether two boxes touch; an unknown box may be anywhere; west beyond east crosses the antimeridian."""
    if box is None or wanted is None:
        return True
    return (
        box[1] <= wanted[3]
        and box[3] >= wanted[1]
        and any(
            west <= other_east and east >= other_west for west, east in _spans(box) for other_west, other_east in _spans(wanted)
        )
    )


def _spans(box: Bounds) -> tuple[tuple[float, float], ...]:
    west, _, east, _ = box
    return ((west, east),) if west <= east else ((west, 180.0), (-180.0, east))

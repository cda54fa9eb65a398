"""Maps that do not change with time: Vs30, terrain, HAND, population, reference water; a file, or tiles of a STAC API.

The raw payload of a map is a small record of what it is made of, with checksums: of the content for a local file, of
what the server states (ETag, size, `file:checksum`) for a remote one. A changed pixel changes the record, and where a
local file lies does not. The pixels are opened lazily, and only while the file is still the one of the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyproj.exceptions import CRSError

from pipeline.errors import ConfigError, FeedChanged, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import http, options
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.feeds.raster import Access, Band, Facts, Source, check_href, inspect, open_bands
from pipeline.feeds.stac_item import SceneItem, band_metadata, grid, read_item, read_json
from pipeline.feeds.stac_search import search
from pipeline.model import Bounds, Granule, Window

#: Moment under which maps are opened; they are about no moment, and the coordinate is dropped again.
_TIMELESS = datetime(2000, 1, 1, tzinfo=UTC)
#: GeoTIFF tag by which a file says that its pixels are generated.
SYNTHETIC_TAG = "HAZMON_SYNTHETIC"


class _Map(BaseModel):
    """One map as the options name it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    href: str | None = Field(None, description="Path or URL of a raster; relative ones below the feed's url")
    collection: str | None = Field(None, description="Collection of the STAC API at the feed's url, in place of href")
    asset: str = Field("data", description="Asset of the collection's Items")
    units: str = Field(description="UDUNITS text")
    nodata: float | None = Field(None, description="Stored value of unknown, where the files declare none")
    band: int = Field(1, ge=1, description="Band of the files, from 1")
    scale: float = Field(1.0, description="Factor from stored number to units")
    offset: float = Field(0.0, description="Added after the factor")
    resampling: str = Field("bilinear", description="How it is warped; nearest or mode for classes")
    synthetic: bool = Field(False, description="Whether its values are generated")


class _Tile(BaseModel):
    """One file of a map: its grid, and what tells this version of it from the next."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    href: str | None = None
    """Public URL; None for a local file, which the options name."""
    crs: str
    shape: tuple[int, int]
    transform: tuple[float, float, float, float, float, float]
    sha256: str | None = None
    etag: str | None = None
    size: int | None = None

    @property
    def grid(self) -> GeoBox:
        """Where its cells lie."""
        return GeoBox(self.shape, Affine(*self.transform), self.crs)


class _Record(BaseModel):
    """The raw payload of a map."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variable: str
    units: str
    nodata: str
    dtype: str
    band: int
    scale: float
    offset: float
    resampling: str
    synthetic: bool
    tiles: tuple[_Tile, ...] = Field(min_length=1)


@dataclass(frozen=True)
class StaticMapFeed:
    """A handful of named maps; a granule is a map, its revision the time of its last change where that is known."""

    id: str
    url: str = ""
    """Folder or base URL of the maps, or the STAC API of those that name a collection."""
    allowed_hosts: tuple[str, ...] = ()
    maps: Mapping[str, Any] = field(default_factory=dict)
    """Variable: what `_Map` lists."""
    signing: Literal["none", "planetary_computer"] = "none"

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_hosts", options.texts(self.id, "allowed_hosts", self.allowed_hosts))
        options.one_of(self.id, "signing", self.signing, ("none", "planetary_computer"))
        if not isinstance(self.maps, Mapping) or not self.maps:
            raise options.refuse(self.id, "maps", self.maps, "a mapping of variable to href, units, ...")
        for name in self.maps:
            self._map(name)

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield every map that is there, whatever the window; one whose local file is missing is not offered.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            As a remote source behaves.
        """
        for name in self.maps:
            entry = self._map(name)
            if entry.collection is not None:
                yield from self._collection_granule(name, entry, bounds)
            elif is_remote(self._href(entry)):
                _, headers = self._touch(self._href(entry))
                yield Granule(self.id, name, modified(headers), href=self._href(entry))
            elif Path(self._href(entry)).is_file():
                yield Granule(self.id, name, Path(self._href(entry)).stat().st_mtime_ns // 1_000_000)

    def fetch(self, granule: Granule) -> Fetched:
        """Return the record of a map.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            Where its files cannot be opened, or declare no nodata and the options neither.
        """
        entry = self._known(granule.id)
        if entry.collection is not None:
            return Fetched(self._collection_record(granule, entry))
        href = self._href(entry)
        facts = self._inspected(href)
        if entry.band > facts.bands:
            raise FeedMalformed(f"{granule.id}: band {entry.band} of a file with {facts.bands}")
        tile = _tile(facts.grid, **self._version(href), href=href if is_remote(href) else None)
        synthetic = entry.synthetic or facts.tags.get(SYNTHETIC_TAG) == "1"
        nodata = self._nodata(granule.id, entry, facts.nodata)
        return Fetched(_record(granule.id, entry, (tile,), nodata=nodata, dtype=facts.dtype, synthetic=synthetic))

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield the map that a record from disk is about.

        Raises
        ------
        FeedMalformed
            Where it is no record.
        """
        record = _read_record(data, name)
        if record.variable not in self.maps:
            reason = f"{name}: map {record.variable!r}, expected one of {sorted(self.maps)}"
            yield Rejected(data, reason, name)
        else:
            yield Granule(self.id, record.variable), data

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the map as lazily opened float32, dims (y, x), NaN for unknown and outside, units in attrs.

        Parameters
        ----------
        data
            The record.
        granule
            The map.
        geobox
            The grid, to which it is warped by the map's own resampling; None: its own (of one file, not of tiles).

        Raises
        ------
        FeedMalformed
            Where the record cannot be read.
        FeedUnavailable
            Where a file is not there.
        FeedChanged
            Where it is no longer the one of the record.
        FeedRefused
            Where the record itself points to a path, or to a host that is not allowed.
        """
        record = _read_record(data, granule.id)
        entry = self._known(record.variable)
        if geobox is None and len(record.tiles) > 1:
            geobox = _around([tile.grid for tile in record.tiles])
        sources = tuple(Source(self._checked(tile, entry), tile.grid, record.band) for tile in record.tiles)
        band = Band(
            name=record.variable,
            sources=sources,
            units=record.units,
            nodata=float(record.nodata),
            dtype=record.dtype,
            scale=record.scale,
            offset=record.offset,
            resampling=record.resampling,
        )
        named = entry.collection is None and all(tile.href is None for tile in record.tiles)
        dataset = open_bands([band], geobox or sources[0].grid, _TIMELESS, self._access(local=named))
        return dataset.drop_vars("time").assign_attrs(id=granule.id, synthetic=int(record.synthetic))

    def _map(self, name: str) -> _Map:
        try:
            entry = _Map.model_validate(self.maps[name])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(("maps", name, *map(str, first["loc"])))
            raise ConfigError(f"feed {self.id}: option {where}: found {first['input']!r}: {first['msg']}") from error
        if (entry.href is None) == (entry.collection is None):
            raise options.refuse(self.id, f"maps.{name}", dict(self.maps[name]), "either href or collection")
        return entry

    def _known(self, name: str) -> _Map:
        if name not in self.maps:
            raise FeedMalformed(f"feed {self.id}: map {name!r}, expected one of {sorted(self.maps)}")
        return self._map(name)

    def _href(self, entry: _Map) -> str:
        """Return path or URL of a map's file; relative ones lie below the feed's url."""
        href = entry.href or ""
        if self.url and not urlsplit(href).scheme and not Path(href).is_absolute():
            href = f"{self.url.rstrip('/')}/{href}"
        return href if urlsplit(href).scheme else str(Path(href).absolute())

    def _access(self, *, local: bool) -> Access:
        named = [self.url, *(self._href(self._map(name)) for name in self.maps)]
        hosts = {host for href in named if is_remote(href) for host in http.hosts(href)}
        return Access((*sorted(hosts), *self.allowed_hosts), self.signing == "planetary_computer", local)

    def _inspected(self, href: str) -> Facts:
        if not is_remote(href) and not urlsplit(href).scheme and not Path(href).is_file():
            raise FeedUnavailable(f"{href}: no such file")
        return inspect(href, self._access(local=True))

    def _touch(self, href: str) -> tuple[int | None, Mapping[str, str]]:
        """Return size and response headers of a remote file."""
        response = http.get(href, allowed=self._access(local=False).allowed, byte_range=(0, 1024))
        total = response.headers.get("content-range", "").rpartition("/")[2]
        return int(total) if total.isdecimal() else None, dict(response.headers)

    def _version(self, href: str) -> dict[str, Any]:
        """Return what tells this version of a file from the next."""
        if is_remote(href):
            size, headers = self._touch(href)
            return {"etag": headers.get("etag"), "size": size}
        if urlsplit(href).scheme:
            return {}
        found = Path(href).stat()
        return {"sha256": _content(href, found.st_size, found.st_mtime_ns), "size": found.st_size}

    def _checked(self, tile: _Tile, entry: _Map) -> str:
        """Return where a tile is opened, if it still is what the record says."""
        href = tile.href or self._href(entry)
        check_href(href, self._access(local=tile.href is None))
        if entry.collection is not None:
            return href
        if not is_remote(href) and not urlsplit(href).scheme and not Path(href).is_file():
            raise FeedUnavailable(f"{href}: no such file")
        found = self._version(href)
        recorded = {"sha256": tile.sha256, "etag": tile.etag, "size": tile.size}
        changed = [name for name, value in found.items() if value != recorded[name]]
        if changed:
            raise FeedChanged(
                f"{Path(href).name}: {changed} have changed since the map was recorded (an older file put back must be touched)"
            )
        return href

    def _nodata(self, name: str, entry: _Map, own: float | None) -> float:
        found = entry.nodata if own is None else own
        if found is None:
            raise FeedMalformed(f"{name}: no nodata in the file; expected one there or as option maps.{name}.nodata")
        return found

    def _collection_granule(self, name: str, entry: _Map, bounds: Bounds | None) -> Iterator[Granule]:
        items = self._items(entry, bounds)
        if items:
            revision = max(item.revision for item in items)
            box = None if bounds is None else list(bounds)
            yield Granule(self.id, name, revision, href=self.url, properties={"bounds": box})

    def _items(self, entry: _Map, bounds: Bounds | None) -> list[SceneItem]:
        """Return the Items of a collection in a box, in order of their ids."""
        collections = (entry.collection or "",)
        found = search(self.url, self._access(local=False).allowed, collections=collections, bounds=bounds)
        items = [read_item(value, entry.collection or "") for value in found]
        return sorted((item for item in items if item.collection == entry.collection), key=lambda item: item.id)

    def _collection_record(self, granule: Granule, entry: _Map) -> bytes:
        box = granule.properties.get("bounds")
        items = self._items(entry, None if box is None else (box[0], box[1], box[2], box[3]))
        if not items:
            raise FeedUnavailable(f"{self.url}: collection {entry.collection!r} holds nothing within {box}")
        declared = [band_metadata(item, entry.asset, entry.band) for item in items]
        stored = {found.nodata for found in declared}
        if len(stored) > 1:
            raise FeedMalformed(f"{granule.id}: tiles with nodata {stored}, expected one value")
        tiles = tuple(
            _tile(
                grid(item, entry.asset),
                href=str(item.assets[entry.asset]["href"]),
                etag=item.assets[entry.asset].get("file:checksum") or f"revision {item.revision}",
                size=item.assets[entry.asset].get("file:size"),
            )
            for item in items
        )
        nodata = self._nodata(granule.id, entry, stored.pop())
        synthetic = entry.synthetic or any(item.is_synthetic for item in items)
        return _record(granule.id, entry, tiles, nodata=nodata, dtype=declared[0].dtype or "float32", synthetic=synthetic)


def _tile(grid_: GeoBox, **version: Any) -> _Tile:
    crs = grid_.crs
    if crs is None:
        raise FeedRefused("a map without a CRS is on no grid")
    name = f"EPSG:{crs.epsg}" if crs.epsg else crs.to_wkt()
    return _Tile(crs=name, shape=(grid_.shape[0], grid_.shape[1]), transform=tuple(grid_.transform)[:6], **version)


def _record(name: str, entry: _Map, tiles: tuple[_Tile, ...], *, nodata: float, dtype: str, synthetic: bool) -> bytes:
    record = _Record(
        variable=name,
        units=entry.units,
        nodata=repr(float(nodata)),
        dtype=dtype,
        band=entry.band,
        scale=entry.scale,
        offset=entry.offset,
        resampling=entry.resampling,
        synthetic=synthetic,
        tiles=tiles,
    )
    return options.canonical(record.model_dump(mode="json", exclude_none=True))


def _read_record(data: bytes, name: str) -> _Record:
    try:
        record = _Record.model_validate(read_json(data, name))
        float(record.nodata)
        [tile.grid for tile in record.tiles]
    except (ValidationError, ValueError, TypeError, OverflowError, CRSError) as error:
        raise FeedMalformed(f"{name}: expected the record of a map: {error}") from error
    return record


def _around(grids: list[GeoBox]) -> GeoBox:
    """Return the grid of the first tile, extended over all; tiles of one map share CRS and alignment."""
    first = grids[0]
    step_x, step_y = first.transform.a, first.transform.e
    boxes = [other.footprint(first.crs or "EPSG:4326").boundingbox for other in grids]
    left, top = min(box.left for box in boxes), max(box.top for box in boxes)
    columns = round((max(box.right for box in boxes) - left) / abs(step_x))
    rows = round((top - min(box.bottom for box in boxes)) / abs(step_y))
    return GeoBox((rows, columns), Affine(abs(step_x), 0, left, 0, -abs(step_y), top), first.crs)


@lru_cache(maxsize=64)
def _content(path: str, size: int, changed: int) -> str:
    """Return the SHA-256 of a file's content; size and time of change tell when it must be read again."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_remote(href: str) -> bool:
    """Whether it is a URL of the web, and not a path."""
    return urlsplit(href).scheme in ("http", "https")


def modified(headers: Mapping[str, str]) -> int:
    """Return Last-Modified in milliseconds since 1970, 0 where the server does not say."""
    try:
        return int(parsedate_to_datetime(headers.get("last-modified", "")).timestamp() * 1000)
    except ValueError:
        return 0

"""Pixels of remote rasters, read by window and only when asked for: how a file is opened, checked and read.

odc-stac plans and warps the windows; this module decides what may be opened (the same policy as every other request),
signs URLs just before the read, holds the file against what was declared of it, and names what went wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from time import monotonic
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
import odc.stac
import pystac
import rasterio
import rasterio.errors
import xarray as xr
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.loader import RasterLoadParams, RasterSource, reader_driver
from pydantic import BaseModel, Field, ValidationError

from pipeline.errors import FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import http

#: Edge of the square windows that are read and held in memory at once, cells.
WINDOW = 2048
#: Furthest a file's own grid may lie from the declared one, cells; beyond it the declaration is invented.
_TOLERANCE = 1.0
#: Largest shrinking that is computed from the full resolution; beyond it the file's own overviews are good enough.
_EXACT = 4
#: Bytes asked for when a remote file is first touched; any answer but these bytes is an error by name.
_PROBE = 1024
#: Where the Planetary Computer gives read tokens: ENDPOINT/ACCOUNT/CONTAINER.
SIGNER = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
#: Longest use of one token, seconds; tokens live for about an hour.
_TOKEN_AGE = 600.0
#: GDAL options under which every window is read: no listing of folders, few retries, no endless waiting.
_GDAL: Mapping[str, Any] = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_CONNECTTIMEOUT": "20",
    "GDAL_HTTP_TIMEOUT": "120",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "VSI_CACHE": True,
}
_AZURE = re.compile(r"\A([a-z0-9]+)\.blob\.core\.windows\.net\Z")


@dataclass(frozen=True, slots=True)
class Access:
    """How the files of one feed may be opened."""

    allowed: tuple[str, ...] = ()
    """Hosts that may be opened."""
    signing: bool = False
    """Whether blob storage URLs are signed with a Planetary Computer token."""
    local: bool = False
    """Whether paths on this machine may be opened."""


@dataclass(frozen=True, slots=True)
class Source:
    """One raster file and the grid it is declared to be on."""

    href: str
    grid: GeoBox
    band: int = 1


@dataclass(frozen=True, slots=True)
class Band:
    """One variable: its files (a mosaic where there are several), all with the same meaning of the numbers."""

    name: str
    sources: tuple[Source, ...]
    units: str
    nodata: float
    """Stored value of "unknown"; NaN where NaN itself is."""
    dtype: str = "float32"
    scale: float = 1.0
    offset: float = 0.0
    resampling: str = "bilinear"


def open_bands(bands: Sequence[Band], geobox: GeoBox, when: datetime, access: Access, *, chunk: int = WINDOW) -> xr.Dataset:
    """Return the bands on a grid, nothing read yet: float32 with NaN for unknown, dims (y, x), scalar `time`.

    Parameters
    ----------
    bands
        All with the same number of sources.
    geobox
        The grid; a source on this very grid is read as it is, any other is warped by the band's resampling.
    when
        Moment the pixels are about, UTC.
    access
        What may be opened, and how.
    chunk
        Edge of a window, cells.

    Raises
    ------
    FeedRefused
        Where a source may not be opened. Reading raises FeedUnavailable, FeedMalformed or FeedRefused.
    """
    for band in bands:
        for source in band.sources:
            check_href(source.href, access)
    declared = {source.href: (source.grid, band.nodata) for band in bands for source in band.sources}
    items = [_item(bands, index, geobox, when) for index in range(len(bands[0].sources))]
    names = [band.name for band in bands]
    assets = {band.name: {"data_type": band.dtype, "nodata": None, "unit": band.units} for band in bands}
    loaded = odc.stac.load(
        items,
        names,
        geobox=geobox,
        dtype="float32",
        nodata=math.nan,
        resampling={band.name: band.resampling for band in bands},
        chunks={"x": chunk, "y": chunk},
        fail_on_error=True,
        use_overviews=any(_shrink(source.grid, geobox) > _EXACT for band in bands for source in band.sources[:1]),
        stac_cfg={"bands": {"assets": assets}},
        driver=cast(Any, Driver(access, declared)),
    )
    dataset = loaded.isel(time=0).assign_coords(time=np.datetime64(when.replace(tzinfo=None), "ns"))
    for band in bands:
        dataset[band.name] = _scaled(dataset[band.name], band)
    return dataset


def check_href(href: str, access: Access) -> None:
    """Refuse a file that may not be opened; looks at the text only.

    Raises
    ------
    FeedRefused
        For a path or `file:` URL where none is allowed, a scheme that is not read, or a host that is not allowed.
    """
    scheme = urlsplit(href).scheme
    if scheme in ("http", "https"):
        http.check_url(href, access.allowed)
    elif not access.local:
        raise FeedRefused(f"{href}: found a local path or scheme {scheme!r}, expected an http or https URL")
    elif scheme not in ("", "s3") or href.startswith("/vsi"):
        raise FeedRefused(f"{href}: found scheme {scheme!r}, expected a path, http, https or s3 URL")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a raster file says of itself."""

    grid: GeoBox
    nodata: float | None
    """Of its first band."""
    dtype: str
    bands: int
    tags: Mapping[str, str]


def inspect(href: str, access: Access) -> Facts:
    """Return what a file says of itself; reads its header only.

    Raises
    ------
    FeedUnavailable, FeedMalformed, FeedRefused
        Where it cannot be opened, is no raster, or has no georeferencing.
    """
    check_href(href, access)
    try:
        with rasterio.Env(**_GDAL), rasterio.open(_openable(href, access)) as file:
            return Facts(_grid_of(file, href), file.nodata, str(file.dtypes[0]), int(file.count), file.tags())
    except rasterio.errors.RasterioError as error:
        raise _read_error(href, error) from error


def signed(href: str, signer: str = SIGNER) -> str:
    """Return a blob storage URL with a fresh read token of the Planetary Computer; any other URL as it is.

    Raises
    ------
    FeedUnavailable, FeedMalformed, FeedRefused
        Where no token is given.
    """
    parts = urlsplit(href)
    account = _AZURE.match(parts.hostname or "")
    if account is None or parts.query or not parts.path.strip("/"):
        return href
    token = _token(f"{signer}/{account[1]}/{parts.path.split('/')[1]}", int(monotonic() // _TOKEN_AGE))
    return f"{href}?{token}"


class _Token(BaseModel):
    """The part of the signer's answer that is used."""

    token: str = Field(min_length=1)


@lru_cache(maxsize=64)
def _token(endpoint: str, period: int) -> str:
    """Return a token, asked for once in each period of its use."""
    response = http.get(endpoint, allowed=http.hosts(endpoint))
    try:
        return _Token.model_validate_json(response.content).token
    except ValidationError as error:
        raise FeedMalformed(f"{endpoint}: expected a token: {error}") from error


@dataclass(frozen=True)
class Driver:
    """odc-loader's rasterio driver under this module's policy; travels to workers with the graph."""

    access: Access
    declared: Mapping[str, tuple[GeoBox, float]]
    """Grid and nodata declared for each href."""
    inner: Any = field(default_factory=lambda: reader_driver("rio"))

    def new_load(self, geobox: GeoBox, *, chunks: dict[str, int] | None = None) -> Any:
        """Return the context of one load."""
        return self.inner.new_load(geobox, chunks=chunks)

    def finalise_load(self, load_state: Any) -> Any:
        """Close the context of one load."""
        return self.inner.finalise_load(load_state)

    def capture_env(self) -> dict[str, Any]:
        """Return the GDAL options of every read, whatever the process has set."""
        mirrored = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/http://127.0.0.1"}
        return {**_GDAL, **mirrored}

    def restore_env(self, env: dict[str, Any], load_state: Any) -> AbstractContextManager[Any]:
        """Return a context in which GDAL has these options."""
        return cast("AbstractContextManager[Any]", self.inner.restore_env(env, load_state))

    def open(self, src: RasterSource, ctx: Any) -> Reader:
        """Return a reader of one file; nothing is opened yet."""
        grid, nodata = self.declared[src.uri]
        return Reader(src, ctx, self, grid, nodata)

    @property
    def md_parser(self) -> None:
        """STAC metadata are read by odc-stac itself."""
        return

    @property
    def aux_reader(self) -> None:
        """No auxiliary tables."""
        return

    @property
    def dask_reader(self) -> None:
        """Odc-loader's own."""
        return


@dataclass(frozen=True)
class Reader:
    """Reads windows of one file after holding the file against its declaration."""

    source: RasterSource
    context: Any
    driver: Driver
    grid: GeoBox
    nodata: float

    def read(
        self, cfg: RasterLoadParams, dst_geobox: GeoBox, *, dst: Any = None, selection: Any = None
    ) -> tuple[tuple[slice, slice], np.ndarray[Any, Any]]:
        """Return the part of a window that the file covers, and its pixels.

        Raises
        ------
        FeedUnavailable
            Where a remote file cannot be read now.
        FeedMalformed
            Where a local file cannot be read, or its nodata is not the declared one.
        FeedRefused
            Where it may not be opened, has no georeferencing, or is elsewhere than declared.
        """
        href, access = self.source.uri, self.driver.access
        if urlsplit(href).scheme in ("http", "https"):
            _probe(href, access)
        _check_file(href, access, self.grid, self.nodata)
        reader = self.driver.inner.open(self.source.patch(uri=_openable(href, access)), self.context)
        try:
            window = reader.read(cfg.patch(src_nodata_override=self.nodata), dst_geobox, dst=dst, selection=selection)
        except rasterio.errors.RasterioError as error:
            raise _read_error(href, error) from error
        return cast("tuple[tuple[slice, slice], np.ndarray[Any, Any]]", window)


@lru_cache(maxsize=512)
def _probe(href: str, access: Access) -> None:
    """Touch a remote file once per process under the policy of all requests, redirects and errors by name included."""
    http.get(_signed(href, access), allowed=access.allowed, byte_range=(0, _PROBE))


@lru_cache(maxsize=512)
def _check_file(href: str, access: Access, grid: GeoBox, nodata: float) -> None:
    """Hold a file's own grid and nodata against the declared ones, once per process."""
    found = inspect(href, access)
    own = found.nodata
    if own is not None and not (own == nodata or (math.isnan(own) and math.isnan(nodata))):
        raise FeedMalformed(f"{href}: nodata is {own} in the file, declared as {nodata}")
    if _distance(found.grid, grid) > _TOLERANCE:
        raise FeedRefused(f"{href}: the file lies on {found.grid}, declared as {grid}: invented georeferencing")


def _distance(found: GeoBox, declared: GeoBox) -> float:
    """Return how far the corners of two grids lie apart, in cells of the declared one."""
    rows, columns = found.shape
    corners = [found.transform @ corner for corner in ((0, 0), (columns, 0), (0, rows), (columns, rows))]
    if found.crs != declared.crs:
        transform = cast(CRS, found.crs).transformer_to_crs(cast(CRS, declared.crs))
        corners = [transform(x, y) for x, y in corners]
    rows, columns = declared.shape
    expected = ((0, 0), (columns, 0), (0, rows), (columns, rows))
    cells = [~declared.transform @ corner for corner in corners]
    return max(math.hypot(x - ex, y - ey) for (x, y), (ex, ey) in zip(cells, expected, strict=True))


def _grid_of(file: rasterio.DatasetReader, href: str) -> GeoBox:
    if file.crs is None or file.transform.is_identity:
        raise FeedRefused(f"{href}: the file has no CRS and transform (ground control points do not count)")
    return GeoBox(file.shape, file.transform, file.crs.to_wkt())


def _signed(href: str, access: Access) -> str:
    return signed(href) if access.signing else href


def _openable(href: str, access: Access) -> str:
    """Return what GDAL is given: signed, through the mirror where one is set, a plain path for a local file."""
    return http.via(_signed(href, access)) if urlsplit(href).scheme in ("http", "https") else href


def _read_error(href: str, error: Exception) -> FeedUnavailable | FeedMalformed:
    """Return the error by name; GDAL's text is kept but for signatures."""
    reason = re.sub(r"\?\S+", "?...", str(error.__cause__ or error))
    if urlsplit(href).scheme:
        return FeedUnavailable(f"{href}: cannot be read: {reason}")
    return FeedMalformed(f"{Path(href).name}: cannot be read: {reason}")


def _shrink(source: GeoBox, target: GeoBox) -> int:
    """Return how many source cells go into one target cell along an axis, at least 1."""
    return 1 if source == target else int(compute_reproject_roi(source, target).read_shrink)


def _item(bands: Sequence[Band], index: int, geobox: GeoBox, when: datetime) -> pystac.Item:
    """Return the Item odc-stac needs: resolved metadata only, so that none of its own guesses come into play."""
    grid = geobox if len(bands[0].sources) == 1 else bands[0].sources[index].grid
    footprint = grid.footprint("EPSG:4326", buffer=8 + max(grid.shape) / 50)
    item = pystac.Item(
        id=f"{index:06d}",
        geometry=footprint.json,
        bbox=list(footprint.boundingbox),
        datetime=when,
        properties={},
        collection="bands",
    )
    for band in bands:
        item.add_asset(band.name, pystac.Asset(band.sources[index].href, media_type=pystac.MediaType.COG, roles=["data"]))
    return item


def _scaled(array: xr.DataArray, band: Band) -> xr.DataArray:
    encoding = dict(array.encoding)
    if (band.scale, band.offset) != (1.0, 0.0):
        array = (array.astype(np.float64) * band.scale + band.offset).astype(np.float32)
    array.attrs = {"units": band.units}
    array.encoding = encoding
    return array

"""Published rasters opened lazily: dask blocks of an asset, read by window when they are needed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import dask.array as da
import numpy as np
import numpy.typing as npt
import rasterio
import xarray as xr
from affine import Affine
from dask.base import tokenize
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from pipeline.errors import ProductError
from pipeline.grid import on_geobox
from pipeline.products.cog import BLOCK
from pipeline.store import Store

Array = npt.NDArray[np.generic]


def open_asset(store: Store, item: Mapping[str, Any], asset: str, *, blocks: int = 4) -> xr.DataArray:
    """Return one raster asset of a public Item, lazily.

    Parameters
    ----------
    store
        Where the catalogue lies.
    item
        The Item, with asset hrefs relative to it or absolute.
    asset
        Key of the asset, for example "mmi".
    blocks
        Edge of a dask chunk in blocks of 512 cells.

    Raises
    ------
    ProductError
        Where the Item has no such asset or it cannot be opened.
    """
    if asset not in item["assets"]:
        raise ProductError(f"item {item['id']}: no asset {asset!r}; expected one of {sorted(item['assets'])}")
    entry = item["assets"][asset]
    href = asset_href(store, item, asset)
    array = open_raster(href, blocks=blocks, version=entry.get("file:checksum", ""))
    return array.rename(asset).assign_attrs(item=item["id"])


def asset_key(item: Mapping[str, Any], asset: str) -> str:
    """Return the store key of an asset whose href is relative to its Item."""
    href = str(item["assets"][asset]["href"])
    return f"catalog/{item['collection']}/{item['id']}/{href.removeprefix('./')}"


def asset_href(store: Store, item: Mapping[str, Any], asset: str) -> str:
    """Return the path or URL by which rasterio opens an asset."""
    href = str(item["assets"][asset]["href"])
    return href if urlsplit(href).scheme else store.href(asset_key(item, asset))


def open_raster(href: str, *, band: int = 1, blocks: int = 4, version: str = "") -> xr.DataArray:
    """Return one band of a raster on its GeoBox, lazily; every block opens the file on its own.

    Numbers become floating with NaN for unknown; codes (bands with class names) keep their type, and
    attrs["nodata"] says which code means unknown. attrs["units"], attrs["long_name"] come from the band.

    Parameters
    ----------
    href
        Path, `s3://` or `http(s)://` URL.
    band
        Number of the band, from 1.
    blocks
        Edge of a dask chunk in blocks of 512 cells.
    version
        Text that changes with the content (a checksum), part of the names of the dask blocks.

    Raises
    ------
    ProductError
        Where it cannot be opened or has no such band.
    """
    path = gdal_path(href)
    try:
        with rasterio.Env(**gdal_options()), rasterio.open(path) as source:
            if band not in source.indexes:
                raise ProductError(f"{href}: no band {band}; expected one of {list(source.indexes)}")
            geobox = GeoBox.from_rio(source)
            dtype, nodata = np.dtype(source.dtypes[band - 1]), source.nodatavals[band - 1]
            attributes = _attributes(source, band)
    except RasterioError as error:
        raise ProductError(f"{href}: cannot be opened: {error}") from error
    cells = _cells(path, tuple(geobox.shape), dtype, nodata, attributes, band=band, blocks=blocks, version=version)
    return on_geobox(cells, geobox)


def described_asset(item: Mapping[str, Any], asset: str, href: str, *, blocks: int = 4) -> xr.DataArray:
    """Return one raster asset of an Item over (y, x) as `open_raster` does, without coordinates: they are `item_geobox`'s.

    All is taken from what the Item says: no file is opened before it is computed.

    Parameters
    ----------
    item
        The Item, with `proj:*` and the asset's `bands`.
    asset
        Key of the asset.
    href
        Path or URL of its file.
    blocks
        Edge of a dask chunk in blocks of 512 cells.
    """
    entry = item["assets"][asset]
    band = entry["bands"][0]
    nodata = math.nan if band["nodata"] == "nan" else band["nodata"]
    attributes: dict[str, Any] = {"units": band["unit"], "long_name": band["description"]}
    classes = [given for given in band.get("classification:classes", []) if not given.get("nodata")]
    if classes:
        attributes["flag_values"] = np.array([given["value"] for given in classes], dtype=band["data_type"])
        attributes["flag_meanings"] = " ".join(given["title"].replace(" ", "_") for given in classes)
    version = entry.get("file:checksum", "")
    dtype = np.dtype(band["data_type"])
    rows, columns = item["properties"]["proj:shape"]
    path = gdal_path(href)
    return _cells(path, (rows, columns), dtype, nodata, attributes, blocks=blocks, version=version).rename(asset)


def item_geobox(item: Mapping[str, Any]) -> GeoBox:
    """Return the grid that an Item's rasters lie on, as the Item says."""
    properties = item["properties"]
    crs = properties.get("proj:code") or properties["proj:wkt2"]
    return GeoBox(properties["proj:shape"], Affine(*properties["proj:transform"][:6]), crs)


def _cells(
    path: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    nodata: float | None,
    attributes: Mapping[str, Any],
    *,
    band: int = 1,
    blocks: int = 4,
    version: str = "",
) -> xr.DataArray:
    """Return one band of a raster of known shape and type; its blocks open the file once they are computed."""
    unknown = None if "flag_values" in attributes or nodata is None or math.isnan(nodata) else nodata
    out = np.result_type(dtype, np.float32) if unknown is not None else dtype
    edge = BLOCK * blocks
    chunks = tuple(tuple(min(edge, size - start) for start in range(0, size, edge)) for size in shape)
    data = da.map_blocks(  # type: ignore[no-untyped-call]
        _window,
        chunks=chunks,
        dtype=out,
        name=f"asset-{tokenize(path, band, version, edge)}",
        meta=np.empty((0, 0), out),
        path=path,
        band=band,
        unknown=unknown,
    )
    known = {**attributes, "nodata": math.nan if unknown is not None else nodata}
    return xr.DataArray(data, dims=("y", "x"), attrs=known)


def gdal_path(href: str) -> str:
    """Return GDAL's own spelling of a path or URL.

    Examples
    --------
    >>> gdal_path("s3://bucket/catalog/mmi.tif")
    '/vsis3/bucket/catalog/mmi.tif'
    """
    scheme, _, rest = href.partition("://")
    return {"s3": f"/vsis3/{rest}", "http": f"/vsicurl/{href}", "https": f"/vsicurl/{href}"}.get(scheme, href)


def gdal_options() -> dict[str, Any]:
    """Return the settings by which GDAL reads COGs from afar, with the S3 endpoint of the usual AWS_* environment."""
    options: dict[str, Any] = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MAX_RETRY": 3}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        secure = "YES" if parts.scheme == "https" else "NO"
        options |= {"AWS_S3_ENDPOINT": parts.netloc, "AWS_HTTPS": secure, "AWS_VIRTUAL_HOSTING": False}
    return options


def _attributes(source: rasterio.DatasetReader, band: int) -> dict[str, Any]:
    tags = source.tags(band)
    attributes: dict[str, Any] = {"units": source.units[band - 1] or "1", "long_name": source.descriptions[band - 1] or ""}
    if "STANDARD_NAME" in tags:
        attributes["standard_name"] = tags["STANDARD_NAME"]
    if "FLAG_VALUES" in tags:
        codes = [int(code) for code in tags["FLAG_VALUES"].split(",")]
        attributes["flag_values"] = np.array(codes, dtype=source.dtypes[band - 1])
        attributes["flag_meanings"] = tags["FLAG_MEANINGS"]
    return attributes


def _window(*, path: str, band: int, unknown: float | None, block_info: Any = None) -> Array:
    """Return one block; opened anew each time, since GDAL's handles belong to one thread."""
    (top, bottom), (left, right) = block_info[None]["array-location"]
    try:
        with rasterio.Env(**gdal_options()), rasterio.open(path) as source:
            found: Array = source.read(band, window=Window(left, top, right - left, bottom - top))
    except RasterioError as error:
        raise ProductError(f"{path}: block at row {top}, column {left} cannot be read: {error}") from error
    if unknown is None:
        return found
    out = found.astype(np.result_type(found.dtype, np.float32))
    out[found == unknown] = math.nan
    return out

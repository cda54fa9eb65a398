"""A raster asset of a public Item: where its pixels lie, what they mean and how they are drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from affine import Affine
from fastapi import HTTPException

from pipeline.products.bands import COG_TYPE
from pipeline.products.read import asset_key, gdal_path
from pipeline.service.door import Door, find_item
from pipeline.service.raster.handles import Handles
from pipeline.service.raster.style import Style, style_of

#: Assets remembered: a kilobyte or two each.
_REMEMBERED = 4096

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Raster:
    """One COG; nothing of it ever changes, since a product's bytes are what its id says."""

    item: str
    hazard: str
    asset: str
    path: str
    """As GDAL spells it."""
    checksum: str
    crs: str
    is_geographic: bool
    transform: Affine
    shape: tuple[int, int]
    overviews: tuple[int, ...]
    nodata: float | None
    dtype: str
    style: Style
    described: Mapping[str, Any]
    """The STAC asset."""
    title: str
    """Of the Item."""
    attribution: str

    @property
    def band(self) -> Mapping[str, Any]:
        """The STAC band."""
        found: Mapping[str, Any] = self.described["bands"][0]
        return found

    @property
    def unit(self) -> str:
        """UDUNITS text."""
        return str(self.band.get("unit", "1"))

    @property
    def labels(self) -> Mapping[int, str]:
        """Meaning of each code; none where the values are numbers."""
        classes = self.band.get("classification:classes", [])
        return {entry["value"]: entry.get("title", entry["name"]) for entry in classes if not entry.get("nodata")}

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in the raster's own CRS."""
        height, width = self.shape
        west, north = self.transform @ (0, 0)
        east, south = self.transform @ (width, height)
        return west, south, east, north

    def column(self, x: Array) -> Array:
        """Return how many cells from its west edge an easting or longitude lies; longitudes a whole turn off are met."""
        west, width = self.transform.c, self.transform.a
        return np.asarray(((x - west) % 360 if self.is_geographic else x - west) / width)

    def row(self, y: Array) -> Array:
        """Return how many cells below its north edge a northing or latitude lies."""
        return np.asarray((y - self.transform.f) / self.transform.e)


class Rasters:
    """Raster assets by ids, looked up once: an Item's links may change, its assets never do."""

    def __init__(self, door: Door, handles: Handles) -> None:
        self._door, self._handles = door, handles
        self._known: OrderedDict[tuple[str, str, str], Raster] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, hazard: str, item: str, asset: str) -> Raster | None:
        """Return an asset that was looked up before, without touching a disk."""
        return self._known.get((hazard, item, asset))

    def find(self, hazard: str, item: str, asset: str) -> Raster:
        """Return an asset.

        Raises
        ------
        HTTPException
            404 where there is no public Item of this id, of this hazard, with such a raster.
        """
        held = self.recall(hazard, item, asset)
        if held is not None:
            return held
        found = find_item(self._door, item)
        if found is None or found["collection"] != hazard:
            raise HTTPException(404, f"found no public item {item!r} of {hazard!r}")
        raster = self.of(found, asset)
        if raster is None:
            raise HTTPException(404, f"item {item}: found no raster {asset!r}, expected one of {raster_names(found)}")
        return raster

    def of(self, item: Mapping[str, Any], asset: str) -> Raster | None:
        """Return an asset of an Item; None where it has no such raster."""
        place = (str(item["collection"]), str(item["id"]), asset)
        held = self._known.get(place)
        if held is None and asset in raster_names(item):
            held = self._opened(item, asset)
            with self._lock:
                self._known[place] = held
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return held

    def _opened(self, item: Mapping[str, Any], asset: str) -> Raster:
        path = gdal_path(self._door.work.store.href(asset_key(item, asset)))
        with self._handles.borrow(path) as source:
            code = source.crs.to_epsg()
            return Raster(
                item=str(item["id"]),
                hazard=str(item["collection"]),
                asset=asset,
                path=path,
                checksum=str(item["assets"][asset]["file:checksum"]),
                crs=f"EPSG:{code}" if code else source.crs.to_wkt(),
                is_geographic=bool(source.crs.is_geographic),
                transform=source.transform,
                shape=source.shape,
                overviews=tuple(source.overviews(1)),
                nodata=source.nodata,
                dtype=source.dtypes[0],
                style=style_of(item, asset),
                described=item["assets"][asset],
                title=str(item["properties"].get("title", item["id"])),
                attribution=str(item["properties"].get("hazmon:attribution", "")),
            )


def raster_names(item: Mapping[str, Any]) -> list[str]:
    """Return the names of an Item's rasters that lie beside it: nothing elsewhere is ever opened."""
    return [
        name
        for name, asset in item["assets"].items()
        if asset.get("type") == COG_TYPE and not urlsplit(asset["href"]).scheme and "/" not in asset["href"].removeprefix("./")
    ]

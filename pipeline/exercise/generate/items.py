"""STAC Items of generated scenes, in the shape of the Planetary Computer's collection sentinel-1-rtc."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from odc.geo.geobox import GeoBox

from pipeline.exercise.generate.scenes import LOOKS, NODATA
from pipeline.exercise.scenario import Pass

COLLECTION = "sentinel-1-rtc"
#: Public origins of the API and of the pixels.
API = "https://planetarycomputer.microsoft.com/api/stac/v1"
STORAGE = "sentinel1euwestrtc.blob.core.windows.net"
#: How long one slice is acquired.
LENGTH = timedelta(seconds=25)
#: One relative orbit of Sentinel-1A; orbits in a repeat cycle and offset of the count (ESA).
REPEAT, FIRST = 175, 73
_EXTENSIONS = ("sar/v1.0.0", "sat/v1.0.0", "projection/v1.1.0", "file/v2.0.0", "raster/v1.1.0")


def blob_path(news: Pass, band: str) -> str:
    """Return HOST/PATH of a band's file; four digits tell one processing from the next."""
    day = news.acquired
    unique = hashlib.sha256(f"{news.id}{news.processed}".encode()).hexdigest()[:4].upper()
    name = news.id.removesuffix("_rtc")
    folder = f"sentinel1-grd-rtc/GRD/{day.year}/{day.month}/{day.day}/IW/DV/{name}_{unique}"
    return f"{STORAGE}/{folder}/measurement/iw-{band}.rtc.tiff"


def item(news: Pass, geobox: GeoBox, bands: Mapping[str, Path]) -> dict[str, Any]:
    """Return the Item of a scene whose bands lie in these files."""
    outline = geobox.extent.to_crs("EPSG:4326")
    ring = [[round(x, 6), round(y, 6)] for x, y in outline.exterior.points]
    self_href = f"{API}/collections/{COLLECTION}/items/{news.id}"
    return {
        "id": news.id,
        "bbox": [round(edge, 6) for edge in outline.boundingbox],
        "type": "Feature",
        "links": [
            _link("collection", f"{API}/collections/{COLLECTION}"),
            _link("parent", f"{API}/collections/{COLLECTION}"),
            _link("root", f"{API}/"),
            _link("self", self_href, "application/geo+json"),
        ],
        "assets": {band: _asset(news, band, path, abs(geobox.affine.a)) for band, path in bands.items()},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "collection": COLLECTION,
        "properties": _properties(news, geobox, bands),
        "stac_extensions": [f"https://stac-extensions.github.io/{name}/schema.json" for name in _EXTENSIONS],
        "stac_version": "1.0.0",
    }


def collection() -> dict[str, Any]:
    """Return the collection that the Items belong to."""
    return {
        "id": COLLECTION,
        "type": "Collection",
        "title": "Sentinel-1 radiometrically terrain-corrected (exercise)",
        "description": "Generated scenes in the shape of the collection of this name: gamma nought, linear power",
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [["2014-10-10T00:28:21Z", None]]}},
        "links": [_link("root", f"{API}/"), _link("parent", f"{API}/"), _link("self", f"{API}/collections/{COLLECTION}")],
        "stac_version": "1.0.0",
        "stac_extensions": [],
    }


def _properties(news: Pass, geobox: GeoBox, bands: Mapping[str, Path]) -> dict[str, Any]:
    rows, columns = geobox.shape
    box = geobox.boundingbox
    orbit = _orbit(news.id)
    resolution = abs(geobox.affine.a)
    found: dict[str, Any] = {
        "datetime": _iso(news.acquired + LENGTH / 2),
        "start_datetime": str(news.acquired),
        "end_datetime": str(news.acquired + LENGTH),
        "platform": "SENTINEL-1A",
        "constellation": "Sentinel-1",
        "proj:bbox": [box.left, box.bottom, box.right, box.top],
        "proj:epsg": geobox.crs.to_epsg() if geobox.crs is not None else None,
        "proj:shape": [rows, columns],
        "proj:transform": [*(float(number) for number in geobox.affine[:6]), 0.0, 0.0, 1.0],
        "s1:shape": [columns, rows],
        "s1:resolution": "high",
        "s1:processing_level": "1",
        "sar:product_type": "GRD",
        "sar:polarizations": [band.upper() for band in bands],
        "sar:frequency_band": "C",
        "sar:instrument_mode": "IW",
        "sar:center_frequency": 5.405,
        "sar:looks_range": 5,
        "sar:looks_azimuth": 1,
        "sar:looks_equivalent_number": LOOKS,
        "sar:pixel_spacing_range": resolution,
        "sar:pixel_spacing_azimuth": resolution,
        "sar:observation_direction": "right",
        "sat:orbit_state": "descending",
        "sat:absolute_orbit": orbit,
        "sat:relative_orbit": (orbit - FIRST) % REPEAT + 1,
        "hazmon:synthetic": True,
        "hazmon:note": "Exercise: pixels are generated, not observed",
    }
    if news.processed is not None:
        found["s1:processing_datetime"] = _iso(news.processed)
    return found


def _asset(news: Pass, band: str, path: Path, resolution: float) -> dict[str, Any]:
    data = path.read_bytes()
    receive = {"vv": "vertical", "vh": "horizontal"}[band]
    return {
        "href": f"https://{blob_path(news, band)}",
        "file:size": len(data),
        "file:checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "title": f"{band.upper()}: vertical transmit, {receive} receive",
        "raster:bands": [{"nodata": NODATA, "data_type": "float32", "spatial_resolution": resolution}],
    }


def _link(relation: str, href: str, kind: str = "application/json") -> dict[str, str]:
    return {"rel": relation, "type": kind, "href": href}


def _orbit(name: str) -> int:
    """Return the absolute orbit that a product's name says, 0 where it says none."""
    parts = name.split("_")
    return int(parts[6]) if len(parts) > 6 and parts[6].isdecimal() else 0


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat() + "Z"

"""A STAC Item as it is served: read without trust, with a name for every imperfection.

Georeferencing rule. A raster is read only where the Item declares CRS, transform and shape of its grid (STAC projection
extension), and where the file itself lies on that grid (checked at the first read). A Sentinel-1 GRD Item
(`sar:product_type: GRD`, or named so) is in radar geometry: its measurement files carry ground control points and no
map grid, and some catalogues fill `proj:transform` from the bounding box. Such an Item is refused unless its grid is in
a projected CRS, as terrain-corrected (RTC) products made from GRD are.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from affine import Affine
from odc.geo.geobox import GeoBox
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.errors import FeedMalformed, FeedRefused, InputError
from pipeline.feeds import options
from pipeline.model import Bounds, moment

#: Largest number of rows or columns that is believed.
_LARGEST = 1_000_000
#: Sentinel-1 products name mode, type, level, start, stop, orbit and datatake, then four digits unique to the processing.
_SENTINEL1 = re.compile(r"(S1[A-D]_\w\w_\w{4}_\w{4}_\d{8}T\d{6}_\d{8}T\d{6}_\d{6}_[0-9A-F]{6})(?:_[0-9A-F]{4})?(_[a-z]+)?")
#: Sentinel-2: sensing time, baseline, orbit and tile, then the time that tells reprocessed products apart.
_SENTINEL2 = re.compile(r"(S2[A-D]_MSIL\w\w_\d{8}T\d{6})(?:_N\d{4})?(_R\d{3}_T\w{5})_(\d{8}T\d{6})")
#: Landsat Collection 2: path and row, acquisition day, day of processing, collection, tier (real-time becomes T1 or T2).
_LANDSAT = re.compile(r"(L[COTEM]\d\d_L\d\w\w_\d{6}_\d{8})(?:_(\d{8}))?_\d\d_(?:RT|T1|T2)(_\w+)?")
#: MODIS: product, acquisition day, tile, collection, then year, day of year and time of production.
_MODIS = re.compile(r"(M[OYC]D\w+\.A\d{7}(?:\.h\d\dv\d\d)?\.\d{3})\.(\d{13})")
#: Properties that tell when a product was made, the most telling first.
_PRODUCED = ("s1:processing_datetime", "processing:datetime", "s2:generation_time", "created")
_GRD = re.compile(r"S1[A-D]_\w\w_GRD")


class _Item(BaseModel):
    """What every Item must have; all else is looked up where it is needed."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["Feature"]
    id: Annotated[str, Field(min_length=1)]
    collection: str | None = None
    bbox: list[float] | None = None
    properties: dict[str, Any]
    assets: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class SceneItem:
    """An Item with its times and place understood."""

    raw: Mapping[str, Any]
    id: str
    collection: str | None
    properties: Mapping[str, Any]
    assets: Mapping[str, Mapping[str, Any]]
    start: datetime
    end: datetime
    bounds: Bounds | None

    @property
    def canonical(self) -> bytes:
        """The Item as canonical JSON: the same Item, the same bytes."""
        return options.canonical(self.raw)

    @property
    def time(self) -> datetime:
        """The nominal moment: `datetime`, else the start."""
        nominal = self.properties.get("datetime")
        return self.start if nominal is None else _moment(self.id, nominal)

    @property
    def acquisition(self) -> str:
        """What was acquired, without what tells one processing of it from the next."""
        return _identify(self.id)[0]

    @property
    def revision(self) -> int:
        """When it was produced, milliseconds since 1970; 0 where the Item does not say."""
        for name in _PRODUCED:
            if self.properties.get(name) is not None:
                return _milliseconds(_moment(self.id, self.properties[name]))
        produced = _identify(self.id)[1]
        return 0 if produced is None else _milliseconds(produced)

    @property
    def is_synthetic(self) -> bool:
        """Whether the source says that the pixels are generated."""
        return bool(self.properties.get("hazmon:synthetic", False))


@dataclass(frozen=True, slots=True)
class BandMetadata:
    """What an Item says of the numbers in one band; None where it says nothing."""

    nodata: float | None = None
    units: str | None = None
    dtype: str | None = None
    scale: float | None = None
    offset: float | None = None


def read_json(data: bytes, name: str) -> Any:
    """Return the value that JSON bytes hold.

    Raises
    ------
    FeedMalformed
        Where they are not JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FeedMalformed(f"{name}: not JSON ({len(data)} bytes): {error}") from error


def read_item(value: object, name: str) -> SceneItem:
    """Return the Item that a JSON value holds.

    Raises
    ------
    FeedMalformed
        Where it is no Item, or its times or place cannot be understood.
    """
    try:
        item = _Item.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "value"
        raise FeedMalformed(f"{name}: expected a STAC Item; {where}: {first['msg']}") from error
    raw: Mapping[str, Any] = value if isinstance(value, dict) else {}
    start, end = _times(item)
    return SceneItem(raw, item.id, item.collection, item.properties, item.assets, start, end, _bounds(item))


def items_in(value: object, name: str) -> Iterator[object]:
    """Yield what should be Items in a payload: one Item, an ItemCollection, or a list of either.

    Raises
    ------
    FeedMalformed
        Where it is none of these.
    """
    if isinstance(value, list):
        for part in value:
            yield from items_in(part, name)
    elif isinstance(value, dict) and value.get("type") == "Feature":
        yield value
    elif isinstance(value, dict) and value.get("type") == "FeatureCollection" and isinstance(value.get("features"), list):
        yield from value["features"]
    else:
        found = sorted(value)[:8] if isinstance(value, dict) else type(value).__name__
        raise FeedMalformed(f"{name}: found {found}, expected a STAC Item or ItemCollection")


def grid(item: SceneItem, asset: str) -> GeoBox:
    """Return the grid that an asset is declared to be on.

    Raises
    ------
    FeedMalformed
        Where there is no such asset, or the declaration makes no sense.
    FeedRefused
        Where no grid is declared, or an invented one (see the module's rule).
    """
    _asset(item, asset)
    shape, transform = _declared(item, asset, "proj:shape"), _declared(item, asset, "proj:transform")
    crs = _crs(item, asset)
    if shape is None or transform is None or crs is None:
        raise FeedRefused(f"{item.id}: asset {asset}: no CRS, transform and shape declared: it is on no map grid")
    if is_grd(item) and not crs.is_projected:
        raise FeedRefused(f"{item.id}: asset {asset}: Sentinel-1 GRD on a grid in degrees: invented georeferencing")
    return _geobox(item.id, shape, transform, crs)


def is_grd(item: SceneItem) -> bool:
    """Whether an Item is Sentinel-1 GRD or made from it."""
    return str(item.properties.get("sar:product_type", "")).upper() == "GRD" or _GRD.match(item.id) is not None


def refuse_radar_geometry(item: SceneItem) -> None:
    """Refuse a Sentinel-1 GRD Item none of whose assets lies on a map grid.

    Raises
    ------
    FeedRefused
        As the module's rule says.
    """
    if not is_grd(item):
        return
    for asset in item.assets:
        crs = _crs(item, asset)
        if crs is not None and crs.is_projected and _declared(item, asset, "proj:transform") is not None:
            return
    raise FeedRefused(f"{item.id}: Sentinel-1 GRD in radar geometry: no asset on a projected map grid")


def band_metadata(item: SceneItem, asset: str, band: int) -> BandMetadata:
    """Return what an Item says of band number `band` (from 1) of an asset: STAC 1.1 `bands`, else `raster:bands`.

    Raises
    ------
    FeedMalformed
        Where there is no such asset or band, or a number is none.
    """
    entry = _asset(item, asset)
    listed = entry.get("bands") or [{}] * band
    raster = entry.get("raster:bands") or [{}] * band
    if not all(
        isinstance(bands, list) and len(bands) >= band and isinstance(bands[band - 1], dict) for bands in (listed, raster)
    ):
        raise FeedMalformed(f"{item.id}: asset {asset}: expected a description of band {band}")
    found = {**item.properties, **entry, **raster[band - 1], **listed[band - 1]}
    where = f"{item.id}: asset {asset}"
    return BandMetadata(
        nodata=_number(where, "nodata", found.get("nodata")),
        units=_text(where, "unit", found.get("unit")),
        dtype=_text(where, "data_type", found.get("data_type")),
        scale=_number(where, "scale", found.get("raster:scale", found.get("scale"))),
        offset=_number(where, "offset", found.get("raster:offset", found.get("offset"))),
    )


def _asset(item: SceneItem, asset: str) -> Mapping[str, Any]:
    entry = item.assets.get(asset)
    if entry is None or not isinstance(entry.get("href"), str):
        raise FeedMalformed(f"{item.id}: found assets {sorted(item.assets)}, expected {asset!r} with an href")
    return entry


def _declared(item: SceneItem, asset: str, field: str) -> Any:
    return item.assets[asset].get(field, item.properties.get(field)) if asset in item.assets else None


def _crs(item: SceneItem, asset: str) -> CRS | None:
    for field in ("proj:code", "proj:epsg", "proj:wkt2", "proj:projjson"):
        value = _declared(item, asset, field)
        if value is not None:
            try:
                return CRS.from_user_input(value)
            except (CRSError, TypeError, ValueError) as error:
                raise FeedMalformed(f"{item.id}: asset {asset}: {field} {value!r} is no CRS: {error}") from error
    return None


def _geobox(where: str, shape: Any, transform: Any, crs: CRS) -> GeoBox:
    if not (isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) and 0 < n <= _LARGEST for n in shape)):
        raise FeedMalformed(f"{where}: proj:shape {shape!r}: expected [rows, columns]")
    numbers = isinstance(transform, list) and all(isinstance(n, int | float) and math.isfinite(n) for n in transform)
    if not numbers or len(transform) not in (6, 9) or (len(transform) == 9 and transform[6:] != [0, 0, 1]):
        raise FeedMalformed(f"{where}: proj:transform {transform!r}: expected 6 or 9 numbers of an affine transform")
    affine = Affine(*transform[:6])
    if affine.determinant == 0:
        raise FeedMalformed(f"{where}: proj:transform {transform!r}: the cells have no area")
    return GeoBox((shape[0], shape[1]), affine, crs)


def _times(item: _Item) -> tuple[datetime, datetime]:
    properties = item.properties
    nominal = properties.get("datetime")
    first, last = properties.get("start_datetime", nominal), properties.get("end_datetime", nominal)
    if first is None or last is None:
        raise FeedMalformed(f"{item.id}: no datetime, and not both start_datetime and end_datetime")
    start, end = _moment(item.id, first), _moment(item.id, last)
    if end < start:
        raise FeedMalformed(f"{item.id}: ends ({end}) before it starts ({start})")
    return start, end


def _moment(where: str, text: object) -> datetime:
    if not isinstance(text, str):
        raise FeedMalformed(f"{where}: time {text!r}: expected text")
    try:
        return moment(text)
    except (InputError, OverflowError) as error:
        raise FeedMalformed(f"{where}: {error}") from error


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _bounds(item: _Item) -> Bounds | None:
    """Return the bounding box, of which the third and fourth of six numbers are heights."""
    box = item.bbox
    if box is None:
        return None
    if len(box) not in (4, 6):
        raise FeedMalformed(f"{item.id}: bbox {box}: expected 4 or 6 numbers")
    west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
    if not (abs(west) <= 360 and abs(east) <= 360 and -90.1 <= south <= north <= 90.1):
        raise FeedMalformed(f"{item.id}: bbox {box}: expected degrees, west, south, east, north")
    whole = east - west >= 360
    return -180.0 if whole else _wrapped(west), max(south, -90.0), 180.0 if whole else _wrapped(east), min(north, 90.0)


def _wrapped(longitude: float) -> float:
    """Return a longitude in -180..180; catalogues run on beyond 180 where a scene crosses it."""
    return longitude if -180 <= longitude <= 180 else (longitude + 180) % 360 - 180


def _identify(id: str) -> tuple[str, datetime | None]:
    """Return what an id says was acquired, and when the product was made where the id says that too."""
    if match := _SENTINEL1.fullmatch(id):
        return match[1] + (match[2] or ""), None
    if match := _SENTINEL2.fullmatch(id):
        return match[1] + match[2], _stamp(match[3], "%Y%m%dT%H%M%S")
    if match := _LANDSAT.fullmatch(id):
        return match[1] + (match[3] or ""), _stamp(match[2], "%Y%m%d")
    if match := _MODIS.fullmatch(id):
        return match[1], _stamp(match[2], "%Y%j%H%M%S")
    return id, None


def _stamp(text: str | None, pattern: str) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None


def _number(where: str, field: str, value: object) -> float | None:
    """Return a number; STAC writes NaN and the infinities as text."""
    if value is None:
        return None
    try:
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise FeedMalformed(f"{where}: {field} {value!r:.200}: expected a number")


def _text(where: str, field: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise FeedMalformed(f"{where}: {field} {value!r}: expected text")

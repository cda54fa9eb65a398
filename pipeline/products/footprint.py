"""Where a grid lies on the Earth, as GeoJSON says it: longitudes within [-180, 180], split at the antimeridian."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from pipeline.errors import GridError

#: Points along each edge of a projected grid, whose edges are curved in longitude and latitude.
_POINTS = 8

#: Decimals of a degree kept: 1 cm.
_DECIMALS = 7


def footprint(geobox: GeoBox) -> tuple[dict[str, Any], list[float]]:
    """Return (geometry, bbox) of a grid by RFC 7946: counter-clockwise, west > east in the bbox across the antimeridian.

    Raises
    ------
    GridError
        Where the grid's edge cannot be placed on the Earth.
    """
    ring = _edge(geobox)
    if not np.isfinite(ring).all():
        raise GridError(f"{geobox}: its edge has no longitude and latitude")
    middle = (ring[:, 0].min() + ring[:, 0].max()) / 2
    ring[:, 0] -= 360 * np.floor((middle + 180) / 360)
    whole = shapely.Polygon(ring)
    parts = [part for part in (_within(whole, turn) for turn in (-1, 0, 1)) if not part.is_empty]
    outline = shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]
    outline = shapely.set_precision(outline, 10.0**-_DECIMALS)
    geometry = shapely.geometry.mapping(shapely.orient_polygons(outline, exterior_cw=False))
    west, south, east, north = whole.bounds
    if east - west >= 360:
        west, east = -180.0, 180.0
    box = [_longitude(west), south, _longitude(east) if east != 180 else 180.0, north]
    return _plain(geometry), [round(float(value), _DECIMALS) for value in box]


def _edge(geobox: GeoBox) -> npt.NDArray[np.float64]:
    """Return longitudes, contiguous across the antimeridian, and latitudes around the grid."""
    rows, columns = geobox.shape
    steps = 1 if geobox.crs is not None and geobox.crs.geographic else _POINTS
    along, down = np.linspace(0, columns, steps, endpoint=False), np.linspace(0, rows, steps, endpoint=False)
    x = np.concatenate([along, np.full(steps, columns), columns - along, np.zeros(steps)])
    y = np.concatenate([np.zeros(steps), down, np.full(steps, rows), rows - down])
    a, b, c, d, e, f = tuple(geobox.transform)[:6]
    across, up = a * x + b * y + c, d * x + e * y + f
    if geobox.crs is not None and geobox.crs.geographic:
        return np.stack([across, up], axis=1)
    transformer = Transformer.from_crs(str(geobox.crs), "OGC:CRS84", always_xy=True)
    longitudes, latitudes = transformer.transform(across, up)
    return np.stack([np.unwrap(longitudes, period=360), latitudes], axis=1)


def _within(whole: shapely.Polygon, turn: int) -> BaseGeometry:
    """Return the part of an outline that lies `turn` times around, brought into [-180, 180]."""
    part = whole.intersection(shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90))
    if part.area == 0:
        return shapely.Polygon()
    return affinity.translate(part, xoff=-360 * turn)


def _longitude(value: float) -> float:
    return (value + 180) % 360 - 180


def _plain(geometry: dict[str, Any]) -> dict[str, Any]:
    return {"type": geometry["type"], "coordinates": _rounded(geometry["coordinates"])}


def _rounded(value: Any) -> Any:
    return [_rounded(part) for part in value] if isinstance(value, tuple | list) else round(float(value), _DECIMALS)

"""Where a message holds: its polygons and circles as one GeoJSON geometry; none where it names places by code only."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from pipeline.alerts.cap import CapInfo, Circle

_EARTH = Geod(ellps="WGS84")
#: Corners of a circle: the chord is within 0.3 % of the radius.
_CORNERS = 64


def outline(info: CapInfo, circles: Iterable[Circle]) -> BaseGeometry | None:
    """Return the polygon or polygons a message holds in, longitude first; None where it draws none.

    Rings that cross themselves are taken apart at the crossings; a circle without radius is no area.
    """
    drawn = [shapely.Polygon(ring) for area in info.areas for ring in area.polygons if len(ring) >= 4]
    drawn += [part for circle in circles if circle.radius_km > 0 for part in disc(circle)]
    merged = shapely.union_all([part if part.is_valid else shapely.make_valid(part) for part in drawn])
    parts = [part for part in shapely.get_parts(merged) if part.geom_type == "Polygon" and not part.is_empty]
    if not parts:
        return None
    oriented = [shapely.geometry.polygon.orient(part) for part in parts]
    return oriented[0] if len(oriented) == 1 else shapely.MultiPolygon(oriented)


def disc(circle: Circle) -> list[BaseGeometry]:
    """Return a circle on the ellipsoid as polygons: two where it crosses the antimeridian."""
    azimuths = np.linspace(0.0, -360.0, _CORNERS, endpoint=False)
    centre = np.full(_CORNERS, circle.longitude), np.full(_CORNERS, circle.latitude)
    longitudes, latitudes, _ = _EARTH.fwd(*centre, azimuths, np.full(_CORNERS, circle.radius_km * 1000.0))
    around = np.unwrap(np.radians(longitudes))
    points = np.column_stack([np.degrees(around), latitudes])
    turned = round((around[-1] + _step(around) - around[0]) / (2 * np.pi))
    if turned:
        points = _closed_at_pole(points, 90.0 if circle.latitude > 0 else -90.0, turned)
    whole = shapely.make_valid(shapely.Polygon(points))
    world = shapely.box(-180, -90, 180, 90)
    shifted = (shapely.transform(whole, lambda xy, by=by: xy + np.array([by, 0.0])) for by in (-360.0, 0.0, 360.0))
    inside = (shapely.intersection(part, world) for part in shifted)
    return [part for found in inside for part in shapely.get_parts(found) if part.area > 0]


def _step(around: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return the angle from the last point on to the first, the short way."""
    return float((around[0] - around[-1] + np.pi) % (2 * np.pi) - np.pi)


def _closed_at_pole(
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]], pole: float, turned: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return a line that runs once around a pole as a ring, closed along the edge of the map."""
    end = points[0] + [360.0 * turned, 0.0]
    return np.vstack([points, end, [end[0], pole], [points[0][0], pole]])

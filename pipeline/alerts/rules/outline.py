"""Outlines for CAP: closed, valid, counter-clockwise rings of few vertices, without holes, inside +-180 degrees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.alerts.assessment import Ring

#: Grid of CAP coordinates, degrees (about 10 m).
PRECISION = 1e-4

#: Most vertices of one ring, the closing point included.
MAX_VERTICES = 100

#: Gaps up to twice this are closed in a contour, cells (about 10 km on a grid of 30 arc-seconds).
CLOSING = 6

#: Most rings of one area; what is beyond is joined into convex hulls.
MAX_RINGS = 20


def rings(geometry: Any) -> tuple[Ring, ...]:
    """Return the outlines of a (multi)polygon in degrees, greatest first; holes are filled.

    Longitudes beyond +-180 are brought back by cutting at the antimeridian. Where there are more than `MAX_RINGS`
    parts, the smaller ones are replaced by the convex hull of them all: the outline then covers more, never less.
    """
    parts = [shapely.Polygon(part.exterior) for part in _polygons(_within_world(shapely.make_valid(geometry)))]
    parts.sort(key=lambda part: (-part.area, part.bounds))
    if len(parts) > MAX_RINGS:
        rest = shapely.unary_union(parts[MAX_RINGS - 1 :]).convex_hull
        parts = [*parts[: MAX_RINGS - 1], rest]
    outlines = (_few_vertices(part) for part in parts)
    return tuple(_ring(outline) for outline in outlines if outline is not None)


def shape(outlines: Iterable[Ring]) -> Any:
    """Return the union of rings as one geometry."""
    return shapely.unary_union([shapely.Polygon(ring) for ring in outlines])


def likeness(one: Iterable[Ring], other: Iterable[Ring]) -> float:
    """Return the intersection over union of two sets of rings; 1 where both are empty."""
    left, right = shape(one), shape(other)
    union = shapely.union(left, right).area
    return 1.0 if union == 0 else float(shapely.intersection(left, right).area / union)


def contour(inside: NDArray[np.bool_], transform: Affine) -> Any:
    """Return the region of a mask as a geometry, freed of specks by a majority of 5 x 5 cells, with gaps closed.

    Parameters
    ----------
    inside
        dims (y, x).
    transform
        Cell (column, row) to coordinates.
    """
    room = CLOSING + 2
    padded = np.pad(inside, room)
    smooth = ndimage.uniform_filter(padded.astype(np.float32), 5, mode="constant") > 0.5
    mask = smooth if smooth.any() else padded
    mask |= ndimage.distance_transform_edt(ndimage.distance_transform_edt(~mask) <= CLOSING) > CLOSING
    mask = np.ascontiguousarray(mask[room:-room, room:-room])
    found = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, transform=transform)
    region = shapely.unary_union([shapely.geometry.shape(polygon) for polygon, _ in found])
    return region.simplify(abs(transform.a))


def _within_world(geometry: Any) -> Any:
    west, _, east, _ = geometry.bounds if not geometry.is_empty else (0, 0, 0, 0)
    if west >= -180 and east <= 180:
        return geometry
    world = shapely.box(-180, -90, 180, 90)
    turns = [shapely.transform(geometry, lambda xy, turn=turn: xy + np.array([turn, 0.0])) for turn in (-360.0, 0.0, 360.0)]
    return shapely.unary_union([shapely.intersection(turn, world) for turn in turns])


def _polygons(geometry: Any) -> list[Any]:
    parts = shapely.get_parts(shapely.set_precision(geometry, PRECISION))
    flat = [piece for part in parts for piece in (shapely.get_parts(part) if part.geom_type.startswith("Multi") else [part])]
    return [part for part in flat if part.geom_type == "Polygon" and not part.is_empty]


def _few_vertices(polygon: Any) -> Any | None:
    """Return the polygon with at most MAX_VERTICES, coarser step by step; its convex hull or box as a last resort."""
    tolerance = PRECISION
    candidate = polygon
    for _ in range(14):
        if len(candidate.exterior.coords) <= MAX_VERTICES and candidate.is_valid:
            return candidate
        whole = _polygons(shapely.simplify(polygon, tolerance))
        candidate = max(whole, key=lambda part: part.area, default=polygon)
        candidate = shapely.Polygon(candidate.exterior)
        tolerance *= 2
    return shapely.set_precision(polygon.envelope, PRECISION) if not polygon.is_empty else None


def _ring(polygon: Any) -> Ring:
    oriented = shapely.orient_polygons(polygon)
    return tuple((round(x, 4) + 0.0, round(y, 4) + 0.0) for x, y in oriented.exterior.coords)

"""Places and moments as clients write them, read and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape

from pipeline.errors import InputError
from pipeline.model import Bounds
from pipeline.products.index_row import boxes, is_instant, time_text

#: Kinds of geometry that Items may be asked to meet: all of GeoJSON.
GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")


def geometry(given: Any, where: str = "geometry") -> shapely.Geometry:
    """Return a GeoJSON geometry, or that of a feature, as a shape.

    Parameters
    ----------
    given
        As JSON has it.
    where
        What the geometry is, for the words of a refusal.

    Raises
    ------
    InputError
        Where it is none, one that cannot be compared, or one beyond the Earth.
    """
    if isinstance(given, Mapping) and given.get("type") == "Feature":
        given = given.get("geometry")
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: found {type(given).__name__}, expected a GeoJSON geometry")
    if given.get("type") not in GEOMETRIES:
        raise InputError(f"{where}: found type {str(given.get('type'))[:100]!r}, expected one of {', '.join(GEOMETRIES)}")
    try:
        found = shape(given)
    except (ShapelyError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise InputError(f"{where}: found one that cannot be read ({error}), expected a GeoJSON geometry") from error
    if found.is_empty or not found.is_valid:
        raise InputError(f"{where}: found {shapely.is_valid_reason(found)}, expected a valid geometry that is not empty")
    west, south, east, north = found.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(
            f"{where}: found one from {west:g}, {south:g} to {east:g}, {north:g}, expected longitudes of -180 to 180 and"
            " latitudes of -90 to 90 degrees; across the antimeridian two parts"
        )
    return found


def box(given: Sequence[float]) -> tuple[Bounds, ...]:
    """Return a bbox of 4 or 6 numbers as one or, across the antimeridian, two boxes on the ground."""
    if len(given) not in (4, 6):
        raise InputError(f"bbox: found {len(given)} numbers, expected 4 or 6")
    half = len(given) // 2
    west, south, east, north = (_degrees(given[place]) for place in (0, 1, half, half + 1))
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(
            f"bbox: found {str(list(given))[:100]}, expected west, south, east, north in degrees, south not above north"
        )
    return tuple(boxes((west, south, east, north)))


def _degrees(given: float) -> float:
    """Return a number as a float; a whole one may be larger than any."""
    try:
        return float(given)
    except OverflowError:
        return math.inf


def window(text: str) -> tuple[str | None, str | None]:
    """Return the first and the last moment of a date-time or an interval, open ends as None."""
    parts = text.split("/")
    if len(parts) > 2:
        raise InputError(f"datetime: found {text!r}, expected an RFC 3339 date-time or two with a slash between them")
    ends = [None if part in ("", "..") and len(parts) == 2 else instant("datetime", part) for part in parts]
    first, last = ends[0], ends[-1]
    if first is None and last is None:
        raise InputError(f"datetime: found {text!r}, expected at least one end that is not open")
    if first is not None and last is not None and first > last:
        raise InputError(f"datetime: found {text!r}, expected an interval that begins before it ends")
    return first, last


def instant(where: str, text: str) -> str:
    """Return an RFC 3339 date-time as the index writes it."""
    try:
        if is_instant(text):
            plain = text.upper().replace(" ", "T")
            datetime.fromisoformat(plain)  # the 30th of February looks like an instant
            return time_text(plain)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{where}: found {text!r} ({error}), expected an RFC 3339 date-time") from error
    raise InputError(f"{where}: found {text!r}, expected an RFC 3339 date-time such as 2024-01-22T18:09:04Z")

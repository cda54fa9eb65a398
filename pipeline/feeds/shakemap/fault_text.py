"""`fault.txt`: ruptures as ShakeMap 3 and many agencies write them, one corner a line.

Format: ShakeMap Manual, "Rupture Specification", and esi-shakelib 1.2.1 `text_to_json`. Its imperfections have names here:

- ORDER      latitude, longitude, depth (version 3) or longitude, latitude, depth (version 4), and no word says which: a
             first number beyond 90 is a longitude, a second one makes the first a latitude. Elsewhere the caller says it,
             or the order is the one that puts the rupture nearer to the hypocentre.
- SEPARATOR  spaces or commas; `>` between segments, also before the first and after the last.
- REFERENCE  lines with `#` in front.
- CLOSED     every segment ends at the corner it began with; one that does not may have been cut.
"""

from __future__ import annotations

import math
from typing import Literal

import xarray as xr

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import malformed, number
from pipeline.feeds.shakemap.rupture import Corner, Quad, corner, quads, to_dataset
from pipeline.feeds.shakemap.stations import decoded

Order = Literal["longitude latitude", "latitude longitude"]


def decode(data: bytes, where: str, *, order: Order | None = None, near: tuple[float, float] | None = None) -> xr.Dataset:
    """Return a rupture (see `rupture.to_dataset`).

    Parameters
    ----------
    data
        The text, UTF-8.
    where
        Its name, for messages.
    order
        Which of the first two numbers of a line is which (ORDER); None: found out.
    near
        Longitude and latitude of the hypocentre, degrees, to find it out by where the numbers do not tell.

    Raises
    ------
    FeedMalformed
        Naming file, line, what was found and what was expected; also where nothing tells the order.
    """
    segments, reference = _read(decoded(data, where), where)
    order = order or _order(segments, where, near)
    found: list[Quad] = []
    for place, segment in enumerate(segments):
        name = f"{where}: segment {place}"
        found += quads([_corner(line, name, order) for line in segment], name)
    return to_dataset(found, reference=reference)


def _read(text: str, where: str) -> tuple[list[list[list[float]]], str]:
    """Return the numbers of each line of each segment, and the reference (SEPARATOR, REFERENCE)."""
    segments: list[list[list[float]]] = [[]]
    reference: list[str] = []
    for place, line in enumerate((line.strip() for line in text.splitlines()), start=1):
        if line.startswith("#"):
            reference.append(line.lstrip("# ").strip())
        elif line.startswith(">"):
            segments.append([])
        elif line:
            values = line.replace(",", " ").split()
            if len(values) != 3:
                malformed(f"{where}#{place}", line, "three numbers: longitude, latitude and depth, or latitude first")
            segments[-1].append([number(value, f"{where}#{place}", (-1e4, 1e4)) for value in values])
    segments = [segment for segment in segments if segment]
    if not segments:
        malformed(where, f"{len(text)} characters", "at least one segment")
    return segments, " ".join(part for part in reference if part)


def _order(segments: list[list[list[float]]], where: str, near: tuple[float, float] | None) -> Order:
    lines = [line for segment in segments for line in segment]
    if any(abs(line[0]) > 90.0 for line in lines):
        return "longitude latitude"
    if any(abs(line[1]) > 90.0 for line in lines):
        return "latitude longitude"
    if near is None:
        raise FeedMalformed(f"{where}: found {lines[0]}, which may begin with longitude or latitude: say the order (ORDER)")
    first, second = (sum(line[k] for line in lines) / len(lines) for k in (0, 1))
    apart = [math.hypot((a - near[0] + 180.0) % 360.0 - 180.0, b - near[1]) for a, b in ((first, second), (second, first))]
    return "longitude latitude" if apart[0] <= apart[1] else "latitude longitude"


def _corner(line: list[float], where: str, order: Order) -> Corner:
    first, second, depth = line
    return corner([first, second, depth] if order == "longitude latitude" else [second, first, depth], where)

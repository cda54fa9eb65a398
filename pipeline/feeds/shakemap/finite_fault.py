"""Finite-fault products of the USGS: `FFM.geojson` (subfaults) and `basic_inversion.param` (segments).

Format: Hayes (2017), The finite, kinematic rupture properties of great-sized earthquakes since 1990, EPSL 468, 94-100,
doi:10.1016/j.epsl.2017.04.003, and the files themselves. Their imperfections have names here:

- METRES       depths of FFM.geojson are in metres, those of the .param in kilometres; no rupture ends above 1 km or below
               1000 km, so the deepest corner tells.
- SLIP         metres in FFM.geojson, centimetres in the .param.
- UNTOUCHED    the plane is larger than what slipped: `least_slip` leaves out subfaults of less than a share of the largest.
- ORDER        a ring goes along the top edge first, or down dip first.
- COUNTED      the .param says how many segments and subfaults it holds: fewer have been cut.
"""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from pipeline.feeds.origins import malformed, number, read_json
from pipeline.feeds.shakemap.rupture import Quad, corner, quads, to_dataset
from pipeline.feeds.shakemap.stations import decoded, mapping

#: METRES: a greater depth is in metres.
DEEPEST = 1000.0
#: SLIP: largest slip of any subfault, m.
LARGEST_SLIP = 200.0
#: How every .param begins.
PARAM = b"#Total number of fault_segments"
_SEGMENTS = re.compile(r"#Total number of fault_segments=\s*(\d{1,4})\s*")
_SEGMENT = re.compile(r"#Fault_segment\s*=\s*\d{1,4}\s*nx\(Along-strike\)\s*=\s*(\d{1,4})\s.*ny\(downdip\)\s*=\s*(\d{1,4})\s.*")


def decode_geojson(data: bytes, where: str, *, least_slip: float = 0.0) -> xr.Dataset:
    """Return a rupture with a quadrilateral for each subfault (see `rupture.to_dataset`), and `slip` (quad; m).

    Parameters
    ----------
    data
        FFM.geojson.
    where
        Its name, for messages.
    least_slip
        Share of the largest slip below which a subfault is left out (UNTOUCHED).

    Raises
    ------
    FeedMalformed
        Naming file, subfault, what was found and what was expected.
    """
    value = read_json(data, where)
    listed = value.get("features")
    if not isinstance(listed, list) or not listed:
        malformed(f"{where}: features", value.get("type"), "a list of subfaults")
    rings, slips = zip(*(_subfault(feature, f"{where}#{place}") for place, feature in enumerate(listed)), strict=True)
    deepest = max(number(place[2], f"{where}: depth", (-1e4, 1e6)) for ring in rings for place in ring)
    unit = 0.001 if deepest > DEEPEST else 1.0
    slip = np.array(slips)
    kept = np.flatnonzero(slip >= least_slip * slip.max())
    found: list[Quad] = []
    for k in kept:
        name = f"{where}#{k}"
        found += _one([corner(place, name, depth_unit=unit) for place in rings[k]], name)
    return _with_slip(found, slip[kept])


def decode_param(data: bytes, where: str) -> xr.Dataset:
    """Return a rupture with a quadrilateral for each segment, and its mean `slip` (quad; m).

    Raises
    ------
    FeedMalformed
        Naming file, segment, what was found and what was expected.
    """
    text = decoded(data, where)
    lines = [line.strip() for line in text.splitlines()]
    total = _SEGMENTS.fullmatch(lines[0]) if lines else None
    if total is None or not text.endswith(("\n", "\r")):
        malformed(where, lines[:1], "#Total number of fault_segments= and a last line that ends")
    starts = [place for place, line in enumerate(lines) if line.startswith("#Fault_segment")]
    if len(starts) != int(total[1]) or not starts:
        malformed(where, f"{len(starts)} segments", f"{total[1]} segments, at least one (COUNTED)")
    found: list[Quad] = []
    slips = []
    for place, (start, end) in enumerate(zip(starts, [*starts[1:], len(lines)], strict=True), start=1):
        quad, slip = _segment(lines[start:end], f"{where}: segment {place}")
        found.append(quad)
        slips.append(slip)
    return _with_slip(found, np.array(slips))


def _with_slip(found: list[Quad], slip: np.ndarray) -> xr.Dataset:
    dataset = to_dataset(found, reference="USGS finite-fault model")
    dataset["slip"] = ("quad", slip, {"units": "m"})
    return dataset


def _subfault(feature: object, where: str) -> tuple[list[list[object]], float]:
    """Return the ring of a subfault as it is written, and its slip."""
    said = mapping(feature, where, "a Feature")
    geometry = mapping(said.get("geometry"), f"{where}: geometry", "a Polygon")
    properties = mapping(said.get("properties"), f"{where}: properties", "an object with slip")
    rings = geometry.get("coordinates")
    ring = rings[0] if geometry.get("type") == "Polygon" and isinstance(rings, list) and rings else None
    if not isinstance(ring, list) or not all(isinstance(place, list) and len(place) == 3 for place in ring) or not ring:
        malformed(f"{where}: geometry", geometry.get("type"), "a Polygon with longitude, latitude and depth")
    return ring, number(properties.get("slip"), f"{where}: slip", (0.0, LARGEST_SLIP))


def _one(ring: list[tuple[float, float, float]], where: str) -> list[Quad]:
    found = quads(ring, where)
    if len(found) != 1:
        malformed(where, f"{len(ring)} corners", "a ring of four corners")
    return found


def _segment(lines: list[str], where: str) -> tuple[Quad, float]:
    """Return the boundary of a segment and the mean slip of its subfaults, m."""
    said = _SEGMENT.fullmatch(lines[0])
    if said is None:
        malformed(where, lines[0], "nx(Along-strike)= and ny(downdip)=")
    rows = [line.split() for line in lines[1:] if line and not line.startswith("#")]
    subfaults = int(said[1]) * int(said[2])
    boundary, cells = rows[:5], rows[5:]
    if len(cells) != subfaults or subfaults < 1 or any(len(row) != 3 for row in boundary):
        malformed(where, f"{len(cells)} subfaults", f"a boundary of 5 corners and {subfaults} subfaults (COUNTED)")
    if any(len(row) < 7 for row in cells):
        malformed(where, min(cells, key=len), "latitude, longitude, depth, slip, rake, strike, dip")
    slip = [number(row[3], f"{where}: slip", (0.0, LARGEST_SLIP * 100.0)) for row in cells]
    (quad,) = _one([corner(row, where) for row in boundary], where)
    return quad, sum(slip) / len(slip) / 100.0

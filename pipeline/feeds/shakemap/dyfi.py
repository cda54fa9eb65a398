"""Did You Feel It? of the USGS, geocoded: cells of 1 or 10 km as GeoJSON, and `cdi_geo.txt`.

Format: https://earthquake.usgs.gov/data/dyfi/; Wald et al. (2011), USGS "Did You Feel It?" internet-based macroseismic
intensity maps, Annals of Geophysics 54(6), doi:10.4401/ag-5354. Its imperfections have names here:

- OPEN_RING      the ring of a cell is not closed; its centre is the mean of its corners.
- NAME_TWICE     `name` holds the cell twice with <br> between.
- NO_DEVIATION   older files give no `stddev`; the one given is smaller than the one ShakeMap uses (see `deviation`).
- ALMOST_JSON    the order of keys is anything; `type` may come last.
- OLD_COLUMNS    texts before 2012 name the place ZIP/Location and have no standard deviation.
- SUSPECT        column "Suspect?" 1: the community decimal intensity is not trusted.
- UNTERMINATED   the last line of a text must end, or it may have been cut.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator

import xarray as xr

from pipeline.feeds.origins import longitude, malformed, number, optional, read_json
from pipeline.feeds.shakemap.amplitudes import Observation
from pipeline.feeds.shakemap.stationlist import features, point
from pipeline.feeds.shakemap.stations import (
    INTENSITIES,
    LEAST_RESPONSES,
    MMI_DEVIATION,
    Station,
    decoded,
    felt,
    mapping,
    responses_of,
    text,
    to_dataset,
)

NETWORK = "DYFI"
#: Columns every text has, as `_columns` spells them.
_REQUIRED = ("place", "cdi", "noofresponses", "latitude", "longitude")
_FIRST = ("geocodedbox", "ziplocation")


def deviation(responses: int) -> float:
    """Return the standard deviation of a cell's intensity, intensity units.

    0.25 exp(-n / 24.02) + 0.09 of Worden et al. (2012), Bull. Seismol. Soc. Am. 102, 204-221, which the files of the
    USGS give, and the 0.2 that ShakeMap 4 adds (`dyfi.stddev_function` of shakemap-modules 1.1.18, whose newer table by
    intensity is computed there and then not used); 0.3 where n is not known.
    """
    return MMI_DEVIATION if responses < 0 else round(0.25 * math.exp(-responses / 24.02) + 0.09 + 0.2, 4)


def decode_geojson(data: bytes, where: str, *, least_responses: int = LEAST_RESPONSES) -> xr.Dataset:
    """Return the cells of a GeoJSON as macroseismic stations (see `stations.to_dataset`), `mmi` and `mmi_std`.

    Raises
    ------
    FeedMalformed
        Naming file, cell, field, what was found and what was expected.
    """
    value = read_json(data, where)
    return to_dataset(
        [_cell(feature, f"{where}#{place}", least_responses) for place, feature in enumerate(features(value, where))]
    )


def decode_text(data: bytes, where: str, *, least_responses: int = LEAST_RESPONSES) -> xr.Dataset:
    """Return the cells of a `cdi_geo.txt` as macroseismic stations.

    Raises
    ------
    FeedMalformed
        Where there is no line that names the columns, or a line cannot be read.
    """
    lines = decoded(data, where).splitlines(keepends=True)
    columns = _columns(lines[0] if lines else "", where)
    found = []
    for place, line in enumerate(lines[1:], start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name = f"{where}#{place}"
        if not line.endswith(("\n", "\r")):
            malformed(name, line, "a line end (UNTERMINATED)")
        found.append(_row(line, columns, name, least_responses))
    return to_dataset(found)


def _cell(feature: object, where: str, least: int) -> Station:
    said = mapping(feature, where, "a Feature")
    properties = mapping(said.get("properties"), f"{where}: properties", "an object with cdi and nresp")
    if "cdi" not in properties:
        malformed(f"{where}: cdi", None, "an intensity")
    name = text(properties.get("name")).split("<br>")[0]
    return _felt(name, _centre(said, where), properties["cdi"], properties.get("nresp"), where, least)


def _centre(feature: dict[str, object], where: str) -> tuple[object, object]:
    """Return the centre of a cell (OPEN_RING), or its point."""
    geometry = mapping(feature.get("geometry"), f"{where}: geometry", "a Polygon")
    if geometry.get("type") == "Point":
        return point(feature, where)
    rings = geometry.get("coordinates")
    ring = rings[0] if isinstance(rings, list) and rings else None
    if not isinstance(ring, list) or len(ring) < 3 or not all(isinstance(c, list) and len(c) >= 2 for c in ring):
        malformed(f"{where}: geometry", geometry.get("type"), "a Polygon with a ring of corners")
    corners = ring[:-1] if ring[0] == ring[-1] else ring
    first = longitude(corners[0][0], where)
    east = [(longitude(corner[0], where) - first + 180.0) % 360.0 - 180.0 for corner in corners]
    north = [number(corner[1], f"{where}: latitude", (-90.0, 90.0)) for corner in corners]
    return first + sum(east) / len(corners), sum(north) / len(corners)


def _felt(
    name: str, place: tuple[object, object], cdi: object, responses: object, where: str, least: int, suspect: str = ""
) -> Station:
    if not name:
        malformed(f"{where}: name", name, "the name of a cell")
    count = responses_of(responses, where)
    value = optional(cdi, f"{where}: cdi", INTENSITIES)
    intensity = Observation(value, deviation(count), suspect) if value else Observation(flag=suspect)
    return felt(f"{NETWORK}.{name}", place, NETWORK, intensity, where, name=name, responses=count, least_responses=least)


def _columns(header: str, where: str) -> list[str]:
    """Return the columns' names in lower-case letters (OLD_COLUMNS)."""
    names = [re.sub(r"[^a-z]", "", name.lower()) for name in header.partition(":")[2].split(",")]
    names = ["place" if name in _FIRST else name for name in names]
    if not header.startswith("#") or not set(_REQUIRED) <= set(names) or not header.endswith(("\n", "\r")):
        malformed(where, header, "a line such as # Columns: Geocoded box,CDI,No. of responses,...,Latitude,Longitude,...")
    return names


def _row(line: str, columns: list[str], where: str, least: int) -> Station:
    values = next(_fields(line, where), [])
    if len(values) != len(columns):
        malformed(where, line, f"{len(columns)} columns")
    said = dict(zip(columns, (value.strip() for value in values), strict=True))
    suspect = "Suspect" if said.get("suspect", "0") not in ("", "0") else ""
    place = (said["longitude"], said["latitude"])
    return _felt(said["place"], place, said["cdi"], said["noofresponses"], where, least, suspect)


def _fields(line: str, where: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader([line], strict=True)
    except csv.Error as error:
        malformed(where, line, f"values with commas between ({error})")

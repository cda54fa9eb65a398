"""Stations as a table that a ministry writes itself: comma-separated values whose header names the units.

    # the network's own note, any number of lines
    station_id,longitude,latitude,pga[%g],pga_std,pgv[cm/s],sa_0p3[g],sa_1p0[g],mmi,nresp,vs30,flag,name
    KZ.KNDC,76.966,43.217,2.41,,1.9,0.051,0.012,,,760,,Almaty

- `station_id` (NET.CODE), `longitude`, `latitude` (degrees) and one measure at least must be there, in any order.
- A measure is pga, pgv, sa_<seconds with p for the point> with its unit in brackets ([%g], [g], [cm/s^2], [m/s^2];
  [cm/s], [m/s]), or mmi. `<measure>_std` is the standard deviation of ln, for mmi in intensity units; empty: exact,
  for mmi 0.3. Values are the greater of two horizontal components unless the caller says otherwise.
- `flag` other than empty or 0: not usable. `nresp`: people who reported. Empty, -- or null: no value.
- A line with `mmi` is a felt report and holds no other measure. UTF-8; every line ends, the last one too.
"""

from __future__ import annotations

import csv
import math
import re

import xarray as xr

from pipeline.feeds.origins import malformed, optional
from pipeline.feeds.shakemap.amplitudes import Observation, measure, observe, reason
from pipeline.feeds.shakemap.stationlist import VELOCITIES
from pipeline.feeds.shakemap.stations import (
    COMPONENT,
    INTENSITIES,
    LEAST_RESPONSES,
    MMI_DEVIATION,
    Station,
    decoded,
    felt,
    recorded,
    responses_of,
    to_dataset,
)

#: Columns that must be there.
REQUIRED = ("station_id", "longitude", "latitude")
#: Columns that may be there besides the measures and their deviations.
OTHERS = ("nresp", "vs30", "flag", "name")
_HEADER = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?:\s*\[(?P<unit>[^\]]+)\])?")


def decode(data: bytes, where: str, *, component: str = COMPONENT, least_responses: int = LEAST_RESPONSES) -> xr.Dataset:
    """Return the stations of a table (see `stations.to_dataset`).

    Raises
    ------
    FeedMalformed
        Naming file, line, column, what was found and what was expected.
    """
    lines = decoded(data, where).splitlines(keepends=True)
    rows = [(place, line) for place, line in enumerate(lines, start=1) if line.strip() and not line.startswith("#")]
    if not rows:
        malformed(where, f"{len(data)} bytes", "a header line")
    columns = _columns(_fields(*rows[0], where), where)
    found = [_station(_fields(place, line, where), columns, f"{where}#{place}", least_responses) for place, line in rows[1:]]
    return to_dataset(found, component=component)


def _fields(place: int, line: str, where: str) -> list[str]:
    if not line.endswith(("\n", "\r")):
        malformed(f"{where}#{place}", line, "a line end")
    try:
        return [value.strip() for value in next(csv.reader([line], strict=True))]
    except csv.Error as error:
        malformed(f"{where}#{place}", line, f"values with commas between ({error})")


def _columns(header: list[str], where: str) -> dict[str, str]:
    """Return the unit of every column by its name, in the header's order; "" where it has none."""
    columns: dict[str, str] = {}
    for entry in header:
        found = _HEADER.fullmatch(entry.lower())
        name = found["name"] if found else ""
        kind = measure(name.removesuffix("_std"))
        if name in columns or not (name in (*REQUIRED, *OTHERS) or kind == name.removesuffix("_std")):
            malformed(f"{where}: header", entry, f"each of {(*REQUIRED, *OTHERS)} and measures such as pga[%g], once")
        unit = (found["unit"] or "") if found else ""
        if not unit and kind == name and name != "mmi":
            malformed(f"{where}: header", entry, "a unit in brackets, such as pga[%g]")
        columns[name] = unit
    if not set(REQUIRED) <= columns.keys() or not any(measure(name) == name for name in columns):
        malformed(f"{where}: header", header, f"{REQUIRED} and at least one measure")
    return columns


def _station(values: list[str], columns: dict[str, str], where: str, least: int) -> Station:
    if len(values) != len(columns):
        malformed(where, values, f"{len(columns)} columns")
    said = dict(zip(columns, values, strict=True))
    id, flag = said["station_id"], reason(said.get("flag"))
    if not id:
        malformed(f"{where}: station_id", id, "a name, NET.CODE")
    place, network = (said["longitude"], said["latitude"]), id.split(".")[0]
    vs30 = optional(said.get("vs30"), f"{where}: vs30", VELOCITIES) or math.nan
    intensity = optional(said.get("mmi"), f"{where}: mmi", INTENSITIES)
    if intensity:
        spread = optional(said.get("mmi_std"), f"{where}: mmi_std", (0.0, 10.0)) or MMI_DEVIATION
        count = responses_of(said.get("nresp"), where)
        seen = Observation(intensity, spread, flag)
        return felt(
            id, place, network, seen, where, name=said.get("name", ""), responses=count, least_responses=least, vs30=vs30
        )
    observations = {
        name: _observed(name, unit, said, f"{where}: {name}", flag)
        for name, unit in columns.items()
        if measure(name) == name and name != "mmi"
    }
    return recorded(id, place, network, observations, where, name=said.get("name", ""), vs30=vs30)


def _observed(name: str, unit: str, said: dict[str, str], where: str, flag: str) -> Observation:
    seen = observe(name, said[name], unit, where, flag=flag, deviation=said.get(f"{name}_std"))
    return Observation(flag=seen.flag) if seen.flag else seen

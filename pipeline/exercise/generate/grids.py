"""Model cycles as NOAA and ECMWF publish them: one GRIB2 file a step and an index of its messages beside it.

Their imperfections are kept. GFS: precipitation comes twice, in buckets that begin anew every six hours and from the
start of the forecast (in the first six hours both are the same record, twice); none at step 0; wgrib2 counts whole
days as days. ECMWF: precipitation in metres from the start, the index as lines of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from pipeline.exercise.generate import weather as atmosphere
from pipeline.exercise.generate.weather import Field, Weather
from pipeline.exercise.scenario import Cycle, WeatherGrid
from pipeline.feeds.grib_library import eccodes

#: Public origins of the files.
GFS, ECMWF = "noaa-gfs-bdp-pds.s3.amazonaws.com", "data.ecmwf.int"
#: Length of a bucket of precipitation, h (GFS).
BUCKET = 6
#: kg m-2 in a metre of water.
METRE = 1000.0
#: Surfaces (GRIB2 code table 4.5) and what wgrib2 calls them.
_SURFACE, _ABOVE_GROUND, _SEA_LEVEL = 1, 103, 101
#: GRIB2 numbers of parameters: category and number within discipline 0; surface, height (m).
_PARAMETERS: Mapping[str, tuple[int, int, int, int]] = {
    "PRMSL": (3, 1, _SEA_LEVEL, 0),
    "TMP": (0, 0, _ABOVE_GROUND, 2),
    "DPT": (0, 6, _ABOVE_GROUND, 2),
    "RH": (1, 1, _ABOVE_GROUND, 2),
    "UGRD": (2, 2, _ABOVE_GROUND, 10),
    "VGRD": (2, 3, _ABOVE_GROUND, 10),
    "APCP": (1, 8, _SURFACE, 0),
}
#: ECMWF's short names, and what their precipitation is in GRIB2 (local parameter 193 of centre 98, metres).
_ECMWF = {"PRMSL": "msl", "TMP": "2t", "DPT": "2d", "UGRD": "10u", "VGRD": "10v", "TP": "tp"}
_TOTAL_PRECIPITATION = (1, 193, _SURFACE, 0)


@dataclass(frozen=True)
class Message:
    """One field: name, period since the cycle (h) and values, dims (y, x)."""

    name: str
    values: Field
    start: int
    end: int
    accumulated: bool = False
    keys: Mapping[str, int] = field(default_factory=dict)


def cycle_files(news: Cycle, grid: WeatherGrid, seed: int) -> dict[str, bytes]:
    """Return the files of a cycle by HOST/PATH, indices included."""
    fallen = atmosphere.rain(grid, seed, news.cycle, news.last)
    made: dict[str, bytes] = {}
    for step in range(0, news.last + 1, news.every):
        now = atmosphere.weather(grid, seed, news.cycle, step)
        messages = list(_gfs(now, fallen, step) if news.model == "gfs" else _ecmwf(now, fallen, step))
        encoded = [_encode(message, grid, news) for message in messages]
        path = _path(news, step)
        made[path] = b"".join(encoded)
        index = _idx if news.model == "gfs" else _index
        suffix = f"{path}.idx" if news.model == "gfs" else f"{path.removesuffix('.grib2')}.index"
        made[suffix] = index(messages, encoded, news.cycle)
    return made


def _gfs(now: Weather, fallen: Field, step: int) -> Iterator[Message]:
    yield Message("PRMSL", _pressure(now), step, step)
    yield Message("TMP", now.temperature, step, step)
    yield Message("DPT", now.dew_point, step, step)
    yield Message("RH", now.relative_humidity, step, step)
    yield Message("UGRD", now.eastward_wind, step, step)
    yield Message("VGRD", now.northward_wind, step, step)
    if step:
        begin = (step - 1) // BUCKET * BUCKET
        yield Message("APCP", fallen[step] - fallen[begin], begin, step, accumulated=True)
        yield Message("APCP", fallen[step], 0, step, accumulated=True)


def _ecmwf(now: Weather, fallen: Field, step: int) -> Iterator[Message]:
    yield Message("PRMSL", _pressure(now), step, step)
    yield Message("TMP", now.temperature, step, step)
    yield Message("DPT", now.dew_point, step, step)
    yield Message("UGRD", now.eastward_wind, step, step)
    yield Message("VGRD", now.northward_wind, step, step)
    yield Message("TP", fallen[step] / METRE, 0, step, accumulated=True)


def _pressure(now: Weather) -> Field:
    """Return a pressure field that nobody is to read, Pa."""
    return 101_500.0 - 20.0 * (now.temperature - 283.0)


def _path(news: Cycle, step: int) -> str:
    day, hour = f"{news.cycle:%Y%m%d}", f"{news.cycle:%H}"
    if news.model == "gfs":
        return f"{GFS}/gfs.{day}/{hour}/atmos/gfs.t{hour}z.pgrb2.0p25.f{step:03d}"
    return f"{ECMWF}/forecasts/{day}/{hour}z/ifs/0p25/oper/{day}{hour}0000-{step}h-oper-fc.grib2"


def _encode(message: Message, grid: WeatherGrid, news: Cycle) -> bytes:
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    try:
        for key, value in _header(message, grid, news):
            eccodes.codes_set(handle, key, value)
        eccodes.codes_set_values(handle, np.ascontiguousarray(message.values).ravel())
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def _header(message: Message, grid: WeatherGrid, news: Cycle) -> Iterator[tuple[str, int | float]]:
    """Yield GRIB keys and values, in the order in which they must be set."""
    rows, columns = message.values.shape
    west, south, east, north = grid.bounds
    ecmwf = news.model == "ecmwf"
    yield from (("centre", 98 if ecmwf else 7), ("tablesVersion", 27 if ecmwf else 2), ("localTablesVersion", 1))
    yield from (("significanceOfReferenceTime", 1), ("productionStatusOfProcessedData", 1), ("typeOfProcessedData", 1))
    yield from (("dataDate", int(f"{news.cycle:%Y%m%d}")), ("dataTime", news.cycle.hour * 100))
    yield from (("Ni", columns), ("Nj", rows), ("iScansNegatively", 0), ("jScansPositively", 0))
    yield from (("latitudeOfFirstGridPointInDegrees", north), ("latitudeOfLastGridPointInDegrees", south))
    yield from (("longitudeOfFirstGridPointInDegrees", west), ("longitudeOfLastGridPointInDegrees", east))
    yield from (("iDirectionIncrementInDegrees", grid.resolution), ("jDirectionIncrementInDegrees", grid.resolution))
    category, number, surface, height = _TOTAL_PRECIPITATION if message.name == "TP" else _PARAMETERS[message.name]
    yield ("productDefinitionTemplateNumber", 8 if message.accumulated else 0)
    yield from (("parameterCategory", category), ("parameterNumber", number))
    yield from (("typeOfGeneratingProcess", 2), ("generatingProcessIdentifier", 96))
    yield from (("typeOfFirstFixedSurface", surface), ("scaleFactorOfFirstFixedSurface", 0))
    yield from (("scaledValueOfFirstFixedSurface", height), ("indicatorOfUnitOfTimeRange", 1))
    yield ("forecastTime", message.start)
    if message.accumulated:
        yield from (("typeOfStatisticalProcessing", 1), ("indicatorOfUnitForTimeRange", 1))
        yield from (("lengthOfTimeRange", message.end - message.start), ("typeOfTimeIncrement", 2))
        yield from _end(news.cycle, message.end)
    yield from (("bitsPerValue", 16),)


def _end(cycle: datetime, step: int) -> Iterator[tuple[str, int]]:
    moment = cycle + step * atmosphere.HOUR
    for name in ("year", "month", "day", "hour", "minute", "second"):
        yield f"{name}OfEndOfOverallTimeInterval", getattr(moment, name)


def _idx(messages: list[Message], encoded: list[bytes], cycle: datetime) -> bytes:
    lines, offset = [], 0
    for number, (message, data) in enumerate(zip(messages, encoded, strict=True), start=1):
        lines.append(f"{number}:{offset}:d={cycle:%Y%m%d%H}:{message.name}:{_level(message)}:{_period(message)}:\n")
        offset += len(data)
    return "".join(lines).encode()


def _level(message: Message) -> str:
    _, _, surface, height = _PARAMETERS[message.name]
    return {_SURFACE: "surface", _SEA_LEVEL: "mean sea level"}.get(surface, f"{height} m above ground")


def _period(message: Message) -> str:
    if message.accumulated:
        whole_days = message.start % 24 == 0 and message.end % 24 == 0
        unit, length = ("day", 24) if whole_days else ("hour", 1)
        return f"{message.start // length}-{message.end // length} {unit} acc fcst"
    return f"{message.end} hour fcst" if message.end else "anl"


def _index(messages: list[Message], encoded: list[bytes], cycle: datetime) -> bytes:
    lines, offset = [], 0
    for message, data in zip(messages, encoded, strict=True):
        entry = {"domain": "g", "date": f"{cycle:%Y%m%d}", "time": f"{cycle:%H%M}", "expver": "0001", "class": "od"}
        entry |= {"type": "fc", "stream": "oper", "step": str(message.end), "levtype": "sfc", "param": _ECMWF[message.name]}
        lines.append(json.dumps({**entry, "_offset": offset, "_length": len(data)}) + "\n")
        offset += len(data)
    return "".join(lines).encode()

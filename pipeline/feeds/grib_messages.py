"""The messages of a GRIB stream: found, measured and described, every one accounted for; editions 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FeedMalformed
from pipeline.feeds.grib_library import eccodes
from pipeline.feeds.grib_names import Parameter, parameter

#: Archives pad messages with zero bytes to whole blocks of this many bytes (ECMWF MARS).
_BLOCK = 120
#: Marks a missing value while a message is unpacked; no physical quantity reaches it.
_MISSING = 1e36
#: Length of a step unit by GRIB code table 4.4.
_STEP_UNITS = {
    0: timedelta(minutes=1),
    1: timedelta(hours=1),
    2: timedelta(days=1),
    10: timedelta(hours=3),
    11: timedelta(hours=6),
    12: timedelta(hours=12),
    13: timedelta(seconds=1),
}
#: Ensemble products by code table 4.7.
_DERIVED = {0: "mean", 1: "weighted_mean", 2: "standard_deviation", 3: "normalised_standard_deviation", 4: "spread"}
#: Kinds of level that need no word in a variable's name, with the heights (m) that are standard; none: all are.
_PLAIN = {
    "surface": None,
    "meanSea": None,
    "heightAboveSea": None,
    "atmosphere": None,
    "entireAtmosphere": None,
    "heightAboveGround": (2, 10),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How the values of a message lie on the ground."""

    kind: str
    """ecCodes gridType; `regular_ll` has rows and columns, any other is a list of points."""
    size: int
    rows: int = 0
    columns: int = 0
    first: tuple[float, float] = (0.0, 0.0)
    """Latitude and longitude of the first value, degrees."""
    last: tuple[float, float] = (0.0, 0.0)
    by_columns: bool = False
    """Whether consecutive values run along a meridian."""
    alternating: bool = False
    """Whether every other row runs backwards."""
    digest: str = ""
    """Checksum of the grid's definition."""

    @property
    def is_regular(self) -> bool:
        """Whether the values lie on a grid with constant steps of latitude and longitude."""
        return self.kind == "regular_ll" and self.rows > 1 and self.columns > 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its bytes and what they are about."""

    data: bytes
    offset: int
    """First byte in the stream."""
    label: str
    """In ecCodes' words, for people: `tp surface 0 0-6`."""
    parameter: Parameter | None
    """None where nobody names it."""
    suffix: str
    """What the variable's name needs beyond the parameter: level, ensemble product."""
    centre: str
    reference: datetime
    start: timedelta
    """Lead time at which the value's interval starts."""
    end: timedelta
    """Lead time at which it ends; equal to start for an instant."""
    statistic: str
    """ecCodes stepType: instant, accum, avg, max, min."""
    member: int | None
    layout: Layout
    probability: bool = False
    """Whether the value is the probability of an event, not the quantity."""
    is_test: bool = False
    """Whether the producer says that it is a test product (code table 1.3), as those of an exercise are."""

    @property
    def variable(self) -> str:
        """Name of the variable it belongs to, "" where nobody names the parameter."""
        if self.parameter is None:
            return ""
        statistic = "" if self.statistic in ("instant", "accum") else f"_{self.statistic}"
        return self.parameter.name + self.suffix + statistic


def spans(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    """Yield (first byte, byte after the last) of every message in a stream; zero bytes may pad them to blocks.

    Raises
    ------
    FeedMalformed
        Where anything else lies between messages, or the stream ends within a message or its padding.
    """
    place, blocked = 0, True
    while place < len(data):
        if data[place : place + 4] != b"GRIB":
            padded = _after_padding(data, place)
            if place == 0 or padded == place:
                raise FeedMalformed(f"{name}: byte {place}: found {data[place : place + 8]!r}, expected GRIB")
            if padded == len(data) and blocked and padded % _BLOCK:
                raise FeedMalformed(f"{name}: ends at byte {padded} within padding, expected a multiple of {_BLOCK}")
            place = padded
            continue
        blocked &= place % _BLOCK == 0
        end = place + _length(data, place, name)
        if end > len(data) or data[end - 4 : end] != b"7777":
            raise FeedMalformed(f"{name}: message at byte {place} should end with 7777 at {end}; found {len(data)} bytes")
        yield place, end
        place = end


def _after_padding(data: bytes, place: int) -> int:
    rest = data[place:].lstrip(b"\0")
    return len(data) - len(rest)


def _length(data: bytes, place: int, name: str) -> int:
    if len(data) < place + 16:
        raise FeedMalformed(f"{name}: byte {place}: cut within the first section of a message")
    edition = data[place + 7]
    if edition == 2:
        length = int.from_bytes(data[place + 8 : place + 16], "big")
    elif edition == 1:
        length = int.from_bytes(data[place + 4 : place + 7], "big")
    else:
        raise FeedMalformed(f"{name}: byte {place}: GRIB edition {edition}, expected 1 or 2")
    if length < 20 or (edition == 1 and length >= 1 << 23):
        raise FeedMalformed(f"{name}: byte {place}: message of {length} bytes, expected a length that can be")
    return length


def read_messages(data: bytes, name: str) -> list[Message]:
    """Return every message of a stream, described; no value is unpacked.

    Raises
    ------
    FeedMalformed
        Where the stream is cut, is no GRIB, or a message's description makes no sense.
    """
    found = [_describe(data[first:end], first, name) for first, end in list(spans(data, name))]
    if not found:
        raise FeedMalformed(f"{name}: found {len(data)} bytes without a message, expected GRIB")
    return found


def values(data: bytes, offset: int) -> NDArray[np.float64]:
    """Return the unpacked values of one message in the order of its scanning, NaN where missing.

    Raises
    ------
    FeedMalformed
        Where they cannot be unpacked.
    """
    with _opened(data, offset, "GRIB") as handle:
        eccodes.codes_set(handle, "missingValue", _MISSING)
        found = np.asarray(eccodes.codes_get_values(handle), dtype=np.float64)
        if _get(handle, "bitmapPresent", 0) or _get(handle, "numberOfMissing", 0):
            found[found == _MISSING] = np.nan
        return found


def coordinates(data: bytes, offset: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return latitude and longitude (-180..180) of every value of one message, degrees.

    Raises
    ------
    FeedMalformed
        Where its grid carries none.
    """
    with _opened(data, offset, "GRIB") as handle:
        latitude = np.asarray(eccodes.codes_get_array(handle, "latitudes"), dtype=np.float64)
        longitude = np.asarray(eccodes.codes_get_array(handle, "longitudes"), dtype=np.float64)
        return latitude, (longitude + 180) % 360 - 180


@contextmanager
def _opened(data: bytes, offset: int, name: str) -> Iterator[int]:
    """Open one message for ecCodes; whatever it says against it becomes FeedMalformed."""
    handle: int | None = None
    try:
        handle = eccodes.codes_new_from_message(data)
        yield handle
    except eccodes.CodesInternalError as error:
        raise FeedMalformed(f"{name}: message at byte {offset}: ecCodes: {error}") from error
    finally:
        if handle is not None:
            eccodes.codes_release(handle)


def _get(handle: int, key: str, default: Any, kind: type | None = None) -> Any:
    """Return a key's value, or the default where the message has no such key."""
    if not eccodes.codes_is_defined(handle, key):
        return default
    return eccodes.codes_get(handle, key, kind)


def _describe(data: bytes, offset: int, name: str) -> Message:
    with _opened(data, offset, name) as handle:
        centre = str(_get(handle, "centre", "unknown", str))
        code = [int(_get(handle, key, 0)) for key in ("discipline", "parameterCategory", "parameterNumber")]
        short_name, long_name, units = (str(_get(handle, key, "unknown", str)) for key in ("shortName", "name", "units"))
        start, end = _lead(handle, offset, name)
        level_type, level = str(_get(handle, "typeOfLevel", "unknown", str)), int(_get(handle, "level", 0))
        template = int(_get(handle, "productDefinitionTemplateNumber", 0))
        known = parameter(short_name, long_name, units, (centre, code[0], code[1], code[2]))
        statistic = str(_get(handle, "stepType", "instant", str))
        if statistic == "instant" and end > start and known is not None and known.is_amount:
            statistic = "accum"  # the kind of statistic is left out; an amount over an interval has but one
        return Message(
            data=data,
            offset=offset,
            label=f"{short_name} {code} {level_type} {level} {_get(handle, 'stepRange', '', str)}",
            parameter=known,
            suffix=_suffix(level_type, level, _get(handle, "derivedForecast", None)),
            centre=centre,
            reference=_reference(handle, offset, name),
            start=start,
            end=end,
            statistic=statistic,
            member=_get(handle, "number", None),
            layout=_layout(handle),
            probability=template in (5, 9),
            is_test=int(_get(handle, "productionStatusOfProcessedData", 0)) == 1,
        )


def _reference(handle: int, offset: int, name: str) -> datetime:
    date, time = int(_get(handle, "dataDate", 0)), int(_get(handle, "dataTime", 0))
    try:
        return datetime.strptime(f"{date:08d}{time:04d}", "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise FeedMalformed(f"{name}: message at byte {offset}: reference time {date} {time}: {error}") from error


def _lead(handle: int, offset: int, name: str) -> tuple[timedelta, timedelta]:
    units = int(_get(handle, "stepUnits", 1, int))
    if units not in _STEP_UNITS:
        raise FeedMalformed(f"{name}: message at byte {offset}: step unit {units}, expected one of {sorted(_STEP_UNITS)}")
    start, end = (int(_get(handle, key, 0, int)) * _STEP_UNITS[units] for key in ("startStep", "endStep"))
    return start, end


def _suffix(level_type: str, level: int, derived: int | None) -> str:
    if level_type == "isobaricInhPa":
        suffix = f"_{level}hPa"
    elif level_type in _PLAIN and (_PLAIN[level_type] is None or level in (_PLAIN[level_type] or ())):
        suffix = ""
    elif level_type == "heightAboveGround":
        suffix = f"_{level}m"
    else:
        suffix = f"_{level_type}_{level}"
    return suffix if derived is None else f"{suffix}_{_DERIVED.get(derived, f'derived_{derived}')}"


def _layout(handle: int) -> Layout:
    kind = str(_get(handle, "gridType", "unknown", str))
    size = int(eccodes.codes_get_size(handle, "values"))
    digest = str(_get(handle, "md5GridSection", "", str))
    if kind != "regular_ll":
        return Layout(kind, size, digest=digest)
    corners = [
        float(_get(handle, f"{axis}Of{place}GridPointInDegrees", 0.0, float))
        for place in ("First", "Last")
        for axis in ("latitude", "longitude")
    ]
    return Layout(
        kind=kind,
        size=size,
        rows=int(_get(handle, "Nj", 0)),
        columns=int(_get(handle, "Ni", 0)),
        first=(corners[0], corners[1]),
        last=(corners[2], _unwrapped(corners[1], corners[3], bool(_get(handle, "iScansNegatively", 0)))),
        by_columns=bool(_get(handle, "jPointsAreConsecutive", 0)),
        alternating=bool(_get(handle, "alternativeRowScanning", 0)),
        digest=digest,
    )


def _unwrapped(first: float, last: float, westward: bool) -> float:
    """Return the last longitude such that steps from the first keep one direction across 0 or 180 degrees."""
    if westward:
        return last if last < first else last - 360
    return last if last > first else last + 360

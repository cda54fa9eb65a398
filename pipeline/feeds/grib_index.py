"""An index of a GRIB file: which message begins where, as ECMWF (`.index`) and NOAA (`.idx`) publish it.

| format | one line                                                                | a record ends              |
|--------|-------------------------------------------------------------------------|----------------------------|
| ecmwf  | `{"param": "2t", "levtype": "sfc", "step": "6", "_offset": 0, "_length": 9}` | at `_offset + _length` |
| wgrib2 | `10:3769502:d=2026082600:TMP:2 m above ground:6 hour fcst:ENS=+1`       | where the next one begins  |

Every line ends with a line feed; a file that does not was cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import FeedMalformed

#: Bytes between two wanted messages that are fetched along rather than asked for in another request.
NEIGHBOURS = 65_536

_WGRIB2 = re.compile(
    r"(?P<number>\d+)(?:\.\d+)?:(?P<offset>\d+):d=(?P<reference>\d{10})(?:\d\d)?"
    r":(?P<parameter>[^:]+):(?P<level>[^:]*):(?P<period>[^:]+):(?P<rest>.*)"
)
_MEMBER = re.compile(r"(?:\A|:)ENS=([+-]?\d+)(?:\Z|:)")


@dataclass(frozen=True, slots=True)
class Record:
    """One message of an indexed file."""

    key: str
    """What it holds, in the source's own words: `TMP:2 m above ground`, `2t:sfc`, `t:pl:850`."""
    period: str
    """The step or interval, in the source's own words: `6 hour fcst`, `0-6 hour acc fcst`, `6`."""
    start: int
    """First byte."""
    end: int | None
    """The byte after the last; None: the end of the file."""
    reference: datetime
    member: int | None = None


class _EcmwfLine(BaseModel):
    model_config = ConfigDict(extra="ignore")

    date: str = Field(pattern=r"^\d{8}$")
    time: str = Field(pattern=r"^\d{4}$")
    param: str = Field(min_length=1)
    levtype: str
    levelist: str | int | None = None
    step: str | int
    number: str | int | None = None
    offset: int = Field(alias="_offset", ge=0)
    length: int = Field(alias="_length", gt=0)


def looks_like_index(data: bytes) -> bool:
    """Whether a payload begins as an index does."""
    return data[:1] == b"{" or re.match(rb"\d+(\.\d+)?:\d*(:|\Z)", data[:40]) is not None


def parse_idx(text: str, name: str = "index") -> list[Record]:
    """Return every record of an index, in the order of the file, repeated ones included.

    Raises
    ------
    FeedMalformed
        Where the text is cut, empty, or a line is not understood.
    """
    if not text.endswith("\n"):
        raise FeedMalformed(f"{name}: {text[-60:]!r} is not ended by a line feed; expected whole lines")
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise FeedMalformed(f"{name}: found no record, expected at least one")
    if lines[0].startswith("{"):
        return [_ecmwf(line, name, place) for place, line in enumerate(lines, 1)]
    return _wgrib2(lines, name)


def distinct(records: Iterable[Record]) -> list[Record]:
    """Return records without repetitions: of those that hold the same for the same period, the first."""
    first: dict[tuple[str, str, int | None, datetime], Record] = {}
    for record in records:
        first.setdefault((record.key, record.period, record.member, record.reference), record)
    return list(first.values())


def merged(records: Sequence[Record], gap: int = NEIGHBOURS) -> list[tuple[int, int | None]]:
    """Return the byte ranges (first, after the last) that cover the records, near neighbours in one range."""
    ranges: list[tuple[int, int | None]] = []
    for record in sorted(records, key=lambda r: r.start):
        if ranges and (ranges[-1][1] is None or record.start <= ranges[-1][1] + gap):
            first, end = ranges[-1]
            ranges[-1] = (first, None if end is None or record.end is None else max(end, record.end))
        else:
            ranges.append((record.start, record.end))
    return ranges


def _ecmwf(line: str, name: str, place: int) -> Record:
    try:
        found = _EcmwfLine.model_validate(json.loads(line))
        reference = datetime.strptime(found.date + found.time, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except (ValidationError, ValueError, RecursionError) as error:
        raise FeedMalformed(f"{name}: line {place}: {line[:120]!r}: expected an ECMWF index record: {error}") from error
    level = "" if found.levelist is None else f":{found.levelist}"
    return Record(
        key=f"{found.param}:{found.levtype}{level}",
        period=str(found.step),
        start=found.offset,
        end=found.offset + found.length,
        reference=reference,
        member=None if found.number is None else int(found.number),
    )


def _wgrib2(lines: Sequence[str], name: str) -> list[Record]:
    matches = []
    for place, line in enumerate(lines, 1):
        match = _WGRIB2.fullmatch(line)
        if match is None:
            raise FeedMalformed(f"{name}: line {place}: {line[:120]!r}: expected number:offset:d=YYYYMMDDHH:name:level:period:")
        matches.append(match)
    starts = [int(match["offset"]) for match in matches]
    if starts != sorted(starts):
        raise FeedMalformed(f"{name}: offsets go back; expected them in the order of the file")
    following = dict(zip(sorted(set(starts)), sorted(set(starts))[1:], strict=False))
    return [_wgrib2_record(match, name, following) for match in matches]


def _wgrib2_record(match: re.Match[str], name: str, following: dict[int, int]) -> Record:
    try:
        reference = datetime.strptime(match["reference"], "%Y%m%d%H").replace(tzinfo=UTC)
    except ValueError as error:
        raise FeedMalformed(f"{name}: reference time {match['reference']!r}: {error}") from error
    member = _MEMBER.search(match["rest"])
    start = int(match["offset"])
    return Record(
        key=f"{match['parameter']}:{match['level']}",
        period=match["period"],
        start=start,
        end=following.get(start),
        reference=reference,
        member=None if member is None else int(member[1]),
    )

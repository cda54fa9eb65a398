"""What a request for features says: which messages, how many, in which language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query

from pipeline.errors import InputError
from pipeline.model import Bounds
from pipeline.service.alerts.find import Wanted
from pipeline.service.refused import refused

#: Features on a page where the client names no number.
PAGE = 100

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d)?([.,]\d+)?([Zz]|[+ -]\d\d:?\d\d)?|\d{4}-\d\d-\d\d")

Lang = Annotated[
    str | None,
    Query(max_length=200, description="Languages of the texts, the dearest first: ru or kk,ru; else Accept-Language says"),
]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
#: The only reference system: longitude first, as GeoJSON has it. Clients name it though nothing else is offered.
Crs = Literal["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for features says, its texts not yet read."""

    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees; west > east crosses 180")] = None
    datetime: Annotated[str | None, Query(description="A moment, or start/end with .. for an open end (RFC 3339)")] = None
    limit: Annotated[int, Query(ge=1, description="Most features on a page")] = PAGE
    token: Annotated[str | None, Query(max_length=400, description="Place to go on from, as the link `next` gives it")] = None
    active: Annotated[bool | None, Query(description="Only warnings that stand now (true), or only others (false)")] = None
    hazard: Annotated[str | None, Query(max_length=100, description="Id of a hazard")] = None
    severity: Annotated[Severity | None, Query(description="CAP severity")] = None
    status: Annotated[Status | None, Query(description="CAP status")] = None
    incident: Annotated[str | None, Query(min_length=1, max_length=400, description="CAP incident")] = None
    lang: Lang = None
    crs: Annotated[Crs | None, Query(description="Reference system of the answer")] = None
    bbox_crs: Annotated[Crs | None, Query(alias="bbox-crs", description="Reference system of bbox")] = None

    def wanted(self) -> Wanted:
        """Return which messages are asked for.

        Raises
        ------
        HTTPException
            400, where a box or a time is none.
        """
        start, end = period(self.datetime)
        same = {"hazard": self.hazard, "severity": self.severity, "status": self.status, "incident": self.incident}
        given = {name: value for name, value in same.items() if value is not None}
        return Wanted(boxes(self.bbox), start, end, self.active, given)

    def cursor(self) -> tuple[str, str] | None:
        """Return the place to go on from; None: from the newest.

        Raises
        ------
        HTTPException
            400, where the token is none of ours.
        """
        if self.token is None:
            return None
        sent, separator, identifier = self.token.partition("~")
        if not separator or not identifier:
            raise refused(400, f"found token {self.token!r}, expected the one of a link `next`")
        return sent, identifier


def boxes(text: str | None) -> tuple[Bounds, ...]:
    """Return the boxes that a `bbox` asks for: two where it crosses the antimeridian; heights are left out.

    Raises
    ------
    HTTPException
        400, where it is none.
    """
    if text is None:
        return ()
    expected = f"found bbox = {text!r}, expected west,south,east,north in degrees, south <= north"
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise refused(400, expected) from error
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4:
        raise refused(400, expected)
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise refused(400, expected)
    if west > east:
        return (west, south, 180.0, north), (-180.0, south, east, north)
    return ((west, south, east, north),)


def period(text: str | None) -> tuple[datetime | None, datetime | None]:
    """Return the first and last moment that a `datetime` asks for; None where an end is open.

    Raises
    ------
    HTTPException
        400, where it is none.
    """
    if text is None:
        return None, None
    parts = text.split("/")
    try:
        if len(parts) == 1:
            return _read_time(parts[0], last=False), _read_time(parts[0], last=True)
        if len(parts) == 2:
            start = None if parts[0] in ("", "..") else _read_time(parts[0], last=False)
            end = None if parts[1] in ("", "..") else _read_time(parts[1], last=True)
            if start is None or end is None or start <= end:
                return start, end
    except (InputError, ValueError, OverflowError) as error:
        raise refused(400, f"found datetime = {text!r}: {error}") from error
    raise refused(400, f"found datetime = {text!r}, expected a moment or start/end, start before end")


def _read_time(text: str, *, last: bool) -> datetime:
    """Return a moment; of a whole day, its first or last second."""
    if not _TIME.fullmatch(text):
        raise InputError(f"found {text!r}, expected 2024-01-22T18:00:00Z or 2024-01-22")
    # A blank is what is left of the + of an offset that was not encoded.
    found = datetime.fromisoformat(re.sub(r"(\d) (\d\d:?\d\d)$", r"\1+\2", text).upper().replace(",", "."))
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found + timedelta(days=1, seconds=-1) if last and len(text) == 10 else found

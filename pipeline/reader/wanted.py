"""What is asked for: the conditions on Items, as people write them and as Items satisfy them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import shapely

from pipeline.errors import InputError
from pipeline.model import Bounds, Event, RegionPeriod, Subject, Window, moment, subject_from_key

#: A moment, a day (`2024-04-05`), a month (`2024-04`), or the first and the last of them.
Time = str | date | datetime | tuple[str | date | datetime, str | date | datetime]

#: Our own ids of events.
_OURS = re.compile(r"eq\d{14}[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions that hold together; None asks for nothing."""

    hazard: str
    event: str | None = None
    """Our id, or that of any agency."""
    region: str | None = None
    item: str | None = None
    bbox: Bounds | None = None
    window: Window | None = None
    revision: int | str | None = None
    """Revision of the source, or an Item's whole version."""
    standing: bool = True
    """Leave out what is superseded or withdrawn."""

    @property
    def is_one(self) -> bool:
        """Whether at most one layer can be meant: that of an event, or an Item."""
        return self.event is not None or self.item is not None

    def accepts(self, item: Mapping[str, Any]) -> bool:
        """Whether an Item satisfies all conditions."""
        properties = item["properties"]
        return (
            item["collection"] == self.hazard
            and self.item in (None, item["id"])
            and (not self.standing or not properties["deprecated"])
            and self.revision in (None, properties["hazmon:revision"], properties["version"])
            and (self.event is None or self.event in names_of(item))
            and (self.region is None or self.region == region_of(item))
            and (self.window is None or _touches(item, self.window))
            and (self.bbox is None or bool(shapely.intersects(shapely.geometry.shape(item["geometry"]), area(self.bbox))))
        )

    def said(self) -> str:
        """Return the conditions as text for people."""
        window = f"{self.window.start:%Y-%m-%dT%H:%M:%SZ} to {self.window.end:%Y-%m-%dT%H:%M:%SZ}" if self.window else None
        every = {"event": self.event, "region": self.region, "item": self.item, "bbox": self.bbox, "time": window}
        every["revision"] = None if self.revision is None else str(self.revision)
        return ", ".join(f"{name} {value}" for name, value in every.items() if value is not None) or "no condition"


def wanted(
    hazard: str,
    *,
    event: str | None = None,
    region: str | None = None,
    item: str | None = None,
    bbox: Bounds | None = None,
    time: Time | None = None,
    revision: int | str | None = None,
    standing: bool = True,
) -> Wanted:
    """Return checked conditions; a revision or an Item asked for by name may be superseded.

    Raises
    ------
    InputError
        Where a box or a time cannot be read.
    """
    if bbox is not None:
        bbox = _box(bbox)
    named = revision is not None or item is not None
    window = None if time is None else period(time)
    return Wanted(hazard, event, region, item, bbox, window, revision, standing=standing and not named)


def is_ours(event: str) -> bool:
    """Whether an event's id is one of ours."""
    return _OURS.fullmatch(event) is not None


def subject_of(item: Mapping[str, Any]) -> Subject:
    """Return what an Item is about."""
    return subject_from_key(str(item["properties"]["hazmon:subject"]))


def names_of(item: Mapping[str, Any]) -> set[str]:
    """Return every id of the event an Item is about; empty for Items about something else."""
    about = subject_of(item)
    return {about.id, *item["properties"].get("hazmon:aliases", [])} if isinstance(about, Event) else set()


def region_of(item: Mapping[str, Any]) -> str | None:
    """Return the region an Item is about, where it is about one."""
    about = subject_of(item)
    return about.region if isinstance(about, RegionPeriod) else None


def times_of(item: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return the first and the last moment an Item is about; equal for an instant."""
    properties = item["properties"]
    start = moment(properties.get("start_datetime") or properties["datetime"])
    return start, moment(properties["end_datetime"]) if properties.get("end_datetime") else start


def period(time: Time) -> Window:
    """Return the period that a moment, a day, a month or a pair of them means; a day or month as the end counts whole.

    Examples
    --------
    >>> period(("2024-04-05", "2024-04-06")).end
    datetime.datetime(2024, 4, 7, 0, 0, tzinfo=datetime.timezone.utc)

    Raises
    ------
    InputError
        Where it cannot be read, or ends before it begins.
    """
    if isinstance(time, str) and "/" in time:
        first, _, last = time.partition("/")
        return period((first, last))
    if not isinstance(time, tuple | list):
        return Window(*_span(time))
    if len(time) != 2:
        raise InputError(f"time {time!r}: found {len(time)} moments, expected (start, end)")
    end, whole = _span(time[1])
    return Window(_span(time[0])[0], end if _is_instant(time[1]) else whole)


def area(bbox: Bounds) -> shapely.Geometry:
    """Return the area of a box; two parts where it crosses the antimeridian."""
    west, south, east, north = bbox
    if west <= east:
        return shapely.box(*bbox)
    return shapely.union(shapely.box(west, south, 180.0, north), shapely.box(-180.0, south, east, north))


def _span(time: str | date | datetime) -> tuple[datetime, datetime]:
    """Return start and end of a month, a day, or the second of a moment."""
    if isinstance(time, str) and re.fullmatch(r"\d{4}-\d{2}", time):
        start = moment(f"{time}-01")
        return start, (start + timedelta(days=32)).replace(day=1)
    if isinstance(time, datetime):
        start = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    else:
        start = moment(time.isoformat() if isinstance(time, date) else str(time))
    if not _is_instant(time):
        return start, start + timedelta(days=1)
    start = start.replace(microsecond=0)
    return start, start + timedelta(seconds=1)


def _is_instant(time: str | date | datetime) -> bool:
    """Whether a time has an hour, else it is a whole day or month."""
    return isinstance(time, datetime) or (isinstance(time, str) and len(time.strip()) > len("2024-04-05"))


def _box(bbox: Bounds) -> Bounds:
    try:
        west, south, east, north = (float(value) for value in bbox)
    except (TypeError, ValueError) as error:
        raise InputError(f"bbox {bbox!r}: expected (west, south, east, north), degrees") from error
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
        raise InputError(f"bbox {bbox!r}: expected (west, south, east, north), degrees, south < north")
    return west, south, east, north


def _touches(item: Mapping[str, Any], window: Window) -> bool:
    start, end = times_of(item)
    return start < window.end and (end > window.start or start >= window.start)

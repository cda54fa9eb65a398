"""What one agency says about one earthquake: its origins, the preferred one first, whatever format they came in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NoReturn

import numpy as np
import xarray as xr

from pipeline.errors import ConfigError, FeedMalformed, InputError
from pipeline.feeds.protocol import Rejected
from pipeline.model import Bounds, Granule, Window, moment
from pipeline.store import sha256

Status = Literal["automatic", "reviewed", "deleted"]

#: How far a source's clock may run ahead of ours: an earthquake does not wait because our clock is slow.
CLOCK_SKEW = timedelta(minutes=15)
#: Depths a hypocentre can have, km below sea level; the deepest known lie above 750 km, volcanoes reach 8 km high.
DEPTHS = (-10.0, 1000.0)
#: Magnitudes an event can have; the smallest located microearthquakes are near -3.
MAGNITUDES = (-6.0, 11.0)
#: Years a time can lie in; also what datetime64[ns] can hold.
YEARS = range(1700, 2200)


@dataclass(frozen=True, slots=True)
class Origin:
    """One location with its magnitude."""

    time: datetime
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east, in [-180, 180)."""
    depth: float | None
    """Kilometres, positive down; None: unknown."""
    magnitude: float | None
    magnitude_type: str
    agency: str
    """Who located it, short, in lower case: us, emsc, gfz, isc, at, pt."""
    event_id: str
    """That agency's own id of the event."""
    updated: datetime | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that one payload says about one event."""

    origins: tuple[Origin, ...]
    """The source's preferred origin first, then what others contributed."""
    ids: tuple[str, ...]
    """Every id of the event with its agency in front, the source's own first: us7000lsze, usauto7000lsze."""
    status: Status
    event_type: str = "earthquake"
    revision: int = 0
    """Epoch milliseconds of the source's last update; 0 where it gives none."""
    synthetic: bool = False

    @property
    def preferred(self) -> Origin:
        """The source's own choice."""
        return self.origins[0]


def to_dataset(report: Report) -> xr.Dataset:
    """Return a report as CF discrete sampling along `origin`, the source's preferred origin first.

    Variables: time and updated (datetime64[ns], NaT unknown), latitude and longitude (degrees), depth (km positive
    down, NaN unknown), magnitude (NaN unknown), magnitude_type, agency, event_id, place. Attributes: ids, status,
    event_type, revision, synthetic.
    """
    rows = report.origins
    dataset = xr.Dataset(
        {
            "time": ("origin", np.array([_nanoseconds(row.time) for row in rows]), {"standard_name": "time"}),
            "latitude": _numbers([row.latitude for row in rows], "degrees_north", "latitude"),
            "longitude": _numbers([row.longitude for row in rows], "degrees_east", "longitude"),
            "depth": _numbers([row.depth for row in rows], "km", "depth", positive="down"),
            "magnitude": _numbers([row.magnitude for row in rows], "1", None),
            "updated": ("origin", np.array([_nanoseconds(row.updated) for row in rows])),
        }
    )
    for name in ("magnitude_type", "agency", "event_id", "place"):
        dataset[name] = ("origin", np.array([getattr(row, name) for row in rows], dtype=np.str_))
    dataset.attrs.update(
        ids=list(report.ids),
        status=report.status,
        event_type=report.event_type,
        revision=report.revision,
        synthetic=int(report.synthetic),
    )
    return dataset


def to_granule(report: Report, feed: str, *, href: str = "", properties: Mapping[str, Any] | None = None) -> Granule:
    """Return the granule that announces a report.

    A source that gives no time of update never revises, in the words of `Granule`: it issues another granule. So
    where `report.revision` is 0 the id carries the first digits of the SHA-256 of what the report says: said again
    it is the same granule, said otherwise a new one, and whoever has to choose takes the one received last.
    """
    origin = report.preferred
    return Granule(
        feed=feed,
        id=report.ids[0] if report.revision else f"{report.ids[0]}.{sha256(repr(report).encode())[:8]}",
        revision=report.revision,
        href=href,
        start=origin.time,
        end=origin.time,
        issued=origin.updated,
        bounds=(origin.longitude, origin.latitude, origin.longitude, origin.latitude),
        deleted=report.status == "deleted",
        properties=dict(properties or {}),
    )


def choose(found: Iterable[tuple[Report, Any] | Rejected], granule: Granule) -> Report:
    """Return the one report that a granule's bytes hold; where they hold several, the one of the granule's id.

    A single report under another id is the source's way to say that the two are one event: the granule's id is then
    one of its ids.

    Raises
    ------
    FeedMalformed
        Where a part cannot be read, or it is not clear which report is meant.
    """
    reports = []
    for part in found:
        if isinstance(part, Rejected):
            raise FeedMalformed(f"{granule.key}: {part.reason}")
        reports.append(part[0])
    name = granule.id if granule.revision else granule.id.rsplit(".", 1)[0]
    named = [report for report in reports if name in report.ids]
    if named[1:] or not (named or len(reports) == 1):
        malformed(granule.key, f"{len(reports)} events", f"one event, {name}")
    return named[0] if named else replace(reports[0], ids=(*reports[0].ids, name))


def offers(report: Report, window: Window, bounds: Bounds | None, margin: float, least: float | None) -> bool:
    """Whether a report belongs into an answer for a window and box.

    The event or its last update lies in the window (an old event revised now is news); the epicentre lies in the box
    widened by `margin` degrees; the magnitude is unknown or at least `least`. A deletion is never too small.
    """
    origin = report.preferred
    end = window.end + CLOCK_SKEW
    timely = window.start <= origin.time < end
    if origin.updated is not None:
        timely = timely or (window.start <= origin.updated < end and origin.time < end)
    small = least is not None and origin.magnitude is not None and origin.magnitude < least and report.status != "deleted"
    return timely and not small and (bounds is None or _inside(origin, bounds, margin))


def key_of(agency: str, event_id: str) -> str:
    """Return an agency's id with the agency in front, so that two agencies' numbers never meet."""
    return event_id if event_id.startswith(agency) else f"{agency}{event_id}"


def malformed(where: str, found: object, expected: str) -> NoReturn:
    """Raise FeedMalformed saying where, what was found and what was expected."""
    raise FeedMalformed(f"{where}: found {found!r:.200}, expected {expected}")


def check_options(feed: str, minimum_magnitude: object, margin: object) -> None:
    """Refuse options of an event feed that are no numbers, or a margin below zero.

    Raises
    ------
    ConfigError
        Naming feed and option.
    """
    for option, found, least in (("minimum_magnitude", minimum_magnitude, MAGNITUDES[0]), ("margin", margin, 0.0)):
        is_number = isinstance(found, int | float) and not isinstance(found, bool) and found >= least
        if not is_number and (option == "margin" or found is not None):
            raise ConfigError(f"feed {feed}: option {option}: found {found!r}, expected a number >= {least:g}")


def read_json(data: bytes, where: str) -> dict[str, Any]:
    """Return the JSON object that bytes hold; NaN, another kind of value or endless nesting is refused."""
    try:
        value = json.loads(data, parse_constant=lambda text: malformed(where, text, "a JSON number"))
        if b"\\ud" in data.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is text that nobody can write
    except (ValueError, RecursionError) as error:
        raise FeedMalformed(f"{where}: {len(data)} bytes are not JSON: {error}") from error
    if not isinstance(value, dict):
        malformed(where, type(value).__name__, "a JSON object")
    return value


def number(value: object, where: str, between: tuple[float, float]) -> float:
    """Return a finite number, given as a number or as text, inside its bounds."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not between[0] <= found <= between[1]:
        malformed(where, value, f"a number from {between[0]:g} to {between[1]:g}")
    return found


def optional(value: object, where: str, between: tuple[float, float]) -> float | None:
    """Return a number as `number` does, or None where there is none (null, empty, `--`)."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "--", "null", "None")):
        return None
    return number(value, where, between)


def latitude(value: object, where: str) -> float:
    """Return a latitude, degrees north."""
    return number(value, f"{where}: latitude", (-90.0, 90.0))


def longitude(value: object, where: str) -> float:
    """Return a longitude in [-180, 180); beyond the antimeridian some sources run on to 360 or down to -360."""
    found = number(value, f"{where}: longitude", (-360.0, 360.0))
    return found if -180.0 <= found < 180.0 else (found + 180.0) % 360.0 - 180.0


def utc(text: object, where: str) -> datetime:
    """Return the UTC time that ISO 8601 text names; a time without offset is UTC."""
    try:
        found = moment(str(text).strip())
    except (InputError, OverflowError) as error:
        raise FeedMalformed(f"{where}: found time {text!r:.60}, expected ISO 8601") from error
    if found.year not in YEARS:
        malformed(where, text, f"a time from {YEARS.start} to {YEARS.stop}")
    return found


def epoch_milliseconds(when: datetime | None) -> int:
    """Return epoch milliseconds, or 0 for None."""
    return 0 if when is None else (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _numbers(
    values: list[Any], units: str, standard_name: str | None, **attrs: str
) -> tuple[str, np.ndarray[Any, Any], dict[str, str]]:
    data = np.array([math.nan if value is None else value for value in values], dtype="float64")
    return "origin", data, {"units": units, **({"standard_name": standard_name} if standard_name else {}), **attrs}


def _nanoseconds(when: datetime | None) -> np.datetime64:
    if when is None:
        return np.datetime64("NaT", "ns")
    return np.datetime64(when.astimezone(UTC).replace(tzinfo=None), "ns")


def _inside(origin: Origin, bounds: Bounds, margin: float) -> bool:
    west, south, east, north = bounds
    width = (east - west) % 360.0 if east != west + 360.0 else 360.0
    if not south - margin <= origin.latitude <= north + margin:
        return False
    return width + 2 * margin >= 360.0 or (origin.longitude - (west - margin)) % 360.0 <= width + 2 * margin

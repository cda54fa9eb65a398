"""FDSN event services (USGS, EMSC, GFZ, ISC and any other): one query interface, four formats of the answer.

FDSN Web Service Specifications 1.2 (2019), fdsnws-event. What a service answers is told by looking at it, not by what
was asked: QuakeML begins with `<`, GeoJSON with `{`, all else is text. The services' imperfections have names here:

- NONE          204 where there is no event.
- TOO_MANY      413, or 400 with such words, where there are too many: the window is halved.
- INCLUSIVE     `endtime` is inclusive, so the end is checked again here.
- ANTIMERIDIAN  a box across 180 degrees cannot be asked for: longitudes are left out and checked here.
- UPDATED_AFTER older events that were revised are asked for where a service knows `updatedafter`.
- DELETED       deleted events are listed by USGS alone (`includedeleted=only`); elsewhere see NOT_EXISTING in `quakeml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import emsc, fdsn_text, http, quakeml, usgs
from pipeline.feeds.origins import Report, check_options, choose, offers, read_json, to_dataset, to_granule
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.model import Bounds, Granule, Window

#: Formats that may be asked for; `json` is EMSC's GeoJSON, `geojson` USGS's.
FORMATS = ("xml", "quakeml", "text", "json", "geojson")
#: How far back an event may lie whose revision is asked for (UPDATED_AFTER).
REVISED = timedelta(days=30)
#: A window that is not halved any more (TOO_MANY).
SHORTEST = timedelta(minutes=1)
#: TOO_MANY: what services write into a 400 that is not about a wrong query.
_TOO_MANY = re.compile(rb"exceed|too many|too large|limit", re.IGNORECASE)
#: TOO_MANY: statuses that may say so, and 204 for NONE.
_ANSWERS = frozenset({204, 400, 413})

Parameters = dict[str, str | int | float]


@dataclass(frozen=True)
class FdsnEvent:
    """The protocol "fdsn_event": one agency's query interface."""

    id: str
    url: str
    """Address of the query method, .../fdsnws/event/1/query."""
    allowed_hosts: tuple[str, ...] = ()
    format: str = "xml"
    """What is asked for, one of FORMATS; only text has no time of update."""
    agency: str = ""
    """Short name of the agency that publishes the solutions; empty: what the payload says."""
    minimum_magnitude: float | None = None
    """Smallest magnitude that is asked for."""
    margin: float = 3.0
    """How far outside the box an epicentre still counts, degrees."""
    updatedafter: bool = False
    """The service knows `updatedafter` (UPDATED_AFTER)."""
    includedeleted: bool = False
    """The service lists deleted events (DELETED)."""
    updated: str = "newest"
    """Where a QuakeML revision comes from: newest, solution or none (see `quakeml.events`)."""
    unterminated: bool = False
    """The service does not end the last line of a text (UNTERMINATED)."""

    def __post_init__(self) -> None:
        for option, found, known in (
            ("format", self.format, FORMATS),
            ("updated", self.updated, ("newest", "solution", "none")),
        ):
            if found not in known:
                raise ConfigError(f"feed {self.id}: option {option}: found {found!r}, expected one of {known}")
        check_options(self.id, self.minimum_magnitude, self.margin)

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield the events that happened in the window and, where the service can tell, older ones revised in it."""
        older = Window(window.start - REVISED, window.start)
        after: Parameters = {"updatedafter": _text(window.start)}
        yield from self._discover(window, {}, window, bounds)
        if self.updatedafter:
            yield from self._discover(older, after, window, bounds)
        if self.includedeleted:
            yield from self._discover(Window(older.start, window.end), {**after, "includedeleted": "only"}, window, bounds)

    def fetch(self, granule: Granule) -> Fetched:
        """Return the service's answer to the event's id."""
        params: Parameters = {"eventid": str(granule.properties.get("eventid", granule.id)), "format": self.format}
        if granule.deleted and self.includedeleted:
            params["includedeleted"] = "true"
        response = http.get(self.url, params=params, allowed=self._hosts)
        if response.status_code == 204:
            raise FeedUnavailable(f"{self.url}: no event {params['eventid']}, though it was listed")
        found = self._revision(response.content, granule)
        if found is not None and found < granule.revision:
            raise FeedUnavailable(f"{self.url}: revision {found} of {granule.id}, expected {granule.revision} or newer")
        return Fetched(response.content, dict(response.headers))

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield every event of an answer, with a document of its own as raw bytes."""
        for found in self._read(data, name):
            if isinstance(found, Rejected):
                yield found
            else:
                report, raw = found
                yield self._granule(report), raw

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the event's origins (see `origins.to_dataset`); points have no grid, `geobox` is not used."""
        return to_dataset(choose(self._read(data, granule.key), granule))

    @property
    def _hosts(self) -> tuple[str, ...]:
        return http.hosts(self.url, self.allowed_hosts)

    def _discover(self, asked: Window, more: Parameters, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield what the service knows about a window, halving it as often as it says that there is too much."""
        params = {"format": self.format, "starttime": _text(asked.start), "endtime": _text(asked.end), **more}
        response = http.get(self.url, params={**params, **self._box(bounds)}, allowed=self._hosts, accept=_ANSWERS)
        if response.status_code == 204:
            return
        if response.status_code != 200:
            for half in _halves(asked, response.status_code, response.content, self.url):
                yield from self._discover(half, more, window, bounds)
            return
        for found in self._read(response.content, self.url):
            if isinstance(found, Rejected):
                yield found
            elif offers(found[0], window, bounds, self.margin, self.minimum_magnitude):
                yield self._granule(found[0])

    def _box(self, bounds: Bounds | None) -> Parameters:
        params: Parameters = {}
        if self.minimum_magnitude is not None:
            params["minmagnitude"] = self.minimum_magnitude
        if bounds is None:
            return params
        west, south, east, north = bounds
        params["minlatitude"] = max(south - self.margin, -90.0)
        params["maxlatitude"] = min(north + self.margin, 90.0)
        if west <= east and west - self.margin >= -180.0 and east + self.margin <= 180.0:
            params["minlongitude"] = west - self.margin
            params["maxlongitude"] = east + self.margin
        return params

    def _read(self, data: bytes, where: str) -> Iterator[tuple[Report, bytes] | Rejected]:
        """Yield the events of an answer in whichever format it came."""
        match data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]:
            case b"<":
                yield from quakeml.events(data, where, agency=self.agency, updated=self.updated)
            case b"{":
                yield from self._read_json(data, where)
            case _:
                yield from fdsn_text.lines(data, where, agency=self.agency, unterminated=self.unterminated)

    def _read_json(self, data: bytes, where: str) -> Iterator[tuple[Report, bytes] | Rejected]:
        value = read_json(data, where)
        if emsc.is_emsc(value):
            yield from emsc.features(value, where, agency=self.agency or "emsc")
            return
        for found in usgs.features(data, where):
            yield found if isinstance(found, Rejected) else (found[0], usgs.to_bytes(found[1]))

    def _granule(self, report: Report) -> Granule:
        return to_granule(report, self.id, href=self.url, properties={"eventid": report.preferred.event_id})

    def _revision(self, data: bytes, granule: Granule) -> int | None:
        """Return the revision an answer holds, or None where it cannot be read; `decode` will say why."""
        try:
            return choose(self._read(data, granule.key), granule).revision
        except FeedMalformed:
            return None


def _halves(window: Window, status: int, body: bytes, url: str) -> tuple[Window, Window]:
    """Return the halves of a window that holds too much (TOO_MANY).

    Raises
    ------
    FeedRefused
        Where the answer is about something else, or the window is too short to halve.
    """
    length = window.end - window.start
    if (status == 400 and not _TOO_MANY.search(body)) or length <= SHORTEST:
        raise FeedRefused(f"{url}: HTTP {status} for [{window.start}, {window.end}): {body[:200]!r}")
    middle = window.start + length / 2
    return Window(window.start, middle), Window(middle, window.end)


def _text(when: datetime) -> str:
    """Return a time as the specification writes it: UTC without any offset."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")

"""Files of ShakeMap's kinds given by hand: `event.xml`, station lists, felt reports and ruptures, told by their bytes.

Nothing is discovered: a person, or another program, hands the files in (`hazmon run shaking --event ...`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import FeedMalformed, FeedRefused
from pipeline.feeds.origins import malformed, utc
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.feeds.shakemap import decode_rupture, decode_stations, event_xml
from pipeline.feeds.shakemap.amplitudes import OUTLIER_FLAGS
from pipeline.feeds.shakemap.markup import inside, root
from pipeline.model import Bounds, Granule, Window, slug
from pipeline.store import sha256

Part = Literal["event", "stations", "rupture"]


@dataclass(frozen=True)
class ShakeMapFiles:
    """The protocol "shakemap_files": what a file is stands in its granule's property `part`."""

    id: str
    url: str = ""
    allowed_hosts: tuple[str, ...] = ()
    least_responses: int = 1
    """Fewest responses of a felt report that counts; whoever hands a file in has chosen already."""

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield nothing: files are given, not found."""
        yield from ()

    def fetch(self, granule: Granule) -> Fetched:
        """Refuse: a file that was given by hand lies nowhere else.

        Raises
        ------
        FeedRefused
            Always.
        """
        raise FeedRefused(f"{granule.key}: was given as a file and cannot be fetched again")

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield the one granule that a file is; only an event says its own id and time.

        Stations and ruptures concern an event when they are given together with one (`steps.by_hand`).

        Raises
        ------
        FeedMalformed
            Where it is none of these files, or damaged.
        """
        part = recognise(data, name)
        granule = Granule(self.id, f"{part}.{slug(name)}-{sha256(data)[:8]}", properties={"part": part, "ids": []})
        found = self.decode(data, granule)
        if part == "event":
            start = utc(str(found["time"].values[0]), name)
            granule = replace(granule, id=str(found.attrs["ids"][0]), start=start, end=start)
        yield granule, data

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return an origin, stations or a rupture, as the modules of this folder do; points have no grid.

        Raises
        ------
        FeedMalformed
            Where the bytes are not what the granule says.
        """
        match granule.properties.get("part"):
            case "event":
                return event_xml.decode(data, granule.key)
            case "stations":
                return decode_stations(data, granule.key, disregard=OUTLIER_FLAGS, least_responses=self.least_responses)
            case "rupture":
                near = granule.properties.get("near")
                return decode_rupture(data, granule.key, near=(near[0], near[1]) if near else None)
        return malformed(f"{granule.key}: part", granule.properties.get("part"), "event, stations or rupture")


def recognise(data: bytes, where: str) -> Part:
    """Return what a file is: XML with an earthquake, a rupture, or else stations.

    Raises
    ------
    FeedMalformed
        Where it looks like XML and is none.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        document = root(data, where)
        return "event" if inside(document, "earthquake") and not inside(document, "stationlist") else "stations"
    try:
        decode_stations(data, where)
    except FeedMalformed:
        return "rupture"
    return "stations"

"""What a feed IS: four verbs, two of which touch the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.model import Bounds, Granule, Window


@dataclass(frozen=True, slots=True)
class Fetched:
    """Raw bytes as they came, before anything has looked into them."""

    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Response headers, names in lower case."""
    received: datetime | None = None
    """Left open by feeds, which read no clock; the step that asked knows its own `now`."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One part of a payload that cannot be read; the other parts go on."""

    data: bytes
    """The unreadable part itself, for quarantine."""
    reason: str
    """What was found and what was expected."""
    name: str
    """What to call it: the payload's name and the part's place or id."""


class Feed(Protocol):
    """A remote source of granules that speaks one protocol.

    Every protocol is a frozen dataclass `Cls(id, url, allowed_hosts=(), **options)`; a wrong option raises
    `ConfigError`. `discover` and `fetch` touch the world, `split` and `decode` are pure functions of bytes.
    """

    @property
    def id(self) -> str:
        """Id of the feed: the name of its configuration file."""
        ...

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield what the source offers in a window and box (None: everywhere); fetches no payload.

        Raises
        ------
        FeedUnavailable
            Where the source does not answer now.
        FeedMalformed
            Where its answer as a whole cannot be read; never an empty result instead.
        """
        ...

    def fetch(self, granule: Granule) -> Fetched:
        """Return the raw bytes of a granule.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            As the source behaves; nothing is retried here.
        """
        ...

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield the granules in a payload from disk, each with raw bytes of the kind that `fetch` returns.

        Raises
        ------
        FeedMalformed
            Where the payload as a whole cannot be read.
        """
        ...

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the CF dataset that raw bytes hold, on a GeoBox where one is given (None: as the source has it).

        Raises
        ------
        FeedMalformed
            For whatever is wrong with the bytes; nothing else is raised for them.
        """
        ...

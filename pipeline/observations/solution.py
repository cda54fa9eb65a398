"""One agency's solution of one earthquake, at one revision: what association works on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import xarray as xr

from pipeline.errors import InputError
from pipeline.model import ObservationRef

#: Mean radius of the Earth, km (IUGG).
EARTH_RADIUS = 6371.0088

#: What an event gives to layers: attributes of its solution, and their units.
GIVEN = {"magnitude": "1", "depth": "km", "longitude": "degrees_east", "latitude": "degrees_north", "rake": "degree"}

_NEEDED = ("time", "latitude", "longitude", "depth", "magnitude", "magnitude_type", "agency", "event_id", "place")


def is_solution(ref: ObservationRef) -> bool:
    """Whether an observation is an agency's solution, and not something observed of an earthquake."""
    return set(_NEEDED) <= set(ref.variables)


@dataclass(frozen=True, slots=True)
class Contribution:
    """An origin that another agency contributed to a solution; shown, never chosen."""

    agency: str
    event_id: str
    time: datetime
    latitude: float
    longitude: float
    depth: float | None
    magnitude: float | None
    magnitude_type: str


@dataclass(frozen=True, slots=True)
class Solution:
    """What one agency's catalogue prefers for one event."""

    agency: str
    event_id: str
    """The agency's own id."""
    revision: int
    """Epoch milliseconds of the agency's last update; 0 where it gives none."""
    time: datetime
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east, in [-180, 180)."""
    depth: float | None
    """Kilometres, positive down; None: unknown."""
    magnitude: float | None
    magnitude_type: str
    status: Literal["automatic", "reviewed", "deleted"]
    aliases: tuple[str, ...]
    """Every id of the event with its agency in front, the solution's own first."""
    feed: str
    payload_key: str
    payload_sha256: str
    received: datetime
    event_type: str = "earthquake"
    place: str = ""
    synthetic: bool = False
    contributed: tuple[Contribution, ...] = ()
    rake: float | None = None
    """Direction of slip, degrees; None: unknown."""

    @property
    def key(self) -> str:
        """The id by which later revisions find this one: us7000lsze, emsc20240122_0000123."""
        return self.aliases[0]

    @property
    def is_deleted(self) -> bool:
        """Whether the agency withdrew it."""
        return self.status == "deleted"

    @property
    def order(self) -> tuple[int, bool, datetime, str]:
        """Total order of one agency's revisions: by its own number, then deletion, receipt and content.

        The order of delivery has no part in it, so that late, repeated and shuffled deliveries end alike.
        """
        return self.revision, self.is_deleted, self.received, self.payload_sha256

    @property
    def parameters(self) -> tuple[object, ...]:
        """What products depend on: a revision that changes none of these is no news."""
        return (
            self.time,
            self.latitude,
            self.longitude,
            self.depth,
            self.magnitude,
            self.magnitude_type,
            self.event_type,
            self.rake,
        )


def solution(dataset: xr.Dataset, ref: ObservationRef) -> Solution:
    """Return the solution that a decoded event observation holds: its first origin, the others as contributions.

    Parameters
    ----------
    dataset
        Discrete sampling along `origin`, as event feeds decode it: time, latitude and longitude (degrees), depth (km,
        NaN unknown), magnitude (NaN unknown), magnitude_type, agency, event_id, place; attributes ids, status,
        event_type, revision.
    ref
        The observation it was decoded from.

    Raises
    ------
    InputError
        Where the dataset is not of that kind.
    """
    missing = [name for name in _NEEDED if name not in dataset] + [n for n in ("ids", "status") if n not in dataset.attrs]
    if missing or dataset.sizes.get("origin", 0) == 0:
        raise InputError(f"{ref.payload.key}: not an event observation, {missing or 'origins'} are missing")
    own, *others = (_contribution(dataset.isel(origin=place)) for place in range(dataset.sizes["origin"]))
    return Solution(
        agency=own.agency,
        event_id=own.event_id,
        revision=int(dataset.attrs.get("revision", ref.granule.revision)),
        time=own.time,
        latitude=own.latitude,
        longitude=own.longitude,
        depth=own.depth,
        magnitude=own.magnitude,
        magnitude_type=own.magnitude_type,
        status=dataset.attrs["status"],
        aliases=tuple(dataset.attrs["ids"]),
        feed=ref.feed,
        payload_key=ref.payload.key,
        payload_sha256=ref.payload.sha256,
        received=ref.payload.received,
        event_type=str(dataset.attrs.get("event_type", "earthquake")),
        place=str(dataset["place"].values[0]),
        synthetic=bool(dataset.attrs.get("synthetic", False)),
        contributed=tuple(others),
        rake=_finite(dataset.attrs.get("rake")),
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def seconds_between(one: Solution, other: Solution) -> float:
    """Return the time between two origins, seconds."""
    return abs((one.time - other.time).total_seconds())


def kilometres_between(one: Solution, other: Solution) -> float:
    """Return the great-circle distance of two epicentres on a sphere, km (haversine)."""
    lat1, lat2 = math.radians(one.latitude), math.radians(other.latitude)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(other.longitude - one.longitude) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(chord)))


def rank(agency: str, order: Sequence[str]) -> int:
    """Return an agency's place in the order of trust, 0 is the first; the unlisted share the last."""
    return order.index(agency) if agency in order else len(order)


def _contribution(row: xr.Dataset) -> Contribution:
    depth, magnitude = float(row["depth"]), float(row["magnitude"])
    return Contribution(
        agency=str(row["agency"].values),
        event_id=str(row["event_id"].values),
        time=_moment(row["time"].values),
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        depth=None if math.isnan(depth) else depth,
        magnitude=None if math.isnan(magnitude) else magnitude,
        magnitude_type=str(row["magnitude_type"].values),
    )


def _moment(value: np.ndarray[tuple[()], np.dtype[np.datetime64]]) -> datetime:
    microseconds = int(value.astype("datetime64[us]").astype("int64"))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)

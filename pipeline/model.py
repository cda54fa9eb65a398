"""The nouns that cross a step: frozen dataclasses that travel as JSON.

Times are timezone-aware UTC. A `Subject` says what a product is about; its `key` is a readable, stable string
used as partition key, in Item ids and in store keys.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import InputError

T = TypeVar("T")

Bounds = tuple[float, float, float, float]
"""(west, south, east, north) in degrees; west > east crosses the antimeridian."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open period of time, [start, end), UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InputError(f"window [{self.start}, {self.end}) has no time zone; expected UTC")
        if self.end < self.start:
            raise InputError(f"window ends ({self.end}) before it starts ({self.start})")

    def __contains__(self, moment: datetime) -> bool:
        """Tell whether a moment lies in [start, end)."""
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Granule:
    """One thing a feed offers: announced, not yet fetched.

    `id` names it for ever; `revision` orders its re-issues (0 where a source never revises; epoch milliseconds of
    `updated`, say, where it does). `properties` holds what `fetch` needs and nothing else, JSON values only.
    """

    feed: str
    id: str
    revision: int = 0
    href: str = ""
    start: datetime | None = None
    """First moment the granule is about."""
    end: datetime | None = None
    """Last moment; equal to start for an instant."""
    issued: datetime | None = None
    """The source's own time of issue."""
    bounds: Bounds | None = None
    deleted: bool = False
    """The source withdrew it (`status: deleted`, WIS2 `rel=deletion`)."""
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The path under which this revision is archived: feed/id/revision."""
        return f"{self.feed}/{slug(self.id)}/{self.revision}"


@dataclass(frozen=True, slots=True)
class Payload:
    """Raw bytes of one granule as they came: where they lie, their checksum and how they arrived."""

    key: str
    sha256: str
    size: int
    received: datetime
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservationRef:
    """A checked, archived granule; the decoded dataset is a pure function of these bytes."""

    granule: Granule
    payload: Payload
    variables: tuple[str, ...] = ()
    synthetic: bool = False
    """True where the source says that the data are generated, not measured."""

    @property
    def feed(self) -> str:
        """The feed it came from."""
        return self.granule.feed


@dataclass(frozen=True, slots=True)
class RegionPeriod:
    """A region and the day (or other period) a gridded product is about."""

    region: str
    start: datetime
    end: datetime
    kind: Literal["region"] = "region"

    @property
    def key(self) -> str:
        """`region:kazakhstan:20240405T000000Z:20240406T000000Z`."""
        return f"region:{self.region}:{compact(self.start)}:{compact(self.end)}"

    @property
    def series(self) -> str:
        """What stays the same from period to period: `region:kazakhstan`."""
        return f"region:{self.region}"


@dataclass(frozen=True, slots=True)
class Scene:
    """One satellite acquisition of one feed, on the scene's own grid."""

    feed: str
    id: str
    start: datetime
    kind: Literal["scene"] = "scene"

    @property
    def key(self) -> str:
        """`scene:sentinel1_rtc:S1A_IW_...:20240410T021500Z`."""
        return f"scene:{self.feed}:{slug(self.id)}:{compact(self.start)}"

    @property
    def series(self) -> str:
        """Scenes of one feed over one place belong together; the feed is the series."""
        return f"scene:{self.feed}"


@dataclass(frozen=True, slots=True)
class Event:
    """An event at one revision; our id never changes, agencies' ids are aliases."""

    id: str
    revision: int
    start: datetime
    aliases: tuple[str, ...] = ()
    withdrawn: bool = False
    kind: Literal["event"] = "event"

    @property
    def key(self) -> str:
        """`event:eq20240122180904a1b2:3:20240122T180904Z`."""
        return f"event:{self.id}:{self.revision}:{compact(self.start)}"

    @property
    def series(self) -> str:
        """All revisions of the event: `event:eq20240122180904a1b2`."""
        return f"event:{self.id}"


Subject = RegionPeriod | Scene | Event


def subject_from_key(key: str) -> Subject:
    """Return the subject that a partition key names; the inverse of `Subject.key`.

    Raises
    ------
    InputError
        Where the key is not one that `Subject.key` writes.
    """
    kind, *rest = key.split(":")
    match kind, rest:
        case "region", [region, start, end]:
            return RegionPeriod(region, moment(start), moment(end))
        case "scene", [feed, scene, start]:
            return Scene(feed, scene, moment(start))
        case "event", [event, revision, start] if revision.isdecimal():
            return Event(event, int(revision), moment(start))
    raise InputError(f"subject key {key!r}: expected region:ID:START:END, scene:FEED:ID:START or event:ID:REVISION:START")


@dataclass(frozen=True, slots=True)
class ProductRef:
    """A product: its Item, where it lies, and whether this run made it or found it done already."""

    hazard: str
    item_id: str
    subject: str
    """Key of the subject."""
    digest: str
    item_key: str
    """Store key of the Item: staged until published, then public."""
    state: Literal["staged", "published", "withdrawn"] = "staged"
    new: bool = True


@dataclass(frozen=True, slots=True)
class Trigger:
    """News for a hazard: the subject that is due."""

    hazard: str
    subject: str


@dataclass(frozen=True, slots=True)
class AlertRef:
    """One CAP message on disk."""

    identifier: str
    msg_type: Literal["Alert", "Update", "Cancel"]
    status: Literal["Actual", "Exercise", "System", "Test", "Draft"]
    sent: datetime
    hazard: str
    incident: str
    key: str
    headline: str
    new: bool = True


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(type[Any], kind))


def to_json(value: object) -> dict[str, Any]:
    """Return a dataclass of this module as JSON-ready values."""
    data: dict[str, Any] = _adapter(cast(Hashable, type(value))).dump_python(value, mode="json")
    return data


def from_json(kind: type[T], data: object) -> T:
    """Return a dataclass of this module from JSON-ready values.

    Raises
    ------
    InputError
        Naming the field, what was found and what was expected.
    """
    try:
        value: T = _adapter(cast(Hashable, kind)).validate_python(data)
    except ValidationError as error:
        raise InputError(f"{kind.__name__}: {error}") from error
    return value


def compact(moment: datetime) -> str:
    """Return a UTC moment as `20240405T000000Z`."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def moment(text: str) -> datetime:
    """Return the UTC moment that ISO 8601 text names; text without an offset is read as UTC.

    Raises
    ------
    InputError
        Where the text is no ISO 8601 date or time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"time {text!r}: expected ISO 8601, for example 2024-01-22T18:09:04Z") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def slug(text: str) -> str:
    """Return text safe as one path segment and inside a subject key: letters, digits, `.`, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "-"

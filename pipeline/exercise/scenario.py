"""A scenario: what happened when, what the feeds are made to show of it, and what must be published in the end.

A scenario is one YAML file beside this module; unknown keys are refused. Facts of record are written as they are;
whatever the exercise invents (pixels, weather, the timing of revisions) is marked synthetic where it is served.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigError
from pipeline.exercise.faults import Fault

#: Folder of the scenarios that come with the package.
SCENARIOS = Path(str(files("pipeline.exercise") / "scenarios"))

Service = Literal["usgs", "emsc", "gfz", "isc"]
"""A seismological service that is played."""


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _News(_Strict):
    at: Moment = Field(description="When it becomes visible, UTC")
    poll: tuple[str, ...] = Field((), description="Feeds that are polled then")


class Quake(_News):
    """A version of an earthquake as one service publishes it; a later version of the same `event` replaces it."""

    what: Literal["quake"]
    service: Service = Field(description="Who publishes it")
    event: str = Field(description="Name inside the scenario; the same for every version, whatever its id")
    id: str = Field(description="Preferred id with the network in front (EMSC: the unid)")
    ids: tuple[str, ...] = Field((), description="Further ids of the event")
    time: Moment = Field(description="Origin time, UTC")
    latitude: float = Field(ge=-90, le=90, description="Degrees north")
    longitude: float = Field(ge=-180, lt=180, description="Degrees east")
    depth: float | None = Field(description="km, positive downwards; null while unknown")
    magnitude: float | None = Field(description="Null while unknown")
    magnitude_type: str = Field("mww", description="As the service writes it")
    status: Literal["automatic", "reviewed"] = Field("reviewed", description="Whether a person has looked at it")
    place: str = Field(description="Words of the service for the place")
    source: str = Field("invented for the exercise", description="Where the numbers come from")

    @property
    def net(self) -> str:
        """Network of the preferred id: `us` of us7000lsze."""
        return _network(self.id) or self.service

    @property
    def every_id(self) -> tuple[str, ...]:
        """Preferred id first."""
        return tuple(dict.fromkeys((self.id, *self.ids)))


class Deletion(_News):
    """A service withdraws an event."""

    what: Literal["delete"]
    service: Service = Field(description="Who withdraws it")
    event: str = Field(description="Name inside the scenario")


class ShakeMap(_Strict):
    """What a ShakeMap is drawn with: the plane that broke, and how many stations recorded it."""

    strike: float = Field(0, ge=0, lt=360, description="Degrees from north; the plane dips to the right of it")
    dip: float = Field(45, gt=0, le=90, description="Degrees from the horizontal")
    rake: float = Field(90, ge=-180, le=180, description="Degrees")
    length: float = Field(45, gt=0, description="km along strike")
    width: float = Field(22, gt=0, description="km down dip")
    top: float = Field(3, ge=0, description="Depth of the upper edge, km")
    stations: int = Field(12, ge=0, description="How many, the last of them clipped")


class Dyfi(_Strict):
    """What felt reports are drawn with."""

    cells: int = Field(40, ge=0, description="Cells of 10 km from which people may report")


class Products(_News):
    """What was recorded and felt of an earthquake, as USGS lists it in the event's detail; a later one replaces it."""

    what: Literal["products"]
    event: str = Field(description="Name of the earthquake inside the scenario")
    shakemap: ShakeMap | None = Field(None, description="Station list and rupture")
    dyfi: Dyfi | None = Field(None, description="Did You Feel It?")


class Pass(_News):
    """A Sentinel-1 scene becomes available."""

    what: Literal["scene"]
    id: str = Field(description="Id of the STAC Item, as the Planetary Computer names RTC scenes")
    acquired: Moment = Field(description="Start of the acquisition, UTC")
    level: float = Field(ge=0, description="Water level above the nearest drainage, m; 0: the river in its bed")
    processed: Moment | None = Field(None, description="When it was processed; a later one supersedes")


class Cycle(_News):
    """A model cycle becomes available, all its steps at once."""

    what: Literal["cycle"]
    model: Literal["gfs", "ecmwf"] = Field("gfs", description="Whose layout of files")
    cycle: Moment = Field(description="Analysis time, UTC")
    last: int = Field(48, ge=0, le=240, description="Last step, hours")
    every: int = Field(3, ge=1, description="Distance of the steps, hours")


class Poll(_News):
    """Nothing new; the feeds are polled all the same."""

    what: Literal["poll"]


News = Annotated[Quake | Deletion | Products | Pass | Cycle | Poll, Field(discriminator="what")]


class SceneGrid(_Strict):
    """The grid of the generated scenes, and the seed of the land under them."""

    crs: str = Field(description="A UTM CRS")
    left: float = Field(description="Western edge, m")
    top: float = Field(description="Northern edge, m")
    resolution: float = Field(20, gt=0, description="Cell size, m")
    size: int = Field(2048, ge=128, description="Cells along each edge")


class WeatherGrid(_Strict):
    """The grid of the generated forecasts."""

    bounds: tuple[float, float, float, float] = Field(description="Centres of the outermost cells, degrees")
    resolution: float = Field(0.5, gt=0, description="Cell size, degrees")
    onset: Moment = Field(description="When the dry front begins to grow, UTC")
    days: float = Field(5, gt=0, description="How long it grows, days")
    centre: tuple[float, float] = Field(description="Longitude and latitude of the front, degrees")


class TerrainGrid(_Strict):
    """The grid of the generated maps of the earth: elevation, Vs30, ground, people."""

    longitude: float = Field(description="Centre, degrees east")
    latitude: float = Field(description="Centre, degrees north")
    reach: float = Field(6, gt=0, description="Half-width, degrees")
    resolution: float = Field(1 / 120, gt=0, description="Cell size, degrees")
    without: tuple[str, ...] = Field((), description="Maps left out on purpose: what needs them waits")


class Count(_Strict):
    """How many: exactly `n`, or `n..m`, or `n..` for n and more."""

    least: int = Field(ge=0, description="At least")
    most: int | None = Field(None, ge=0, description="At most; null: no limit")

    def __contains__(self, number: int) -> bool:
        """Tell whether a number is meant."""
        return self.least <= number and (self.most is None or number <= self.most)

    def __str__(self) -> str:
        """Return it as a scenario writes it."""
        return str(self.least) if self.least == self.most else f"{self.least}..{'' if self.most is None else self.most}"


def _count(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return {"least": value, "most": value}
    if isinstance(value, str) and ".." in value:
        least, most = value.split("..", 1)
        return {"least": least, "most": most or None}
    return value


Number = Annotated[Count, BeforeValidator(_count)]
Message = Literal["Alert", "Update", "Cancel", "AllClear"]


class Expectation(_Strict):
    """What must have been published about some subjects when the scenario is over."""

    hazard: str = Field(description="Id of the hazard")
    subject: str = Field(description="Pattern (* and ?) of subject keys, as in event:eq20240122180*")
    incident: str | None = Field(None, description="Pattern of the alerts' incidents; none: that of the subject")
    why: str = Field(description="What it shows, for people")
    items: Number | None = Field(None, description="Items published, superseded and withdrawn ones too")
    current: Number | None = Field(None, description="Items that are the newest of their subject and not withdrawn")
    alerts: dict[Message, Number] = Field({}, description="Messages sent by kind; AllClear is an Update that says so")

    def concerns(self, subject: str) -> bool:
        """Tell whether a subject key is meant."""
        return fnmatchcase(subject, self.subject)

    def concerns_alert(self, incident: str) -> bool:
        """Tell whether an alert's incident is meant."""
        return fnmatchcase(incident, self.incident or self.subject)

    def misses(self, items: int, current: int, alerts: dict[Message, int]) -> list[str]:
        """Return a line for each number that is not as expected; empty: all is there."""
        found: list[tuple[str, Count | None, int]] = [("Items", self.items, items), ("current Items", self.current, current)]
        found += [(f"{kind} messages", wanted, alerts.get(kind, 0)) for kind, wanted in self.alerts.items()]
        return [
            f"{self.hazard} {self.subject}: {number} {name}, expected {wanted} ({self.why})"
            for name, wanted, number in found
            if wanted is not None and number not in wanted
        ]


class Quirks(_Strict):
    """Imperfections of real servers that are played throughout."""

    next_after_last_page: bool = Field(True, description="The STAC API gives a `next` link after its last page")
    page: int = Field(250, ge=1, description="Most Items on a page, whatever is asked for")


class Scenario(_Strict):
    """One exercise."""

    id: str = Field(description="Name of the file, without suffix")
    title: str = Field(description="What it is about, for people")
    note: str = Field(description="Names the drill in every message (CAP note)")
    regions: tuple[str, ...] = Field(description="Ids of the regions it takes place in")
    hazards: tuple[str, ...] = Field(description="Ids of the hazards that are exercised")
    start: Moment = Field(description="First moment of the exercise clock, UTC")
    seed: int = Field(ge=0, description="Seed of everything that is generated")
    areas: str = Field(description="GeoJSON of the areas that are warned, beside the scenario")
    tables: dict[str, str] = Field({}, description="Tables of places by name (districts, facilities, ...), beside the scenario")
    scenes: SceneGrid | None = Field(None, description="Grid of generated scenes; also gives hand and reference_water")
    weather: WeatherGrid | None = Field(None, description="Grid of generated forecasts")
    terrain: TerrainGrid | None = Field(None, description="Grid of generated maps of the earth")
    quirks: Quirks = Field(default_factory=Quirks, description="Imperfections of the servers")
    config: dict[str, dict[str, Any]] = Field({}, description="Fields of configuration files that differ: feeds/gfs: ...")
    events: tuple[News, ...] = Field(description="What happens, in order of time")
    faults: tuple[Fault, ...] = Field((), description="What goes wrong on the way")
    expectations: tuple[Expectation, ...] = Field(description="What must be published in the end")

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        times = [self.start, *(event.at for event in self.events)]
        if times != sorted(times):
            raise ValueError("events: expected in order of time, none before start")
        for event in self.events:
            grid = {"scene": self.scenes, "cycle": self.weather}.get(event.what, self)
            if grid is None:
                raise ValueError(f"events: {event.what} at {event.at}: its grid is not described")
        for news in self.events:
            if isinstance(news, Products) and self.known(news) is None:
                raise ValueError(f"events: products at {news.at}: usgs has not published {news.event!r} by then")
        return self

    def known(self, news: Products) -> Quake | None:
        """Return the version of an earthquake that products are about; None where USGS has none by then."""
        versions = [e for e in self.events if isinstance(e, Quake) and e.service == "usgs" and e.event == news.event]
        return next((version for version in reversed(versions) if version.at <= news.at), None)

    @property
    def end(self) -> datetime:
        """Time of the last event."""
        return self.events[-1].at if self.events else self.start

    @property
    def areas_file(self) -> Path:
        """Where the areas are."""
        return SCENARIOS / self.areas

    def sized(self, size: int) -> Scenario:
        """Return the same scenario with coarser scenes over the same land: `size` cells along each edge."""
        if self.scenes is None:
            return self
        resolution = self.scenes.resolution * self.scenes.size / size
        grid = self.scenes.model_copy(update={"size": size, "resolution": resolution})
        return self.model_copy(update={"scenes": grid})


def names() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load(name: str | Path) -> Scenario:
    """Return a scenario by name, or from a file anywhere.

    Raises
    ------
    ConfigError
        Where there is none, or it is wrong; names file, field, found and expected.
    """
    path = Path(name) if str(name).endswith(".yaml") else SCENARIOS / f"{name}.yaml"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"exercise {name}: not there, expected one of {names()}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: found {type(data).__name__}, expected a mapping of fields")
    try:
        return Scenario.model_validate({"id": path.stem, **data})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(f"{path}: field {where}: {first['msg']}; found {first['input']!r:.200}") from error


def _network(name: str) -> str:
    return name[: len(name) - len(name.lstrip("abcdefghijklmnopqrstuvwxyz"))]

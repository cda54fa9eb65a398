"""What `config/` says: one thing, one file, the file's name is its id; read by pydantic, unknown keys refused.

Imports no array library: DAG files read the configuration at every parse. Secrets and store URLs come from the
environment only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigError

#: Origin of inputs that come from the associated event, whichever agencies reported it.
EVENT = "event"
#: The events after an earthquake and near it, as an input.
SEQUENCE = f"{EVENT}.sequence"

#: How a map may be brought to another grid: GDAL's names.
Resampling = Literal[
    "nearest",
    "bilinear",
    "cubic",
    "cubic_spline",
    "lanczos",
    "average",
    "mode",
    "max",
    "min",
    "med",
    "q1",
    "q3",
    "sum",
    "rms",
]
#: Five fields of a cron expression: numbers, ranges, lists and steps.
_CRON = r"^(?:(?:\*|\d+(?:-\d+)?)(?:/\d+)?(?:,(?:\*|\d+(?:-\d+)?)(?:/\d+)?)*(?:\s+|$)){5}$"

#: The C one where PyYAML has it: DAG files are parsed in every task.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(default="", description="File name without suffix; filled in on reading")


class Provider(BaseModel):
    """An organisation to be credited, in STAC's words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Name of the organisation")
    roles: tuple[Literal["licensor", "producer", "processor", "host"], ...] = Field(("producer",), description="STAC roles")
    url: str | None = Field(None, description="Home page")


class FeedConfig(_Strict):
    """A remote source of one known protocol."""

    title: str = Field(description="What it is, for people")
    protocol: str = Field(description="Key of PROTOCOLS in pipeline/feeds")
    url: str = Field(description="Address of the live endpoint, or path of a local file for static maps")
    allowed_hosts: tuple[str, ...] = Field((), description="Further hosts (or .suffixes) its payloads may point to")
    schedule: str | None = Field(None, pattern=_CRON, description="Cron expression of the poll, UTC; none: not polled")
    lookback_hours: float = Field(24, gt=0, description="How far back a poll looks, hours")
    promise_minutes: float | None = Field(None, gt=0, description="Age of the newest granule that is still in order, minutes")
    licence: str = Field(description="SPDX identifier or STAC's 'other'")
    attribution: str = Field(description="Credit that travels to every product")
    providers: tuple[Provider, ...] = Field((), description="Organisations behind the data")
    archive: bool = Field(False, description="Keep the windows read from remote rasters, so that products can be made again")
    agencies: tuple[str, ...] = Field((), description="Seismological agencies whose solutions it carries, in order of trust")
    agency_rank: int | None = Field(None, description="Place of its agencies in the order of trust, 1 is the first")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the protocol; checked by the protocol itself")


class RegionConfig(_Strict):
    """A part of the world that is watched."""

    title: str = Field(description="Name for people")
    bounds: tuple[float, float, float, float] = Field(description="west, south, east, north, degrees")
    crs: str = Field("EPSG:4326", description="CRS of region grids")
    countries: tuple[str, ...] = Field((), description="ISO 3166-1 alpha-3 codes of the countries it belongs to")
    languages: tuple[str, ...] = Field(("en",), description="Languages of alerts, BCP 47, the first is the main one")
    areas: str | None = Field(None, description="GeoJSON or GeoPackage of administrative areas (path beside config/)")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        west, south, east, north = self.bounds
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
            raise ValueError(f"bounds {self.bounds}: expected west, south, east, north in degrees, south < north")
        return self


def _shorthand(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Binding(BaseModel):
    """Where one layer input comes from: `feed.variable` or `hazard.variable`, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str = Field(
        alias="from",
        pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*$",
        description="feed.variable, hazard.variable or event.variable",
    )
    also: tuple[str, ...] = Field((), description="Further feeds whose samples are put with them (at: event only)")
    at: Literal["same", "previous", "event", "static"] = Field("same", description="Which one, relative to the subject")
    reduce: Literal["at_local_noon", "total_to_local_noon"] | None = Field(None, description="How UTC steps become one day")
    start: float | None = Field(None, description="Value of a cold start, where `previous` does not exist yet")
    resampling: Resampling = Field("bilinear", description="How it is brought to the subject's grid")
    optional: bool = Field(False, description="Run without it where it is not there")

    @property
    def origin(self) -> str:
        """Id of the feed or hazard."""
        return self.source.split(".")[0]

    @property
    def variable(self) -> str:
        """Name of the variable there."""
        return self.source.split(".")[1]


class Season(BaseModel):
    """How a layer with memory starts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    spin_up_days: int = Field(0, ge=0, description="Days after a cold start whose products are marked spin-up")
    carry_days: int = Field(0, ge=0, description="Longest gap in the data that memory is carried over, days")
    forecast_days: int = Field(0, ge=0, description="Days beyond the analysis day that are computed, never used as state")


class AlertBinding(BaseModel):
    """Which rule turns a hazard's products into alerts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str = Field(description="Id of config/alerts/<id>.yaml")


class HazardConfig(_Strict):
    """A layer bound to its inputs, grid and regions."""

    layer: str = Field(description="Key of HAZARDS in pipeline/hazards")
    regions: tuple[str, ...] = Field(description="Ids of regions it is computed for")
    grid: Literal["region", "scene", "event"] = Field(description="What kind of subject it is about")
    resolution: float = Field(gt=0, description="Cell size: degrees on a geographic grid, metres on a projected one")
    radius_km: float = Field(300, gt=0, description="Half-width of an event-centred grid, km")
    minimum_magnitude: float = Field(4.5, description="Smallest event that is computed (event grid only)")
    inputs: dict[str, Annotated[Binding, BeforeValidator(_shorthand)]] = Field(description="Layer input: where it comes from")
    trigger: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = Field(
        description="Feeds whose news starts a run, or the one other hazard whose product does"
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="Keyword-only parameters of the layer")
    season: Season = Field(default_factory=Season, description="Memory: cold start, spin-up, forecast days")
    alert: AlertBinding | None = Field(None, description="Rule of its alerts; none: never alerts")
    max_age_hours: float = Field(48, gt=0, description="Data older than this never alert (back-fill, frozen feed), hours")

    @property
    def reads_sequence(self) -> bool:
        """Whether an aftershock is news for the product of its mainshock."""
        return any(binding.source == SEQUENCE for binding in self.inputs.values())


class AlertConfig(_Strict):
    """A rule of `pipeline/alerts/rules.py` with its thresholds and the words of its messages."""

    rule: str = Field(description="Key of RULES in pipeline/alerts")
    sender: str = Field(description="CAP sender: a guaranteed unique name of the authority")
    sender_name: str = Field(description="Name of the authority for people")
    status: Literal["Actual", "Exercise", "Test"] = Field("Test", description="CAP status outside exercises")
    event_code: str = Field(description="Code of the OASIS event terms list")
    category: Literal["Geo", "Met", "Safety", "Fire", "Env", "Other"] = Field(description="CAP category")
    expires_hours: float = Field(24, gt=0, description="How long a message stands, hours")
    response_type: str = Field("Monitor", description="CAP responseType")
    web: str | None = Field(None, description="Page about the warnings")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Thresholds of the rule; checked by the rule")


class ServiceLimits(BaseModel):
    """What one client may ask for; beyond it the answer is a 4xx that says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: int = Field(1000, ge=1, description="Most Items, features or events on one page")
    body_bytes: int = Field(1_000_000, ge=1024, description="Largest request body, bytes")
    header_bytes: int = Field(16_384, ge=1024, description="Largest request head (line and headers), bytes")
    request_seconds: float = Field(30, gt=0, description="Longest time for one answer, seconds (streams excepted)")
    head_seconds: float = Field(10, gt=0, description="Longest time a client may take to send its request, seconds")
    concurrency: int = Field(
        64, ge=1, description="Requests answered at the same time by one process; more get 503 with Retry-After"
    )
    streams: int = Field(200, ge=1, description="Event streams kept open at the same time by one process")
    pixels: int = Field(4_194_304, ge=65_536, description="Most pixels of one picture (preview, bbox)")
    cells: int = Field(16_777_216, ge=65_536, description="Most cells read for one statistic")


class ServiceConfig(BaseModel):
    """The HTTP door; secrets come from the environment only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field("hazmon", description="Name of the service on its page and in its documents")
    operator: str | None = Field(None, description="Who runs it, for people")
    url: str | None = Field(None, description="Public address, where a proxy stands before it; none: as the request says")
    hosts: tuple[str, ...] = Field((), description="Host names it answers to besides loopback and that of `url`")
    proxies: tuple[str, ...] = Field(
        (), description="Addresses (or networks) of proxies whose word on a client's address and scheme counts (X-Forwarded-*)"
    )
    backend: Literal["embedded", "pgstac"] = Field(
        "embedded", description="Where STAC searches run; pgstac: HAZMON_PGSTAC names the database"
    )
    languages: tuple[str, ...] = Field(
        ("en", "ru", "kk", "zh"), description="Languages offered on the page, BCP 47, the first is the default"
    )
    borders: str | None = Field(
        "naturalearth",
        description="Borders on the map: naturalearth (de facto), a GeoJSON file beside the configuration, or none",
    )
    webhook_hosts: tuple[str, ...] = Field((), description="Hosts (or .suffixes) that webhooks may call")
    refresh_seconds: float = Field(15, gt=0, description="How often the page looks for news, seconds")
    limits: ServiceLimits = Field(default_factory=ServiceLimits, description="What one client may ask for")


class Config:
    """One or more configuration folders, read on demand and cross-checked by `check`.

    A file in a later folder replaces the file of the same name in an earlier one, so that a deployment keeps its
    own changes beside the defaults.
    """

    def __init__(self, *folders: Path) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise ConfigError(f"{folder}: no such configuration folder; expected feeds/, hazards/, regions/, alerts/ in it")
        self.folders = folders

    def path(self, kind: str, id: str) -> Path:
        """Return the file that defines a thing (the last folder wins), there or not."""
        candidates = [folder / kind / f"{id}.yaml" for folder in self.folders]
        return next((path for path in reversed(candidates) if path.is_file()), candidates[-1])

    @property
    def agencies(self) -> tuple[str, ...]:
        """Seismological agencies, most trusted first: the order of the feeds' `agency_rank`."""
        ranked = [(feed.agency_rank, feed.id) for feed in self.feeds.values() if feed.agency_rank is not None]
        return tuple(agency for _, id in sorted(ranked) for agency in self.feeds[id].agencies)

    @cached_property
    def feeds(self) -> dict[str, FeedConfig]:
        """Feeds by id, sorted."""
        return _read(self.folders, "feeds", FeedConfig)

    @cached_property
    def hazards(self) -> dict[str, HazardConfig]:
        """Hazards by id, sorted."""
        return _read(self.folders, "hazards", HazardConfig)

    @cached_property
    def regions(self) -> dict[str, RegionConfig]:
        """Regions by id, sorted."""
        return _read(self.folders, "regions", RegionConfig)

    @cached_property
    def alerts(self) -> dict[str, AlertConfig]:
        """Alert rules by id, sorted."""
        return _read(self.folders, "alerts", AlertConfig)

    @cached_property
    def service(self) -> ServiceConfig:
        """What service.yaml says (the last folder wins); the defaults where there is none."""
        found = [folder / "service.yaml" for folder in self.folders if (folder / "service.yaml").is_file()]
        return _read_one(found[-1], ServiceConfig) if found else ServiceConfig()

    def _check_chain(self, id: str) -> None:
        """Refuse hazards that trigger one another in a circle."""
        met = [id]
        while (before := next(iter(self.hazards[met[-1]].trigger), "")) in self.hazards:
            if before in met:
                raise ConfigError(f"{self.path('hazards', id)}: field trigger: {' from '.join([*met, before])}: found a circle")
            met.append(before)

    def hazards_of(self, feed: str) -> dict[str, HazardConfig]:
        """Hazards that news of a feed may start."""
        return {id: hazard for id, hazard in self.hazards.items() if feed in hazard.trigger}

    def regions_in(self, bounds: tuple[float, float, float, float], among: Iterable[str]) -> list[str]:
        """Return which of some regions a box (west, south, east, north, degrees) touches."""
        west, south, east, north = bounds
        boxes = {id: self.regions[id].bounds for id in among}
        return [
            id
            for id, (left, low, right, high) in boxes.items()
            if left <= east and right >= west and low <= north and high >= south
        ]

    def check(self) -> None:
        """Raise ConfigError at the first name that points nowhere."""
        for id, hazard in self.hazards.items():
            where = str(self.path("hazards", id))
            for name in hazard.trigger:
                _known(where, "trigger", name, {**self.feeds, **self.hazards})
            if len(hazard.trigger) > 1 and set(hazard.trigger) & set(self.hazards):
                raise ConfigError(f"{where}: field trigger: found {list(hazard.trigger)}, expected feeds, or one hazard alone")
            self._check_chain(id)
            for region in hazard.regions:
                _known(where, "regions", region, self.regions)
            for name, binding in hazard.inputs.items():
                for origin in (binding.origin, *binding.also):
                    _known(where, f"inputs.{name}", origin, {EVENT: None, **self.feeds, **self.hazards})
            if hazard.alert is not None:
                _known(where, "alert.rule", hazard.alert.rule, self.alerts)


def load(folder: Path | None = None) -> Config:
    """Return the configuration: of the folder given, else of HAZMON_CONFIG (folders joined by ':'), else of ./config."""
    if folder is not None:
        return Config(folder)
    return Config(*(Path(part) for part in os.environ.get("HAZMON_CONFIG", "config").split(os.pathsep)))


def home() -> str:
    """Return where state lives: HAZMON_HOME (a folder or s3:// URL), else ./.hazmon."""
    return os.environ.get("HAZMON_HOME", ".hazmon")


Kind = TypeVar("Kind", bound=_Strict)
Model = TypeVar("Model", bound=BaseModel)


def _read(folders: tuple[Path, ...], name: str, kind: type[Kind]) -> dict[str, Kind]:
    paths = {path.stem: path for folder in folders for path in (folder / name).glob("*.yaml")}
    return {id: _read_thing(paths[id], kind) for id in sorted(paths)}


def _read_thing(path: Path, kind: type[Kind]) -> Kind:
    found = _read_one(path, kind)
    if found.id not in ("", path.stem):
        raise ConfigError(f"{path}: field id: found {found.id!r}, expected the file's name {path.stem!r}")
    return found.model_copy(update={"id": path.stem})


def _read_one(path: Path, kind: type[Model]) -> Model:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: found {type(data).__name__}, expected a mapping of fields")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(f"{path}: field {where}: {first['msg']}; found {first['input']!r}") from error


def _known(where: str, field: str, name: str, known: dict[str, Any]) -> None:
    if name not in known:
        raise ConfigError(f"{where}: field {field}: found {name!r}, expected one of {sorted(known)}")

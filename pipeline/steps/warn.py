"""From a published product to CAP messages: exposure, areas and the rules, gated on the age of the data."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
import xarray as xr

from pipeline.alerts import issue, ledger
from pipeline.alerts.context import WarnContext
from pipeline.alerts.messages import LANGUAGES
from pipeline.alerts.rules import RULES
from pipeline.alerts.rules import places as populated
from pipeline.config import AlertConfig, HazardConfig
from pipeline.errors import ConfigError
from pipeline.model import AlertRef, Bounds, Event, RegionPeriod, Subject, subject_from_key
from pipeline.observations import events
from pipeline.products import product as products
from pipeline.products.bands import COG_TYPE
from pipeline.products.lineage import version_of
from pipeline.products.read import open_asset
from pipeline.steps.workspace import Workspace

log = logging.getLogger(__name__)

_COLUMNS = ("id", "name", "country", "geometry")


def warn(work: Workspace, hazard: str, subject: str, now: datetime) -> list[AlertRef]:
    """Return the messages that the current product of a subject gives rise to; asked again, nothing is sent twice.

    The clock, the ledger and the age of the data decide, never the fact that a run took place: a back-fill is silent.
    """
    config, _ = work.hazard(hazard)
    if config.alert is None:
        return []
    began = perf_counter()
    rule = work.config.alerts[config.alert.rule]
    about = subject_from_key(subject)
    if isinstance(about, Event):
        record = events.read(work.store, about.id)
        if record.withdrawn:
            last = _last(work, hazard, about) or _spoken_of(work, hazard, about, record)
            return [] if last is None else issue.cancel(work.store, _context(work, hazard, about, now, last, record.revision))
    item = work.catalog.latest(hazard, products.lineage(about))
    if item is None:
        return []
    context = _context(work, hazard, about, now, item)
    dataset = xr.Dataset(
        {name: open_asset(work.store, item, name) for name, asset in item["assets"].items() if asset["type"] == COG_TYPE}
    )
    regions = _regions(work, config, about, item["bbox"])
    assessment = RULES[rule.rule](dataset, _areas(work, regions), _places(_box(item["bbox"])), parameters=rule.parameters)
    sent = issue.warn(work.store, assessment, context)
    log.info("warn %s %s: level %s, %d messages, %.2f s", hazard, subject, assessment.level, len(sent), perf_counter() - began)
    return sent


def _context(
    work: Workspace, hazard: str, about: Subject, now: datetime, item: Mapping[str, Any], revision: int | None = None
) -> WarnContext:
    config, _ = work.hazard(hazard)
    if config.alert is None:
        raise ConfigError(f"{work.config.path('hazards', hazard)}: field alert: not set")
    rule: AlertConfig = work.config.alerts[config.alert.rule]
    properties = item["properties"]
    regions = _regions(work, config, about, item["bbox"])
    forecast = bool(properties.get("hazmon:forecast"))
    return WarnContext(
        hazard=hazard,
        words=config.alert.rule,
        incident=about.key if forecast else about.series,
        subject=products.lineage(about),
        revision=properties["hazmon:revision"] if revision is None else revision,
        product=item["id"],
        data_time=_data_time(about),
        now=now,
        status=_status(work, rule),
        sender=rule.sender,
        sender_name=rule.sender_name,
        category=rule.category,
        event_code=rule.event_code,
        languages=tuple(dict.fromkeys(language for id in regions for language in work.config.regions[id].languages)),
        drill=work.drill,
        response_type=rule.response_type,
        web=rule.web,
        onset=_data_time(about) if forecast else None,
        lifetime=_lifetime(rule, about, now),
        max_age=timedelta(hours=config.max_age_hours),
        synthetic=bool(properties["hazmon:synthetic"]),
        facts=_facts(work, about),
    )


def _lifetime(rule: AlertConfig, about: Subject, now: datetime) -> timedelta:
    """Return how long a message stands: as configured, and never less than the day it is about."""
    configured = timedelta(hours=rule.expires_hours)
    return max(configured, about.end - now) if isinstance(about, RegionPeriod) else configured


def _last(work: Workspace, hazard: str, about: Event) -> dict[str, Any] | None:
    """Return the last Item about a withdrawn event: what was said was said of it; None where none is there or can be read."""
    found = work.catalog.find(hazard=hazard, subject=products.lineage(about))
    return max(found, key=lambda item: version_of(item).order, default=None)


def _spoken_of(work: Workspace, hazard: str, about: Event, record: events.EventRecord) -> dict[str, Any] | None:
    """Return what a Cancel needs of the Item that the last message was made from, though it is gone; None without a message."""
    config, _ = work.hazard(hazard)
    if config.alert is None:
        return None
    _, incident = ledger.read(work.store, _status(work, work.config.alerts[config.alert.rule]), hazard, about.series)
    if not incident.rows:
        return None
    place = [record.basis.longitude, record.basis.latitude]
    properties = {"hazmon:revision": record.revision, "hazmon:synthetic": record.basis.synthetic}
    return {"id": incident.rows[-1].about.product, "bbox": [*place, *place], "properties": properties}


def _status(work: Workspace, rule: AlertConfig) -> Literal["Actual", "Exercise", "Test"]:
    return "Exercise" if work.drill else rule.status


def _data_time(about: Subject) -> datetime:
    return about.start + timedelta(hours=12) if isinstance(about, RegionPeriod) else about.start


def _facts(work: Workspace, about: Subject) -> dict[str, str | int | float | None]:
    if not isinstance(about, Event):
        return {}
    basis = events.read(work.store, about.id).basis
    return {
        "magnitude": basis.magnitude,
        "depth": basis.depth,
        "longitude": basis.longitude,
        "latitude": basis.latitude,
        "time": basis.time.isoformat(),
    }


def _regions(work: Workspace, config: HazardConfig, about: Subject, bbox: list[float]) -> list[str]:
    """Return the hazard's regions that a product touches."""
    return [about.region] if isinstance(about, RegionPeriod) else work.config.regions_in(_box(bbox), config.regions)


def _box(bbox: list[float]) -> Bounds:
    west, south, east, north = bbox if len(bbox) == 4 else (bbox[0], bbox[1], bbox[3], bbox[4])
    return west, south, east, north


def _areas(work: Workspace, regions: list[str]) -> gpd.GeoDataFrame:
    """Return the administrative areas of regions, each once; empty where none are configured."""
    tables = [_read_areas(_areas_path(work, id)) for id in regions if work.config.regions[id].areas]
    if not tables:
        log.warning("regions %s name no areas: rules that judge areas cannot warn there", regions)
        return gpd.GeoDataFrame({name: [] for name in _COLUMNS}, geometry="geometry", crs="EPSG:4326")
    joined = pd.concat(tables, ignore_index=True)
    return gpd.GeoDataFrame(joined.drop_duplicates("id"), geometry="geometry", crs="EPSG:4326")


def _areas_path(work: Workspace, region: str) -> Path:
    """Return where a region's areas lie: beside the folder of the file that names them."""
    return work.config.path("regions", region).parents[1] / str(work.config.regions[region].areas)


@cache
def _read_areas(path: Path) -> gpd.GeoDataFrame:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file of administrative areas")
    found = gpd.read_file(path)
    missing = {"id", "name"} - set(found.columns)
    if missing:
        raise ConfigError(f"{path}: columns {sorted(missing)} are missing; found {sorted(found.columns)}")
    return found.to_crs("EPSG:4326")


@cache
def _places(bounds: Bounds) -> gpd.GeoDataFrame:
    return populated.load(bounds)


def check_alerts(work: Workspace) -> None:
    """Raise ConfigError where a rule refuses its parameters, or a region's languages or areas are not there."""
    from pipeline.alerts import rules

    for rule in work.config.alerts.values():
        rules.check(rule.rule, rule.parameters)
    for id, region in work.config.regions.items():
        unknown = set(region.languages) - set(LANGUAGES)
        if unknown:
            path = work.config.path("regions", id)
            raise ConfigError(f"{path}: field languages: found {sorted(unknown)}, expected some of {list(LANGUAGES)}")
        if region.areas:
            _read_areas(_areas_path(work, id))

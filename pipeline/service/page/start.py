"""What the page is told when it starts: names, languages, hazards with what they show, regions, whose borders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

import pipeline
from pipeline.config import HazardConfig
from pipeline.hazards import HAZARDS
from pipeline.layer import Layer
from pipeline.service.door import Door
from pipeline.service.page import borders


class Asset(BaseModel):
    """One thing a hazard's product shows."""

    name: str
    title: str
    kind: Literal["raster", "table"]
    unit: str | None = Field(None, description="UDUNITS text; absent for a table")
    classes: bool = Field(False, description="Whether the values are codes with names")
    role: Literal["estimate", "uncertainty", "exclusion"] | None = None


class Hazard(BaseModel):
    """A hazard that is watched."""

    id: str
    title: str
    layer: str
    grid: Literal["region", "scene", "event"]
    regions: list[str]
    after: str | None = Field(None, description="The hazard whose product it is made from, where it is")
    assets: list[Asset]


class Region(BaseModel):
    """A part of the world that is watched."""

    id: str
    title: str
    bounds: tuple[float, float, float, float]
    languages: list[str]


class Start(BaseModel):
    """What the page needs to start."""

    title: str
    operator: str | None
    version: str
    languages: list[str]
    refresh_seconds: float
    exercise: str | None = Field(description="Name of the exercise that is played; null in earnest")
    borders: borders.Source
    hazards: list[Hazard]
    regions: list[Region]


def start(door: Door) -> Start:
    """Return what the page needs to start."""
    config, settings = door.work.config, door.settings
    regions = [
        Region(id=id, title=region.title, bounds=region.bounds, languages=list(region.languages))
        for id, region in config.regions.items()
    ]
    return Start(
        title=settings.title,
        operator=settings.operator,
        version=pipeline.__version__,
        languages=list(settings.languages),
        refresh_seconds=settings.refresh_seconds,
        exercise=door.work.drill,
        borders=borders.source(door),
        hazards=[_hazard(hazard, config.hazards) for hazard in config.hazards.values()],
        regions=regions,
    )


def _hazard(hazard: HazardConfig, hazards: Mapping[str, HazardConfig]) -> Hazard:
    layer = HAZARDS[hazard.layer]
    return Hazard(
        id=hazard.id,
        title=layer.title,
        layer=layer.name,
        grid=hazard.grid,
        regions=list(hazard.regions),
        after=next((name for name in hazard.trigger if name in hazards), None),
        assets=_assets(layer),
    )


def _assets(layer: Layer) -> list[Asset]:
    answers = layer.answers
    roles: dict[str, Literal["estimate", "uncertainty", "exclusion"]] = {
        answers.exclusion: "exclusion",
        answers.uncertainty: "uncertainty",
        answers.estimate: "estimate",
    }
    rasters = [
        Asset(
            name=name,
            title=variable.long_name,
            kind="raster",
            unit=variable.units,
            classes=variable.is_categorical,
            role=roles.get(name),
        )
        for name, variable in layer.outputs.items()
        if variable.on == "grid"
    ]
    tables = [
        Asset(name=name, title=table.long_name, kind="table", role=roles.get(name)) for name, table in layer.tables.items()
    ]
    return rasters + tables

"""One click explained: what every raster of an Item says of a place, how old that is, and what it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from pipeline.errors import KeyMissing, Unreadable
from pipeline.products.read import asset_key
from pipeline.service.door import PUBLIC, Door, file_url, find_item, item_url
from pipeline.service.raster.answers import Studio
from pipeline.service.raster.numbers import State, value_at
from pipeline.service.raster.source import Raster, raster_names

_ANSWERS = ("estimate", "uncertainty", "exclusion")

_TABLES = ("text/csv", "application/vnd.apache.parquet", "application/x-parquet")


class Place(BaseModel):
    """Where a person clicked; both or none."""

    model_config = ConfigDict(extra="forbid")

    lon: float | None = Field(None, ge=-180, le=180, description="Longitude, degrees")
    lat: float | None = Field(None, ge=-90, le=90, description="Latitude, degrees")


class Said(BaseModel):
    """What one raster says of the place."""

    asset: str
    title: str
    unit: str
    answers: str | None = None
    """estimate, uncertainty or exclusion."""
    value: float | None = None
    state: State | None = None
    """known, unknown (never "no hazard"), or outside; none where no place was named."""
    label: str | None = None
    precision: float | None = None
    legend: str


class Exclusion(BaseModel):
    """Whether the method holds at the place, and if not why."""

    asset: str
    without_reserve: bool | None
    """Code 0: the method holds here. None where even that is unknown, or the place is outside."""
    meaning: str


class Table(BaseModel):
    """A table of the Item."""

    asset: str
    title: str
    answers: str | None = None
    href: str
    type: str


class Given(BaseModel):
    """One input: what it was, and how old it is now."""

    input: str
    source: str
    variable: str | None = None
    id: str | None = None
    at: str | None = None
    time: str | None = None
    received: str | None = None
    age_s: float | None = None
    """Since its time, or since it was received where it is about no time."""
    age_at_processing_s: float | None = None
    sha256: str | None = None
    size: int | None = None
    type: str | None = None
    synthetic: bool | None = None
    href: str | None = None
    """Of its raw payload, or of the Item it is."""
    explain: str | None = None
    """Where the Item it is explains itself."""


class Age(BaseModel):
    """How old what is shown is, at the service's own time."""

    at: str
    data_time: str | None = None
    data_age_s: float | None = None
    received: str | None = None
    received_age_s: float | None = None
    processed: str | None = None
    processed_age_s: float | None = None


class Version(BaseModel):
    """Another version of the same product."""

    item: str
    href: str
    explain: str


class Layer(BaseModel):
    """The method."""

    name: str
    version: str
    source: str | None = None
    doi: str | None = None
    parameters: dict[str, Any]


class Explanation(BaseModel):
    """Everything a person needs to judge one value."""

    item: str
    hazard: str
    title: str
    coordinates: tuple[float, float] | None = None
    datetime: str | None = None
    start_datetime: str | None = None
    end_datetime: str | None = None
    values: list[Said]
    exclusion: Exclusion | None = None
    tables: list[Table]
    age: Age
    inputs: list[Given]
    layer: Layer
    attribution: str
    licence: str
    synthetic: bool
    exercise: bool
    deprecated: bool
    withdrawn: Any = None
    latest: Version | None = None
    href: str
    """The Item in STAC."""


def routes(door: Door, studio: Studio) -> APIRouter:
    """Return the route of explanations."""
    api = APIRouter()

    @api.get(
        "/explain/{item}",
        response_model=Explanation,
        response_model_exclude_none=False,
        responses={404: {"description": "No such public Item"}},
        tags=["raster"],
        operation_id="explain",
    )
    async def explain(
        request: Request,
        item: Annotated[str, Path(max_length=512)],
        asked: Annotated[Place, Query()],
    ) -> Explanation:
        """Return what every raster of an Item says of a place, which question each answers, how old it is and its sources."""
        if (asked.lon is None) != (asked.lat is None):
            raise HTTPException(400, "lon, lat: found one of them, expected both or none")
        place = None if asked.lon is None or asked.lat is None else (asked.lon, asked.lat)
        return await studio.run(partial(explanation, door, studio, item, place, door.url(request)))

    return api


def explanation(door: Door, studio: Studio, id: str, place: tuple[float, float] | None, base: str) -> Explanation:
    """Return what an Item says of a place (longitude, latitude), or of itself where none is named.

    Raises
    ------
    HTTPException
        404 where there is no public Item of this id.
    """
    item = find_item(door, id)
    if item is None:
        raise HTTPException(404, f"found no public item {id!r}")
    properties = item["properties"]
    values = [
        said(studio, raster, place, base)
        for name in raster_names(item)
        if (raster := studio.rasters.of(item, name)) is not None
    ]
    values.sort(key=lambda one: (_ANSWERS.index(one.answers) if one.answers else len(_ANSWERS), one.asset))
    now = door.now()
    return Explanation(
        item=item["id"],
        hazard=item["collection"],
        title=properties.get("title", item["id"]),
        coordinates=place,
        datetime=properties.get("datetime"),
        start_datetime=properties.get("start_datetime"),
        end_datetime=properties.get("end_datetime"),
        values=values,
        exclusion=_exclusion(values) if place is not None else None,
        tables=_tables(item, base),
        age=_age(properties, now),
        inputs=_inputs(door, item, now, base),
        layer=_layer(item["collection"], properties),
        attribution=properties.get("hazmon:attribution", ""),
        licence=properties.get("license", "other"),
        synthetic=properties.get("hazmon:synthetic", False),
        exercise=properties.get("hazmon:exercise", False),
        deprecated=properties.get("deprecated", False),
        withdrawn=properties.get("hazmon:withdrawn"),
        latest=_latest(item, base),
        href=item_url(base, item["collection"], item["id"]),
    )


def said(studio: Studio, raster: Raster, place: tuple[float, float] | None, base: str) -> Said:
    """Return what a raster says of a place."""
    found = None if place is None else value_at(studio.handles, raster, *place)
    return Said(
        asset=raster.asset,
        title=str(raster.described.get("title", raster.asset)),
        unit=raster.unit,
        answers=_answers(raster.described),
        value=found.value if found else None,
        state=found.state if found else None,
        label=found.label if found else None,
        precision=raster.band.get("hazmon:precision"),
        legend=f"{base}/raster/{raster.hazard}/{raster.item}/{raster.asset}/legend.json",
    )


def _answers(asset: Mapping[str, Any]) -> str | None:
    return next((role for role in _ANSWERS if role in asset.get("roles", [])), None)


def _exclusion(values: list[Said]) -> Exclusion | None:
    mask = next((one for one in values if one.answers == "exclusion"), None)
    if mask is None:
        return None
    if mask.state == "outside":
        return Exclusion(
            asset=mask.asset, without_reserve=None, meaning="outside the area of the product: nothing is known here"
        )
    if mask.state == "unknown" or mask.value is None:
        return Exclusion(asset=mask.asset, without_reserve=None, meaning="it is not known whether the method can know")
    return Exclusion(asset=mask.asset, without_reserve=mask.value == 0, meaning=mask.label or f"code {mask.value:g}")


def _tables(item: Mapping[str, Any], base: str) -> list[Table]:
    return [
        Table(
            asset=name,
            title=asset.get("title", name),
            answers=_answers(asset),
            href=file_url(base, asset_key(item, name)),
            type=asset["type"],
        )
        for name, asset in item["assets"].items()
        if asset.get("type", "").partition(";")[0] in _TABLES and not urlsplit(asset["href"]).scheme
    ]


def _layer(hazard: str, properties: Mapping[str, Any]) -> Layer:
    return Layer(
        name=properties.get("hazmon:layer", hazard),
        version=properties.get("hazmon:layer_version", ""),
        source=properties.get("sci:citation"),
        doi=properties.get("sci:doi"),
        parameters=properties.get("hazmon:parameters", {}),
    )


def _age(properties: Mapping[str, Any], now: datetime) -> Age:
    data, received, processed = (
        properties.get(name) for name in ("hazmon:data_time", "hazmon:received", "processing:datetime")
    )
    return Age(
        at=now.isoformat(),
        data_time=data,
        data_age_s=_since(data, now),
        received=received,
        received_age_s=_since(received, now),
        processed=processed,
        processed_age_s=_since(processed, now),
    )


def _since(text: str | None, now: datetime) -> float | None:
    return None if text is None else round((now - datetime.fromisoformat(text)).total_seconds(), 3)


def _inputs(door: Door, item: Mapping[str, Any], now: datetime, base: str) -> list[Given]:
    """Return the rows of the file that lists an Item's inputs, with their ages now."""
    if "inputs" not in item["assets"]:
        return []
    try:
        rows = door.work.store.get_json(asset_key(item, "inputs"))["inputs"]
    except (KeyMissing, Unreadable):
        return []
    return [_given(row, now, base) for row in rows]


def _given(row: Mapping[str, Any], now: datetime, base: str) -> Given:
    key = row.get("key") or ""
    scheme, parts = urlsplit(key).scheme, key.split("/")
    is_item = key.startswith("catalog/") and len(parts) == 4
    href = key if scheme in ("http", "https") else file_url(base, key) if parts[0] in PUBLIC else None
    return Given(
        **{name: row.get(name) for name in ("variable", "id", "at", "time", "received", "sha256", "size", "type", "synthetic")},
        input=row["input"],
        source=row["source"],
        age_s=_since(row.get("time") or row.get("received"), now),
        age_at_processing_s=row.get("age_s"),
        href=item_url(base, parts[1], parts[2]) if is_item else href,
        explain=f"{base}/explain/{parts[2]}" if is_item else None,
    )


def _latest(item: Mapping[str, Any], base: str) -> Version | None:
    """Return the version that stands in place of this one."""
    href = next((link["href"] for link in item["links"] if link["rel"] == "latest-version"), None)
    if href is None:
        return None
    id = href.rsplit("/", 1)[-1].removesuffix(".json")
    return (
        None
        if id == item["id"]
        else Version(item=id, href=item_url(base, item["collection"], id), explain=f"{base}/explain/{id}")
    )

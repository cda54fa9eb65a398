"""What stands now: the newest Item of every hazard and region, or of every event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

import orjson
import shapely
from fastapi import APIRouter, Depends
from fastapi import Query as Parameter
from pydantic import Field, PositiveInt
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.config import RegionConfig
from pipeline.products.index_row import boxes, time_text
from pipeline.products.index_search import Key, Query, Term, in_places
from pipeline.service.door import Door
from pipeline.service.refused import only_known
from pipeline.service.stac.served import GEOJSON, JSON, landing_url, served

_DESCRIPTION = """The newest Item that stands, per hazard and region; of events, the Item that stands for each.

Items about a time to come (forecasts) are passed over where there is one about now; else the nearest is told. A scene
belongs to every region that it touches. `latest` tells which Item is whose; Items of an exercise or made from synthetic
data say so in `hazmon:exercise` and `hazmon:synthetic`."""

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A GeoJSON FeatureCollection of STAC Items, the newest first", "content": {GEOJSON: {}}},
    400: {"description": "Unknown hazard or region, or a parameter that cannot be read"},
}

_STANDS = Term("items.current = 1")

#: Of those to come, what is nearest to now is the first.
_SOONEST = (Key(Term("items.start"), False, True), Key(Term("items.id"), True, True))

#: Longest time that events are asked for in days, a hundred years; `all` is longer.
_MOST_DAYS = 36_500


@dataclass(frozen=True)
class _Asked:
    """What is asked for."""

    regions: Mapping[str, RegionConfig]
    """Regions that are asked for, by id."""
    region: str | None
    """The one that was named; None: all, and events wherever they were."""
    limit: int
    days: int | Literal["all"]


@dataclass(frozen=True)
class _Latest:
    """One answer: an Item stands for a hazard in a region (None: wherever its event was)."""

    hazard: str
    region: str | None
    item: dict[str, Any]


def router(door: Door) -> APIRouter:
    """Return the route /stac/latest."""
    routes = APIRouter(prefix="/stac", tags=["STAC"])

    @routes.get(
        "/latest",
        name="Latest",
        description=_DESCRIPTION,
        responses=_ANSWERS,
        response_class=Response,
        dependencies=[Depends(only_known)],
    )
    def latest(
        request: Request,
        hazard: Annotated[str | None, Parameter(description="Only of this hazard")] = None,
        region: Annotated[str | None, Parameter(description="Only in this region")] = None,
        limit: Annotated[PositiveInt, Parameter(description="Most Items; more than the service allows are cut")] = 100,
        days: Annotated[
            Annotated[int, Field(ge=1, le=_MOST_DAYS)] | Literal["all"],
            Parameter(description="Events of so many days until now, by data time, or all"),
        ] = 30,
    ) -> Response:
        """Return what stands."""
        config = door.work.config
        door.fresh.look()
        _check("hazard", hazard, config.hazards)
        _check("region", region, config.regions)
        regions = {id: each for id, each in config.regions.items() if region in (None, id)}
        asked = _Asked(regions, region, min(limit, door.settings.limits.page), days)
        found = [each for id in config.hazards if hazard in (None, id) for each in _of_hazard(door, id, asked)]
        found.sort(key=lambda each: str(each.item["properties"]["datetime"]), reverse=True)
        return _answer(found, limit=asked.limit, base=door.url(request))

    return routes


def _check(where: str, given: str | None, expected: Iterable[str]) -> None:
    names = sorted(expected)
    if given is not None and given not in names:
        raise HTTPException(400, f"{where}: found {given[:100]!r}, expected one of {names}")


def _of_hazard(door: Door, hazard: str, asked: _Asked) -> Iterator[_Latest]:
    binding = door.work.config.hazards[hazard]
    mine = [Term("items.hazard = ?", (hazard,)), _STANDS]
    if binding.grid == "event":
        yield from (_Latest(hazard, asked.region, item) for item in _events(door, mine, asked))
        return
    now = time_text(door.now().isoformat())
    for id in asked.regions:
        if id in binding.regions:
            there = [*mine, _about(id) if binding.grid == "region" else _touching(asked.regions[id])]
            # The newest of those about now or before, or else what is nearest to now of those to come.
            found = _find(door, Query(terms=[*there, Term("items.start <= ?", (now,))], limit=1))
            found = found or _find(door, Query(terms=there, order=_SOONEST, limit=1))
            yield from (_Latest(hazard, id, item) for item in found)


def _events(door: Door, mine: list[Term], asked: _Asked) -> list[dict[str, Any]]:
    since = None if asked.days == "all" else time_text((door.now() - timedelta(days=asked.days)).isoformat())
    there = [] if asked.region is None else [_touching(asked.regions[asked.region])]
    return _find(door, Query(terms=[*mine, *there], window=(since, None), limit=asked.limit))


def _about(region: str) -> Term:
    prefix = f"region:{region}:"
    return Term("substr(items.subject, 1, ?) = ?", (len(prefix), prefix))


def _touching(region: RegionConfig) -> Term:
    places = boxes(region.bounds)
    return in_places(places, shapely.union_all([shapely.box(*place) for place in places]))


def _find(door: Door, query: Query) -> list[dict[str, Any]]:
    return [orjson.loads(each.document) for each in door.work.catalog.index.find(query)]


def _answer(found: list[_Latest], *, limit: int, base: str) -> Response:
    items = {each.item["id"]: each.item for each in found}
    kept = dict(list(items.items())[:limit])
    here = landing_url(base)
    links = [
        {"rel": "self", "href": f"{here}/latest", "type": GEOJSON},
        {"rel": "root", "href": here, "type": JSON},
    ]
    content = {
        "type": "FeatureCollection",
        "features": [served(item, base) for item in kept.values()],
        "links": links,
        "numberReturned": len(kept),
        "latest": [
            {"hazard": each.hazard, "region": each.region, "item": each.item["id"]} for each in found if each.item["id"] in kept
        ],
    }
    return Response(orjson.dumps(content), media_type=GEOJSON)

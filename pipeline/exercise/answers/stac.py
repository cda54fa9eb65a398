"""A STAC API 1.0.0: landing page, collections, Items, search by GET and POST with paging tokens; and read tokens."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from pipeline.errors import InputError
from pipeline.exercise.answers.reply import GEOJSON, Asked, Reply, as_json
from pipeline.exercise.generate import items
from pipeline.exercise.scenario import Quirks
from pipeline.exercise.stage import Stage
from pipeline.model import moment

HOST = items.API.split("/")[2]
ROOT = "/api/stac/v1"
_SIGNER = "/api/sas/v1/token/"
_CONFORMS = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#query",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "in": lambda found, wanted: found in wanted,
}


def answer(stages: list[tuple[Stage, datetime]], asked: Asked) -> Reply:
    """Return what the API says."""
    if asked.path.startswith(_SIGNER):
        expires = (stages[0][1] + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        return as_json({"msft:expiry": expires, "token": "se=exercise&sig=exercise"})
    known = [item for stage, now in stages for item in stage.items(now)]
    quirks = next((stage.scenario.quirks for stage, _ in stages if stage.scenario.scenes is not None), Quirks())
    parts = asked.path.removeprefix(ROOT).strip("/").split("/") if asked.path.startswith(ROOT) else ["-"]
    match parts:
        case [""]:
            return as_json(_landing())
        case ["conformance"]:
            return as_json({"conformsTo": list(_CONFORMS)})
        case ["collections"]:
            return as_json({"collections": [items.collection()], "links": [_link("self", "/collections"), _link("root", "/")]})
        case ["search"]:
            return _search(known, asked, quirks)
        case ["collections", items.COLLECTION]:
            return as_json(items.collection())
        case ["collections", items.COLLECTION, "items"]:
            return _search(known, asked, quirks, {"collections": [items.COLLECTION]})
        case ["collections", items.COLLECTION, "items", name]:
            found = [item for item in known if item["id"] == name]
            if found:
                return as_json(found[0], GEOJSON)
    return _error(404, "NotFoundError", f"{asked.path} does not exist.")


def _landing() -> dict[str, Any]:
    return {
        "type": "Catalog",
        "id": "microsoft-pc",
        "title": "Exercise in the shape of the Planetary Computer's STAC API",
        "description": "Generated scenes of an exercise",
        "stac_version": "1.0.0",
        "conformsTo": list(_CONFORMS),
        "links": [
            _link("self", "/"),
            _link("root", "/"),
            _link("data", "/collections"),
            _link("conformance", "/conformance"),
            {**_link("search", "/search", GEOJSON), "method": "GET"},
            {**_link("search", "/search", GEOJSON), "method": "POST"},
            _link("child", f"/collections/{items.COLLECTION}"),
        ],
    }


def _search(known: list[dict[str, Any]], asked: Asked, quirks: Quirks, more: Mapping[str, Any] | None = None) -> Reply:
    try:
        said = {**_parameters(asked), **(more or {})}
        found = [item for item in known if _wanted(item, said)]
        limit = min(max(int(said.get("limit", 10)), 1), quirks.page)
    except (ValueError, TypeError, AttributeError, InputError) as error:
        return _error(400, "BadRequestError", f"Search failed: {error}")
    first = 0
    if "token" in said:
        last = str(said["token"]).rsplit(":", 1)[-1]
        ids = [item["id"] for item in found]
        first = ids.index(last) + 1 if last in ids else len(ids)
    page = found[first : first + limit]
    links = [_link("root", "/"), {**_link("self", "/search", GEOJSON)}]
    if page and (first + limit < len(found) or quirks.next_after_last_page):
        links.append(_next(asked, said, f"next:{page[-1]['collection']}:{page[-1]['id']}"))
    return as_json({"type": "FeatureCollection", "features": page, "links": links, "numberReturned": len(page)}, GEOJSON)


def _next(asked: Asked, said: Mapping[str, Any], token: str) -> dict[str, Any]:
    href = f"https://{asked.target}"
    if asked.method == "POST":
        return {"rel": "next", "type": GEOJSON, "method": "POST", "href": href, "body": {**said, "token": token}}
    query = urlencode({**{name: value for name, value in asked.query.items() if name != "token"}, "token": token})
    return {"rel": "next", "type": GEOJSON, "method": "GET", "href": f"{href}?{query}"}


def _parameters(asked: Asked) -> dict[str, Any]:
    """Return what is asked for, lists as lists, whichever way it came."""
    if asked.method == "POST":
        body = json.loads(asked.body or b"{}")
        if not isinstance(body, dict):
            raise ValueError("expected a JSON object")
        return body
    said: dict[str, Any] = dict(asked.query)
    for name in ("ids", "collections"):
        if name in said:
            said[name] = said[name].split(",")
    if "bbox" in said:
        said["bbox"] = [float(edge) for edge in said["bbox"].split(",")]
    if "query" in said:
        said["query"] = json.loads(said["query"])
    return said


def _wanted(item: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    if said.get("ids") and item["id"] not in said["ids"]:
        return False
    if said.get("collections") and item["collection"] not in said["collections"]:
        return False
    if said.get("bbox") and not _touches(item["bbox"], said["bbox"]):
        return False
    if said.get("datetime") and not _within(item["properties"], str(said["datetime"])):
        return False
    return all(
        name in item["properties"] and _COMPARISONS[comparison](item["properties"][name], value)
        for name, comparisons in (said.get("query") or {}).items()
        for comparison, value in comparisons.items()
        if comparison in _COMPARISONS
    )


def _touches(box: list[float], wanted: list[float]) -> bool:
    west, south, east, north = wanted if len(wanted) == 4 else (wanted[0], wanted[1], wanted[3], wanted[4])
    return box[0] <= east and box[2] >= west and box[1] <= north and box[3] >= south


def _within(properties: Mapping[str, Any], interval: str) -> bool:
    found = moment(properties["datetime"])
    start, _, end = interval.partition("/")
    if not end:
        return found == moment(start)
    return (start in ("", "..") or moment(start) <= found) and (end == ".." or found <= moment(end))


def _link(relation: str, path: str, kind: str = "application/json") -> dict[str, Any]:
    return {"rel": relation, "type": kind, "href": f"https://{HOST}{ROOT}{path}"}


def _error(status: int, code: str, description: str) -> Reply:
    return as_json({"code": code, "description": description}, status=status)

"""What is wrong with a search before it is read: names that mean nothing here, and what says nothing or cannot be.

A parameter that nobody knows is no filter, and who mistypes one must not take all Items for an answer (OGC API Features
7.5). stac-fastapi would pass over such names, and has words of its own for the rest, which name no field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request

from pipeline.errors import InputError
from pipeline.service.refused import only_known
from pipeline.service.stac.literals import box, window

#: What each parameter says if anything.
_SAYS: Mapping[str, str] = {
    "bbox": "4 or 6 numbers",
    "datetime": "an RFC 3339 date-time or two with a slash between them",
    "intersects": "a GeoJSON geometry",
    "filter": "CQL2",
    "query": 'an object such as {"hazmon:magnitude": {"gte": 6}}',
}

#: Clients may name a number of collections on a page; all of them are on one.
_COLLECTIONS = "/stac/collections"


def check_get(request: Request) -> None:
    """Refuse the parameters of a GET request that are no search: a dependency of all routes of the STAC API.

    Raises
    ------
    HTTPException
        400, where a parameter is unknown or given twice.
    InputError
        Where one says nothing, or is no place or moment.
    """
    query = request.query_params
    if set(query) != {"limit"} or request.scope["path"] != _COLLECTIONS:
        only_known(request)
    for name, expected in _SAYS.items():
        if name in query and not query[name].strip():
            raise InputError(f"{name}: found nothing, expected {expected}")
    if "bbox" in query:
        box(_numbers(query["bbox"]))
    if "datetime" in query:
        window(query["datetime"])


def check_post(body: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse the body of a POST request that is no search.

    Parameters
    ----------
    body
        As it was sent.
    known
        Names of all fields.

    Raises
    ------
    InputError
        Where a field is unknown, says nothing, or is no place or moment.
    """
    _only("body", body, known)
    _only("fields", body.get("fields"), ("include", "exclude"))
    keys = body.get("sortby")
    for key in keys if isinstance(keys, list) else ():
        _only("sortby", key, ("field", "direction"))
    for name, expected in _SAYS.items():
        if name in body and body[name] in ("", {}, []):
            raise InputError(f"{name}: found nothing in it, expected {expected}")
    if isinstance(body.get("datetime"), str):
        window(body["datetime"])
    bbox = body.get("bbox")
    if bbox is not None:
        if not isinstance(bbox, list) or not all(isinstance(each, int | float) for each in bbox):
            raise InputError(f"bbox: found {repr(bbox)[:100]}, expected a list of 4 or 6 numbers")
        box(bbox)
    if bbox is not None and body.get("intersects") is not None:
        raise InputError("bbox and intersects: found both, expected one of them")


def named(query: QueryParams, hazard: str | None = None) -> dict[str, list[str]]:
    """Return the ids and collections that a GET request names, of Items of one collection where it asks for those.

    A list of none is a list: it is not the same as none named.
    """
    found = {name: [part for part in query[name].split(",") if part] for name in ("ids", "collections") if name in query}
    if hazard is not None:
        found["collections"] = [hazard] if hazard in found.get("collections", [hazard]) else []
    return found


def _only(where: str, given: Any, known: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(known)) if isinstance(given, Mapping) else []
    if unknown:
        raise InputError(f"{where}: found field {unknown[0][:100]!r}, expected some of {sorted(known)}")


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"bbox: found {text[:100]!r}, expected 4 or 6 numbers with commas between them") from error

"""A search as it was asked for, by GET or POST, brought into one form and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import shapely
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from pipeline.errors import InputError
from pipeline.model import Bounds
from pipeline.service.stac import filters, query
from pipeline.service.stac.fields import DEFAULT, EVERYTHING, Fields
from pipeline.service.stac.literals import box, geometry, window

#: Items on a page where nobody says how many.
DEFAULT_LIMIT = 10

#: Most ids or collections named in one search.
_MOST_NAMES = 10_000

#: Most keys that Items are sorted by.
_MOST_KEYS = 16


@dataclass(frozen=True)
class Asked:
    """One search; None where nothing was said."""

    collections: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    """None named, (), is not the same as nothing said: no Item is among them."""
    places: tuple[Bounds, ...] = ()
    """The bbox: one box, or two on either side of the antimeridian."""
    shape: shapely.Geometry | None = None
    """What Items have to intersect; that of `places` where it is only them."""
    window: tuple[str | None, str | None] | None = None
    condition: Mapping[str, Any] | None = None
    """CQL2 as JSON."""
    sort: tuple[tuple[str, bool], ...] = ()
    """Property and whether the greatest comes first."""
    fields: Fields = EVERYTHING
    limit: int = DEFAULT_LIMIT
    token: str | None = None


def from_get(given: Mapping[str, Any], most: int) -> Asked:
    """Return what the parameters of a GET request ask for.

    Parameters
    ----------
    given
        Parameters of the request as stac-fastapi reads them: lists, numbers and texts.
    most
        Most Items on a page.

    Raises
    ------
    InputError
        Where a parameter cannot be understood.
    """
    plain = {name: given.get(name) for name in ("collections", "ids", "bbox", "datetime", "limit", "token")}
    asked = _common(plain, most)
    if given.get("bbox") and given.get("intersects"):
        raise InputError("bbox and intersects: found both, expected one of them")
    if given.get("intersects"):
        asked = replace(asked, shape=geometry(_json("intersects", given["intersects"]), "intersects"))
    conditions = []
    if given.get("filter_expr"):
        is_json = given.get("filter_lang") == "cql2-json" or given["filter_expr"].lstrip().startswith("{")
        conditions.append(
            filters.from_json(_json("filter", given["filter_expr"])) if is_json else filters.from_text(given["filter_expr"])
        )
    if given.get("query"):
        conditions.append(query.condition(_json("query", given["query"])))
    _check_crs(given.get("filter_crs"))
    return replace(
        asked, condition=_all(conditions), sort=_few(_signed(given.get("sortby"))), fields=_wanted(given.get("fields"))
    )


def from_post(body: BaseModel, most: int) -> Asked:
    """Return what the body of a POST request asks for; raises as `from_get` does."""
    try:
        given = body.model_dump(mode="json", exclude_none=True)
    except PydanticSerializationError as error:
        raise InputError("body: found text that is no Unicode, expected UTF-8") from error
    _check_unicode("body", given)
    asked = _common(given, most)
    if given.get("intersects"):
        asked = replace(asked, shape=geometry(given["intersects"], "intersects"))
    conditions = [filters.from_json(given["filter_expr"])] if given.get("filter_expr") else []
    if given.get("query"):
        conditions.append(query.condition(given["query"]))
    _check_crs(given.get("filter_crs"))
    sort = tuple((key["field"], key["direction"] == "desc") for key in given.get("sortby", []))
    return replace(asked, condition=_all(conditions), sort=_few(sort), fields=_wanted_by_post(body))


def _common(given: Mapping[str, Any], most: int) -> Asked:
    places = box(given["bbox"]) if given.get("bbox") else ()
    limit = given.get("limit")
    return Asked(
        collections=_names("collections", given.get("collections")),
        ids=_names("ids", given.get("ids")),
        places=places,
        shape=shapely.union_all([shapely.box(*place) for place in places]) if places else None,
        window=window(given["datetime"]) if given.get("datetime") else None,
        limit=min(int(limit) if limit is not None else DEFAULT_LIMIT, most),
        token=given.get("token"),
    )


def _names(where: str, given: Iterable[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    names = tuple(dict.fromkeys(given))
    if len(names) > _MOST_NAMES:
        raise InputError(f"{where}: found {len(names)}, expected at most {_MOST_NAMES}")
    return names


def _signed(given: Iterable[str] | None) -> tuple[tuple[str, bool], ...]:
    return tuple((text.strip().lstrip("+-").strip(), text.strip().startswith("-")) for text in given or ())


def _wanted(given: Iterable[str] | None) -> Fields:
    names = [text.strip() for text in given or ()]
    exclude = frozenset(name[1:] for name in names if name.startswith("-"))
    return Fields(frozenset(name.removeprefix("+") for name in names if not name.startswith("-")), exclude)


def _wanted_by_post(body: BaseModel) -> Fields:
    fields = getattr(body, "fields", None)
    if fields is None or not (fields.include or fields.exclude):
        return Fields()
    # Saying that nothing is included is not the same as saying nothing of it.
    default = DEFAULT - frozenset(fields.exclude or ()) if "include" in fields.model_fields_set else ()
    return Fields(frozenset(fields.include or default), frozenset(fields.exclude or ()))


def _json(where: str, text: str) -> Any:
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{where}: found text that is no JSON ({error}), expected JSON") from error
    _check_unicode(where, found)
    return found


def _check_unicode(where: str, given: Any) -> None:
    """Refuse halves of characters, which JSON can write but neither SQLite nor UTF-8 can hold."""
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise InputError(f"{where}: found text that is no Unicode, expected UTF-8") from error


def _few(sort: tuple[tuple[str, bool], ...]) -> tuple[tuple[str, bool], ...]:
    if len(sort) > _MOST_KEYS:
        raise InputError(f"sortby: found {len(sort)} keys, expected at most {_MOST_KEYS}")
    return sort


def _check_crs(given: str | None) -> None:
    if given not in (None, "", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"):
        raise InputError(f"filter-crs: found {given!r}, expected http://www.opengis.net/def/crs/OGC/1.3/CRS84")


def _all(conditions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    if len(conditions) > 1:
        return {"op": "and", "args": list(conditions)}
    return conditions[0] if conditions else None

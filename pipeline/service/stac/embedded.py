"""The STAC API over the embedded index: files are the truth, SQLite finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import attr
import orjson
from pydantic import BaseModel
from stac_fastapi.extensions.filter.client import BaseFiltersClient
from stac_fastapi.types import stac
from stac_fastapi.types.core import BaseCoreClient
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.errors import InputError
from pipeline.products.index_search import NEWEST_FIRST, Found, Key, Query, Term, in_places, spatial
from pipeline.service.door import Door, find_item
from pipeline.service.stac import asked as asking
from pipeline.service.stac import cql, paging
from pipeline.service.stac.asked import Asked
from pipeline.service.stac.checked import check_get, named
from pipeline.service.stac.collections import Collections
from pipeline.service.stac.extensions import Extensions, extensions
from pipeline.service.stac.fields import cut
from pipeline.service.stac.landing import CORE, landing
from pipeline.service.stac.properties import key_of, queryables
from pipeline.service.stac.served import GEOJSON, JSON, collection_url, landing_url, served, served_collection

#: Items of one page, and the tokens of the next and the previous one.
Page = tuple[list[dict[str, Any]], str | None, str | None]


def backend(door: Door) -> tuple[BaseCoreClient, Extensions]:
    """Return the client over the embedded index and its extensions."""
    items = Items(door)
    return EmbeddedClient(items=items), extensions(Queryables(items=items))


class Items:
    """Items and collections of a home as the service finds them, never more than a second behind other publishers."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.catalog = door.work.catalog
        self.collections = Collections(self.catalog.store)

    def collection(self, hazard: str) -> dict[str, Any]:
        """Return a collection as it lies in the store, without links to Items; 404 where there is none."""
        return self.collections.get(hazard)

    def find(self, asked: Asked) -> Page:
        """Return the Items of one page and the tokens of the next and the previous one."""
        self.door.fresh.look()
        types = self.catalog.index.types() if asked.condition or asked.sort else {}
        order = _order(asked, types)
        place = paging.place(asked.token, asked.sort, len(order)) if asked.token else None
        backwards = place is not None and place.way == "prev"
        query = Query(
            terms=_terms(asked, types),
            places=asked.places or _around(asked),
            window=asked.window,
            order=order,
            beyond=place.keys if place else None,
            backwards=backwards,
            # One more than wanted tells whether there is another page.
            limit=asked.limit + 1,
        )
        found = self.catalog.index.find(query)
        more = len(found) > asked.limit
        page = (found[-asked.limit :] if backwards else found[: asked.limit]) if more else found
        items = [orjson.loads(each.document) for each in page]
        forward = _token("next", page, asked) if page and (more or backwards) else None
        back = _token("prev", page[:1], asked) if page and place and (more or not backwards) else None
        return items, forward, back


@attr.s
class Queryables(BaseFiltersClient):
    """Which properties a filter may name: those that Items really have."""

    items: Items = attr.ib(kw_only=True)

    def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the JSON Schema of what a filter may name, in one collection or in all."""
        # Its routes are the filter extension's own, not those that are looked at beforehand.
        check_get(kwargs["request"])
        base = self.items.door.url(kwargs["request"])
        self.items.door.fresh.look()
        if collection_id is None:
            found = queryables(self.items.catalog.index.types(), f"{landing_url(base)}/queryables", "Queryables")
        else:
            title = f"Queryables of {self.items.collection(collection_id)['title']}"
            types = self.items.catalog.index.types(collection_id)
            found = queryables(types, f"{collection_url(base, collection_id)}/queryables", title)
        return cast("dict[str, Any]", _json(found, "application/schema+json"))


@attr.s
class EmbeddedClient(BaseCoreClient):
    """Core and search of the STAC API."""

    items: Items = attr.ib(kw_only=True)
    base_conformance_classes: list[str] = attr.ib(factory=lambda: list(CORE))

    def landing_page(self, **kwargs: Any) -> stac.LandingPage:
        """Return the landing page."""
        door = self.items.door
        page = landing(
            door.url(kwargs["request"]), door.settings.title, self.conformance_classes(), self.items.collections.titles()
        )
        return cast("stac.LandingPage", _json(page, JSON))

    def conformance(self, **_: Any) -> stac.Conformance:
        """Return what it conforms to."""
        return cast("stac.Conformance", _json({"conformsTo": self.conformance_classes()}, JSON))

    def all_collections(self, **kwargs: Any) -> stac.Collections:
        """Return all collections."""
        base = self.items.door.url(kwargs["request"])
        here = landing_url(base)
        links = [
            {"rel": "self", "href": f"{here}/collections", "type": JSON},
            {"rel": "root", "href": here, "type": JSON},
            {"rel": "parent", "href": here, "type": JSON},
        ]
        found = [served_collection(each, base) for each in self.items.collections.all()]
        return cast("stac.Collections", _json({"collections": found, "links": links}, JSON))

    def get_collection(self, collection_id: str, **kwargs: Any) -> stac.Collection:
        """Return one collection."""
        found = served_collection(self.items.collection(collection_id), self.items.door.url(kwargs["request"]))
        return cast("stac.Collection", _json(found, JSON))

    def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> stac.Item:
        """Return one Item."""
        self.items.collection(collection_id)
        self.items.door.fresh.look()
        found = self.items.catalog.index.document(item_id)
        item = orjson.loads(found) if found else find_item(self.items.door, item_id)
        return answer_item(self.items.door, item, item_id, collection_id, kwargs["request"])

    def post_search(self, search_request: BaseModel, **kwargs: Any) -> stac.ItemCollection:
        """Return a page of Items for the body of a POST request."""
        return self._search(lambda most: asking.from_post(search_request, most), kwargs["request"], search_request)

    def get_search(self, *_: Any, **kwargs: Any) -> stac.ItemCollection:
        """Return a page of Items for the parameters of a GET request."""
        request = kwargs.pop("request")
        return self._search(lambda most: asking.from_get({**kwargs, **named(request.query_params)}, most), request)

    def item_collection(self, *_: Any, **kwargs: Any) -> stac.ItemCollection:
        """Return a page of the Items of a collection."""
        request, collection_id = kwargs.pop("request"), kwargs.pop("collection_id")
        self.items.collection(collection_id)
        here = {**kwargs, **named(request.query_params, collection_id)}
        return self._search(lambda most: asking.from_get(here, most), request, hazard=collection_id)

    def _search(
        self, read: Any, request: Request, body: BaseModel | None = None, hazard: str | None = None
    ) -> stac.ItemCollection:
        try:
            asked = read(self.items.door.settings.limits.page)
            found = self.items.find(asked)
        except InputError as error:
            raise HTTPException(400, str(error)) from error
        return answer(self.items.door, asked, found, request, body=body, hazard=hazard)


def answer_item(door: Door, item: dict[str, Any] | None, item_id: str, hazard: str, request: Request) -> stac.Item:
    """Return an Item as it is sent; 404 where there is none, or one of another collection."""
    if item is None or item["collection"] != hazard:
        raise HTTPException(404, f"item: found no {item_id[:200]!r} in collection {hazard!r}")
    return cast("stac.Item", _json(served(item, door.url(request)), GEOJSON))


def answer(
    door: Door, asked: Asked, found: Page, request: Request, *, body: BaseModel | None = None, hazard: str | None = None
) -> stac.ItemCollection:
    """Return a page of Items as it is sent.

    Parameters
    ----------
    door
        The service.
    asked
        What was asked.
    found
        Items and tokens.
    request
        How it was asked.
    body
        Its body, where it was a POST.
    hazard
        The collection whose Items it is about.
    """
    base = door.url(request)
    items, forward, back = found
    where = f"{base}{request.url.path}"
    links = [
        {"rel": "self", "href": f"{where}?{request.url.query}" if request.url.query else where, "type": GEOJSON},
        {"rel": "root", "href": landing_url(base), "type": JSON},
    ]
    if hazard is not None:
        links += [{"rel": name, "href": collection_url(base, hazard), "type": JSON} for name in ("parent", "collection")]
    for relation, token in (("next", forward), ("prev", back)):
        if token is not None:
            links.append(_page_link(relation, token, where, request, body))
    page = {
        "type": "FeatureCollection",
        "features": [cut(served(item, base), asked.fields) for item in items],
        "links": links,
        "numberReturned": len(items),
    }
    return cast("stac.ItemCollection", _json(page, GEOJSON))


def _page_link(relation: str, token: str, where: str, request: Request, body: BaseModel | None) -> dict[str, Any]:
    if body is not None:
        again = {**body.model_dump(mode="json", by_alias=True, exclude_unset=True), "token": token}
        return {"rel": relation, "href": where, "type": GEOJSON, "method": "POST", "body": again, "merge": False}
    others = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
    return {"rel": relation, "href": f"{where}?{urlencode([*others, ('token', token)])}", "type": GEOJSON, "method": "GET"}


def _terms(asked: Asked, types: Mapping[str, set[str]]) -> list[Term]:
    terms: list[Term] = []
    for column, names in (("items.hazard", asked.collections), ("items.id", asked.ids)):
        if names and len(names) == 1:
            terms.append(Term(f"{column} = ?", names))
        elif names is not None:
            # A list is better passed as one value: SQLite bounds how many there may be.
            terms.append(Term(f"{column} IN (SELECT value FROM json_each(?))", (orjson.dumps(names).decode(),)))
    if asked.places and asked.shape is not None:
        terms.append(in_places(asked.places, asked.shape))
    elif asked.shape is not None:
        terms.append(spatial("intersects", asked.shape))
    if asked.condition is not None:
        terms.append(replace(cql.to_sql(asked.condition, types), is_costly=True))
    return terms


def _around(asked: Asked) -> tuple[tuple[float, float, float, float], ...]:
    if asked.shape is None:
        return ()
    west, south, east, north = asked.shape.bounds
    return ((west, south, east, north),)


def _order(asked: Asked, types: Mapping[str, set[str]]) -> Sequence[Key]:
    if not asked.sort:
        return NEWEST_FIRST
    keys = [key_of(name, descending, types) for name, descending in asked.sort]
    return keys if asked.sort[-1][0] == "id" else [*keys, Key(Term("items.id"), asked.sort[-1][1], True)]


def _token(way: Any, page: Sequence[Found], asked: Asked) -> str:
    return paging.token(paging.Place(way, page[-1].keys), asked.sort)


def _json(content: Any, media_type: str) -> Response:
    return Response(orjson.dumps(content), media_type=media_type)

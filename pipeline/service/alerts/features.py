"""OGC API Features: the messages as GeoJSON, found by place, time and what they warn of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from pipeline.service.alerts import documents
from pipeline.service.alerts.answer import kept
from pipeline.service.alerts.asked import PAGE, Asked, Crs, Lang
from pipeline.service.alerts.find import Found, Wanted, extent, find
from pipeline.service.alerts.hazards import only_hazards
from pipeline.service.alerts.interface import interface
from pipeline.service.alerts.languages import asked, choose
from pipeline.service.alerts.record import moment
from pipeline.service.alerts.shelf import Shelf
from pipeline.service.door import Door
from pipeline.service.refused import only_known, refused

GEOJSON = "application/geo+json"
JSON = "application/json"

#: How long an answer may be used without asking again, seconds: a warning must not wait.
FRESH_S = 5
#: How long a description may be used, seconds.
SETTLED_S = 300


def router(door: Door, shelf: Shelf) -> APIRouter:
    """Return the routes under /features."""
    routes = APIRouter(prefix="/features", tags=["OGC API Features"], dependencies=[Depends(only_known)])
    _add_descriptions(routes, door, shelf)
    _add_one(routes, door, shelf)

    @routes.get("/collections/alerts/items", responses={200: {"content": {GEOJSON: {}}}}, response_class=Response)
    def alerts(request: Request, query: Annotated[Asked, Depends()]) -> Response:
        """Return messages, the newest first."""
        limit = min(query.limit, door.settings.limits.page)
        languages = asked(request, query.lang)
        wanted, before = query.wanted(), query.cursor()
        if query.hazard is not None:
            only_hazards(door, shelf, [query.hazard])
        shelf.refresh()
        now = door.now()
        found, count = find(shelf, wanted, now, limit=limit + 1, before=before)
        page, more = found[:limit], len(found) > limit
        base = door.url(request)
        features = [feature(message, languages, base) for message in page]
        body = {
            "type": "FeatureCollection",
            "features": features,
            "links": _links(request, base, page[-1] if more else None),
            "timeStamp": moment(now),
            "numberMatched": count,
            "numberReturned": len(page),
        }
        return _answer(request, body, [entry["properties"]["language"] for entry in features])

    return routes


def feature(message: Found, languages: tuple[str, ...], base: str) -> dict[str, Any]:
    """Return a message as a GeoJSON feature, its texts in the language that serves best."""
    texts: Mapping[str, Any] = message.body["texts"]
    language = choose(languages, list(texts)) if texts else None
    said = texts[language] if language else documents.NO_TEXT
    return {
        "type": "Feature",
        "id": message.identifier,
        "geometry": message.geometry,
        "properties": {
            **message.body["properties"],
            "active": message.active,
            "superseded_by": message.superseded_by,
            **said,
            "languages": list(texts),
            "cap": f"{base}/{message.key}",
        },
    }


def _add_one(routes: APIRouter, door: Door, shelf: Shelf) -> None:
    """Add the route of one message."""

    @routes.get("/collections/alerts/items/{identifier}", responses={200: {"content": {GEOJSON: {}}}}, response_class=Response)
    def alert(
        request: Request,
        identifier: Annotated[str, Path(description="CAP identifier")],
        lang: Lang = None,
        crs: Annotated[Crs | None, Query(description="Reference system of the answer")] = None,
    ) -> Response:
        """Return one message."""
        languages = asked(request, lang)
        shelf.refresh()
        found, _ = find(shelf, Wanted(same={"identifier": identifier}), door.now(), limit=1)
        if not found:
            raise refused(404, f"found no alert {identifier!r}, expected an identifier of /features")
        base = door.url(request)
        here = f"{base}/features/collections/alerts"
        links = [
            documents.link("self", f"{here}/items/{found[0].identifier}", GEOJSON),
            documents.link("collection", here, JSON),
        ]
        body = {**feature(found[0], languages, base), "links": links}
        return _answer(request, body, [body["properties"]["language"]])


def _add_descriptions(routes: APIRouter, door: Door, shelf: Shelf) -> None:
    """Add what says how the features are asked for."""

    @routes.get("", responses={200: {"content": {JSON: {}}}}, response_class=Response)
    def landing(request: Request) -> Response:
        """Return what there is."""
        return _described(request, documents.landing(door.url(request), door.settings.title))

    @routes.get("/api", responses={200: {"content": {documents.OPENAPI: {}}}}, response_class=Response)
    def api(request: Request) -> Response:
        """Return the interface in OpenAPI 3.0."""
        told = interface(door.url(request), door.settings.title, door.settings.limits.page, PAGE)
        return kept(request, _bytes(told), documents.OPENAPI, seconds=SETTLED_S)

    @routes.get("/conformance", responses={200: {"content": {JSON: {}}}}, response_class=Response)
    def conformance(request: Request) -> Response:
        """Return which parts of the standards hold."""
        return _described(request, {"conformsTo": list(documents.CONFORMS_TO)})

    @routes.get("/collections", responses={200: {"content": {JSON: {}}}}, response_class=Response)
    def collections(request: Request) -> Response:
        """Return the only collection."""
        shelf.refresh()
        base = door.url(request)
        here = documents.link("self", f"{base}/features/collections", JSON)
        return _described(request, {"links": [here], "collections": [documents.collection(base, *extent(shelf))]})

    @routes.get("/collections/alerts", responses={200: {"content": {JSON: {}}}}, response_class=Response)
    def collection(request: Request) -> Response:
        """Return the messages as a whole."""
        shelf.refresh()
        return _described(request, documents.collection(door.url(request), *extent(shelf)))

    @routes.get("/collections/alerts/schema", responses={200: {"content": {documents.SCHEMA: {}}}}, response_class=Response)
    def schema(request: Request) -> Response:
        """Return what each property of a feature is."""
        return kept(request, _bytes(documents.schema(door.url(request))), documents.SCHEMA, seconds=SETTLED_S)


def _described(request: Request, body: Mapping[str, Any]) -> Response:
    return kept(request, _bytes(body), JSON, seconds=FRESH_S)


def _answer(request: Request, body: Mapping[str, Any], languages: list[str | None]) -> Response:
    spoken = ", ".join(dict.fromkeys(language for language in languages if language))
    headers = {
        "Vary": "Accept-Language",
        "Content-Crs": f"<{documents.CRS84}>",
        **({"Content-Language": spoken} if spoken else {}),
    }
    return kept(request, _bytes(body), GEOJSON, seconds=FRESH_S, headers=headers)


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _links(request: Request, base: str, last: Found | None) -> list[dict[str, str]]:
    here = f"{base}/features/collections/alerts/items"
    asked = {name: value for name, value in request.query_params.items() if name != "token"}
    own = request.url.query
    links = [documents.link("self", f"{here}?{own}" if own else here, GEOJSON)]
    if last is not None:
        following = urlencode({**asked, "token": "~".join(last.cursor)})
        links.append(documents.link("next", f"{here}?{following}", GEOJSON))
    return [*links, documents.link("collection", f"{base}/features/collections/alerts", JSON)]

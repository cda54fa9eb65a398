"""The interface of the features in OpenAPI 3.0, the version that OGC API Features names (the service's own is 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pipeline
from pipeline.service.alerts import documents

_JSON, _GEOJSON = "application/json", "application/geo+json"

_SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
_STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")


def interface(base: str, title: str, most: int, page: int) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    base
        Public address of the service.
    title
        Its name.
    most
        Most features on a page.
    page
        Features on a page where no number is given.
    """
    return {
        "openapi": "3.0.3",
        "info": {"title": f"{title}: alerts", "version": pipeline.__version__},
        "servers": [{"url": f"{base}/features"}],
        "paths": _paths(),
        "components": {
            "parameters": {name: _parameter(name, *told) for name, told in _parameters(most, page).items()},
            "schemas": _schemas(),
            "responses": {
                "Refusal": {
                    "description": "What was found, and what was expected",
                    "content": {_JSON: {"schema": {"$ref": "#/components/schemas/refusal"}}},
                }
            },
        },
    }


def _paths() -> dict[str, Any]:
    names = (
        "bbox",
        "datetime",
        "limit",
        "token",
        "active",
        "hazard",
        "severity",
        "status",
        "incident",
        "lang",
        "crs",
        "bbox-crs",
    )
    items = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    one = {"name": "identifier", "in": "path", "required": True, "schema": {"type": "string"}, "description": "CAP identifier"}
    here = "/collections/alerts"
    return {
        "/": _get("getLandingPage", "What there is", "landingPage"),
        "/conformance": _get("getConformanceDeclaration", "Which parts of the standards hold", "confClasses"),
        "/collections": _get("getCollections", "The collections", "collections"),
        here: _get("describeCollection", "The messages as a whole", "collection"),
        f"{here}/schema": _get("getSchema", "What each property is", "jsonSchema", documents.SCHEMA),
        f"{here}/items": _get("getFeatures", "Messages, the newest first", "featureCollectionGeoJSON", _GEOJSON, items),
        f"{here}/items/{{identifier}}": _get(
            "getFeature",
            "One message",
            "featureGeoJSON",
            _GEOJSON,
            [one, {"$ref": "#/components/parameters/lang"}, {"$ref": "#/components/parameters/crs"}],
        ),
    }


def _get(
    name: str, what: str, schema: str, media_type: str = _JSON, parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    answer = {"description": what, "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
    refusals = {status: {"$ref": "#/components/responses/Refusal"} for status in ("400", "404", "503")}
    said = {"summary": what, "operationId": name, "tags": ["Alerts"], "responses": {"200": answer, **refusals}}
    return {"get": {**said, "parameters": parameters} if parameters else said}


def _parameters(most: int, page: int) -> dict[str, tuple[Mapping[str, Any], str]]:
    text = {"type": "string"}
    crs = {"type": "string", "format": "uri", "enum": [documents.CRS84]}
    box = {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    }
    return {
        "bbox": (box, "west,south,east,north in degrees; west > east crosses 180; messages without outline are left out"),
        "datetime": (text, "A moment, or start/end with .. for an open end (RFC 3339)"),
        "limit": ({"type": "integer", "minimum": 1, "maximum": most, "default": page}, "Most features on a page"),
        "token": (text, "Place to go on from, as the link next gives it"),
        "active": ({"type": "boolean"}, "Only warnings that stand now, or only others"),
        "hazard": (text, "Id of a hazard"),
        "severity": ({"type": "string", "enum": list(_SEVERITIES)}, "CAP severity"),
        "status": ({"type": "string", "enum": list(_STATUSES)}, "CAP status"),
        "incident": (text, "CAP incident"),
        "crs": (crs, "Reference system of the answer"),
        "bbox-crs": (crs, "Reference system of bbox"),
        "lang": (text, "Languages of the texts, the dearest first; else Accept-Language says"),
    }


def _parameter(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": False,
        "description": description,
    }


def _schemas() -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    link = _object({"href": text, "rel": text, "type": text, "title": text}, "href", "rel")
    links = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
    collection = {"id": text, "title": text, "description": text, "links": links, "extent": {"type": "object"}}
    properties = {name: {**kind, "description": said, "nullable": True} for name, (kind, said) in documents.PROPERTIES.items()}
    feature = {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": text,
        "geometry": {"type": "object", "nullable": True},
        "properties": _object(properties),
        "links": links,
    }
    page = {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": {"$ref": "#/components/schemas/featureGeoJSON"}},
        "links": links,
        "timeStamp": {"type": "string", "format": "date-time"},
        "numberMatched": {"type": "integer", "minimum": 0},
        "numberReturned": {"type": "integer", "minimum": 0},
    }
    collections = {"type": "array", "items": {"$ref": "#/components/schemas/collection"}}
    return {
        "link": link,
        "landingPage": _object({"title": text, "description": text, "links": links}, "links"),
        "confClasses": _object({"conformsTo": {"type": "array", "items": text}}, "conformsTo"),
        "collections": _object({"links": links, "collections": collections}, "links", "collections"),
        "collection": _object(collection, "id", "links"),
        "jsonSchema": {"type": "object"},
        "featureGeoJSON": _object(feature, "type", "geometry", "properties"),
        "featureCollectionGeoJSON": _object(page, "type", "features"),
        "refusal": _object({"code": text, "description": text}, "code", "description"),
    }


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}

"""The landing page of the STAC API and what it conforms to: the same for every back-end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stac_fastapi.types.conformance import OAFConformanceClasses, STACConformanceClasses

from pipeline.service.stac.served import GEOJSON, JSON, QUERYABLES, collection_url, landing_url

STAC_VERSION = "1.1.0"

#: Media type of the service's description.
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"

#: What every back-end conforms to before any extension. OpenAPI 3.0 is not among it: the service is described by 3.1.
CORE = (
    STACConformanceClasses.CORE,
    STACConformanceClasses.COLLECTIONS,
    STACConformanceClasses.ITEM_SEARCH,
    STACConformanceClasses.OGC_API_FEAT,
    OAFConformanceClasses.CORE,
    OAFConformanceClasses.GEOJSON,
)


def landing(base: str, title: str, conformance: Sequence[str], collections: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the landing page.

    Parameters
    ----------
    base
        Public address of the service, without a slash at its end.
    title
        Name of the service.
    conformance
        URIs of all classes it conforms to.
    collections
        Id and title of every collection.
    """
    here = landing_url(base)
    links = [
        _link("self", here, JSON, "This document"),
        _link("root", here, JSON, "STAC API"),
        _link("service-desc", f"{base}/openapi.json", OPENAPI, "OpenAPI description"),
        _link("service-doc", base or "/", "text/html", "Map"),
        _link("conformance", f"{here}/conformance", JSON, "What it conforms to"),
        _link("data", f"{here}/collections", JSON, "Collections: one per hazard"),
        _link("search", f"{here}/search", GEOJSON, "Search by GET") | {"method": "GET"},
        _link("search", f"{here}/search", GEOJSON, "Search by POST") | {"method": "POST"},
        _link(QUERYABLES, f"{here}/queryables", "application/schema+json", "What a filter may name"),
        _link("latest-version", f"{here}/latest", GEOJSON, "The newest Item that stands, per hazard and region or event"),
        _link("related", f"{base}/features", JSON, "Alerts: OGC API Features"),
        _link("monitor", f"{base}/events", "text/event-stream", "New Items and alerts as they become public"),
        *(_link("child", collection_url(base, id), JSON, title or id) for id, title in collections),
    ]
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": "hazmon",
        "title": title,
        "description": "Hazard layers: estimate, uncertainty, exclusion and age of each, as COGs with STAC Items.",
        "conformsTo": sorted({str(name) for name in conformance}),
        "links": links,
    }


def _link(relation: str, href: str, media_type: str, title: str) -> dict[str, Any]:
    return {"rel": relation, "href": href, "type": media_type, "title": title}

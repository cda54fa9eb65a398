"""Items and collections as they are served: links and hrefs absolute, so that they open from anywhere."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from pipeline.service.door import file_url, item_url

JSON = "application/json"
GEOJSON = "application/geo+json"
PNG = "image/png"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
WEB_MAP_LINKS = "https://stac-extensions.github.io/web-map-links/v1.2.0/schema.json"

#: Relations that the service says anew of an Item; all others are taken over with absolute hrefs.
_OWN = ("self", "root", "parent", "collection", "items", "item", "child")


def landing_url(base: str) -> str:
    """Return the address of the STAC API's landing page."""
    return f"{base}/stac"


def collection_url(base: str, hazard: str) -> str:
    """Return the address of a hazard's collection in the STAC API."""
    return f"{base}/stac/collections/{quote(hazard, safe='')}"


def raster_url(base: str, hazard: str, item_id: str, asset: str) -> str:
    """Return the address under which tiles and pixels of a raster asset are served."""
    return f"{base}/raster/{quote(hazard, safe='')}/{quote(item_id, safe='')}/{quote(asset, safe='')}"


def is_raster(asset: Mapping[str, Any]) -> bool:
    """Whether an asset is a raster that tiles are made of."""
    return str(asset.get("type", "")).startswith("image/tiff")


def served(item: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Return an Item as the service gives it to the world.

    Parameters
    ----------
    item
        As it lies in the store.
    base
        Public address of the service, without a slash at its end.
    """
    hazard, id = str(item["collection"]), str(item["id"])
    folder = f"catalog/{hazard}/{id}"
    assets = {name: {**asset, "href": _absolute(asset["href"], folder, base)} for name, asset in item["assets"].items()}
    own = [
        {"rel": "self", "href": item_url(base, hazard, id), "type": GEOJSON},
        {"rel": "root", "href": landing_url(base), "type": JSON},
        {"rel": "parent", "href": collection_url(base, hazard), "type": JSON},
        {"rel": "collection", "href": collection_url(base, hazard), "type": JSON},
    ]
    kept = [{**link, "href": _absolute(link["href"], folder, base)} for link in item["links"] if link["rel"] not in _OWN]
    maps = _map_links(item, base)
    extensions = sorted({*item.get("stac_extensions", []), *([WEB_MAP_LINKS] if maps else [])})
    return {**item, "stac_extensions": extensions, "assets": assets, "links": [*own, *kept, *maps]}


def served_collection(collection: Mapping[str, Any], base: str) -> dict[str, Any]:
    """Return a hazard's collection as the service gives it to the world; its Items are found under `items`, page by page."""
    hazard = str(collection["id"])
    folder = f"catalog/{hazard}"
    url = collection_url(base, hazard)
    own = [
        {"rel": "self", "href": url, "type": JSON},
        {"rel": "root", "href": landing_url(base), "type": JSON},
        {"rel": "parent", "href": landing_url(base), "type": JSON},
        {"rel": "items", "href": f"{url}/items", "type": GEOJSON, "title": "Items, the newest first"},
        {"rel": QUERYABLES, "href": f"{url}/queryables", "type": "application/schema+json", "title": "What a filter may name"},
    ]
    kept = [{**link, "href": _absolute(link["href"], folder, base)} for link in collection["links"] if link["rel"] not in _OWN]
    return {**collection, "links": [*own, *kept]}


def _map_links(item: Mapping[str, Any], base: str) -> list[dict[str, Any]]:
    links = []
    for name, asset in sorted(item["assets"].items()):
        if is_raster(asset):
            url = raster_url(base, item["collection"], item["id"], name)
            tiles = f"{url}/tiles/WebMercatorQuad/{{z}}/{{x}}/{{y}}.png"
            links.append({"rel": "xyz", "href": tiles, "type": PNG, "title": name})
            links.append({"rel": "tilejson", "href": f"{url}/WebMercatorQuad/tilejson.json", "type": JSON, "title": name})
    return links


def _absolute(href: str, folder: str, base: str) -> str:
    """Return what an href of a document in a folder of the store is to the world."""
    if urlsplit(href).scheme:
        return href
    key = posixpath.normpath(posixpath.join(folder, href))
    parts = key.split("/")
    if parts[0] == "catalog":
        if len(parts) == 4 and parts[3] == f"{parts[2]}.json":
            return item_url(base, parts[1], parts[2])
        if len(parts) == 3 and parts[2] == "collection.json":
            return collection_url(base, parts[1])
        if parts[1:] == ["catalog.json"]:
            return landing_url(base)
    return file_url(base, quote(key))

"""The STAC Collection of a hazard, its months and the root catalogue: pure functions from the old document to the new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.layer import Layer, Table, Variable
from pipeline.products import monty
from pipeline.products.bands import COG_TYPE, classes, nodata
from pipeline.products.item import STAC_VERSION, Credit, answered, extensions, science
from pipeline.products.product import month_of
from pipeline.products.qml import QML, QML_TYPE, style_title
from pipeline.products.table import PARQUET_TYPE

_JSON = "application/json"
_GEOJSON = "application/geo+json"


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a hazard's collection says of itself."""

    title: str
    description: str
    credit: Credit
    """Licence, attribution and providers of every source."""
    layer: Layer
    keywords: Sequence[str] = ()


def item_href(item_id: str) -> str:
    """Return where an Item lies, as the documents of its hazard say."""
    return f"./{item_id}/{item_id}.json"


def hrefs(document: Mapping[str, Any], relation: str) -> list[str]:
    """Return where a document's links of a kind lead."""
    return [str(link["href"]) for link in document["links"] if link["rel"] == relation]


def with_item(collection: Mapping[str, Any] | None, info: CollectionInfo, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a hazard's collection with an Item: months, extent and summaries grow, all else is as `info` says."""
    old = collection or {}
    layer = info.layer
    found = {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": item["collection"],
        "title": info.title,
        "description": info.description,
        "license": info.credit.licence,
        "providers": [dict(provider) for provider in info.credit.providers],
        "hazmon:attribution": info.credit.attribution,
        **science(layer),
        "extent": _extent(old.get("extent"), item),
        "summaries": _summaries(old.get("summaries", {}), layer, item),
        "item_assets": _item_assets(layer),
        "links": [*_months(old, [item["id"]]), *_older(old)],
    }
    if info.keywords:
        found["keywords"] = list(info.keywords)
    if layer.name in monty.HAZARD_CODES:
        found["roles"] = ["hazard", "source"]
    return found | {"stac_extensions": extensions(found)}


def with_months(collection: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """Return a hazard's collection with the months of Items."""
    return {**collection, "links": _months(collection, ids)}


def with_listed(month: Mapping[str, Any] | None, hazard: str, title: str, ids: Sequence[str]) -> dict[str, Any]:
    """Return the catalogue of a month that lists Items which start in it.

    Parameters
    ----------
    month
        As it was; None before its first Item.
    hazard, title
        Id and title of the collection it belongs to.
    ids
        Of the Items; all start in the same month.
    """
    name = month_of(ids[0])
    items = [{"rel": "item", "href": item_href(id), "type": _GEOJSON} for id in ids]
    up = [_up("root", "../catalog.json"), _up("parent", "./collection.json"), _up("collection", "./collection.json")]
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": f"{hazard}-{name}",
        "title": f"{title}, {name}",
        "description": f"What starts in {name}.",
        "links": [*up, *_grown(month, items)],
    }


def with_collection(catalog: Mapping[str, Any] | None, hazard: str, title: str) -> dict[str, Any]:
    """Return the root catalogue that lists a hazard's collection."""
    child = {"rel": "child", "href": f"./{hazard}/collection.json", "type": _JSON, "title": title}
    return {
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "id": "hazmon",
        "title": "hazmon",
        "description": "Hazard layers: estimate, uncertainty, exclusion and age of each, as COGs with STAC Items.",
        "links": [_up("root", "./catalog.json"), *_grown(catalog, [child])],
    }


def _months(collection: Mapping[str, Any], ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the links of a collection with the months of Items."""
    names = sorted({month_of(id) for id in ids})
    months = [{"rel": "child", "href": f"./{name}.json", "type": _JSON, "title": name} for name in names]
    return [_up("root", "../catalog.json"), _up("parent", "../catalog.json"), *_grown(collection, months)]


def _older(collection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the links to Items that a collection had before there were months; a rebuild enters these Items in theirs."""
    return [dict(link) for link in collection.get("links", []) if link["rel"] == "item"]


def _up(relation: str, href: str) -> dict[str, Any]:
    return {"rel": relation, "href": href, "type": _JSON}


def _grown(document: Mapping[str, Any] | None, links: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a document's links of a kind and some more of it, each once, by address."""
    old = [link for link in (document or {}).get("links", []) if link["rel"] == links[0]["rel"]]
    every = {str(link["href"]): dict(link) for link in (*old, *links)}
    return [every[href] for href in sorted(every)]


def _extent(old: Mapping[str, Any] | None, item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item["properties"]
    box = list(item["bbox"])
    times = [
        properties.get("start_datetime") or properties["datetime"],
        properties.get("end_datetime") or properties["datetime"],
    ]
    if old is not None:
        box = _union(old["spatial"]["bbox"][0], box)
        before = old["temporal"]["interval"][0]
        times = [min(before[0], times[0]), max(before[1], times[1])]
    return {"spatial": {"bbox": [box]}, "temporal": {"interval": [times]}}


def _union(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return the box around two; the whole circle of longitudes where one of two unequal ones crosses the antimeridian."""
    if list(one) == list(other):
        return list(one)
    crosses = one[0] > one[2] or other[0] > other[2]
    west, east = (-180.0, 180.0) if crosses else (min(one[0], other[0]), max(one[2], other[2]))
    return [west, min(one[1], other[1]), east, max(one[3], other[3])]


def _summaries(old: Mapping[str, Any], layer: Layer, item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item["properties"]
    found: dict[str, Any] = {"hazmon:layer": [layer.name]}
    names = ["proj:code", "hazmon:layer_version", "hazmon:synthetic", "hazmon:exercise"]
    for name in names:
        found[name] = sorted({*old.get(name, []), properties[name]} - {None}, key=str)
    if layer.name in monty.HAZARD_CODES:
        countries = {*old.get("monty:country_codes", []), *properties.get("monty:country_codes", [])}
        found["monty:country_codes"] = sorted(countries)
        found["monty:hazard_codes"] = list(monty.HAZARD_CODES[layer.name])
    return {name: values for name, values in found.items() if values}


def _item_assets(layer: Layer) -> dict[str, Any]:
    rasters = {name: _item_asset(name, variable, layer) for name, variable in layer.outputs.items()}
    tables = {name: _table_asset(name, table, layer) for name, table in layer.tables.items()}
    styles = {
        f"{name}{QML}": {"title": style_title(variable), "type": QML_TYPE, "roles": ["style"]}
        for name, variable in layer.outputs.items()
    }
    return {
        **rasters,
        **styles,
        **tables,
        "inputs": {"title": "Every input and its age", "type": "application/json", "roles": ["metadata", "age"]},
        "thumbnail": {"title": "Map with legend", "type": "image/png", "roles": ["thumbnail"]},
    }


def _item_asset(name: str, variable: Variable, layer: Layer) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": name,
        "description": variable.long_name,
        "data_type": variable.dtype,
        "nodata": nodata(variable),
        "unit": variable.units,
    }
    if variable.is_categorical:
        described["classification:classes"] = classes(variable)
    roles = ["data", *answered(layer, name)]
    return {"title": variable.long_name, "type": COG_TYPE, "roles": roles, "bands": [described]}


def _table_asset(name: str, table: Table, layer: Layer) -> dict[str, Any]:
    columns = [
        {"name": column, "description": variable.long_name, "hazmon:unit": variable.units}
        for column, variable in table.columns.items()
    ]
    roles = ["data", *answered(layer, name)]
    return {"title": table.long_name, "type": PARQUET_TYPE, "roles": roles, "table:columns": columns}

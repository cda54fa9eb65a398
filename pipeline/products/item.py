"""The STAC Item of a product: what it shows, what it was made from and by what, and how far it can be trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import rasterio
from odc.geo.geobox import GeoBox

import pipeline
from pipeline.layer import Layer
from pipeline.model import RegionPeriod
from pipeline.products import monty
from pipeline.products.bands import COG_TYPE, band, render
from pipeline.products.cog import CogFile
from pipeline.products.footprint import footprint
from pipeline.products.product import Input, Product, month_of
from pipeline.store import sha256, to_bytes

#: STAC version of everything written.
STAC_VERSION = "1.1.0"

#: Extensions by the prefix or field that calls for them.
EXTENSIONS: Mapping[str, str] = {
    "classification:": "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "file:": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "monty:": monty.EXTENSION,
    "processing:": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "proj:": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "raster:": "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "renders": "https://stac-extensions.github.io/render/v2.0.0/schema.json",
    "table:": "https://stac-extensions.github.io/table/v1.2.0/schema.json",
    "sci:": "https://stac-extensions.github.io/scientific/v1.0.0/schema.json",
    "deprecated": "https://stac-extensions.github.io/version/v1.2.0/schema.json",
}


@dataclass(frozen=True, slots=True)
class Credit:
    """Whose work it is and on what terms it may be used."""

    licence: str
    """SPDX identifier, or "other"."""
    attribution: str
    providers: Sequence[Mapping[str, Any]] = ()
    """STAC provider objects: name, roles, url."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What an Item says beyond what follows from its product and files."""

    title: str
    credit: Credit
    exercise: bool = False
    facility: str = "hazmon"
    countries: Sequence[str] = ()
    """ISO 3166-1 alpha-3 codes of the countries touched."""
    severity: monty.Severity | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further properties, for example `hazmon:expected`, `hazmon:got`, `hazmon:spin_up`."""


@dataclass(frozen=True, slots=True)
class SideFile:
    """A file of a product that is no raster."""

    name: str
    """Key of the asset."""
    path: Path
    media_type: str
    title: str
    roles: Sequence[str]
    described: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the asset."""

    def asset(self) -> dict[str, Any]:
        """Return the STAC asset."""
        data = self.path.read_bytes()
        return {
            "href": f"./{self.path.name}",
            "type": self.media_type,
            "title": self.title,
            "roles": list(self.roles),
            **self.described,
            **_file(len(data), hashlib.sha256(data).hexdigest()),
        }


def write_inputs(product: Product, now: datetime, folder: Path) -> SideFile:
    """Return the file that answers "how old is what it was made from": every input with its age at `now`, seconds.

    The name carries the checksum: two runs at different times never overwrite one another's file.
    """
    rows = [_row(given, now) for given in sorted(product.inputs, key=lambda given: str(given.identity))]
    data = to_bytes({"product": product.item_id, "at": stamp(now), "inputs": rows})
    path = folder / f"inputs-{sha256(data)[:8]}.json"
    path.write_bytes(data)
    return SideFile("inputs", path, "application/json", "Every input and its age", ("metadata", "age"))


def write_thumbnail(png: bytes, folder: Path) -> SideFile:
    """Return the picture as a file; the name carries the checksum."""
    path = folder / f"thumbnail-{sha256(png)[:8]}.png"
    path.write_bytes(png)
    return SideFile("thumbnail", path, "image/png", "Map with legend", ("thumbnail",))


def build_item(
    product: Product, cogs: Mapping[str, CogFile], sides: Iterable[SideFile], *, now: datetime, notes: Notes
) -> dict[str, Any]:
    """Return the STAC 1.1 Item of a product; the same product at the same `now` gives the same bytes.

    Parameters
    ----------
    product
        What it is about and made from.
    cogs
        Its rasters by variable, as `write_cogs` returns them.
    sides
        Its other files: `write_inputs`, `write_thumbnail`, and those of `write_tables`.
    now
        Time of processing.
    notes
        Title, credit and what else is to be said.
    """
    geometry, bbox = footprint(product.geobox)
    layer = product.layer
    assets = {name: _raster_asset(product, name, file) for name, file in cogs.items()}
    assets |= {side.name: _side_asset(product, side) for side in sides}
    properties = {
        **_times(product, now),
        **projection(product.geobox),
        **_processing(product, now, notes),
        **science(layer),
        **_hazmon(product, notes),
        **monty.monty_properties(layer.name, product.subject, notes.countries, notes.severity),
        "title": notes.title,
        "license": notes.credit.licence,
        "providers": [dict(provider) for provider in notes.credit.providers],
        **_renders(layer, cogs),
        "version": f"{product.source_revision}+{product.digest[:8]}",
        "deprecated": False,
        **notes.extra,
    }
    item = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "id": product.item_id,
        "collection": product.hazard,
        "geometry": geometry,
        "bbox": bbox,
        "properties": properties,
        "links": [*_up(product.item_id), *_derived_from(product.inputs)],
        "assets": assets,
    }
    return item | {"stac_extensions": extensions(item)}


def extensions(value: Any) -> list[str]:
    """Return the extensions whose fields occur anywhere in a STAC object, sorted."""
    names = set(_names(value))
    return sorted(uri for prefix, uri in EXTENSIONS.items() if any(name.startswith(prefix) for name in names))


def projection(geobox: GeoBox) -> dict[str, Any]:
    """Return the fields of the Projection extension; WKT where the CRS has no code."""
    code = geobox.crs.epsg if geobox.crs is not None else None
    west, south, east, north = geobox.boundingbox.bbox
    return {
        "proj:code": f"EPSG:{code}" if code else None,
        **({} if code or geobox.crs is None else {"proj:wkt2": geobox.crs.to_wkt()}),
        "proj:shape": list(geobox.shape),
        "proj:transform": [float(value) for value in tuple(geobox.transform)[:6]],
        "proj:bbox": [west, south, east, north],
    }


def science(layer: Layer) -> dict[str, Any]:
    """Return the fields of the Scientific extension: the publication of the method."""
    return {"sci:citation": layer.source} | ({"sci:doi": layer.doi} if layer.doi else {})


def stamp(moment: datetime) -> str:
    """Return a UTC moment as STAC writes it: `2024-01-22T18:09:04Z`, with fractions only where there are any."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def _renders(layer: Layer, cogs: Mapping[str, CogFile]) -> dict[str, Any]:
    drawn = {name: render(name, layer.outputs[name], file, table=name == layer.answers.estimate) for name, file in cogs.items()}
    return {"renders": drawn} if drawn else {}


def answered(layer: Layer, name: str) -> list[str]:
    """Return which of the questions an output answers, as roles."""
    answers = layer.answers
    named = (("estimate", answers.estimate), ("uncertainty", answers.uncertainty), ("exclusion", answers.exclusion))
    return [role for role, output in named if output == name]


def _side_asset(product: Product, side: SideFile) -> dict[str, Any]:
    asset = side.asset()
    return asset | {"roles": [*asset["roles"], *answered(product.layer, side.name)]}


def _raster_asset(product: Product, name: str, file: CogFile) -> dict[str, Any]:
    variable = product.layer.outputs[name]
    return {
        "href": f"./{file.path.name}",
        "type": COG_TYPE,
        "title": variable.long_name,
        "roles": ["data", *answered(product.layer, name)],
        "bands": [band(name, variable, product.geobox, file)],
        **_file(file.size, file.sha256),
    }


def _file(size: int, checksum: str) -> dict[str, Any]:
    """Return the fields of the File extension; the checksum is a multihash (0x12: SHA-256, 0x20: 32 bytes)."""
    return {"file:size": size, "file:checksum": f"1220{checksum}"}


def _times(product: Product, now: datetime) -> dict[str, Any]:
    subject = product.subject
    times = {"datetime": stamp(subject.start), "created": stamp(now), "updated": stamp(now)}
    if isinstance(subject, RegionPeriod):
        times |= {"start_datetime": stamp(subject.start), "end_datetime": stamp(subject.end)}
    return times


def _processing(product: Product, now: datetime, notes: Notes) -> dict[str, Any]:
    layer = product.layer
    return {
        "processing:datetime": stamp(now),
        "processing:facility": notes.facility,
        "processing:version": pipeline.__version__,
        "processing:software": {
            "hazmon": pipeline.__version__,
            f"hazmon layer {layer.name}": layer.version,
            "GDAL": rasterio.__gdal_version__,
        },
        "processing:lineage": (
            f"{layer.title} (layer {layer.name} {layer.version}) after {layer.source}, "
            f"from {', '.join(sorted({given.source for given in product.inputs})) or 'no inputs'}"
        ),
    }


def _hazmon(product: Product, notes: Notes) -> dict[str, Any]:
    answers = product.layer.answers
    own: dict[str, Any] = {
        "hazmon:hazard": product.hazard,
        "hazmon:layer": product.layer.name,
        "hazmon:layer_version": product.layer.version,
        "hazmon:subject": product.subject.key,
        "hazmon:lineage": product.lineage,
        "hazmon:revision": product.source_revision,
        "hazmon:digest": product.digest,
        "hazmon:parameters": dict(product.parameters),
        "hazmon:synthetic": product.synthetic,
        "hazmon:exercise": notes.exercise,
        "hazmon:attribution": notes.credit.attribution,
        "hazmon:answers": {
            "estimate": answers.estimate,
            "uncertainty": answers.uncertainty,
            "exclusion": answers.exclusion,
            "age": "inputs",
        },
    }
    if product.data_time is not None:
        own["hazmon:data_time"] = stamp(product.data_time)
    if product.received is not None:
        own["hazmon:received"] = stamp(product.received)
    return own


def _up(id: str) -> list[dict[str, Any]]:
    return [
        {"rel": "root", "href": "../../catalog.json", "type": "application/json"},
        {"rel": "parent", "href": f"../{month_of(id)}.json", "type": "application/json"},
        {"rel": "collection", "href": "../collection.json", "type": "application/json"},
    ]


def _derived_from(inputs: Sequence[Input]) -> list[dict[str, Any]]:
    """Return one link per payload, however many of the layer's inputs it fills; none for a number that lies nowhere."""
    links: dict[tuple[str, str], dict[str, Any]] = {}
    for given in sorted((given for given in inputs if given.key), key=lambda given: str(given.identity)):
        place = (given.key, given.sha256)
        if place in links:
            links[place]["hazmon:inputs"].append(given.name)
            continue
        seal = {"hazmon:digest": given.sha256} if given.is_product else {"file:checksum": f"1220{given.sha256}"}
        links[place] = {
            "rel": "derived_from",
            "href": given.key if urlsplit(given.key).scheme else f"../../../{given.key}",
            "type": given.media_type,
            "title": f"{given.source} {given.id}",
            "hazmon:inputs": [given.name],
            **seal,
        }
    return list(links.values())


def _row(given: Input, now: datetime) -> dict[str, Any]:
    known = given.time or given.received
    return {
        "input": given.name,
        "source": given.source,
        "variable": given.variable,
        "id": given.id,
        "revision": given.revision,
        "at": given.at,
        "time": stamp(given.time) if given.time else None,
        "received": stamp(given.received) if given.received else None,
        "age_s": round((now - known).total_seconds(), 3) if known else None,
        "sha256": given.sha256,
        "size": given.size,
        "key": given.key,
        "type": given.media_type,
        "synthetic": given.synthetic,
    }


def _names(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)

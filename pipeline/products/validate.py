"""Whether a catalogue is what it says: STAC, COGs, checksums, links and index, all without the network."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from posixpath import dirname, normpath
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pystac
import rasterio
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.render import RenderExtension
from pystac.extensions.scientific import ScientificExtension
from pystac.extensions.version import VersionExtension
from pystac.validation.local_validator import get_local_schema_cache
from rasterio.errors import RasterioError
from referencing import Registry, Resource
from rio_cogeo.cogeo import cog_validate

from pipeline.errors import KeyMissing, StoreError, Unreadable
from pipeline.products import qml
from pipeline.products.bands import COG_TYPE
from pipeline.products.catalog import COLLECTION_REMEDY, ROOT_KEY, collection_key, month_key
from pipeline.products.collection import hrefs
from pipeline.products.index import Index
from pipeline.products.item import EXTENSIONS, extensions
from pipeline.products.product import month_of
from pipeline.products.read import asset_href, asset_key, gdal_options, gdal_path
from pipeline.products.stored import is_item_key
from pipeline.products.table import PARQUET_TYPE
from pipeline.store import Store

Kind = Literal["stac", "extension", "asset", "checksum", "cog", "link", "index"]

#: Called with (Items done, Items in all, id of the Item).
Progress = Callable[[int, int, str], None]

_ANSWERS = {"estimate", "uncertainty", "exclusion", "age"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    key: str
    """Store key of the document it concerns."""
    kind: Kind
    message: str


def validate(store: Store, index: Index, *, progress: Progress | None = None) -> list[Problem]:
    """Return everything that is wrong with a catalogue; empty where all is well.

    Items, collections and root against the STAC 1.1 schemas; extension fields; every asset there, with its size and
    checksum, and opening; strict COG validation; links; index equal to the files.

    Parameters
    ----------
    store
        Where the catalogue lies.
    index
        Its search index.
    progress
        Called after each Item.
    """
    keys = [key for key in store.list("catalog") if is_item_key(key)]
    problems: list[Problem] = []
    found: dict[str, bool] = {}
    hazards: dict[str, set[str]] = {}
    for done, key in enumerate(keys, start=1):
        try:
            item = _document(store, key)
        except StoreError as error:
            problems.append(Problem(key, "stac", str(error)))
            continue
        problems += _check_item(store, key, item)
        found[key] = not item.get("properties", {}).get("deprecated", False)
        hazards.setdefault(key.split("/")[1], set()).add(key)
        if progress is not None:
            progress(done, len(keys), key.split("/")[2])
    problems += _check_tree(store, hazards)
    problems += _check_index(index, found)
    return problems


def _document(store: Store, key: str) -> dict[str, Any]:
    value = store.get_json(key)
    if not isinstance(value, dict):
        raise Unreadable(f"found {type(value).__name__}, expected a JSON object")
    return value


def _check_item(store: Store, key: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    schema = list(_against_schema(key, item, "item"))
    yield from schema
    if schema:
        return
    for message in _extension_problems(item):
        yield Problem(key, "extension", message)
    for name in sorted(item["assets"]):
        yield from _check_asset(store, key, item, name)
    yield from _check_links(store, key, item)


def _against_schema(key: str, document: Mapping[str, Any], kind: str) -> Iterator[Problem]:
    for error in sorted(_validator(kind).iter_errors(document), key=lambda error: list(map(str, error.absolute_path))):
        where = ".".join(map(str, error.absolute_path)) or "document"
        yield Problem(key, "stac", f"{where}: {error.message[:300]}")


@cache
def _validator(kind: str) -> Draft7Validator:
    """Return a validator over the schemas that pystac brings along."""
    schemas = get_local_schema_cache()
    registry: Any = Registry().with_resources([(uri, Resource.from_contents(schema)) for uri, schema in schemas.items()])
    uri = f"https://schemas.stacspec.org/v{pystac.get_stac_version()}/{kind}-spec/json-schema/{kind}.json"
    return Draft7Validator(schemas[uri], registry=registry)


def _extension_problems(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield what pystac's own readers of the extensions refuse, and what our conventions ask beyond them."""
    declared, used = set(item.get("stac_extensions", [])), set(extensions(item))
    if declared != used:
        yield f"stac_extensions: {sorted(declared ^ used)} declared without use or used without declaration"
    unknown = declared - set(EXTENSIONS.values())
    if unknown:
        yield f"stac_extensions: {sorted(unknown)} are not known here"
    try:
        yield from _read_extensions(item)
    except (pystac.STACError, pystac.ExtensionNotImplemented, KeyError, TypeError, ValueError) as error:
        yield f"not readable: {type(error).__name__}: {error}"
    answers = item["properties"].get("hazmon:answers", {})
    if set(answers) != _ANSWERS or not set(answers.values()) <= set(item["assets"]):
        yield f"hazmon:answers: found {answers}, expected the asset of each of {sorted(_ANSWERS)}"
    for name, asset in item["assets"].items():
        yield from _band_problems(name, asset)


def _read_extensions(item: Mapping[str, Any]) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pystac warns of versions it would migrate; what counts is checked below
        parsed = pystac.Item.from_dict(cast("dict[str, Any]", item), preserve_dict=True)
    projection = ProjectionExtension.ext(parsed)
    if not (projection.code or projection.wkt2):
        yield "proj:code: missing, and no proj:wkt2"
    if len(projection.shape or []) != 2 or len(projection.transform or []) not in (6, 9) or len(projection.bbox or []) != 4:
        yield f"proj: found shape {projection.shape}, transform {projection.transform}, bbox {projection.bbox}"
    if not VersionExtension.ext(parsed).version:
        yield "version: missing"
    science = ScientificExtension.ext(parsed)
    if not (science.doi or science.citation):
        yield "sci:doi and sci:citation: both missing"
    drawn = RenderExtension.ext(parsed).renders if "renders" in parsed.properties else {}
    for name, render in drawn.items():
        if not set(render.assets) <= set(parsed.assets):
            yield f"renders.{name}: draws assets {render.assets}, which are not all there"
    for name, asset in parsed.assets.items():
        file = FileExtension.ext(asset)
        if not isinstance(file.size, int) or not re.fullmatch(r"1220[0-9a-f]{64}", file.checksum or ""):
            yield f"assets.{name}: found file:size {file.size}, file:checksum {file.checksum}"


def _band_problems(name: str, asset: Mapping[str, Any]) -> Iterator[str]:
    if asset.get("type") != COG_TYPE:
        return
    for place, band in enumerate(asset.get("bands", [])):
        for field in ("name", "data_type", "nodata", "unit", "raster:scale", "raster:offset"):
            if field not in band:
                yield f"assets.{name}.bands.{place}: {field} is missing"
        values = [entry.get("value") for entry in band.get("classification:classes", [])]
        if len(values) != len(set(values)) or not all(isinstance(value, int) for value in values):
            yield f"assets.{name}.bands.{place}: classification:classes has values {values}"
    if not asset.get("bands"):
        yield f"assets.{name}: bands are missing"


def _check_asset(store: Store, key: str, item: Mapping[str, Any], name: str) -> Iterator[Problem]:
    asset = item["assets"][name]
    if urlsplit(asset["href"]).scheme:
        return
    try:
        data = store.get(asset_key(item, name))
    except KeyMissing:
        yield Problem(key, "asset", f"{name}: nothing is stored under {asset_key(item, name)}")
        return
    if len(data) != asset.get("file:size"):
        yield Problem(key, "checksum", f"{name}: {len(data)} bytes, expected {asset.get('file:size')}")
    checksum = f"1220{hashlib.sha256(data).hexdigest()}"
    if checksum != asset.get("file:checksum"):
        yield Problem(key, "checksum", f"{name}: checksum {checksum}, expected {asset.get('file:checksum')}")
    if asset.get("type") == COG_TYPE:
        yield from _check_cog(asset_href(store, item, name), key, name)
    elif asset.get("type") == PARQUET_TYPE:
        yield from _check_table(data, asset, key, name)
    elif asset.get("type") == qml.QML_TYPE:
        yield from _check_style(data, item, key, name)


def _check_table(data: bytes, asset: Mapping[str, Any], key: str, name: str) -> Iterator[Problem]:
    try:
        found = pq.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError) as error:
        yield Problem(key, "asset", f"{name}: does not open: {error}")
        return
    columns = [column["name"] for column in asset["table:columns"]]
    if found.column_names != columns or found.num_rows != asset["table:row_count"]:
        yield Problem(key, "asset", f"{name}: {found.num_rows} rows of {found.column_names}, the Item says otherwise")


def _check_style(data: bytes, item: Mapping[str, Any], key: str, name: str) -> Iterator[Problem]:
    """Check a style against the raster it is for, and that it lies where QGIS looks for it."""
    raster = name.removesuffix(qml.QML)
    if item["assets"].get(raster, {}).get("type") != COG_TYPE:
        yield Problem(key, "asset", f"{name}: a style for {raster}, which is no raster of the Item")
        return
    beside = str(item["assets"][raster]["href"]).removesuffix(".tif") + ".qml"
    if item["assets"][name]["href"] != beside:
        yield Problem(key, "asset", f"{name}: lies at {item['assets'][name]['href']}, QGIS looks for it at {beside}")
    render = item["properties"].get("renders", {}).get(raster, {})
    for message in qml.problems(data, item["assets"][raster], render):
        yield Problem(key, "asset", f"{name}: {message}")


def _check_cog(href: str, key: str, name: str) -> Iterator[Problem]:
    try:
        with rasterio.Env(**gdal_options()):
            valid, errors, cautions = cog_validate(gdal_path(href), strict=True, quiet=True)
            with rasterio.open(gdal_path(href)) as source:
                source.read(1, out_shape=(1, 1))
    except RasterioError as error:
        yield Problem(key, "cog", f"{name}: does not open: {error}")
        return
    if not valid:
        yield Problem(key, "cog", f"{name}: {'; '.join([*errors, *cautions])}")


def _check_links(store: Store, key: str, document: Mapping[str, Any]) -> Iterator[Problem]:
    for link in document["links"]:
        href = str(link["href"])
        if urlsplit(href).scheme or link["rel"] == "self":
            continue
        target = normpath(f"{dirname(key)}/{href}")
        if target.startswith("..") or not store.exists(target):
            yield Problem(key, "link", f"{link['rel']}: {href} leads to {target}, where nothing is stored")


def _check_tree(store: Store, hazards: Mapping[str, set[str]]) -> Iterator[Problem]:
    """Check root, collections and months, and that they list every Item."""
    if hazards:
        yield from _check_list(store, ROOT_KEY, "catalog", {collection_key(hazard) for hazard in hazards})
    for hazard, keys in sorted(hazards.items()):
        months: dict[str, set[str]] = {}
        for key in keys:
            months.setdefault(month_key(hazard, month_of(key.split("/")[2])), set()).add(key)
        yield from _check_list(store, collection_key(hazard), "collection", set(months))
        for month, items in sorted(months.items()):
            yield from _check_list(store, month, "catalog", items)


def _check_list(store: Store, key: str, kind: str, expected: set[str]) -> Iterator[Problem]:
    """Check a document that lists others."""
    try:
        document = _document(store, key)
    except StoreError as error:
        remedy = COLLECTION_REMEDY if kind == "collection" else "rebuild the catalogue"
        yield Problem(key, "stac", f"{error}; {remedy}" if isinstance(error, KeyMissing) else str(error))
        return
    yield from _against_schema(key, document, kind)
    yield from _check_links(store, key, document)
    listed = {normpath(f"{dirname(key)}/{href}") for relation in ("child", "item") for href in hrefs(document, relation)}
    for missing in sorted(expected - listed):
        yield Problem(key, "link", f"{missing} is public but not listed; rebuild the catalogue")


def _check_index(index: Index, found: Mapping[str, bool]) -> Iterator[Problem]:
    rows = {row.key: row.current for row in index.rows()}
    left_out = index.unreadable()
    for key, problem in left_out.items():
        yield Problem(key, "index", f"left out of the index: {problem}")
    for key in sorted({*rows, *found} - {*left_out}):
        if rows.get(key) != found.get(key):
            words = {None: "absent", True: "current", False: "superseded"}
            yield Problem(key, "index", f"index says {words[rows.get(key)]}, the Item {words[found.get(key)]}; rebuild it")

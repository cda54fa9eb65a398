"""A public product computed again from the archive and compared with what was published, pixel by pixel."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from pipeline.errors import FeedError, StoreError
from pipeline.model import moment, subject_from_key
from pipeline.products import cog, table
from pipeline.products.product import Input
from pipeline.products.read import asset_href, asset_key, gdal_options, gdal_path
from pipeline.steps import cluster
from pipeline.steps.inputs import Plan
from pipeline.steps.memory import COLD_START
from pipeline.steps.opening import open_inputs
from pipeline.steps.workspace import Workspace
from pipeline.store import sha256


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Whether a product is what its inputs say it should be."""

    verdict: Literal["equal", "differs", "unavailable"]
    detail: str


def reproduce(work: Workspace, item_id: str) -> Reproduction:
    """Return whether an Item's rasters are made again pixel by pixel from the inputs it names.

    Raises
    ------
    KeyMissing
        Where there is no such Item.
    """
    entry = work.catalog.get(item_id)
    properties = entry["properties"]
    hazard = properties["hazmon:hazard"]
    if hazard not in work.config.hazards:
        return Reproduction("unavailable", f"hazard {hazard} is not configured here")
    _, layer = work.hazard(hazard)
    if layer.version != properties["hazmon:layer_version"]:
        return Reproduction("unavailable", f"made by version {properties['hazmon:layer_version']}, this is {layer.version}")
    plan = Plan(_geobox(properties), inputs_of(work, entry))
    if any(not given.key and given.source != COLD_START for given in plan.inputs):
        return Reproduction("unavailable", "made from files of a user, which are not archived")
    cluster.connect()
    try:
        arrays = open_inputs(work, hazard, plan, subject_from_key(properties["hazmon:subject"]))
        with tempfile.TemporaryDirectory(prefix="hazmon-") as scratch:
            outcome = layer.run(**arrays, **properties["hazmon:parameters"])
            again = cog.write_cogs(outcome.grid, layer.outputs, Path(scratch)) if layer.outputs else {}
            found = [_compare(work, entry, name, file) for name, file in again.items()]
            tables = table.write_tables(outcome.tables, layer.tables, Path(scratch))
            found += [_compare_rows(work, entry, file) for file in tables.values()]
    except (StoreError, FeedError) as error:
        return Reproduction("unavailable", str(error))
    different = [text for text in found if text]
    if different:
        return Reproduction("differs", "; ".join(different))
    return Reproduction("equal", f"{len(found)} rasters")


def inputs_of(work: Workspace, entry: Mapping[str, Any]) -> tuple[Input, ...]:
    """Return what a public Item was made from, as the file beside it says."""
    rows = work.store.get_json(asset_key(entry, "inputs"))["inputs"]
    return tuple(
        Input(
            name=row["input"],
            source=row["source"],
            variable=row["variable"],
            id=row["id"],
            sha256=row["sha256"],
            revision=row["revision"],
            key=row["key"],
            at=row["at"],
            time=moment(row["time"]) if row["time"] else None,
            received=moment(row["received"]) if row["received"] else None,
            size=row["size"],
            media_type=row["type"],
            synthetic=row["synthetic"],
        )
        for row in rows
    )


def _geobox(properties: Mapping[str, Any]) -> GeoBox:
    crs = properties["proj:code"] or properties["proj:wkt2"]
    return GeoBox(tuple(properties["proj:shape"]), Affine(*properties["proj:transform"]), crs)


def _compare(work: Workspace, entry: Mapping[str, Any], name: str, again: cog.CogFile) -> str:
    """Return what differs between a published raster and the one made again; empty where nothing does.

    What lies in the store counts, whatever the Item says about it. Other bytes with the same pixels (another version of
    the encoder) are equal as long as they are the bytes that the Item names.
    """
    stored = sha256(work.store.get(asset_key(entry, name)))
    if stored == again.sha256:
        return ""
    href = asset_href(work.store, entry, name)
    try:
        with rasterio.Env(**gdal_options()), rasterio.open(gdal_path(href)) as old, rasterio.open(again.path) as new:
            if old.shape != new.shape:
                return f"{name}: shape {old.shape}, made again {new.shape}"
            count = sum(_differing(old, new, window) for _, window in new.block_windows(1))
    except rasterio.RasterioIOError as error:
        return f"{name}: cannot be read: {error}"
    if count:
        return f"{name}: {count} pixels differ"
    intact = entry["assets"][name]["file:checksum"] == f"1220{stored}"
    return "" if intact else f"{name}: its bytes are not those that the Item names"


def _compare_rows(work: Workspace, entry: Mapping[str, Any], again: table.TableFile) -> str:
    stored = work.store.get(asset_key(entry, again.name))
    if f"1220{sha256(stored)}" != entry["assets"][again.name]["file:checksum"]:
        return f"{again.name}: its bytes are not those that the Item names"
    old = pq.ParquetFile(io.BytesIO(stored)).read()
    new = pq.ParquetFile(again.sides[0].path).read()
    return "" if old.equals(new) else f"{again.name}: {old.num_rows} rows, made again {new.num_rows}, differ"


def _differing(old: rasterio.DatasetReader, new: rasterio.DatasetReader, window: Any) -> int:
    one, other = old.read(1, window=window), new.read(1, window=window)
    same = (one == other) | (np.isnan(one) & np.isnan(other)) if np.issubdtype(one.dtype, np.floating) else one == other
    return int(np.count_nonzero(~same))

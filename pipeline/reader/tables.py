"""Tables of published layers as frames: districts, facilities, stations, forecasts."""

from __future__ import annotations

import io
import os

import geopandas as gpd
import pandas as pd

from pipeline.errors import InputError
from pipeline.model import Bounds
from pipeline.reader.attributes import attributes
from pipeline.reader.listing import found, rasters, tables
from pipeline.reader.source import Item, Source, open_source
from pipeline.reader.wanted import Time, times_of, wanted


def open_table(
    hazard: str,
    table: str | None = None,
    *,
    event: str | None = None,
    region: str | None = None,
    bbox: Bounds | None = None,
    time: Time | None = None,
    revision: int | str | None = None,
    item: str | None = None,
    source: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Return a table of a published layer: a `GeoDataFrame` where it has places.

    The table of an `event` or an `item` as it was published; of anything else the rows of all layers found, with the
    columns `item` and `time` before them. `attrs` are those of `open_layer`, with the units and the meaning of each column.

    Parameters
    ----------
    hazard
        Id of the hazard, for example "exposure".
    table
        Which of its tables; default: its estimate, else the only one.
    event, region, bbox, time, revision, item, source
        As for `open_layer`; `bbox` chooses layers, not rows.

    Raises
    ------
    InputError
        Where nothing satisfies the conditions, or the layer has no such table.
    StoreError
        Where the home or the service cannot be read.
    """
    catalogue = open_source(source)
    conditions = wanted(hazard, event=event, region=region, item=item, bbox=bbox, time=time, revision=revision)
    items = found(catalogue, conditions)
    name = _chosen(items[-1], table)
    frames = [_read(entry, catalogue, _chosen(entry, name)) for entry in items]
    if not conditions.is_one:
        for entry, frame in zip(items, frames, strict=True):
            frame.insert(0, "time", pd.Timestamp(times_of(entry)[0]))
            frame.insert(0, "item", entry["id"])
    joined = frames[0] if conditions.is_one else pd.concat(frames, ignore_index=True)
    columns = items[-1]["assets"][name]["table:columns"]
    joined.attrs = attributes(items, catalogue) | {
        "table": name,
        "units": {column["name"]: column["hazmon:unit"] for column in columns if "hazmon:unit" in column},
        "long_names": {column["name"]: column["description"] for column in columns},
    }
    return joined


def _chosen(item: Item, table: str | None) -> str:
    names = tables(item)
    if not names:
        raise InputError(f"{item['id']}: no table at all; open_layer opens its rasters {list(rasters(item))}")
    estimate = item["properties"]["hazmon:answers"]["estimate"]
    if table is None and (estimate in names or len(names) == 1):
        return str(estimate) if estimate in names else names[0]
    if table is None or table not in names:
        raise InputError(f"{item['id']}: found table={table!r}, expected one of {list(names)}")
    return table


def _read(item: Item, source: Source, name: str) -> pd.DataFrame:
    data = io.BytesIO(source.read(item, name))
    if "table:primary_geometry" in item["assets"][name]:
        frame: pd.DataFrame = gpd.read_parquet(data)
        return frame
    return pd.read_parquet(data)

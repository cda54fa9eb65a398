"""Tables of a product: GeoParquet for machines, CSV with HXL hashtags for people and spreadsheets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
from dask.base import compute

from pipeline.layer import Rows, Table
from pipeline.products.item import SideFile
from pipeline.store import sha256

#: Media types of the two files of a table.
PARQUET_TYPE, CSV_TYPE = "application/vnd.apache.parquet", "text/csv"
#: What the name of a table's CSV asset ends with.
CSV = "_csv"


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table on disk."""

    name: str
    frame: pd.DataFrame
    sides: tuple[SideFile, SideFile]
    """GeoParquet and CSV."""
    table: Table

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as an Item may hold them: JSON values, None for unknown, the geometry left out."""
        return [
            {str(name): _json(value) for name, value in row.items()}
            for row in _attributes(self.frame).to_dict(orient="records")
        ]


def write_tables(rows: Mapping[str, Rows], declared: Mapping[str, Table], folder: Path) -> dict[str, TableFile]:
    """Compute tables together and write each as (Geo)Parquet and CSV; the same rows give the same bytes.

    Parameters
    ----------
    rows
        What the layer returned, by name.
    declared
        Its declaration of each.
    folder
        Where the files go; a name carries its checksum.
    """
    frames = dict(zip(rows, compute(*rows.values()), strict=True))  # type: ignore[no-untyped-call]
    return {name: _write(name, frames[name], table, folder) for name, table in declared.items()}


def _write(name: str, frame: pd.DataFrame, table: Table, folder: Path) -> TableFile:
    passing = folder / f"{name}.parquet"
    frame.to_parquet(passing, index=False, compression="zstd")
    parquet = passing.rename(folder / f"{name}-{sha256(passing.read_bytes())[:8]}.parquet")
    text = _csv(frame, table).encode()
    csv = folder / f"{name}-{sha256(text)[:8]}.csv"
    csv.write_bytes(text)
    described = {"table:columns": _columns(frame, table), "table:row_count": len(frame)}
    if table.geometry:
        described["table:primary_geometry"] = "geometry"
    sides = (
        SideFile(name, parquet, PARQUET_TYPE, table.long_name, ("data",), described),
        SideFile(f"{name}{CSV}", csv, CSV_TYPE, f"{table.long_name}, CSV with HXL hashtags", ("data",)),
    )
    return TableFile(name, frame, sides, table)


def _columns(frame: pd.DataFrame, table: Table) -> list[dict[str, Any]]:
    columns: list[dict[str, Any]] = [
        {"name": name, "description": variable.long_name, "type": str(frame[name].dtype), "hazmon:unit": variable.units}
        for name, variable in table.columns.items()
    ]
    if table.geometry:
        columns.append({"name": "geometry", "description": "place, degrees", "type": "geometry"})
    return columns


def _csv(frame: pd.DataFrame, table: Table) -> str:
    """Return header, hashtags and rows; a point becomes the columns longitude and latitude, unknown an empty field."""
    flat = _attributes(frame).copy()
    tags = [table.hxl.get(str(name), "") for name in flat.columns]
    if table.geometry:
        points = cast(gpd.GeoDataFrame, frame).geometry.representative_point()
        flat["longitude"], flat["latitude"] = points.x.round(6), points.y.round(6)
        tags += ["#geo+lon", "#geo+lat"]
    header = ",".join(map(str, flat.columns))
    return "\n".join([header, ",".join(tags), flat.to_csv(index=False, header=False, lineterminator="\n")])


def _attributes(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(frame.drop(columns="geometry")) if "geometry" in frame else frame


def _json(value: Any) -> Any:
    """Return a cell as JSON: whole numbers whole, unknown None, moments as ISO 8601."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value

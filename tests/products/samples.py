"""A small layer and products of it, for the tests of this room."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from pipeline.layer import Answers, Variable, layer
from pipeline.model import Event, Subject
from pipeline.products.cog import write_cogs
from pipeline.products.collection import CollectionInfo
from pipeline.products.item import Credit, Notes, build_item, write_inputs, write_thumbnail
from pipeline.products.product import Input, Product
from pipeline.products.qml import write_styles
from pipeline.products.thumbnail import Caption, render
from pipeline.store import sha256

NOW = datetime(2024, 1, 22, 18, 20, tzinfo=UTC)
ORIGIN = datetime(2024, 1, 22, 18, 9, 4, tzinfo=UTC)
EVENT = "eq20240122180904a1b2"

OUTPUTS = {
    "mmi": Variable("1", "macroseismic intensity", precision=0.01, colours={1: "#ffffff", 5: "#7aff93", 10: "#800000"}),
    "deviation": Variable("1", "standard deviation of the intensity"),
    "outside": Variable("1", "why unknown", dtype="uint8", nodata=255, labels={0: "inside", 1: "too near the fault"}),
}


@layer(
    title="Shaking",
    inputs={"vs30": Variable("m s-1", "shear-wave velocity of the upper 30 m")},
    outputs=OUTPUTS,
    answers=Answers(estimate="mmi", uncertainty="deviation", exclusion="outside"),
    source="Boore et al. (2014), Earthquake Spectra 30, Eq. 1",
    doi="10.1193/070113EQS184M",
    version="1.0.0",
)
def shaking(vs30: xr.DataArray, *, near: float = 10.0) -> Mapping[str, xr.DataArray]:
    return dict.fromkeys(OUTPUTS, vs30)


CREDIT = Credit("CC-BY-4.0", "USGS; Wald & Allen (2007)", ({"name": "USGS", "roles": ["producer"], "url": "https://usgs.gov"},))
INFO = CollectionInfo("Shaking", "Median shaking of earthquakes.", CREDIT, shaking, ("earthquake",))


def geobox(rows: int = 60, columns: int = 80, west: float = 77.0) -> GeoBox:
    return GeoBox((rows, columns), Affine(1 / 120, 0, west, 0, -1 / 120, 42.0), "EPSG:4326")


def dataset(grid: GeoBox, chunks: int | None = None, shift: float = 0.0) -> xr.Dataset:
    """Return the layer's outputs: smooth, with a corner unknown in all of them."""
    rows, columns = grid.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    mmi = (5 + 4 * np.sin(x / 37) * np.cos(y / 23) + shift).astype(np.float32)
    mmi[: rows // 4, : columns // 4] = np.nan
    pixels = {
        "mmi": mmi,
        "deviation": np.where(np.isnan(mmi), np.nan, 0.5 + 0.1 * np.cos(x / 11)).astype(np.float32),
        "outside": np.where(np.isnan(mmi), 255, (mmi > 8).astype(np.uint8)).astype(np.uint8),
    }
    arrays = pixels if chunks is None else {name: da.from_array(array, chunks=chunks) for name, array in pixels.items()}
    return xr.Dataset({name: (grid.dimensions, array) for name, array in arrays.items()}, coords=xr_coords(grid))


def product(revision: int = 1, *, subject: Subject | None = None, vs30: str = "map 1", **changes: Any) -> Product:
    """Return a product of the event at a revision; `vs30` stands for the content of the static map."""
    origin = Input(
        name="magnitude",
        source="usgs_all_hour",
        variable="magnitude",
        id="us7000lsze",
        sha256=sha256(f"solution {revision}".encode()),
        revision=revision,
        key=f"raw/usgs_all_hour/us7000lsze/{revision}",
        time=ORIGIN,
        received=ORIGIN.replace(minute=10 + revision),
        size=1234,
        media_type="application/geo+json",
        synthetic=True,
    )
    terrain = Input("vs30", "vs30", "vs30", "vs30", sha256(vs30.encode()), key="raw/vs30/vs30/0", at="static")
    return replace(
        Product(
            hazard="shaking",
            layer=shaking,
            subject=subject or Event(EVENT, revision, ORIGIN),
            geobox=geobox(),
            inputs=(origin, terrain),
            parameters={"near": 10.0},
        ),
        **changes,
    )


@functools.cache
def _pixels(folder: Path, grid: GeoBox, shift: float) -> Mapping[str, Any]:
    return write_cogs(dataset(grid, shift=shift), OUTPUTS, folder)


def built(made: Product, folder: Path, now: datetime = NOW, **notes: Any) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return (Item, files) of a product, written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    cogs = _pixels(folder / f"cogs-{made.source_revision}", made.geobox, float(made.source_revision))
    picture = render(cogs["mmi"].path, OUTPUTS["mmi"], Caption("Shaking", "2024-01-22", CREDIT.attribution, "EXERCISE"))
    sides = [write_inputs(made, now, folder), write_thumbnail(picture, folder), *write_styles(OUTPUTS, cogs, folder)]
    item = build_item(
        made, cogs, sides, now=now, notes=Notes("Shaking, M7.0", CREDIT, exercise=True, countries=("KGZ", "CHN"), **notes)
    )
    return item, {name: file.path for name, file in cogs.items()} | {side.name: side.path for side in sides}

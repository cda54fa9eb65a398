"""The Python of the analysts' page, run word by word against a home and a service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from pipeline.hazards import HAZARDS
from pipeline.layer import Table, Variable, seal
from pipeline.model import Event, RegionPeriod, Scene, Subject
from pipeline.products.catalog import Catalog
from pipeline.products.cog import write_cogs
from pipeline.products.collection import CollectionInfo
from pipeline.products.item import Notes, build_item, write_inputs
from pipeline.products.product import Product
from pipeline.products.table import write_tables
from pipeline.store import Store
from tests.products.samples import CREDIT, NOW, ORIGIN, product
from tests.service.running import running, variables

PAGE = (Path(__file__).parents[2] / "docs/gis-analysts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
ADDRESS = "http://127.0.0.1:8081"

AROUND_UQTURPAN = GeoBox.from_bbox((78.0, 40.8, 79.2, 41.8), "EPSG:4326", resolution=1 / 60)
AT_URALSK = GeoBox.from_bbox((514000, 5641000, 530000, 5672000), "EPSG:32639", resolution=200)
KAZAKHSTAN = GeoBox.from_bbox((46, 40, 88, 56), "EPSG:4326", resolution=1.0)


def raster(variable: Variable, grid: GeoBox) -> xr.DataArray:
    """Return plausible cells of a declared output: its stops from north to south, its classes from west to east."""
    rows, columns = grid.shape
    if variable.labels:
        codes = np.array(list(variable.labels))[np.arange(columns) * len(variable.labels) // columns]
        cells = np.broadcast_to(codes, (rows, columns))
    else:
        stops = list(variable.colours or (0.0, 1.0))
        cells = np.broadcast_to(np.linspace(min(stops), max(stops), rows)[:, None], (rows, columns))
    return seal(xr.DataArray(cells, dims=grid.dimensions, coords=xr_coords(grid)), variable)


def rows(table: Table) -> pd.DataFrame:
    frame = pd.DataFrame({name: [0.0, 1.0] for name in table.columns})
    if not table.geometry:
        return frame
    return gpd.GeoDataFrame(frame, geometry=[shapely.Point(78.5, 41.2), shapely.Point(78.6, 41.3)], crs="EPSG:4326")


def publish(catalog: Catalog, hazard: str, subject: Subject, grid: GeoBox, folder: Path) -> None:
    """Publish a product of a real layer with made-up cells."""
    folder.mkdir()
    layer = HAZARDS[hazard]
    made: Product = product(hazard=hazard, layer=layer, subject=subject, geobox=grid)
    cells = xr.Dataset({name: raster(variable, grid) for name, variable in layer.outputs.items()})
    cogs = write_cogs(cells, layer.outputs, folder) if layer.outputs else {}
    tables = write_tables({name: rows(table) for name, table in layer.tables.items()}, layer.tables, folder)
    sides = [write_inputs(made, NOW, folder), *(side for file in tables.values() for side in file.sides)]
    extra = {"hazmon:aliases": ["us7000lsze"]} if isinstance(subject, Event) else {}
    item = build_item(made, cogs, sides, now=NOW, notes=Notes(hazard, CREDIT, extra=extra))
    files = {name: file.path for name, file in cogs.items()} | {side.name: side.path for side in sides}
    catalog.stage(item, files)
    catalog.publish(item["id"], CollectionInfo(hazard, hazard, CREDIT, layer), now=NOW)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A home that holds what the page speaks of, and the address of its service."""
    root = tmp_path_factory.mktemp("page")
    catalog = Catalog(Store.open(root / "home"), root / "home/index.sqlite")
    scene = Scene("sentinel1_rtc", "S1A_20240419", datetime(2024, 4, 19, 3, 3, 13, tzinfo=UTC))
    day = RegionPeriod("kazakhstan", datetime(2024, 4, 5, tzinfo=UTC), datetime(2024, 4, 6, tzinfo=UTC))
    wanted: list[tuple[str, Subject, GeoBox]] = [("flood_extent", scene, AT_URALSK), ("fire_weather", day, KAZAKHSTAN)]
    for revision in (1, 2):
        about = Event("eq20240122180904a1b2", revision, ORIGIN)
        wanted += [(hazard, about, AROUND_UQTURPAN) for hazard in ("shaking", "exposure", "facilities")]
    for number, (hazard, subject, grid) in enumerate(wanted):
        publish(catalog, hazard, subject, grid, root / f"built-{number}")
    # In a process of its own: GDAL holds Python's lock while it looks for a mask beside a file.
    with running(variables(root / "home"), root / "log") as service:
        yield root / "home", service.url


@pytest.mark.parametrize("code", BLOCKS, ids=[f"block {number}" for number in range(1, len(BLOCKS) + 1)])
def test_the_python_of_the_page_runs(
    told: tuple[Path, str], code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, url = told
    monkeypatch.setenv("HAZMON_HOME", str(home))
    exec(compile(code.replace(ADDRESS, url), "docs/gis-analysts.md", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_the_page_has_examples_of_both_doors() -> None:
    assert len(BLOCKS) >= 4
    assert any(f'source="{ADDRESS}"' in code for code in BLOCKS)
    assert any("pystac_client" in code for code in BLOCKS)

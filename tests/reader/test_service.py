"""The same layers from a running service as from its home, and as other clients of STAC read them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import odc.stac
import pandas as pd
import pystac_client
import pytest
import rasterio
import xarray as xr

import pipeline
from pipeline.errors import InputError
from pipeline.products.read import gdal_options
from tests.reader.conftest import SECOND
from tests.reader.test_layers import refuse
from tests.service.running import running, variables


@pytest.fixture(scope="module")
def service(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service over a copy of the home."""
    root = tmp_path_factory.mktemp("served")
    shutil.copytree(home, root / "home")
    with running(variables(root / "home"), root / "log") as service:
        yield service.url


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "an agency's id": ("shaking", {"event": "us7000lsze"}),
    "the id another event has in its Items alone": ("shaking", {"event": "us7000lsxx"}),
    "a superseded revision": ("shaking", {"event": "us7000lsze", "revision": 1}),
    "a part of a layer": ("shaking", {"event": "us7000lsze", "bbox": (77.2, 41.6, 77.305, 41.75)}),
    "days of a region": ("fire_weather", {"region": "kazakhstan"}),
    "a period": ("fire_weather", {"region": "kazakhstan", "time": ("2024-04-06", "2024-04-07")}),
    "another grid": ("fire_weather", {"time": "2024-04-05", "resolution": 0.01}),
}


@pytest.mark.parametrize(("hazard", "conditions"), ASKED.values(), ids=list(ASKED))
def test_a_service_gives_the_arrays_of_its_home(home: Path, service: str, hazard: str, conditions: dict[str, Any]) -> None:
    with dask.config.set(scheduler=refuse):
        local, remote = (pipeline.open_layer(hazard, source=source, **conditions) for source in (home, service))
    xr.testing.assert_identical(remote.drop_attrs(deep=False), local.drop_attrs(deep=False))
    told = {"catalogue", "provenance"}
    assert {name: value for name, value in remote.attrs.items() if name not in told} == {
        name: value for name, value in local.attrs.items() if name not in told
    }


def test_provenance_from_a_service_leads_to_the_payloads_there(service: str) -> None:
    first, *_ = pipeline.open_layer("shaking", event="us7000lsze", source=service).attrs["provenance"].splitlines()
    assert f" {service}/files/raw/usgs_all_hour/us7000lsze/2 sha256:" in first


def test_a_service_gives_the_tables_of_its_home(home: Path, service: str) -> None:
    for conditions in ({"event": "us7000lsze"}, {"time": "2024-01-22"}):
        local, remote = (pipeline.open_table("exposure", source=source, **conditions) for source in (home, service))  # type: ignore[arg-type]
        pd.testing.assert_frame_equal(remote, local)


def test_a_service_gives_the_list_of_its_home(home: Path, service: str) -> None:
    for standing in (True, False):
        local, remote = (pipeline.find_layers(source=source, standing=standing) for source in (home, service))
        assert remote == local


@pytest.mark.parametrize(
    ("hazard", "conditions", "message"),
    [
        ("quake", {}, r"expected one of \['exposure', 'fire_weather', 'shaking'\]"),
        ("shaking", {"event": "us6000abcd"}, rf"event {SECOND} \(us7000lsxx\)"),
        ("shaking", {"event": "usauto7000lszz"}, "withdrawn"),
        ("fire_weather", {"event": "us7000lsze"}, "nothing satisfies event us7000lsze"),
        ("fire_weather", {"time": "2020-01-01"}, "nothing satisfies time"),
    ],
)
def test_a_service_refuses_what_is_not_there_as_its_home_does(
    service: str, hazard: str, conditions: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pipeline.open_layer(hazard, source=service, **conditions)


# As others read it: what QGIS does, step by step


def test_pystac_client_and_rasterio_read_a_layer_over_http(home: Path, service: str) -> None:
    client = pystac_client.Client.open(f"{service}/stac")
    assert {collection.id for collection in client.get_collections()} == {"exposure", "fire_weather", "shaking"}
    (item,) = client.search(collections=["shaking"], bbox=(79.4, 41.5, 79.6, 41.9), query={"deprecated": {"eq": False}}).items()
    href = item.assets["mmi"].href
    assert href.startswith(f"{service}/files/catalog/shaking/")
    with rasterio.Env(**gdal_options()), rasterio.open(f"/vsicurl/{href}") as source:
        found = source.read(1)
    np.testing.assert_array_equal(found, pipeline.open_layer("shaking", event="us7000lsxx", source=home).mmi.values)


def test_odc_stac_loads_a_layer_over_http(home: Path, service: str) -> None:
    client = pystac_client.Client.open(f"{service}/stac")
    items = client.search(
        collections=["fire_weather"], datetime="2024-04-06T12:00:00Z", query={"deprecated": {"eq": False}}
    ).item_collection()
    with rasterio.Env(**gdal_options()):
        found = odc.stac.load(items, bands=["mmi", "outside"])
    expected = pipeline.open_layer("fire_weather", time="2024-04-06", source=home)
    np.testing.assert_array_equal(found.mmi.values, expected.mmi.values)
    np.testing.assert_array_equal(found.outside.values, expected.outside.values)


def test_each_raster_s_style_is_an_asset_that_downloads(service: str, tmp_path: Path) -> None:
    client = pystac_client.Client.open(f"{service}/stac")
    item = next(client.search(collections=["shaking"], query={"deprecated": {"eq": False}}).items())
    styles = {name: asset for name, asset in item.assets.items() if asset.roles == ["style"]}
    assert sorted(styles) == ["deviation_qml", "mmi_qml", "outside_qml"]
    for name, asset in styles.items():
        assert asset.media_type == "application/x-qgis-layer-settings"
        assert asset.href == item.assets[name.removesuffix("_qml")].href.replace(".tif", ".qml")

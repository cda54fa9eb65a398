import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from starlette.testclient import TestClient

from pipeline.config import Config
from pipeline.service.door import Door
from pipeline.service.raster.handles import Handles
from pipeline.service.raster.numbers import value_at
from pipeline.service.raster.source import Rasters
from tests.drills import CONFIG
from tests.service.raster.samples import GRIDS, Published, application


@pytest.mark.parametrize("name", sorted(GRIDS))
@pytest.mark.parametrize("asset", ["mmi", "outside"])
def test_a_value_is_exactly_the_one_stored_at_hundreds_of_points(published: Published, name: str, asset: str) -> None:
    random = np.random.default_rng(20240122)
    item = published.items[name]
    west, south, east, north = item["bbox"]
    east += 360 if east < west else 0
    points = np.column_stack([random.uniform(west - 0.1, east + 0.1, 400), random.uniform(south - 0.1, north + 0.1, 400)])
    handles = Handles()
    raster = Rasters(published.door, handles).find(item["collection"], item["id"], asset)
    states = set()
    with rasterio.open(published.path(name, asset)) as source:
        placed = Transformer.from_crs("EPSG:4326", source.crs, always_xy=True).transform(*points.T)
        truth = [value[0] for value in source.sample(zip(*placed, strict=True), masked=True)]
    for (lon, lat), stored in zip(points, truth, strict=True):
        found = value_at(handles, raster, (lon + 180) % 360 - 180, lat)
        states.add(found.state)
        if np.ma.is_masked(stored) or math.isnan(stored):
            assert found.value is None
        else:
            assert found.value == stored
    handles.close()
    assert states == {"known", "unknown", "outside"}


def test_a_point_has_value_unit_and_title(client: TestClient, published: Published) -> None:
    values, transform, _ = published.values("degrees")
    lon, lat = transform @ (450.5, 600.5)
    answer = client.get(f"{published.url('degrees')}/point/{lon},{lat}").json()
    assert answer["values"] == [float(values[600, 450])]
    assert (answer["state"], answer["unit"], answer["title"]) == ("known", "1", "macroseismic intensity")


def test_a_code_comes_with_its_label(client: TestClient, published: Published) -> None:
    values, transform, _ = published.values("degrees", "outside")
    row, column = (int(place[0]) for place in np.nonzero(values == 1))
    lon, lat = transform @ (column + 0.5, row + 0.5)
    answer = client.get(f"{published.url('degrees', 'outside')}/point/{lon},{lat}").json()
    assert (answer["values"], answer["label"]) == ([1.0], "too near the fault")


@pytest.mark.parametrize(("lon", "lat", "state"), [(77.1, 41.9, "unknown"), (0.0, 0.0, "outside"), (-103.0, 41.0, "outside")])
def test_a_place_without_a_value_says_why(client: TestClient, published: Published, lon: float, lat: float, state: str) -> None:
    answer = client.get(f"{published.url('degrees')}/point/{lon},{lat}").json()
    assert (answer["values"], answer["state"]) == ([None], state)


@pytest.mark.parametrize("place", ["181,0", "0,91", "nan,0", "a,b", "1e999,0"])
def test_a_place_that_is_none_is_refused(client: TestClient, published: Published, place: str) -> None:
    assert client.get(f"{published.url('degrees')}/point/{place}").status_code == 400


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90), name=st.sampled_from(sorted(GRIDS)))
def test_any_place_on_earth_has_an_answer(client: TestClient, published: Published, lon: float, lat: float, name: str) -> None:
    answer = client.get(f"{published.url(name)}/point/{lon},{lat}")
    assert answer.status_code == 200
    assert (answer.json()["values"] == [None]) == (answer.json()["state"] != "known")


def test_statistics_are_those_of_the_known_cells(client: TestClient, published: Published) -> None:
    values, _, _ = published.values("degrees")
    held = values[np.isfinite(values)].astype(np.float64)
    found = client.get(f"{published.url('degrees')}/statistics?p=10&p=90&bins=5").json()
    assert found["overview"] == 1
    assert found["minimum"] == held.min()
    assert found["maximum"] == held.max()
    assert found["mean"] == pytest.approx(held.mean(), rel=1e-6)
    assert found["stddev"] == pytest.approx(held.std(), rel=1e-6)
    assert found["percentiles"] == pytest.approx({"10": np.percentile(held, 10), "90": np.percentile(held, 90)})
    assert sum(found["histogram"][0]) == held.size
    assert found["valid_percent"] == pytest.approx(100 * held.size / values.size, abs=1e-4)


def test_statistics_of_classes_count_them(client: TestClient, published: Published) -> None:
    values, _, _ = published.values("degrees", "outside")
    found = client.get(f"{published.url('degrees', 'outside')}/statistics").json()
    assert found["counts"] == {str(code): int((values == code).sum()) for code in (0, 1)}


def test_statistics_of_a_large_raster_come_from_an_overview(client: TestClient, published: Published) -> None:
    found = client.get(f"{published.url('degrees')}/statistics?max_size=512").json()
    assert (found["overview"], found["cells"]) == (2, 350 * 450)


def test_more_cells_than_allowed_are_refused_by_the_name_of_the_limit(published: Published, tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("limits: {cells: 65536}\n")
    work = replace(published.door.work, config=Config(CONFIG, tmp_path))
    with TestClient(application(Door(work))) as client:
        answer = client.get(f"{published.url('degrees')}/statistics")
        assert answer.status_code == 400
        assert "limits.cells" in answer.json()["description"]


def test_info_is_that_of_the_file(client: TestClient, published: Published) -> None:
    found = client.get(f"{published.url('metres')}/info").json()
    with rasterio.open(published.path("metres")) as source:
        assert found["crs"] == f"EPSG:{source.crs.to_epsg()}"
        assert found["bounds"] == pytest.approx(list(source.bounds))
        assert (found["width"], found["height"], found["dtype"]) == (source.width, source.height, source.dtypes[0])
    assert found["size"] == published.path("metres").stat().st_size
    assert found["checksum"] == published.items["metres"]["assets"]["mmi"]["file:checksum"]

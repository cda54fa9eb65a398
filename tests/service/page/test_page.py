"""The page's files, what it is told at its start, and the base map it is drawn on."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from starlette.testclient import TestClient

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.service import page
from pipeline.service.door import Door
from pipeline.steps import open_workspace
from tests.drills import CONFIG


def door_of(folder: Path, **service: object) -> Door:
    """Return the door of an empty home, its service set so."""
    own = folder / "config"
    own.mkdir()
    (own / "service.yaml").write_text(yaml.safe_dump(service))
    return Door(open_workspace(str(folder), Config(CONFIG, own), drill="EXERCISE a drill"))


def client_of(door: Door) -> TestClient:
    app = FastAPI()
    app.include_router(page.router(door))
    return TestClient(app)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client_of(door_of(tmp_path_factory.mktemp("home"), title="Duty desk", languages=["kk", "ru"])) as client:
        yield client


def test_the_page_is_asked_for_anew_and_its_files_never(client: TestClient) -> None:
    start = client.get("/")
    assert start.headers["cache-control"] == "no-cache"
    scripts = re.findall(r'src="\./(web/[^"]+)"', start.text)
    assert scripts
    for script in scripts:
        assert "immutable" in client.get(f"/{script}").headers["cache-control"]


def test_a_client_that_has_a_file_is_told_so(client: TestClient) -> None:
    tag = client.get("/").headers["etag"]
    again = client.get("/", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_is_sent_packed_to_whoever_can_unpack_it(client: TestClient) -> None:
    plain = client.get("/basemap/coastlines.geojson", headers={"Accept-Encoding": "identity"})
    packed = client.get("/basemap/coastlines.geojson", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


@pytest.mark.parametrize("name", ["web/no.js", "web/%2e%2e/manifest.json", "web//etc/passwd", "web/"])
def test_what_was_not_built_is_not_there(client: TestClient, name: str) -> None:
    answer = client.get(f"/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFoundError"


def test_the_page_is_told_what_is_watched(client: TestClient) -> None:
    start = client.get("/page.json").json()
    assert (start["title"], start["languages"], start["exercise"]) == ("Duty desk", ["kk", "ru"], "EXERCISE a drill")
    hazards = {hazard["id"]: hazard for hazard in start["hazards"]}
    assert hazards["landslide"]["after"] == "shaking"
    assert hazards["shaking"]["after"] is None
    roles = {asset["role"]: asset["name"] for asset in hazards["fire_weather"]["assets"] if asset["role"]}
    assert roles == {"estimate": "fwi", "uncertainty": "fwi_std", "exclusion": "exclusion"}
    assert {asset["kind"] for asset in hazards["exposure"]["assets"]} == {"table"}


def test_places_are_named_in_the_languages_of_the_region(client: TestClient) -> None:
    places = client.get("/basemap/places.geojson").json()
    names = {place["properties"]["name"]: place["properties"] for place in places["features"]}
    assert names["Oral"]["name_ru"] == "Уральск"
    assert names["Ürümqi"]["name_zh"] == "乌鲁木齐"
    assert names["Astana"]["capital"] is True
    assert "CC BY" in places["attribution"]


def test_land_and_borders_are_within_the_world(client: TestClient) -> None:
    for name in ("coastlines", "borders"):
        numbers = re.findall(r"\[(-?[\d.]+),(-?[\d.]+)\]", client.get(f"/basemap/{name}.geojson").text)
        assert len(numbers) > 5000
        assert all(abs(float(x)) <= 180 and abs(float(y)) <= 90 for x, y in numbers)


def test_no_borders_are_shown_where_the_operator_wants_none(tmp_path: Path) -> None:
    with client_of(door_of(tmp_path, borders=None)) as client:
        assert client.get("/basemap/borders.geojson").json()["features"] == []
        assert client.get("/page.json").json()["borders"] == {"kind": "none", "attribution": None}


def test_the_operator_may_bring_borders_of_his_own_and_they_are_named(tmp_path: Path) -> None:
    door = door_of(tmp_path, borders="ours.geojson")
    own = {"type": "FeatureCollection", "attribution": "Survey of the Republic", "features": []}
    (tmp_path / "config" / "ours.geojson").write_text(json.dumps(own))
    with client_of(door) as client:
        assert client.get("/basemap/borders.geojson").json() == own
        assert client.get("/page.json").json()["borders"] == {"kind": "file", "attribution": "Survey of the Republic"}


@pytest.mark.parametrize("text", [None, "not json", "[]"])
def test_borders_that_cannot_be_read_are_refused_before_anyone_opens_the_page(tmp_path: Path, text: str | None) -> None:
    door = door_of(tmp_path, borders="ours.geojson")
    if text is not None:
        (tmp_path / "config" / "ours.geojson").write_text(text)
    with pytest.raises(ConfigError, match=r"ours\.geojson"):
        page.router(door)

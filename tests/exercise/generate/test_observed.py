"""Drawn observations: read by the feed as USGS's own files are, and where and as strong as they should be."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr

from pipeline.exercise.generate import observed
from pipeline.exercise.scenario import Products, Quake, Scenario, load
from pipeline.feeds.usgs_products import UsgsProducts

FEED = UsgsProducts("probe", "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/4.5_week.geojson")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load("uqturpan-2024")


@pytest.fixture(scope="module")
def news(scenario: Scenario) -> Products:
    return next(event for event in scenario.events if isinstance(event, Products))


@pytest.fixture(scope="module")
def quake(scenario: Scenario, news: Products) -> Quake:
    found = scenario.known(news)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def read(scenario: Scenario, news: Products, quake: Quake) -> dict[str, xr.Dataset]:
    found = {}
    for contents in observed.files(news, quake, scenario.seed).values():
        for name, data in contents.items():
            ((granule, raw),) = list(FEED.split(data, name))  # type: ignore[misc]
            found[granule.properties["part"]] = FEED.decode(raw, granule)
    return found


def test_the_feed_reads_stations_cells_and_rupture(read: dict[str, xr.Dataset], news: Products) -> None:
    assert set(read) == {"stationlist", "rupture", "cells"}
    assert read["stationlist"].sizes["station"] == news.shakemap.stations  # type: ignore[union-attr]
    assert read["stationlist"].attrs["eventid"] == read["rupture"].attrs["eventid"] == "us7000lsze"
    assert dict(read["rupture"].sizes) == {"quad": 1, "corner": 4}
    assert 5 < read["cells"].sizes["station"] <= news.dyfi.cells  # type: ignore[union-attr]


def test_the_larger_horizontal_amplitude_is_the_one_drawn(read: dict[str, xr.Dataset]) -> None:
    stations = read["stationlist"]
    assert {"pga", "pgv", "sa_0p3", "sa_1p0", "sa_3p0"} <= set(stations.variables)
    usable = stations.flag == ""
    assert int(usable.sum()) == stations.sizes["station"] - 1
    assert str(stations.flag[-1].values) == "Clipped"
    assert bool((stations.pga[usable] > 0.0005).all())
    assert bool((stations.pga[usable] < 1.5).all())


def test_amplitudes_scatter_around_the_attenuation_as_it_says(quake: Quake, news: Products, scenario: Scenario) -> None:
    assert news.shakemap is not None
    many = news.shakemap.model_copy(update={"stations": 2000})
    broken = observed.shock(quake, many)
    listed = observed.stationlist(broken, many, 0.0, np.random.default_rng(1))
    places = np.array([feature["geometry"]["coordinates"] for feature in listed["features"]])
    recorded = np.array(
        [feature["properties"]["channels"][0]["amplitudes"][0]["value"] / 100 for feature in listed["features"]]
    )
    residual = np.log(recorded) - observed.pga(broken, broken.distance(places[:, 0], places[:, 1]))
    assert residual.mean() == pytest.approx(0, abs=0.05)
    assert residual.std() == pytest.approx(observed.WITHIN, rel=0.1)


def test_the_plane_holds_the_hypocentre_and_has_its_size(quake: Quake, news: Products) -> None:
    assert news.shakemap is not None
    broken = observed.shock(quake, news.shakemap)
    east = (broken.corners[:, 0] - quake.longitude) * np.cos(np.radians(quake.latitude)) * observed.DEGREE
    north = (broken.corners[:, 1] - quake.latitude) * observed.DEGREE
    p0, p1, _, p3 = corners = np.stack([east, north, broken.corners[:, 2]], axis=1)
    assert np.linalg.norm(p1 - p0) == pytest.approx(news.shakemap.length, abs=0.05)
    assert np.linalg.norm(p3 - p0) == pytest.approx(news.shakemap.width, abs=0.05)
    assert np.degrees(np.arctan2(*(p1 - p0)[:2])) % 360 == pytest.approx(news.shakemap.strike, abs=0.1)
    normal = np.cross(p1 - p0, p3 - p0)
    away = (np.array([0, 0, quake.depth]) - p0) @ normal / np.linalg.norm(normal)
    assert away == pytest.approx(0, abs=0.1)
    assert np.ptp(corners[:, 2]) == pytest.approx(news.shakemap.width * np.sin(np.radians(news.shakemap.dip)), abs=0.01)


def test_people_far_away_report_less(read: dict[str, xr.Dataset], quake: Quake) -> None:
    cells = read["cells"]
    away = np.hypot((cells.longitude - quake.longitude) * 0.75, cells.latitude - quake.latitude)
    assert np.corrcoef(away, cells.mmi.where(cells.mmi > 0))[0, 1] < -0.6
    assert 2 <= float(cells.mmi.min()) < float(cells.mmi.max()) <= 9.5


def test_every_file_says_that_it_is_drawn_and_is_the_same_again(scenario: Scenario, news: Products, quake: Quake) -> None:
    first, second = (observed.files(news, quake, scenario.seed) for _ in range(2))
    assert first == second
    assert first != observed.files(news, quake, scenario.seed + 1)
    for name, data in ((name, data) for contents in first.values() for name, data in contents.items()):
        said: dict[str, Any] = json.loads(data)["metadata"]
        assert said["hazmon:synthetic"] is True
        ((granule, raw),) = list(FEED.split(data, name))  # type: ignore[misc]
        assert FEED.decode(raw, granule).attrs["synthetic"] == 1

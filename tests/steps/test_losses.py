"""An earthquake's losses through the steps: shaking, then people, facilities and aftershocks, renewed and withdrawn."""

import json
from contextlib import contextmanager
from datetime import timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import yaml
from affine import Affine
from shapely.geometry import box

from pipeline import steps
from pipeline.exercise.scenario import Deletion
from pipeline.products.read import asset_key
from pipeline.products.validate import validate
from tests.drills import DEGREES, on_stage
from tests.test_faults import START, at, drill_of, quake

#: Four people in each cell of the map, which nests in the grid.
PEOPLE, CELL = 4.0, DEGREES / 4
DISTRICTS = gpd.GeoDataFrame(
    {"id": ["A", "B"], "name": ["West", "East"], "country": ["KGZ", "CHN"]},
    geometry=[box(77, 40, 78.66, 43), box(78.66, 40, 80, 43)],
    crs="EPSG:4326",
)
FACILITIES = """name,kind,longitude,latitude
Dam,dam,78.6,41.2
Far hospital,hospital,70.0,41.2
Kiosk,kiosk,78.7,41.3
"""


def after(minutes, magnitude=4.2, **fields):
    """Return an aftershock ten minutes after the earthquake, as told some minutes after it."""
    told = {"event": "after", "id": "us7000after", "time": at(10), "latitude": 41.28, "longitude": 78.68}
    return quake(minutes, magnitude, **{**told, **fields})


@contextmanager
def staged(tmp_path, *news, tables=True):
    """Put earthquakes on stage beside a map of people and, where wanted, the tables of districts and facilities."""
    small = {"resolution": DEGREES, "radius_km": 40}
    scenario = drill_of(*news)
    hazards = {f"hazards/{name}": small for name in ("shaking", "exposure", "facilities")}
    hazards["hazards/aftershocks"] = {"parameters": {"regime": "ANSR-SHALCON", "catalogue": "local"}}
    scenario = scenario.model_copy(update={"config": hazards})
    with on_stage(scenario, tmp_path) as player:
        folder = tmp_path / "maps"
        folder.mkdir()
        population(folder / "population.tif")
        if tables:
            DISTRICTS.to_file(folder / "districts.gpkg", driver="GPKG", engine="pyogrio")
            (folder / "facilities.csv").write_text(FACILITIES)
        given = tmp_path / "config/feeds"
        terrain = yaml.safe_load((given / "terrain.yaml").read_text())
        people = {"href": str(folder / "population.tif"), "units": "1", "resampling": "sum", "synthetic": True}
        terrain["options"]["maps"]["population"] = people
        (given / "terrain.yaml").write_text(yaml.safe_dump(terrain))
        places = yaml.safe_load(player.work.config.path("feeds", "places").read_text())
        (given / "places.yaml").write_text(yaml.safe_dump({**places, "url": str(folder)}))
        player.restart()
        assert player.at(START - timedelta(minutes=1), "terrain", "places") == []
        yield player


def population(path):
    shape = (round(4 / CELL), round(4 / CELL))
    profile = {"driver": "GTiff", "width": shape[1], "height": shape[0], "count": 1, "dtype": "float32", "nodata": -1}
    transform = Affine(CELL, 0, 77, 0, -CELL, 43)
    with rasterio.open(path, "w", crs="EPSG:4326", transform=transform, **profile) as raster:
        raster.write(np.full(shape, PEOPLE, np.float32), 1)


def standing(player):
    return {item["collection"]: item for item in player.items(current=True)}


def rows(player, item, name):
    return pd.read_parquet(f"{player.work.store.root}/{asset_key(item, name)}")


def test_an_earthquake_gives_people_facilities_and_aftershocks_that_are_valid_and_made_again(tmp_path):
    with staged(tmp_path, quake(5)) as player:
        assert player.at(at(5), "usgs") == []
        items = standing(player)
        assert sorted(items) == ["aftershocks", "exposure", "facilities", "shaking"]
        assert validate(player.work.store, player.work.catalog.index) == []
        for item in items.values():
            assert steps.reproduce(player.work, item["id"]).verdict == "equal", item["id"]
            assert item["properties"]["hazmon:synthetic"]
        districts = rows(player, items["exposure"], "districts")
        cells = np.prod(items["exposure"]["properties"]["proj:shape"])
        assert districts["admin2_name"].tolist() in (["West", "East"], ["East", "West"])
        assert districts["population"].sum() == pytest.approx(cells * 16 * PEOPLE, rel=1e-6)
        losses = items["exposure"]["properties"]["hazmon:tables"]["countries"]
        assert {row["country"] for row in losses} == {"CN", "KG"}


def test_facilities_are_in_order_and_what_is_not_known_of_them_is_counted(tmp_path):
    with staged(tmp_path, quake(5)) as player:
        player.at(at(5), "usgs")
        item = standing(player)["facilities"]
        found = rows(player, item, "facilities")
        assert found["name"].tolist() == ["Dam", "Kiosk"]
        assert found["probability"].notna().tolist() == [True, False]
        states = {row["state"]: row["facilities"] for row in item["properties"]["hazmon:tables"]["states"]}
        assert (states["no threshold"], states["outside the grid"]) == (1, 1)


def test_an_aftershock_renews_the_table_of_its_mainshock_and_nothing_else(tmp_path):
    with staged(tmp_path, quake(5), after(12), after(20, 4.3), after(30, 4.3, place="elsewhere")) as player:
        player.at(at(5), "usgs")
        first = standing(player)
        assert player.at(at(12), "usgs") == []
        second = standing(player)
        changed = [name for name in second if second[name]["id"] != first[name]["id"]]
        assert changed == ["aftershocks"]
        inputs = {row["input"]: row for row in inputs_of(player, second["aftershocks"])}
        (member,) = player.work.store.get_json(inputs["sequence"]["key"])["events"]
        assert (member["id"], member["magnitude"]) == ("us7000after", 4.2)
        begin = second["aftershocks"]["properties"]["hazmon:tables"]["forecast"][0]["begin"]
        assert begin == pytest.approx(12 / 1440)
        assert player.at(at(20), "usgs") == []
        third = standing(player)["aftershocks"]
        assert third["id"] != second["aftershocks"]["id"], "its magnitude was revised"
        assert player.at(at(30), "usgs") == []
        assert standing(player)["aftershocks"]["id"] == third["id"], "nothing was learned about the sequence"
        assert validate(player.work.store, player.work.catalog.index) == []
        for item in player.items():
            assert steps.reproduce(player.work, item["id"]).verdict == "equal", item["id"]
        assert steps.outdated(player.work, at(600)) == []


def test_an_aftershock_too_small_to_count_renews_nothing(tmp_path):
    with staged(tmp_path, quake(5), after(12, 2.9)) as player:
        player.at(at(5), "usgs")
        first = standing(player)
        assert player.at(at(12), "usgs") == []
        assert standing(player)["aftershocks"]["id"] == first["aftershocks"]["id"]
        assert steps.outdated(player.work, at(600)) == []


def test_where_nobody_is_known_to_have_watched_the_forecast_is_that_of_the_regime_and_says_so(tmp_path):
    with staged(tmp_path, quake(5)) as player:
        player.at(at(5), "usgs")
        found = standing(player)["aftershocks"]["properties"]["hazmon:tables"]
        assert {row["watched"] for row in found["forecast"]} == {0}
        assert {row["observed"] for row in found["forecast"]} == {None}
        assert {row["code"]: row["events"] for row in found["events"]}[6] == 1


def test_what_is_told_of_elsewhere_shows_that_the_sequence_is_watched_and_asking_writes_nothing(tmp_path):
    elsewhere = {"event": "far", "id": "us7000far", "time": at(-60), "latitude": 38.0, "longitude": 70.0}
    with staged(tmp_path, quake(2, 4.0, **elsewhere), quake(5), after(12)) as player:
        for minutes in (2, 5, 12):
            assert player.at(at(minutes), "usgs") == []
        item = standing(player)["aftershocks"]
        row = item["properties"]["hazmon:tables"]["forecast"][0]
        assert row["watched"] == pytest.approx(10 / 1440)
        assert steps.reproduce(player.work, item["id"]).verdict == "equal"
        before = sorted(player.work.store.list("derived/sequence"))
        assert steps.outdated(player.work, at(600)) == []
        assert sorted(player.work.store.list("derived/sequence")) == before


def inputs_of(player, item):
    return json.loads(player.work.store.get(asset_key(item, "inputs")))["inputs"]


def test_a_withdrawn_aftershock_is_taken_out_of_the_table(tmp_path):
    gone = Deletion.model_validate({"at": at(40), "what": "delete", "service": "usgs", "event": "after"})
    with staged(tmp_path, quake(5), after(12), gone) as player:
        player.at(at(5), "usgs")
        player.at(at(12), "usgs")
        assert [row["input"] for row in inputs_of(player, standing(player)["aftershocks"])].count("sequence") == 1
        assert player.at(at(40), "usgs", "usgs_fdsn") == []
        last = standing(player)["aftershocks"]
        assert [row["input"] for row in inputs_of(player, last)].count("sequence") == 0
        assert last["properties"]["hazmon:tables"]["forecast"][0]["begin"] == pytest.approx(40 / 1440)


def test_a_withdrawn_earthquake_withdraws_all_that_was_made_of_it(tmp_path):
    gone = Deletion.model_validate({"at": at(25), "what": "delete", "service": "usgs", "event": "main"})
    with staged(tmp_path, quake(5), gone) as player:
        player.at(at(5), "usgs")
        assert len(standing(player)) == 4
        assert player.at(at(25), "usgs", "usgs_fdsn") == []
        assert standing(player) == {}
        assert validate(player.work.store, player.work.catalog.index) == []


def test_without_a_table_of_facilities_nothing_is_claimed_and_its_arrival_makes_the_product(tmp_path):
    with staged(tmp_path, quake(5), tables=False) as player:
        assert player.at(at(5), "usgs") == [], "no run is red"
        items = standing(player)
        assert sorted(items) == ["aftershocks", "exposure", "shaking"]
        (district,) = rows(player, items["exposure"], "districts").to_dict(orient="records")
        assert district["admin2_name"] is None and district["population"] > 0
        alert = items["exposure"]["properties"]["hazmon:tables"]["alert"]
        assert {row["level"] for row in alert} == {"unknown"}, "no country, no loss model, and no colour"
        DISTRICTS.to_file(tmp_path / "maps/districts.gpkg", driver="GPKG", engine="pyogrio")
        (tmp_path / "maps/facilities.csv").write_text(FACILITIES)
        assert player.at(at(60), "places") == []
        assert sorted(standing(player)) == ["aftershocks", "exposure", "facilities", "shaking"]


def test_an_earthquake_too_small_for_a_hazard_is_not_handed_on_to_it(tmp_path):
    with staged(tmp_path, quake(5, 4.7)) as player:
        assert player.at(at(5), "usgs") == []
        assert sorted(standing(player)) == ["exposure", "facilities", "shaking"]

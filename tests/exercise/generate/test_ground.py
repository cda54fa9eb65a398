"""Drawn ground: plausible by itself and together, and within what the layers take."""

import numpy as np
import pytest

from pipeline.config import Config
from pipeline.exercise.generate import ground, terrain
from pipeline.exercise.scenario import TerrainGrid
from tests.drills import CONFIG

GRID = TerrainGrid(longitude=78.66, latitude=41.26, reach=6, resolution=1 / 30)
NODATA = -9999.0


@pytest.fixture(scope="module")
def land() -> ground.Land:
    geobox = terrain.terrain_geobox(GRID)
    return ground.Land(geobox, terrain.elevation(geobox, 1), 1)


@pytest.fixture(scope="module")
def maps(land: ground.Land) -> dict[str, ground.Field]:
    return ground.ground(land.height, land.geobox, 1, nodata=NODATA)


def test_every_map_that_a_hazard_needs_is_drawn_in_the_units_of_the_feed(maps: dict[str, ground.Field]) -> None:
    config = Config(CONFIG)
    declared = config.feeds["terrain"].options["maps"]
    assert set(maps) == set(ground.UNITS)
    assert {name: declared[name]["units"] for name in maps} == dict(ground.UNITS)
    needed = {
        binding.variable
        for hazard in ("landslide", "liquefaction")
        for binding in config.hazards[hazard].inputs.values()
        if binding.origin == "terrain" and not binding.optional
    }
    assert needed <= {*maps, "vs30", "elevation"}


def test_the_same_seed_draws_the_same_and_another_one_something_else(land: ground.Land, maps: dict[str, ground.Field]) -> None:
    again = ground.ground(land.height, land.geobox, 1, nodata=NODATA)
    other = ground.ground(land.height, land.geobox, 2, nodata=NODATA)
    for name, values in maps.items():
        assert values.dtype == np.float32
        assert np.array_equal(values, again[name])
        assert name == "distance_to_coast" or not np.array_equal(values, other[name])


def test_all_is_known_but_the_rock_along_the_eastern_edge(maps: dict[str, ground.Field]) -> None:
    unknown = {name: values == NODATA for name, values in maps.items()}
    assert [name for name, cells in unknown.items() if cells.any()] == ["rock"]
    columns = unknown["rock"].all(axis=0)
    assert np.array_equal(columns, unknown["rock"].any(axis=0))
    assert columns.mean() == pytest.approx(ground.UNMAPPED, abs=0.01)
    assert columns[-1]


def test_numbers_are_those_that_nature_has(maps: dict[str, ground.Field]) -> None:
    limits = {
        "gradient": (0, 1.2),
        "land_cover": (-1.3, 2.4),
        "cti": (0, 19),
        "precipitation": (50, 1300),
        "water_table": (0, 200),
        "distance_to_coast": (1000, 3500),
        "distance_to_river": (0, 200),
        "population": (0, 1e6),
    }
    for name, (least, most) in limits.items():
        assert least <= maps[name].min() <= maps[name].max() <= most, name
    mapped = maps["rock"][maps["rock"] != NODATA]
    assert set(np.unique(mapped)) == {np.float32(value) for value in ground.ROCKS.values()}


def test_plains_are_level_wet_loose_and_lived_in_and_crests_are_not(land: ground.Land, maps: dict[str, ground.Field]) -> None:
    plain, crest = land.height < 800, land.height > 3200
    means = {name: (float(values[plain].mean()), float(values[crest].mean())) for name, values in maps.items()}
    assert means["gradient"][0] < 0.03 < means["gradient"][1]
    assert means["cti"][0] > means["cti"][1] + 2
    assert means["water_table"][0] < means["water_table"][1]
    assert means["population"][0] > 20 * means["population"][1]
    loose = maps["rock"] == np.float32(ground.ROCKS["su"])
    mapped = maps["rock"] != NODATA
    assert loose[plain & mapped].mean() > 0.9
    assert loose[crest & mapped].mean() < 0.5


def test_rivers_wet_the_ground_and_level_it(land: ground.Land, maps: dict[str, ground.Field]) -> None:
    mountains = land.height > 2000
    near, far = maps["distance_to_river"] < 1, maps["distance_to_river"] > 8
    for name in ("water_table", "gradient"):
        assert np.median(maps[name][mountains & near]) < 0.5 * np.median(maps[name][mountains & far])


def test_people_are_whole_and_neither_none_nor_too_many(maps: dict[str, ground.Field]) -> None:
    assert np.array_equal(maps["population"], np.round(maps["population"]))
    assert 2e6 < maps["population"].sum() < 6e7


def test_nobody_lives_on_the_lake(land: ground.Land, maps: dict[str, ground.Field]) -> None:
    west, south, wide, high, _ = terrain.LAKE
    middle = (np.abs(land.longitude - west) < wide / 3) & (np.abs(land.latitude - south) < high / 3)
    assert maps["population"][middle].max() < 10

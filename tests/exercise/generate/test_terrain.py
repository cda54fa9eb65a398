from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from pipeline.exercise.generate import ground, scenes, terrain
from pipeline.exercise.scenario import SceneGrid, TerrainGrid, load

COARSE = TerrainGrid(longitude=78.66, latitude=41.26, reach=6, resolution=1 / 30)


def test_the_grid_has_edges_on_whole_multiples_and_holds_both_events() -> None:
    box = terrain.terrain_geobox(COARSE).boundingbox
    assert (box.left * 30) == pytest.approx(round(box.left * 30))
    assert box.left < 72.7
    assert box.right > 84.6
    assert box.bottom < 35.3
    assert box.top > 47.2


def test_mountains_stand_between_plains_and_a_basin() -> None:
    geobox = terrain.terrain_geobox(COARSE)
    height = terrain.elevation(geobox, 1)
    latitude = geobox.affine.f + geobox.affine.e * (np.arange(geobox.shape[0]) + 0.5)
    profile = np.median(height, axis=1)
    assert profile[latitude > 45].max() < 700
    assert profile[(latitude > 41.4) & (latitude < 42)].max() > 2500
    assert 800 < np.median(profile[latitude < 38]) < 1300


def test_vs30_is_low_on_plains_high_in_mountains_and_within_its_limits() -> None:
    geobox = terrain.terrain_geobox(COARSE)
    height = terrain.elevation(geobox, 1)
    speed = terrain.vs30(height, geobox, 1)
    assert 180 <= speed.min() < speed.max() <= 900
    assert np.median(speed[height < 700]) < 320
    assert np.median(speed[height > 3000]) > 450


def test_reference_water_is_the_river_and_a_strip_nobody_mapped() -> None:
    land = scenes.landscape(SceneGrid(crs="EPSG:32639", left=508000, top=5682000, size=256), 1)
    water = terrain.reference_water(land)
    assert set(np.unique(water)) == {0, 1, 255}
    known = water != 255
    assert np.array_equal(water[known] == 1, land.river[known])


def test_maps_are_valid_cogs_with_units_and_are_made_once(tmp_path: Path) -> None:
    scenario = load("uqturpan-2024").model_copy(update={"terrain": COARSE})
    maps = terrain.make_static(scenario, tmp_path)
    assert set(maps) == {"elevation", "vs30", *ground.UNITS}
    for path in maps.values():
        assert cog_validate(path, strict=True)[0]
    with rasterio.open(maps["vs30"]) as file:
        assert (file.units, file.descriptions) == (("m s-1",), ("vs30",))
    before = {path: path.stat().st_mtime_ns for path in maps.values()}
    assert {path: path.stat().st_mtime_ns for path in terrain.make_static(scenario, tmp_path).values()} == before


def test_a_map_left_out_on_purpose_is_not_made(tmp_path: Path) -> None:
    grid = COARSE.model_copy(update={"without": ("water_table", "population")})
    maps = terrain.make_static(load("uqturpan-2024").model_copy(update={"terrain": grid}), tmp_path)
    assert {"elevation", "vs30", *ground.UNITS} - set(maps) == {"water_table", "population"}
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(maps)

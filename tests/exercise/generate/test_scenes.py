import numpy as np
import pytest

from pipeline.exercise.generate import scenes
from pipeline.exercise.scenario import SceneGrid, load
from pipeline.exercise.score import otsu_water, score

GRID = SceneGrid(crs="EPSG:32639", left=508000, top=5682000, resolution=80, size=512)
SEED = load("zhaiyk-2024").seed
FLOOD = 2.4


@pytest.fixture(scope="module")
def land() -> scenes.Landscape:
    return scenes.landscape(GRID, SEED)


@pytest.fixture(scope="module")
def flood(land: scenes.Landscape) -> scenes.Radar:
    return scenes.radar(land, FLOOD, 2)


def decibel(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(power)


def test_hand_is_zero_in_the_river_and_grows_to_hills(land: scenes.Landscape) -> None:
    assert (land.hand[land.river] == 0).all()
    assert (land.hand[~land.river] > 0).all()
    assert 40 < np.percentile(land.hand, 90) < 100
    assert 0.005 < land.river.mean() < 0.05


def test_elevation_is_the_river_plus_hand(land: scenes.Landscape) -> None:
    rows = np.arange(GRID.size)[:, None]
    river = scenes.RIVER_LEVEL - scenes.RIVER_FALL * GRID.resolution * rows
    np.testing.assert_allclose(land.elevation - river, land.hand, atol=1e-3)


@pytest.mark.parametrize("band", ["vv", "vh"])
def test_land_is_6_db_brighter_than_water_give_or_take_one(land: scenes.Landscape, flood: scenes.Radar, band: str) -> None:
    seen = flood.truth != scenes.UNSEEN
    wet = seen & (flood.truth == 1) & ~flood.rough
    dry = seen & (flood.truth == 0) & ~land.sand
    contrast = decibel(flood.power[band][dry].mean()) - decibel(flood.power[band][wet].mean())
    assert 5 <= contrast <= 7
    assert land.contrast.min() >= 5
    assert land.contrast.max() <= 7
    assert land.contrast.std() > 0.2


def test_speckle_has_4_4_looks(land: scenes.Landscape, flood: scenes.Radar) -> None:
    clean, _ = scenes.expected(land, scenes.water(land, FLOOD), 2)
    for band, power in flood.power.items():
        ratio = (power / clean[band])[~land.hidden]
        assert ratio.mean() == pytest.approx(1, abs=0.01)
        assert ratio.mean() ** 2 / ratio.var() == pytest.approx(4.4, abs=0.3)


def test_speckle_differs_between_polarisations_and_dates(land: scenes.Landscape, flood: scenes.Radar) -> None:
    other = scenes.radar(land, FLOOD, 3)
    assert not np.array_equal(flood.power["vv"], other.power["vv"])
    seen = ~land.hidden & (flood.truth == 0)
    vv, vh = (flood.power[band][seen] for band in ("vv", "vh"))
    clean, _ = scenes.expected(land, scenes.water(land, FLOOD), 2)
    assert abs(np.corrcoef(vv / clean["vv"][seen], vh / clean["vh"][seen])[0, 1]) < 0.02


def test_wind_roughens_an_eighth_of_the_water_by_2_to_3_db(land: scenes.Landscape, flood: scenes.Radar) -> None:
    wet = scenes.water(land, FLOOD)
    assert flood.rough.sum() / wet.sum() == pytest.approx(0.125, abs=0.01)
    clean, rough = scenes.expected(land, wet, 2)
    gain = decibel(clean["vv"][rough]) - (scenes.LAND["vv"] - land.contrast[rough])
    assert gain.min() >= 1.99
    assert gain.max() <= 3.01


def test_dry_sand_is_dark_and_never_under_water(land: scenes.Landscape) -> None:
    assert 0.01 <= land.sand.mean() <= 0.02
    assert not (land.sand & scenes.water(land, FLOOD)).any()
    assert (land.sand & (land.hand < 15)).mean() == pytest.approx(0.0015, abs=0.0005)
    clean, _ = scenes.expected(land, land.river, 1)
    assert decibel(clean["vv"][land.sand].mean()) < scenes.LAND["vv"] - 4.9


def test_the_flood_is_all_land_below_its_level_and_holds_the_river(land: scenes.Landscape) -> None:
    wet = scenes.water(land, FLOOD)
    assert (wet[land.river]).all()
    assert wet[land.hand < FLOOD - 0.25].all()
    assert not wet[land.hand > FLOOD + 0.25].any()
    assert 0.10 < wet.mean() < 0.30
    assert np.array_equal(scenes.water(land, 0), land.river)


def test_hidden_cells_are_nodata_in_the_power_and_unseen_in_the_truth(land: scenes.Landscape, flood: scenes.Radar) -> None:
    assert 0.001 < land.hidden.mean() < 0.02
    assert (flood.power["vh"][land.hidden] == scenes.NODATA).all()
    assert (flood.truth[land.hidden] == scenes.UNSEEN).all()
    assert (flood.power["vv"][~land.hidden] > 0).all()


def test_a_seed_decides_every_cell() -> None:
    grid = GRID.model_copy(update={"size": 128})
    one, other = (scenes.radar(scenes.landscape(grid, 7), 2.0, 1) for _ in range(2))
    assert np.array_equal(one.power["vv"], other.power["vv"])
    assert not np.array_equal(one.power["vv"], scenes.radar(scenes.landscape(grid, 8), 2.0, 1).power["vv"])


def test_the_plain_method_is_misled_by_sand_and_dark_fields(flood: scenes.Radar) -> None:
    plain = score(otsu_water(flood.power["vv"], nodata=scenes.NODATA), flood.truth)
    assert 0.5 < plain.iou < 0.93
    assert plain.false_alarms > 0.01

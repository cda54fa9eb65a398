import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.hazards.flood_extent import hydrosar

GOLDEN = Path(__file__).parents[2] / "golden" / "hydrosar_em.csv"
NAMES = [f"tile{k}" for k in range(1, 6)]


def golden(name):
    """Return first grey level, counts from the first to the last one that occurs, and the threshold expected."""
    lines = [line for line in GOLDEN.read_text().splitlines() if not line.startswith("#")]
    *rows, last = csv.DictReader(lines)
    counts = np.array([float(row[name]) for row in rows])
    found = np.flatnonzero(counts)
    return int(rows[found[0]]["level"]), counts[found[0] : found[-1] + 1], float(last[name])


@pytest.mark.parametrize("name", NAMES)
def test_the_threshold_of_each_published_tile_is_reproduced(name):
    first, counts, expected = golden(name)
    assert hydrosar.threshold(counts, first=first) == pytest.approx(expected, abs=1e-6)


def test_the_threshold_of_the_published_scene_is_reproduced():
    found = np.array([hydrosar.threshold(counts, first=first) for first, counts, _ in map(golden, NAMES)])
    # asf-tools, tests/hydrosar/test_water_map.py: on the unscaled axis log10(power) + 30.
    assert hydrosar.scene_threshold(found) / hydrosar.SCALE == pytest.approx(27.482176801248677, abs=1e-9)


def test_the_tiles_themselves_give_these_thresholds(reference):
    folder = reference / "satellite" / "cases" / "hydrosar_refs"
    tiles = np.load(folder / "em_tiles.npz")
    expected = np.load(folder / "em_thresholds.npz")["thresholds"]
    found = [
        hydrosar.tile_threshold(np.where(mask, np.nan, tile)) for tile, mask in zip(tiles["tiles"], tiles["mask"], strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_grey_levels_and_decibels_are_inverse():
    level = float(hydrosar.grey_levels(np.array([0.01]))[0])
    assert hydrosar.decibel(level) == pytest.approx(-20.0, abs=0.5 * 10 / hydrosar.SCALE)


def test_power_that_is_not_positive_has_no_grey_level():
    assert np.isnan(hydrosar.grey_levels(np.array([0.0, -1.0, np.nan]))).all()


def test_a_tile_of_one_level_is_refused():
    with pytest.raises(InputError, match="1 grey levels"):
        hydrosar.tile_threshold(np.full((4, 4), 0.1))


def test_tiles_with_more_than_four_fifths_below_the_hand_limit_are_candidates():
    assert hydrosar.hand_candidates(np.array([0.8, 0.81, 0.0, 1.0])).tolist() == [1, 3]


def test_the_tiles_whose_quarters_differ_most_are_chosen_among_dark_candidates():
    random = np.random.default_rng(3)
    medians = np.concatenate([np.full(50, 0.02), np.full(50, 0.1)])
    quarters = medians[:, None] * (1 + 0.01 * random.standard_normal((100, 4)))
    quarters[:8] = 0.02 * np.array([0.2, 0.2, 1, 1]) * np.linspace(1, 2, 8)[:, None]
    quarters[60] = [0.01, 0.01, 0.3, 0.3]
    assert hydrosar.chosen_tiles(medians, quarters, np.arange(100)).tolist() == [7, 6, 5, 4, 3]


def test_fewer_than_five_candidates_choose_none():
    medians = np.array([0.02, 0.02, 0.1, 0.1])
    assert hydrosar.chosen_tiles(medians, np.ones((4, 4)), np.arange(4)).size == 0
    assert hydrosar.chosen_tiles(medians, np.ones((4, 4)), np.array([], np.intp)).size == 0

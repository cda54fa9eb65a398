"""Against truth generated for these tests alone: several seeds, each with its own levels, contrasts, texture and wind."""

from functools import cache

import numpy as np
import pytest

from pipeline.hazards.flood_extent import flood_extent
from tests.hazards.flood_extent import scenes

SEEDS = [0, 3, 5, 7, 11, 16, 101, 104]
SHAPE = (800, 800)


@cache
def mapped(seed, **kwargs):
    made = scenes.make(seed, SHAPE, **kwargs)
    return made, flood_extent(**made.arrays())


@pytest.mark.parametrize("seed", SEEDS)
def test_water_of_a_flood_is_found_better_than_by_otsu(seed):
    made, found = mapped(seed)
    iou, false, kept = scenes.scores(made, found.water.values, found.exclusion.values > 0)
    plain = scenes.otsu(made)
    otsu, _, _ = scenes.scores(made, plain, plain == 255)
    assert iou >= 0.92, f"IoU {iou:.3f}, Otsu on 5 x 5 means {otsu:.3f}"
    assert iou > otsu
    assert false <= 0.01
    assert kept >= 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_before_the_flood_there_are_few_false_alarms(seed):
    made, found = mapped(seed, flood=False)
    _, false, kept = scenes.scores(made, found.water.values, found.exclusion.values > 0)
    assert false <= 0.01
    assert kept >= 0.95


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_no_water_is_invented_where_there_is_none(seed):
    made, found = mapped(seed, water=False, sand=0)
    water = found.water.values
    assert (water == 1).sum() == 0
    assert (found.exclusion.values > 1).mean() < 0.001
    assert np.nanmax(found.likelihood.values) <= 0.9
    assert (water[np.isfinite(made.vv)] == 0).mean() > 0.999


@pytest.mark.parametrize("seed", SEEDS[:4])
def test_dry_sand_is_mostly_excluded_not_called_water(seed):
    made, found = mapped(seed, flood=False)
    far = made.sand & (made.hand > 5) & np.isfinite(made.vv)
    assert (found.water.values[far] == 1).mean() < 0.02


def test_likelihood_is_about_the_share_of_water():
    likelihood, truth = [], []
    for seed in SEEDS:
        made, found = mapped(seed)
        known = found.water.values != 255
        likelihood.append(found.likelihood.values[known])
        truth.append(made.truth[known])
    stated, true = np.concatenate(likelihood), np.concatenate(truth)
    for low, high in ((0.0, 0.05), (0.05, 0.3), (0.3, 0.7), (0.7, 0.95), (0.95, 1.0)):
        inside = (stated >= low) & (stated <= high)
        assert low - 0.2 <= true[inside].mean() <= high + 0.2

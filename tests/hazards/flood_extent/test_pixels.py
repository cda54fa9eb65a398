import numpy as np

from pipeline.hazards.flood_extent.evidence import (
    DRY_SHIFT,
    LOOKS_LIKE_WATER,
    NO_BACKSCATTER,
    NO_REFERENCE,
    OBSERVED,
    REFERENCE_SHIFT,
    UNSEEN,
    Evidence,
)
from pipeline.hazards.flood_extent.pixels import extent, margin

SHAPE = (30, 40)


def lake(odds=40, marks=0):
    """Return evidence of a square of water in dry land."""
    array = np.full(SHAPE, -odds, np.int8)
    array[8:22, 10:30] = odds
    return Evidence(array, np.full(SHAPE, marks, np.uint8))


def result(found, minimum_area=5):
    return extent(found, first=(0, 0), minimum_area=minimum_area)


def test_clear_evidence_is_kept_to_the_edge():
    found = result(lake())
    np.testing.assert_array_equal(found.water, lake().odds > 0)
    np.testing.assert_array_equal(found.flooded, found.water)
    assert (found.exclusion == OBSERVED).all()


def test_likelihood_and_water_agree():
    random = np.random.default_rng(0)
    found = lake()
    noisy = np.clip(found.odds + random.normal(0, 45, SHAPE), -100, 100).astype(np.int8)
    given = result(Evidence(noisy, found.marks))
    assert (given.likelihood[given.water == 1] >= 0.5).all()
    assert (given.likelihood[given.water == 0] <= 0.5).all()
    assert (given.water[10:20, 12:28] == 1).mean() > 0.98


def test_more_evidence_is_never_less_likely_water():
    before = result(lake())
    more = lake()
    more.odds[5, 5:9] += 25
    after = result(more)
    assert (after.likelihood >= before.likelihood).all()


def test_single_pixels_against_all_their_neighbours_are_turned():
    found = lake(odds=30)
    found.odds[2, 2], found.odds[15, 20] = 60, -60
    given = result(found)
    assert given.water[2, 2] == 0
    assert given.water[15, 20] == 1


def test_reference_water_is_water_but_not_flooded():
    given = result(lake(marks=1 << REFERENCE_SHIFT))
    assert given.water.sum() > 0
    assert given.flooded.sum() == 0


def test_excluded_pixels_are_unknown_in_every_answer():
    given = result(lake(marks=LOOKS_LIKE_WATER))
    wet = given.exclusion == LOOKS_LIKE_WATER
    assert wet.sum() > 200
    assert (given.water[wet] == 255).all()
    assert (given.flooded[wet] == 255).all()
    assert np.isnan(given.likelihood[wet]).all()
    assert (given.exclusion[~wet] == OBSERVED).all()


def test_water_without_reference_is_water_of_unknown_kind():
    given = result(lake(marks=NO_REFERENCE))
    wet = given.exclusion == NO_REFERENCE
    assert (given.water[wet] == 1).all()
    assert (given.flooded[wet] == 255).all()
    assert np.isfinite(given.likelihood).all()


def test_unseen_pixels_stay_unknown_and_say_nothing_to_their_neighbours():
    found = lake()
    found.odds[:, 20] = UNSEEN
    found.marks[:, 20] = NO_BACKSCATTER | (NO_BACKSCATTER << DRY_SHIFT)
    given = result(found)
    assert (given.water[:, 20] == 255).all()
    assert (given.exclusion[:, 20] == NO_BACKSCATTER).all()
    assert np.isnan(given.likelihood[:, 20]).all()
    assert (given.water[9:21, [19, 21]] == 1).all()


def test_a_block_with_its_margin_gives_what_the_whole_gives():
    random = np.random.default_rng(4)
    odds = np.clip(random.normal(0, 30, (90, 90)), -100, 100).astype(np.int8)
    marks = random.integers(0, 2, (90, 90)).astype(np.uint8) << REFERENCE_SHIFT
    whole = extent(Evidence(odds, marks), first=(0, 0), minimum_area=8)
    edge = margin(8)
    core = (slice(40, 60), slice(30, 55))
    wide = (slice(40 - edge, 60 + edge), slice(30 - edge, 55 + edge))
    part = extent(Evidence(odds[wide], marks[core]), first=(edge, edge), minimum_area=8)
    for name in part._fields:
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[core])

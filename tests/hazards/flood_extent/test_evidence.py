import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hazards.flood_extent.evidence import (
    DRY_SHIFT,
    LOOKS_LIKE_WATER,
    NO_BACKSCATTER,
    NO_HAND,
    NO_REFERENCE,
    OBSERVED,
    REFERENCE_SHIFT,
    STEPS,
    TERRAIN,
    UNSEEN,
    Block,
    evidence,
)
from pipeline.hazards.flood_extent.levels import Level
from pipeline.hazards.flood_extent.scene import LOOK_ALIKE, NEUTRAL, SUPPORTED, Scene

LOOKS, WATER, LAND = 4.4, 0.02, 0.08
LEVEL = Level(-14.0, -17.0, -11.0, True)


def scene(support=SUPPORTED, uses_vh=True, cells=(2, 2)):
    """Return a scene with one level of water and land everywhere, the same for both bands."""
    slope = LOOKS * (1 / WATER - 1 / LAND)
    constant = LOOKS * np.log(LAND / WATER)
    per_band = np.array([2 * constant, slope, slope]) if uses_vh else np.array([constant, slope, 0.0])
    coefficients = np.broadcast_to(per_band[:, None, None], (3, *cells)).astype(np.float32).copy()
    return Scene(coefficients, np.full(cells, support, np.uint8), 3.0, uses_vh, (LEVEL, LEVEL))


def pixels(*, vv=0.04, vh=0.04, hand=0.0, reference=0.0):
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.float32(value)) for value in (vv, vh, hand, reference)))
    return Block(*(array.reshape(1, -1).astype(np.float32) for array in arrays))


def found(given, **kwargs):
    result = evidence(given, scene(**kwargs), origin=(0, 0), hand_limit=15.0)
    return result.odds[0] / STEPS, result.marks[0]


def test_log_odds_are_those_of_gamma_speckle():
    from scipy.stats import gamma

    power = np.array([0.03, 0.035, 0.04, 0.05], np.float32)
    water, land = (gamma.logpdf(power, LOOKS, scale=mean / LOOKS) for mean in (WATER, LAND))
    odds, _ = found(pixels(vv=power, vh=power))
    np.testing.assert_allclose(odds, np.clip(2 * (water - land), -6, 6), atol=0.5 / STEPS + 1e-4)


@given(st.lists(st.floats(1e-4, 1.0), min_size=2, max_size=15), st.floats(1e-3, 0.2))
@settings(max_examples=50, deadline=None)
def test_brighter_is_never_more_likely_water(powers, other):
    ordered = np.sort(np.float32(powers))
    assert (np.diff(found(pixels(vv=ordered, vh=other))[0]) <= 0).all()
    assert (np.diff(found(pixels(vv=other, vh=ordered))[0]) <= 0).all()


def test_higher_ground_is_never_more_likely_water():
    assert (np.diff(found(pixels(hand=np.linspace(0, 40, 15)))[0]) <= 0).all()


def test_reference_water_is_more_likely_water():
    odds, _ = found(pixels(reference=[0.0, 0.4, 0.5, 1.0, np.nan]))
    assert odds[2] == odds[3] > odds[0] == odds[1] == odds[4]


def test_backscatter_that_is_not_positive_and_finite_is_unseen():
    bad = np.array([np.nan, 0.0, -0.1, np.inf], np.float32)
    for given_pixels in (pixels(vv=bad), pixels(vh=bad)):
        odds, marks = found(given_pixels)
        assert (odds * STEPS == UNSEEN).all()
        assert (marks & 7 == NO_BACKSCATTER).all()
        assert ((marks >> DRY_SHIFT) & 7 == NO_BACKSCATTER).all()


def test_a_scene_without_vh_is_read_by_vv_alone():
    odds, marks = found(pixels(vv=0.01, vh=np.nan), uses_vh=False)
    assert odds[0] > 0
    assert marks[0] & 7 == OBSERVED


def test_marks_say_why_a_wet_or_dry_pixel_could_not_be_known():
    def wet_dry(support=SUPPORTED, **values):
        _, marks = found(pixels(**values), support=support)
        return int(marks[0] & 7), int(marks[0] >> DRY_SHIFT & 7)

    assert wet_dry() == (OBSERVED, OBSERVED)
    assert wet_dry(hand=16) == (TERRAIN, OBSERVED)
    assert wet_dry(hand=np.nan) == (NO_HAND, NO_HAND)
    assert wet_dry(reference=np.nan) == (NO_REFERENCE, OBSERVED)
    assert wet_dry(LOOK_ALIKE) == (LOOKS_LIKE_WATER, OBSERVED)
    assert wet_dry(NEUTRAL, hand=2) == (OBSERVED, OBSERVED)
    assert wet_dry(NEUTRAL, hand=4) == (LOOKS_LIKE_WATER, OBSERVED)
    assert wet_dry(SUPPORTED, hand=4) == (OBSERVED, OBSERVED)


def test_marks_carry_reference_water():
    _, marks = found(pixels(reference=[0.0, 0.5, np.nan]))
    assert (marks >> REFERENCE_SHIFT).tolist() == [0, 1, 0]


def test_a_block_anywhere_in_the_scene_has_the_evidence_of_the_whole():
    random = np.random.default_rng(2)
    whole = Block(*(random.uniform(0.01, 0.1, (40, 56)).astype(np.float32) for _ in range(4)))
    about = scene(cells=(5, 7))
    about.coefficients[:] *= random.uniform(0.8, 1.2, about.coefficients.shape).astype(np.float32)
    about.support[:] = random.integers(0, 3, about.support.shape)
    expected = evidence(whole, about, origin=(0, 0), hand_limit=15.0)
    part = (slice(13, 37), slice(5, 50))
    given_part = evidence(Block(*(array[part] for array in whole)), about, origin=(13, 5), hand_limit=15.0)
    np.testing.assert_array_equal(given_part.odds, expected.odds[part])
    np.testing.assert_array_equal(given_part.marks, expected.marks[part])

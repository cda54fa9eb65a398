import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pipeline.hazards.flood_extent.sieve import sieve


def sides(text):
    """Return a rimmed array from rows of # (wet), . (dry) and ? (unknown)."""
    codes = {"#": 1, ".": -1, "?": 0}
    return np.pad(np.array([[codes[c] for c in row] for row in text.split()], np.int8), 1)


def sieved(text, least):
    array = sides(text)
    sieve(array, least)
    return array


def test_wet_patches_that_are_too_small_dry_up_and_corners_join():
    found = sieved("##....#. ##...#.. ......#. ........", 4)
    np.testing.assert_array_equal(found, sides("##...... ##...... ........ ........"))


def test_diagonal_patches_count_as_one():
    text = "#....... .#...... ..#..... ...#...."
    np.testing.assert_array_equal(sieved(text, 4), sides(text))


def test_dry_holes_in_large_water_fill_and_unknown_stays():
    found = sieved("######## ##.#..## ###?#### ########", 3)
    np.testing.assert_array_equal(found, sides("######## ######## ###?#### ########"))


def test_dry_corners_of_a_scene_are_no_holes_unless_water_lies_left_of_them():
    text = ".####### ######## ######## ########"
    np.testing.assert_array_equal(sieved(text, 3), sides(text))


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.95))
@settings(max_examples=40, deadline=None)
def test_patches_are_those_of_connected_components(seed, share):
    random = np.random.default_rng(seed)
    array = np.pad(np.where(random.random((24, 31)) < share, 1, -1).astype(np.int8), 1)
    labels, count = ndimage.label(array > 0, np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    small = (areas[labels] < 5) & (labels > 0)
    found = array.copy()
    sieve(found, 5)
    np.testing.assert_array_equal((array > 0) & (found < 0), small)


@given(seed=st.integers(0, 10_000), row=st.integers(0, 20), column=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_window_with_twice_the_least_area_round_it_is_enough(seed, row, column):
    random = np.random.default_rng(seed)
    smooth = ndimage.uniform_filter(random.random((60, 60)), 3)
    array = np.pad(np.where(smooth < np.median(smooth), 1, -1).astype(np.int8), 1)
    whole = array.copy()
    sieve(whole, 5)
    part = np.pad(array[1:-1, 1:-1][row : row + 30, column : column + 30], 1)
    sieve(part, 5)
    inner = (slice(11, 21), slice(11, 21))
    np.testing.assert_array_equal(part[inner], whole[row : row + 32, column : column + 32][inner])

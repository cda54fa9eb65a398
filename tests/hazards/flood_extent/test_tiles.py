import numpy as np
import pytest

from pipeline.hazards.flood_extent import hydrosar
from pipeline.hazards.flood_extent.tiles import (
    BINS,
    FIRST_GREY,
    HAND,
    REFERENCE,
    VH,
    VV,
    decibel_of_bin,
    statistics,
)


def flat(shape=(128, 128), vv=0.1, vh=0.01, hand=1.0, reference=0.0):
    return [np.full(shape, value, np.float32) for value in (vv, vh, hand, reference)]


def test_cells_hold_means_of_what_is_known():
    vv, vh, hand, reference = flat()
    vv[:8, :8] = np.linspace(0.05, 0.15, 64).reshape(8, 8)
    vv[:2, :8] = np.nan
    hand[8:16, :8], reference[:8, 8:12] = 7.0, 1.0
    cells = statistics(vv, vh, hand, reference, hand_limit=15.0).cells
    assert cells.shape == (4, 16, 16)
    assert cells[VV, 0, 0] == pytest.approx(10 * np.log10(np.nanmean(vv[:8, :8])), abs=0.01)
    assert cells[VH, 0, 0] == pytest.approx(-20, abs=0.01)
    assert cells[HAND, 1, 0] == 7.0
    assert cells[REFERENCE, 0, 1] == 0.5


def test_cells_without_anything_known_are_unknown():
    vv, vh, hand, reference = flat(vh=-1.0)
    vv[:8, :8] = 0.0
    hand[:], reference[:] = np.nan, np.nan
    cells = statistics(vv, vh, hand, reference, hand_limit=15.0).cells
    assert np.isnan(cells[VV, 0, 0])
    assert np.isfinite(cells[VV, 0, 1])
    assert np.isnan(cells[VH:]).all()


def test_histograms_count_means_of_four_by_four_low_pixels():
    vv, vh, hand, reference = flat((128, 256))
    hand[:, 128:160] = 20.0
    found = statistics(vv, vh, hand, reference, hand_limit=15.0).histograms
    assert found.shape == (2, 1, 2, BINS)
    assert found[VV].sum(axis=-1).tolist() == [[1024, 768]]
    assert decibel_of_bin(False)[found[VV, 0, 0].argmax()] == pytest.approx(-10, abs=0.26)
    assert decibel_of_bin(False)[found[VH, 0, 0].argmax()] == pytest.approx(-20, abs=0.26)


def test_grey_histograms_are_those_of_hydrosar():
    random = np.random.default_rng(5)
    vv, vh, hand, reference = flat()
    vv[:] = 0.05 * random.gamma(4.4, 1 / 4.4, vv.shape)
    found = statistics(vv, vh, hand, reference, hand_limit=15.0, grey=True)
    levels = hydrosar.grey_levels(vv) - FIRST_GREY
    np.testing.assert_array_equal(found.histograms[VV, 0, 0], np.bincount(levels.astype(int).ravel(), minlength=BINS))
    assert found.tiles[0, 0, 0] == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(found.tiles[1:, 0, 0], 0.01, rtol=1e-4)


def test_a_scene_cut_on_tile_edges_has_the_same_statistics():
    random = np.random.default_rng(6)
    arrays = [array * random.gamma(4.4, 1 / 4.4, array.shape).astype(np.float32) for array in flat((300, 200))]
    whole = statistics(*arrays, hand_limit=15.0)
    parts = [statistics(*(array[rows] for array in arrays), hand_limit=15.0) for rows in (slice(0, 128), slice(128, None))]
    np.testing.assert_array_equal(np.concatenate([part.cells for part in parts], axis=1), whole.cells)
    np.testing.assert_array_equal(np.concatenate([part.histograms for part in parts], axis=1), whole.histograms)

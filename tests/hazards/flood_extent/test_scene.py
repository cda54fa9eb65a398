import numpy as np
import pytest
from scipy import ndimage

from pipeline.errors import InputError
from pipeline.hazards.flood_extent.levels import FALLBACK, scene_levels
from pipeline.hazards.flood_extent.scene import LOOK_ALIKE, NEUTRAL, SUPPORTED, Settings, describe
from pipeline.hazards.flood_extent.tiles import HAND, REFERENCE, TILE, VH, VV, Statistics, statistics

SETTINGS = Settings(4.4, "ki", (-12.0, -18.0), 15.0)


def coarse(shape=(64, 64), *, seed=1):
    """Return statistics of land at -9.75 and -16.75 dB (centres of bins) that rises from a river along the middle row."""
    random = np.random.default_rng(seed)
    rows = np.abs(np.arange(shape[0]) - shape[0] // 2)[:, None] * np.ones(shape)
    cells = np.stack([np.full(shape, -9.75), np.full(shape, -16.75), 0.25 * rows, (rows <= 1).astype(float)])
    cells[:2] += 0.3 * random.standard_normal((2, *shape))
    cells[:2, rows <= 1] = np.array([-15.75, -22.75])[:, None]
    histograms = np.zeros((2, shape[0] // 16, shape[1] // 16, 96), np.int32)
    for band, (water, land) in enumerate(((-16, -10), (-23, -17))):
        for level, count in ((water, 300), (land, 600)):
            for step, share in ((-1, 0.25), (0, 0.5), (1, 0.25)):
                histograms[band, ..., int((level + 42) / 0.5) + step] = count * share
    return Statistics(cells.astype(np.float16), histograms, np.zeros((5, shape[0] // 16, shape[1] // 16), np.float32))


def darken(found, where, vv=-15.75, vh=-22.75):
    found.cells[VV][where], found.cells[VH][where] = vv, vh


def by_vv_alone(found):
    """Return the same statistics with histograms of VH that show nothing."""
    found.histograms[VH] = 0
    return found


def threshold(scene, cell):
    """Return the VV power at which a cell's log-odds are zero where VH is not used, dB."""
    constant, slope, vh_slope = scene.coefficients[(slice(None), *cell)]
    assert vh_slope == 0
    return 10 * np.log10(constant / slope)


def test_levels_are_those_of_the_tiles():
    vv, vh = describe(coarse(), SETTINGS).levels
    assert (vv.water, vv.land) == pytest.approx((-15.75, -9.75), abs=0.1)
    assert (vh.water, vh.land) == pytest.approx((-22.75, -16.75), abs=0.1)
    assert vv.threshold == pytest.approx(-12.75, abs=0.3)
    assert vh.threshold == pytest.approx(-19.75, abs=0.3)


def test_thresholds_are_held_under_their_ceilings():
    vv, vh = scene_levels(coarse(), method="ki", ceilings=(-15.25, -22.25), looks=4.4)
    assert (vv.threshold, vh.threshold) == (-15.25, -22.25)


def test_a_scene_without_two_classes_has_the_published_maxima():
    found = coarse()
    found.histograms[..., :60] = 0
    vv, vh = scene_levels(found, method="ki", ceilings=(-12.0, -18.0), looks=4.4)
    assert (vv.threshold, vh.threshold) == FALLBACK


def test_a_band_without_two_classes_is_left_out_where_the_other_has_them():
    found = coarse()
    found.histograms[VH] = 0
    vv, vh = scene_levels(found, method="ki", ceilings=(-12.0, -18.0), looks=4.4)
    assert vv.is_used
    assert not vh.is_used


def test_an_unknown_method_is_refused():
    with pytest.raises(InputError, match="mean"):
        scene_levels(coarse(), method="mean", ceilings=(-12.0, -18.0), looks=4.4)


def test_the_zero_of_the_log_odds_is_the_threshold():
    scene = describe(by_vv_alone(coarse()), SETTINGS)
    assert threshold(scene, (32, 32)) == pytest.approx(scene.levels[VV].threshold, abs=0.3)


def test_thresholds_follow_the_land():
    found = by_vv_alone(coarse(shape=(64, 160)))
    found.cells[:2, :, 80:] += np.float16(1.5)
    scene = describe(found, SETTINGS)
    assert threshold(scene, (10, 150)) - threshold(scene, (10, 10)) == pytest.approx(0.75, abs=0.2)


def test_flood_joined_to_the_river_is_supported():
    found = coarse()
    wet = found.cells[HAND] <= 2.0
    darken(found, wet)
    assert (describe(found, SETTINGS).support[wet] == SUPPORTED).all()


def test_a_pond_in_a_hollow_is_supported_and_dark_ground_on_a_slope_is_not():
    found = coarse()
    y, x = np.mgrid[:64, :64]
    pond = np.hypot(y - 46, x - 15) < 5
    found.cells[HAND] = np.where(pond, np.hypot(y - 46, x - 15) * 0.2, np.maximum(found.cells[HAND], 1.5 * (y > 40)))
    slope = np.hypot(y - 12, x - 45) < 5
    darken(found, pond | slope)
    support = describe(found, SETTINGS).support
    assert (support[pond] == SUPPORTED).all()
    assert (support[slope] == LOOK_ALIKE).all()
    assert support[60, 60] == NEUTRAL


def test_roughened_water_within_a_flood_lowers_the_local_contrast():
    found = by_vv_alone(coarse(shape=(96, 96)))
    wet = found.cells[HAND] <= 4.0
    darken(found, wet)
    rough = wet & (np.hypot(*(np.mgrid[:96, :96] - 48.0)) < 9)
    darken(found, rough, vv=-12.8, vh=-20.0)
    scene = describe(found, SETTINGS)
    assert threshold(scene, (48, 48)) > threshold(scene, (48, 5)) + 1.0


def test_dim_land_beside_a_river_stays_land():
    found = by_vv_alone(coarse(shape=(96, 96)))
    dim = np.hypot(*(np.mgrid[:96, :96] - np.array([60.0, 48.0])[:, None, None])) < 10
    darken(found, dim, vv=-12.8, vh=-20.0)
    scene = describe(found, SETTINGS)
    assert threshold(scene, (60, 48)) < -12.9


def test_reading_statistics_of_a_scene_without_anything_known_gives_a_scene():
    nothing = np.full((TILE, TILE), np.nan, np.float32)
    scene = describe(statistics(nothing, nothing, nothing, nothing, hand_limit=15.0), SETTINGS)
    assert not scene.uses_vh
    assert (scene.support == NEUTRAL).all()


def test_unknown_reference_water_is_no_river():
    found = coarse()
    found.cells[REFERENCE] = np.nan
    scene = describe(found, SETTINGS)
    assert np.isfinite(scene.coefficients).all()
    river = ndimage.binary_erosion(found.cells[HAND] <= 0.25)
    assert (scene.support[river] == SUPPORTED).all()

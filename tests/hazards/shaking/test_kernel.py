"""The block function: equal to the pure functions, and honest about what it cannot know."""

import math

import numpy as np
import pytest

from pipeline.hazards.shaking import kernel, shaking, worden12
from pipeline.hazards.shaking.conditioning import Options
from pipeline.hazards.shaking.distance import epicentral_distance
from pipeline.hazards.shaking.learning import Axes, Choices, learn
from pipeline.hazards.shaking.prior import MEASURES
from pipeline.hazards.shaking.regimes import REGIMES
from pipeline.layer import held, samples

STEP = 1.0 / 120.0
CHOICES = Choices(REGIMES, "unspecified", Options())
MEAN_NAMES = kernel.OUTPUTS[:5]
STD_NAMES = kernel.OUTPUTS[5:10]
NOTHING = tuple(samples(None, shaking.inputs[name], name) for name in ("rupture", "stations"))


def _known(magnitude, vs30, *, depth=13.0, elevation=None, origin=(78.66, 41.26), north=43.0, west=77.0, step=STEP):
    rows = (north - step * np.arange(vs30.shape[0]))[:, None]
    columns = (west + step * np.arange(vs30.shape[1]))[None]
    unknown = np.full(vs30.shape, np.nan, "float32")
    around = [unknown] * 5 if elevation is None else elevation
    site = kernel.site_block(vs30, *around, rows, craton=0.0, spacing=(step, step))
    axes = Axes(rows[:, 0], columns[0], (step, step))
    scalars = [np.asarray(v, "float64") for v in (magnitude, depth, *origin, math.nan)]
    sample = site[:: axes.stride, :: axes.stride]
    return learn(*scalars, *NOTHING, sample, np.empty(0), axes=axes, choices=CHOICES), site, rows, columns


def _compute(magnitude, vs30, *, origin=(78.66, 41.26), **options):
    known, site, rows, columns = _known(magnitude, vs30, origin=origin, **options)
    arrays = kernel.shaking_block(known, np.asarray(magnitude), site, rows, columns)
    found = dict(zip(kernel.OUTPUTS, arrays, strict=True))
    return found, epicentral_distance(columns, rows, origin)


def _grid(shape=(50, 400), low=160.0, high=1200.0):
    return np.random.default_rng(7).uniform(low, high, shape).astype("float32")


def test_every_output_has_its_declared_type_and_shape():
    found, _ = _compute(6.0, _grid())
    assert [found[name].dtype for name in kernel.OUTPUTS] == list(kernel.DTYPES)
    assert {array.shape for array in found.values()} == {(50, 400)}


@pytest.mark.parametrize("position", range(5))
def test_motion_and_deviation_equal_the_pure_function(position):
    vs30 = _grid()
    found, _ = _compute(7.0, vs30)
    known, site, rows, columns = _known(7.0, vs30)
    motion = held(known).prior.at(columns, rows, site).motions[MEASURES[position]]
    np.testing.assert_allclose(found[MEAN_NAMES[position]], np.exp(motion.mean_ln), rtol=1e-5)
    np.testing.assert_allclose(found[STD_NAMES[position]], np.sqrt(motion.variance), rtol=1e-5)


def test_intensity_comes_from_velocity_with_the_residual_of_the_event():
    vs30 = _grid()
    found, epicentral = _compute(7.0, vs30)
    expected = worden12.intensity(
        "PGV", np.log(found["pgv"].astype("float64")), magnitude=7.0, distance=np.hypot(epicentral, 13.0)
    )
    np.testing.assert_allclose(found["mmi"], expected.mmi, atol=1e-3)
    deviation = worden12.intensity_deviation("PGV", expected.slope, found["pgv_std"].astype("float64") ** 2)
    np.testing.assert_allclose(found["mmi_std"], deviation, rtol=1e-5)


def test_shaking_of_the_2024_uqturpan_earthquake_at_its_epicentre_and_in_almaty():
    rock = np.full((1, 1), 760.0, "float32")
    source, _ = _compute(7.0, rock, north=41.26, west=78.66)
    almaty, _ = _compute(7.0, rock, north=43.24, west=76.89)
    soil, _ = _compute(7.0, np.full((1, 1), 350.0, "float32"), north=43.24, west=76.89)
    assert 7.0 < source["mmi"][0, 0] < 8.5
    assert 3.0 < almaty["mmi"][0, 0] < soil["mmi"][0, 0] < 5.0
    assert abs(soil["mmi"][0, 0] - 4.5) < 2.0 * soil["mmi_std"][0, 0]


def test_uncertainty_is_larger_where_a_large_rupture_may_reach():
    rock = np.full((1, 2), 760.0, "float32")
    large, _ = _compute(7.0, rock, north=41.26, west=78.66 + 0.35, step=2.0)
    small, _ = _compute(5.5, rock, north=41.26, west=78.66 + 0.35, step=2.0)
    assert large["pga_std"][0, 0] > large["pga_std"][0, 1] + 0.03
    assert large["pga_std"][0, 0] > small["pga_std"][0, 0]


def test_without_site_condition_there_is_no_estimate():
    vs30 = np.array([[np.nan, 0.0, -1.0, 760.0]], "float32")
    found, _ = _compute(6.0, vs30)
    assert found["exclusion"].tolist() == [[kernel.NO_SITE] * 3 + [kernel.WITHIN]]
    for name in kernel.OUTPUTS[:-1]:
        assert np.isnan(found[name][0, :3]).all()
        assert np.isfinite(found[name][0, 3])


def test_terrain_speaks_where_the_map_of_vs30_is_silent():
    vs30 = np.array([[np.nan, 760.0]], "float32")
    flat = [np.full((1, 2), 700.0, "float32")] * 5
    found, _ = _compute(6.0, vs30, elevation=flat)
    soft, _ = _compute(6.0, np.full((1, 2), 180.0, "float32"))
    assert found["pgv"][0, 0] == soft["pgv"][0, 0]
    assert (found["exclusion"] == kernel.WITHIN).all()


@pytest.mark.parametrize(
    ("magnitude", "depth", "place", "code"),
    [
        (6.0, 13.0, (41.26, 78.66), kernel.WITHIN),
        (7.0, 13.0, (41.26, 78.66), kernel.NEAR_SOURCE),
        (7.0, 13.0, (42.26, 78.66), kernel.WITHIN),
        (6.0, 13.0, (45.26, 78.66), kernel.TOO_FAR),
        (2.5, 13.0, (41.26, 78.66), kernel.MAGNITUDE),
        (9.0, 13.0, (41.26, 78.66), kernel.MAGNITUDE),
        (7.0, 180.0, (41.26, 78.66), kernel.TOO_DEEP),
        (7.0, math.nan, (42.26, 78.66), kernel.WITHIN),
    ],
)
def test_exclusion_says_where_the_method_cannot_know_and_keeps_an_estimate(magnitude, depth, place, code):
    found, _ = _compute(magnitude, np.full((1, 1), 500.0, "float32"), depth=depth, north=place[0], west=place[1])
    assert found["exclusion"][0, 0] == code
    assert np.isfinite(found["mmi"][0, 0])


def test_a_site_outside_the_models_range_is_marked():
    found, _ = _compute(6.0, np.array([[120.0, 1800.0]], "float32"))
    assert (found["exclusion"] == kernel.UNUSUAL_SITE).all()


def test_a_deep_earthquake_shakes_less_than_a_shallow_one():
    place = {"north": 41.26, "west": 78.66}
    rock = np.full((1, 1), 760.0, "float32")
    depths = [_compute(7.0, rock, depth=d, **place)[0]["mmi"][0, 0] for d in (10.0, 35.0, 36.0, 70.0, 200.0)]
    assert depths[0] > depths[1] > depths[2] > depths[3] > depths[4]
    assert depths[1] - depths[2] < 0.1


def test_without_magnitude_there_is_no_estimate_and_a_reason():
    found, _ = _compute(math.nan, _grid((2, 3)))
    assert (found["exclusion"] == kernel.MAGNITUDE).all()
    assert np.isnan(found["mmi"]).all()


def test_without_epicentre_nothing_is_known():
    found, _ = _compute(6.0, _grid((2, 3)), origin=(math.nan, 41.0))
    assert (found["exclusion"] == kernel.UNKNOWN).all()
    assert np.isnan(found["mmi"]).all()

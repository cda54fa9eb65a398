"""What an unknown rupture does to distance and uncertainty."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hazards.shaking.models.bssa14 import BSSA14 as bssa14
from pipeline.hazards.shaking.rupture import (
    PointSource,
    effective_distance,
    source_table,
    virtual_distances,
)
from pipeline.hazards.shaking.source.mechanisms import MECHANISMS

MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
UNSPECIFIED = MECHANISMS["unspecified"]
#: Mean Joyner-Boore over epicentral distance by epicentral distance in km, magnitude 6 and 7: Thompson and Worden (2018),
#: table Rjb_WC94_mechA_ar1p7_seis0_20_Ratios of USGS ps2ff 1.5.9 (CC0).
RATIOS = {
    15.848932: (0.698665, 0.425617),
    25.118864: (0.797064, 0.545938),
    39.810717: (0.867199, 0.665675),
    63.095734: (0.914350, 0.768216),
    100.0: (0.945225, 0.845288),
    199.526231: (0.972236, 0.918941),
}


@pytest.mark.parametrize(("column", "magnitude"), [(0, 6.0), (1, 7.0)])
def test_mean_distance_equals_thompson_and_worden(column, magnitude):
    epicentral = np.array(list(RATIOS))
    distances, weights = virtual_distances(epicentral, magnitude, UNSPECIFIED)
    expected = [ratios[column] for ratios in RATIOS.values()]
    np.testing.assert_allclose(weights @ distances / epicentral, expected, rtol=0.015)


def test_weights_sum_to_one_and_no_rupture_is_farther_than_its_epicentre():
    distances, weights = virtual_distances([0.0, 30.0, 300.0], 7.5, UNSPECIFIED)
    assert weights.sum() == pytest.approx(1.0)
    assert (distances <= [0.0, 30.0, 300.0]).all()


@pytest.mark.parametrize("imt", MEASURES)
def test_the_effective_distance_keeps_the_mean_of_ln_motion(imt):
    distances, weights = virtual_distances([0.0, 10.0, 20.0, 40.0, 80.0, 160.0], 7.0, UNSPECIFIED)
    over_all = weights @ bssa14(imt, magnitude=7.0, rjb=distances, vs30=760.0).mean_ln
    at_one = bssa14(imt, magnitude=7.0, rjb=effective_distance(distances, weights), vs30=760.0).mean_ln
    np.testing.assert_allclose(at_one, over_all, atol=0.05)  # 5 % of motion: h is 4.5 to 7 km by measure


def test_an_unknown_rupture_matters_most_about_a_rupture_length_away():
    table = source_table("BSSA14", MEASURES, PointSource(7.0, 13.0, "unspecified"))
    _, variance = table.at(np.array([0.0, 25.0, 300.0]))
    assert (variance[:, 0] < 1e-12).all()
    assert (variance[:, 1] > 0.1).all()
    assert (variance[:, 2] < 0.03).all()


def test_a_small_earthquake_is_its_own_rupture():
    table = source_table("BSSA14", MEASURES, PointSource(4.0, 10.0, "unspecified"))
    rjb, variance = table.at(np.array([20.0, 100.0]))
    np.testing.assert_allclose(rjb, [20.0, 100.0], atol=1.0)  # its rupture is 1.5 km long
    assert variance.max() < 0.005


def test_an_unknown_depth_adds_variance_and_leaves_the_median():
    known, unknown = (source_table("BSSA14", MEASURES, PointSource(6.0, d, "unspecified")) for d in (10.0, None))
    np.testing.assert_array_equal(known.rjb, unknown.rjb)
    assert (unknown.variance >= known.variance).all()
    assert unknown.variance[0, 0] > known.variance[0, 0] + 0.5


def test_the_table_of_a_source_is_remembered_though_its_depth_is_unknown():
    first, second = (source_table("BSSA14", MEASURES, PointSource(6.0, None, "unspecified")) for _ in range(2))
    assert first is second


def test_a_hypocentre_below_the_model_is_farther_from_every_place():
    table = source_table("BSSA14", MEASURES, PointSource(7.0, 135.0, "unspecified"))
    rjb, _ = table.at(np.array([0.0]))
    assert rjb[0] == pytest.approx(100.0)


def test_beyond_the_table_distance_grows_with_the_epicentral_one():
    table = source_table("BSSA14", MEASURES, PointSource(7.0, 10.0, "reverse"))
    rjb, _ = table.at(np.array([1600.0, 5000.0]))
    assert rjb[1] - rjb[0] == pytest.approx(3400.0)


@settings(max_examples=8, deadline=None)
@given(magnitude=st.floats(3.0, 8.5), kind=st.sampled_from(sorted(MECHANISMS)))
def test_effective_distance_grows_with_epicentral_distance_and_never_exceeds_it(magnitude, kind):
    table = source_table("BSSA14", ("PGV",), PointSource(magnitude, 10.0, kind))
    epicentral = np.linspace(0.0, 500.0, 401)
    rjb, _ = table.at(epicentral)
    assert (np.diff(rjb) >= 0).all()
    assert (rjb <= epicentral + 0.05).all()  # linear interpolation

"""The verification tests of the ShakeMap manual, by their number (Worden et al. 2018, doi 10.1785/0120170201)."""

import math

import numpy as np
import pytest

from pipeline.hazards.shaking import worden12
from pipeline.hazards.shaking.conditioning import Options
from tests.hazards.shaking.conditioning.verification import PHI, TAU, apart, constant_stations, verify


def test_0001_two_stations_that_agree_with_the_prior_leave_it():
    found = verify(constant_stations([-122.17, -121.83], 0.0), np.linspace(-123, -121, 9))
    np.testing.assert_allclose(found.motions["pga"].mean, 0.0, atol=1e-15)
    assert found.biases.loc["pga", "bias"] == 0.0


def test_0002_opposite_stations_give_no_bias_and_an_antisymmetric_map():
    offset = np.linspace(0.0, 1.0, 12)
    found = verify(constant_stations([-122.17, -121.83], [1.0, -1.0]), np.concatenate([-122 - offset, -122 + offset]))
    motion = found.motions["pga"]
    west, east = motion.mean[2:14], motion.mean[14:]
    np.testing.assert_allclose(west, -east, atol=1e-12)
    np.testing.assert_allclose(motion.mean[:2], [1.0, -1.0], atol=1e-12)
    assert (motion.sigma[:2] < 1e-3).all()
    assert found.biases.loc["pga", "bias"] == pytest.approx(0.0, abs=1e-15)
    assert np.abs(motion.mean).max() <= 1.0 + 1e-12


def test_0003_one_exact_station_shares_its_residual_between_event_and_place():
    distance = 12.0
    found = verify(constant_stations(-122.0, 1.0), [-122.0 + apart(distance)])
    bias = TAU**2 / (TAU**2 + PHI**2)
    rho = math.exp(-distance / 10.0)
    left = TAU * (1.0 - rho)
    variance = 1.0 / (1.0 + TAU**2 / PHI**2)
    motion = found.motions["pga"]
    assert found.biases.loc["pga", "bias"] == pytest.approx(bias)
    assert motion.mean[1] == pytest.approx(bias * (1.0 - rho) + rho, abs=1e-9)
    assert motion.tau[1] == pytest.approx(left * math.sqrt(variance), abs=1e-6)
    assert motion.phi[1] == pytest.approx(PHI * math.sqrt(1.0 - rho**2), abs=1e-6)
    assert motion.sigma[1] == pytest.approx(math.hypot(motion.tau[1], motion.phi[1]))
    assert motion.variance_removed[1] == pytest.approx(1.0 - motion.sigma[1] ** 2 / (TAU**2 + PHI**2))


def test_far_from_one_exact_station_the_bias_stays_and_the_deviation_is_largest():
    motion = _far(verify(constant_stations(-122.0, 1.0), [-116.0, -122.2]).motions["pga"])
    total = TAU**2 + PHI**2
    assert motion["mean"] == pytest.approx(TAU**2 / total, abs=1e-9)
    assert motion["phi"] == pytest.approx(PHI, abs=1e-6)
    assert motion["tau"] == pytest.approx(TAU * PHI / math.sqrt(total), abs=1e-9)


def _far(motion):
    assert motion.sigma[1] == motion.sigma.max() < math.hypot(TAU, PHI)
    return {name: values[1] for name, values in motion._asdict().items()}


def test_an_instrument_and_a_report_at_one_place_are_weighted_by_their_noise():
    stations = constant_stations([-122.0, -122.0], [2.0, 0.0], measure="pgv")
    stations["kind"] = "station", np.array([0, 1], np.uint8)
    stations["mmi"] = "station", [np.nan, 0.9]
    found = verify(stations, measures=("mmi", "pgv"), options=Options(screen_outliers=False))
    derived = float(worden12.intensity("PGV", 2.0, magnitude=6.0, distance=20.0).mmi)
    precision = 1.0 / (TAU**2 + PHI**2) + 1.0 / 0.63**2 + 1.0 / 0.3**2
    expected = (derived / 0.63**2 + 0.9 / 0.3**2) / precision
    assert found.motions["mmi"].mean[0] == pytest.approx(expected, abs=1e-9)
    assert found.motions["mmi"].sigma[0] == pytest.approx(1.0 / math.sqrt(precision), abs=1e-6)
    assert found.flags.loc["AZ.1", "pgv"] == "not observed"  # a report below IV gives no motion


def test_0004_the_same_station_twice_says_no_more_than_once():
    cells = np.linspace(-123, -121, 9)
    once, twice = (verify(constant_stations(where, 1.0), cells) for where in ([-122.17], [-122.17, -122.17]))
    for one, two in zip(once.motions["pga"], twice.motions["pga"], strict=True):
        np.testing.assert_allclose(two[1:], one, atol=1e-12)
    assert twice.biases.loc["pga", "bias"] == pytest.approx(once.biases.loc["pga", "bias"])


def test_0004b_two_stations_apart_give_more_bias_than_one():
    two, once = (verify(constant_stations(where, 1.0)).biases.loc["pga", "bias"] for where in ([-122.17, -121.17], [-122.17]))
    assert two == pytest.approx(2 * TAU**2 / (2 * TAU**2 + PHI**2), abs=1e-3)
    assert two > once


def test_0005_two_stations_at_one_place_are_averaged():
    found = verify(constant_stations([-122.17, -122.17], [1.0, -1.0]), np.linspace(-123, -121, 9))
    np.testing.assert_allclose(found.motions["pga"].mean, 0.0, atol=1e-15)


def test_0007_a_spectral_station_speaks_for_its_neighbours_in_period():
    measures = ("sa_0p5", "sa_1p0", "sa_2p0")
    found = verify(constant_stations(-122.0, 1.0, measure="sa_1p0"), measures=measures)
    means = {m: found.motions[m].mean[0] for m in measures}
    assert means["sa_1p0"] == pytest.approx(1.0)
    assert means["sa_0p5"] == pytest.approx(0.5)
    assert means["sa_2p0"] == pytest.approx(0.5)


def test_0008_the_more_a_station_scatters_the_nearer_the_map_stays_to_the_prior():
    found = [verify(constant_stations(-122.17, 1.0, noise)).motions["pga"] for noise in (0.0, 0.75, 1.5, 3.0, 6.0)]
    expected = [(TAU**2 + PHI**2) / (TAU**2 + PHI**2 + noise**2) for noise in (0.0, 0.75, 1.5, 3.0, 6.0)]
    np.testing.assert_allclose([motion.mean[0] for motion in found], expected, atol=1e-9)
    np.testing.assert_allclose([motion.variance_removed[0] for motion in found], expected, atol=1e-5)


def test_0006_many_stations_that_agree_give_a_bias_well_short_of_their_residual():
    found = verify(constant_stations(-123.75 + 0.05 * np.arange(40), 1.0), [-121.0])
    assert found.biases.loc["pga", "observations"] == 40
    assert TAU**2 / (TAU**2 + PHI**2) < found.biases.loc["pga", "bias"] < 1.0
    np.testing.assert_allclose(found.motions["pga"].mean[:40], 1.0, atol=1e-9)
    assert found.motions["pga"].mean[40] == pytest.approx(found.biases.loc["pga", "bias"], abs=1e-2)


@pytest.mark.parametrize("offsets", [(100, 75), (70, 35)])
def test_0009_and_0010_a_low_station_among_high_ones_is_not_overshot(offsets):
    outer, inner = offsets
    places = -122.14166666666667 + np.array([-outer, -inner, 0, inner, outer]) / 240.0
    found = verify(constant_stations(places, [1.0, 1.0, 0.75, 1.0, 1.0], 0.2)).motions["pga"].mean
    alone = (TAU**2 + PHI**2) / (TAU**2 + PHI**2 + 0.2**2)
    assert 0.75 * alone <= found[2] < found[1] <= 1.0

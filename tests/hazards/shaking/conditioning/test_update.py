"""The conditioned motion: hand-sized cases whose answer is known, and what every update must keep."""

import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning import LOTH_BAKER, Cells, Event, Options, Stations, condition, fit, station_residuals
from pipeline.hazards.shaking.conditioning.correlation import Coregionalization
from pipeline.hazards.shaking.conditioning.kernel import EARTH_RADIUS, TILE
from pipeline.hazards.shaking.conditioning.measures import correlation_period
from pipeline.hazards.shaking.conditioning.pairing import evidence
from pipeline.hazards.shaking.ground_motion import GroundMotion

EVENT = Event(6.0, False)
#: Deviations of ShakeMap's NullGMPE, whose mean is zero everywhere.
TAU, PHI = 0.6, 0.8


class Verification:
    """The correlation of ShakeMap's verification tests: T1/T2 exp(-h/10)."""

    ranges = (30.0, 1.0)

    def between(self, first, second):
        a, b = np.atleast_1d(first)[:, None], np.atleast_1d(second)[None]
        ratio = np.minimum(a, b) / np.maximum(a, b)
        return Coregionalization(ratio, np.zeros_like(ratio), np.zeros_like(ratio))


def _null(count, measures=("pga",)):
    return {m: GroundMotion(np.zeros(count), np.full(count, TAU), np.full(count, PHI)) for m in measures}


def _stations(longitude, amplitude, noise=0.0, latitude=38.0, measure="pga"):
    longitude = np.atleast_1d(np.asarray(longitude, float))
    count = longitude.size
    columns = {
        "station_id": [f"AZ.{i}" for i in range(count)],
        "longitude": longitude,
        "latitude": np.broadcast_to(latitude, count).astype(float),
        "kind": np.zeros(count, np.uint8),
        "flag": [""] * count,
        measure: np.exp(np.broadcast_to(amplitude, count).astype(float)),
        f"{measure}_std": np.broadcast_to(noise, count).astype(float),
    }
    return xr.Dataset({name: ("station", values) for name, values in columns.items()})


def _verify(stations, longitude=(), measures=("pga",), **keywords):
    longitude = np.concatenate([stations["longitude"].values, np.asarray(longitude, float)])
    cells = Cells(longitude, np.full(longitude.size, 38.0), _null(longitude.size, measures))
    prior = Stations(np.full(stations.sizes["station"], 20.0), _null(stations.sizes["station"], measures))
    keywords = {"correlation": Verification()} | keywords
    return condition(cells, stations, prior, EVENT, **keywords)


def _apart(kilometres):
    """Degrees of longitude at 38 N."""
    return math.degrees(2 * math.asin(math.sin(kilometres / EARTH_RADIUS / 2) / math.cos(math.radians(38.0))))


# The verification tests of the ShakeMap manual, by their number.


def test_0001_two_stations_that_agree_with_the_prior_leave_it():
    found = _verify(_stations([-122.17, -121.83], 0.0), np.linspace(-123, -121, 9))
    np.testing.assert_allclose(found.motions["pga"].mean, 0.0, atol=1e-15)
    assert found.biases.loc["pga", "bias"] == 0.0


def test_0002_opposite_stations_give_no_bias_and_an_antisymmetric_map():
    offset = np.linspace(0.0, 1.0, 12)
    found = _verify(_stations([-122.17, -121.83], [1.0, -1.0]), np.concatenate([-122 - offset, -122 + offset]))
    motion = found.motions["pga"]
    west, east = motion.mean[2:14], motion.mean[14:]
    np.testing.assert_allclose(west, -east, atol=1e-12)
    np.testing.assert_allclose(motion.mean[:2], [1.0, -1.0], atol=1e-12)
    assert (motion.sigma[:2] < 1e-3).all()
    assert found.biases.loc["pga", "bias"] == pytest.approx(0.0, abs=1e-15)
    assert np.abs(motion.mean).max() <= 1.0 + 1e-12


def test_0003_one_exact_station_shares_its_residual_between_event_and_place():
    distance = 12.0
    found = _verify(_stations(-122.0, 1.0), [-122.0 + _apart(distance)])
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


def test_0004_the_same_station_twice_says_no_more_than_once():
    cells = np.linspace(-123, -121, 9)
    once, twice = (_verify(_stations(where, 1.0), cells) for where in ([-122.17], [-122.17, -122.17]))
    for one, two in zip(once.motions["pga"], twice.motions["pga"], strict=True):
        np.testing.assert_allclose(two[1:], one, atol=1e-12)
    assert twice.biases.loc["pga", "bias"] == pytest.approx(once.biases.loc["pga", "bias"])


def test_0004b_two_stations_apart_give_more_bias_than_one():
    apart, once = (_verify(_stations(where, 1.0)).biases.loc["pga", "bias"] for where in ([-122.17, -121.17], [-122.17]))
    assert apart == pytest.approx(2 * TAU**2 / (2 * TAU**2 + PHI**2), abs=1e-3)
    assert apart > once


def test_0005_two_stations_at_one_place_are_averaged():
    found = _verify(_stations([-122.17, -122.17], [1.0, -1.0]), np.linspace(-123, -121, 9))
    np.testing.assert_allclose(found.motions["pga"].mean, 0.0, atol=1e-15)


def test_0007_a_spectral_station_speaks_for_its_neighbours_in_period():
    measures = ("sa_0p5", "sa_1p0", "sa_2p0")
    found = _verify(_stations(-122.0, 1.0, measure="sa_1p0"), measures=measures)
    means = {m: found.motions[m].mean[0] for m in measures}
    assert means["sa_1p0"] == pytest.approx(1.0)
    assert means["sa_0p5"] == pytest.approx(0.5)
    assert means["sa_2p0"] == pytest.approx(0.5)


def test_0008_the_more_a_station_scatters_the_nearer_the_map_stays_to_the_prior():
    found = [_verify(_stations(-122.17, 1.0, noise)).motions["pga"] for noise in (0.0, 0.75, 1.5, 3.0, 6.0)]
    expected = [(TAU**2 + PHI**2) / (TAU**2 + PHI**2 + noise**2) for noise in (0.0, 0.75, 1.5, 3.0, 6.0)]
    np.testing.assert_allclose([motion.mean[0] for motion in found], expected, atol=1e-9)
    np.testing.assert_allclose([motion.variance_removed[0] for motion in found], expected, atol=1e-5)


def test_0006_many_stations_that_agree_give_a_bias_well_short_of_their_residual():
    found = _verify(_stations(-123.75 + 0.05 * np.arange(40), 1.0), [-121.0])
    assert found.biases.loc["pga", "observations"] == 40
    assert TAU**2 / (TAU**2 + PHI**2) < found.biases.loc["pga", "bias"] < 1.0
    np.testing.assert_allclose(found.motions["pga"].mean[:40], 1.0, atol=1e-9)
    assert found.motions["pga"].mean[40] == pytest.approx(found.biases.loc["pga", "bias"], abs=1e-2)


@pytest.mark.parametrize("offsets", [(100, 75), (70, 35)])
def test_0009_and_0010_a_low_station_among_high_ones_is_not_overshot(offsets):
    outer, inner = offsets
    places = -122.14166666666667 + np.array([-outer, -inner, 0, inner, outer]) / 240.0
    found = _verify(_stations(places, [1.0, 1.0, 0.75, 1.0, 1.0], 0.2)).motions["pga"].mean
    alone = (TAU**2 + PHI**2) / (TAU**2 + PHI**2 + 0.2**2)
    assert 0.75 * alone <= found[2] < found[1] <= 1.0


# The update as a whole against the equations written out for full matrices.


def _network(seed, count=40):
    rng = np.random.default_rng(seed)
    measures = ("mmi", "pga", "pgv", "sa_0p3", "sa_1p0", "sa_3p0")
    kind = (rng.random(count) < 0.4).astype(np.uint8)
    base = {"mmi": 6.0, "pga": -2.0, "pgv": 2.0, "sa_0p3": -1.3, "sa_1p0": -2.0, "sa_3p0": -3.0}
    columns = {
        "station_id": [f"XX.{i}" for i in range(count)],
        "longitude": rng.uniform(10, 12, count),
        "latitude": rng.uniform(44, 46, count),
        "kind": kind,
        "flag": [""] * count,
    }
    for measure in measures:
        value = base[measure] + rng.normal(0.3, 0.5, count)
        observed = (kind == 1) if measure == "mmi" else (kind == 0) & (rng.random(count) < 0.7)
        columns[measure] = np.where(observed, value if measure == "mmi" else np.exp(value), np.nan)

    def motions(size):
        return {
            m: GroundMotion(base[m] + rng.normal(0, 0.3, size), rng.uniform(0.3, 0.4, size), rng.uniform(0.5, 0.7, size))
            for m in measures
        }

    stations = xr.Dataset({name: ("station", values) for name, values in columns.items()})
    size = 2 * TILE + 37
    cells = Cells(rng.uniform(10, 12, size), rng.uniform(44, 46, size), motions(size))
    return cells, stations, Stations(rng.uniform(5, 150, count), motions(count))


def _distance(first, second):
    (lon, lat), (other_lon, other_lat) = (np.radians(p) for p in (first, second))
    lon, lat = lon[:, None], lat[:, None]
    square = np.sin((lat - other_lat) / 2) ** 2 + np.cos(lat) * np.cos(other_lat) * np.sin((lon - other_lon) / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(square))


def _rho(first, second, periods, others):
    short, long, nugget = LOTH_BAKER.between(periods, others)
    h = _distance(first, second)
    return short * np.exp(-3 * h / 20) + long * np.exp(-3 * h / 70) + nugget * (h == 0)


def _by_full_matrices(cells, found, measure, entries, target):
    """Mean and standard deviation by Engler et al. (2022) with every matrix written out."""
    at = entries.row, entries.station
    phi, tau = found.phi[at], found.tau[at]
    places = found.longitude[entries.station], found.latitude[entries.station]
    sigma_dd = _rho(places, places, entries.period, entries.period) * np.outer(phi, phi) + np.diag(found.noise[at] ** 2)
    inverse = np.linalg.inv(sigma_dd)
    types = np.unique(np.append(entries.period, target))
    t_d = (entries.period[:, None] == types) * tau[:, None]
    cov_h = np.linalg.inv(t_d.T @ inverse @ t_d + np.linalg.inv(LOTH_BAKER.between(types, types).at_zero))
    residual = found.residual[at]
    mu_h = cov_h @ t_d.T @ inverse @ np.where(found.distance[entries.station] <= 120.0, residual, 0.0)
    prior = cells.motions[measure]
    sigma_yd = _rho(cells[:2], places, [target], entries.period) * np.outer(prior.phi, phi)
    c = (target == types) * prior.tau[:, None] - sigma_yd @ inverse @ t_d
    mean = prior.mean_ln + c @ mu_h + sigma_yd @ inverse @ residual
    within = prior.phi**2 - np.einsum("ij,jk,ik->i", sigma_yd, inverse, sigma_yd)
    between = np.einsum("ij,jk,ik->i", c, cov_h, c)
    return mean, np.sqrt(within + between), np.sqrt(between)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_update_equals_the_equations_written_out_for_full_matrices(seed):
    cells, stations, prior = _network(seed)
    found = station_residuals(stations, prior, EVENT, Options())
    conditioned = fit(found, EVENT).at(cells)
    for measure, motion in conditioned.items():
        entries = evidence(found, measure)
        mean, sigma, tau = _by_full_matrices(cells, found, measure, entries, correlation_period(measure))
        expected = np.clip(mean, 1.0, 10.0) if measure == "mmi" else mean
        np.testing.assert_allclose(motion.mean, expected, atol=1e-9)
        np.testing.assert_allclose(motion.sigma, sigma, atol=5e-6)
        np.testing.assert_allclose(motion.tau, tau, atol=1e-9)


def _equal(first, second):
    for measure in first:
        for one, other in zip(first[measure], second[measure], strict=True):
            np.testing.assert_array_equal(one, other)


def test_without_observations_the_prior_comes_back_bit_for_bit():
    cells, stations, prior = _network(3)
    found = condition(cells, stations.assign(flag=("station", ["withheld"] * 40)), prior, EVENT)
    for measure, motion in found.motions.items():
        given_prior = cells.motions[measure]
        np.testing.assert_array_equal(motion.mean, given_prior.mean_ln)
        np.testing.assert_array_equal(motion.tau, given_prior.tau)
        np.testing.assert_array_equal(motion.phi, given_prior.phi)
        np.testing.assert_array_equal(motion.sigma, np.sqrt(given_prior.tau**2 + given_prior.phi**2))
        assert (motion.variance_removed == 0).all()
    assert (found.biases["observations"] == 0).all()


def test_without_any_station_the_prior_comes_back():
    cells, stations, _ = _network(3)
    nobody = Stations(np.empty(0), {m: GroundMotion(*[np.empty(0)] * 3) for m in cells.motions})
    found = condition(cells, stations.isel(station=[]), nobody, EVENT)
    np.testing.assert_array_equal(found.motions["mmi"].mean, cells.motions["mmi"].mean_ln)
    assert found.flags.shape == (0, len(cells.motions))


def test_an_update_sent_to_other_processes_and_threads_gives_the_same_bytes():
    cells, stations, prior = _network(11)
    learned = fit(station_residuals(stations, prior, EVENT, Options()), EVENT)
    expected = learned.at(cells)
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: pickle.loads(pickle.dumps(learned)).at(cells), range(4)):
            _equal(found, expected)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_stations_does_not_matter(seed):
    cells, stations, prior = _network(4)
    order = np.random.default_rng(seed).permutation(40)
    moved = Stations(prior.distance[order], {m: GroundMotion(*(a[order] for a in g)) for m, g in prior.motions.items()})
    first, second = condition(cells, stations, prior, EVENT), condition(cells, stations.isel(station=order), moved, EVENT)
    _equal(first.motions, second.motions)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=st.lists(st.integers(1, 2 * TILE + 36), min_size=1, max_size=3, unique=True))
def test_the_division_of_the_cells_does_not_change_a_byte(cuts):
    cells, stations, prior = _network(5)
    learned = fit(station_residuals(stations, prior, EVENT, Options()), EVENT)
    whole = learned.at(cells)
    edges = [0, *sorted(cuts), cells.longitude.size]
    parts = []
    for start, stop in pairwise(edges):
        part = slice(start, stop)
        motions = {m: GroundMotion(*(a[part] for a in g)) for m, g in cells.motions.items()}
        parts.append(learned.at(Cells(cells.longitude[part], cells.latitude[part], motions)))
    joined = {m: tuple(np.concatenate([p[m][i] for p in parts]) for i in range(5)) for m in whole}
    _equal(whole, joined)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_observations_never_add_to_the_variance_beyond_the_rounding_of_the_tables(seed):
    cells, stations, prior = _network(seed)
    for measure, motion in condition(cells, stations, prior, EVENT).motions.items():
        given_prior = cells.motions[measure]
        # At 1 s the published tables add up to 1.01, and so does the prior of the event term.
        assert (motion.sigma**2 <= given_prior.tau**2 * 1.0101 + given_prior.phi**2 + 1e-12).all()
        assert ((motion.variance_removed >= 0) & (motion.variance_removed <= 1)).all()


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_a_cell_at_a_station_comes_within_the_uncertainty_of_its_observation(noise):
    stations = _stations([10.0, 10.1, 10.4], [0.6, -0.2, 0.9], noise)
    found = _verify(stations, correlation=LOTH_BAKER).motions["pga"]
    miss = np.abs(found.mean - [0.6, -0.2, 0.9])
    assert (miss <= max(2 * noise, 1e-12)).all()
    assert (found.sigma <= max(noise, 1e-3)).all()


def test_beyond_the_bias_range_a_station_says_nothing_of_the_event():
    cells, stations, prior = _network(6)
    far = Stations(np.full(40, 121.0), prior.motions)
    assert (condition(cells, stations, far, EVENT).biases["event_term"] == 0).all()


@pytest.mark.parametrize(
    ("event", "options", "corrected"),
    [
        (Event(7.8, True), Options(), False),
        (Event(7.7, True), Options(), True),
        (Event(7.8, False), Options(), True),
        (Event(6.0, False), Options(correct_bias=False), False),
    ],
)
def test_the_bias_is_applied_unless_the_event_is_great_and_its_rupture_unknown(event, options, corrected):
    cells, stations, prior = _network(7)
    assert (condition(cells, stations, prior, event, options=options).biases["event_term"] != 0).all() == corrected


def test_a_cell_without_prior_stays_unknown_and_alone():
    cells, stations, prior = _network(8)
    whole = condition(cells, stations, prior, EVENT).motions["pga"]
    cells.motions["pga"].mean_ln[5] = np.nan
    found = condition(cells, stations, prior, EVENT).motions["pga"]
    assert np.isnan(found.mean[5])
    np.testing.assert_array_equal(np.delete(found.mean, 5), np.delete(whole.mean, 5))


def test_inputs_are_left_as_they_are():
    cells, stations, prior = _network(9)
    copies = [np.array(part) for motion in cells.motions.values() for part in motion], stations.copy(deep=True)
    condition(cells, stations, prior, EVENT)
    for before, after in zip(copies[0], (p for motion in cells.motions.values() for p in motion), strict=True):
        np.testing.assert_array_equal(before, after)
    xr.testing.assert_identical(stations, copies[1])


def test_an_indefinite_correlation_still_gives_a_finite_answer():
    class Rounded(Verification):
        def between(self, first, second):
            weights = super().between(first, second)
            return weights._replace(nugget=weights.nugget - 0.5)

    found = _verify(_stations([-122.0, -122.0 + 1e-12], [1.0, 1.0]), [-121.9], correlation=Rounded())
    assert np.isfinite(found.motions["pga"].mean).all()


def test_a_measure_without_prior_at_the_stations_is_refused():
    cells, stations, prior = _network(10)
    del prior.motions["sa_3p0"]
    with pytest.raises(InputError, match="sa_3p0"):
        condition(cells, stations, prior, EVENT)

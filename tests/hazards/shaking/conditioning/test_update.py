"""The conditioned motion: hand-sized cases whose answer is known, and what every update must keep."""

import csv
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning import LOTH_BAKER, Cells, Event, Options, Stations, condition, fit, station_residuals
from pipeline.hazards.shaking.conditioning.kernel import EARTH_RADIUS, TILE
from pipeline.hazards.shaking.conditioning.measures import correlation_period
from pipeline.hazards.shaking.conditioning.pairing import evidence
from pipeline.hazards.shaking.ground_motion import GroundMotion
from tests.hazards.shaking.conditioning.verification import Verification, constant_stations, verify

GOLDEN = Path(__file__).parents[3] / "golden" / "conditioning.csv"
EVENT = Event(6.0, False)


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


def test_the_update_equals_shakemap_on_a_small_network():
    cells, stations, prior = _network(1)
    found = condition(cells, stations, prior, EVENT).motions
    for row in csv.DictReader(line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")):
        motion, cell = found[row["measure"]], int(row["cell"])
        assert motion.mean[cell] == pytest.approx(float(row["mean"]), abs=2e-6)  # its distances are on a plane
        assert motion.sigma[cell] == pytest.approx(float(row["sigma"]), abs=1e-6)


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


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_stations_does_not_matter(seed):
    cells, stations, prior = _network(4)
    order = np.random.default_rng(seed).permutation(40)
    moved = Stations(prior.distance[order], {m: GroundMotion(*(a[order] for a in g)) for m, g in prior.motions.items()})
    first, second = condition(cells, stations, prior, EVENT), condition(cells, stations.isel(station=order), moved, EVENT)
    _equal(first.motions, second.motions)


@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
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


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
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
    stations = constant_stations([10.0, 10.1, 10.4], [0.6, -0.2, 0.9], noise)
    found = verify(stations, correlation=LOTH_BAKER).motions["pga"]
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

    found = verify(constant_stations([-122.0, -122.0 + 1e-12], [1.0, 1.0]), [-121.9], correlation=Rounded())
    assert np.isfinite(found.motions["pga"].mean).all()


def test_a_measure_without_prior_at_the_stations_is_refused():
    cells, stations, prior = _network(10)
    del prior.motions["sa_3p0"]
    with pytest.raises(InputError, match="sa_3p0"):
        condition(cells, stations, prior, EVENT)

"""Loth and Baker (2013) against ShakeMap's implementation, and what any correlation must keep."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning import LOTH_BAKER
from pipeline.hazards.shaking.conditioning.kernel import EARTH_RADIUS, correlate_stations, unit_vectors

GOLDEN = Path(__file__).parents[3] / "golden" / "loth_baker13.csv"


def _rows():
    return list(csv.DictReader(line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")))


def _correlation(longitude, latitude, periods):
    weights = LOTH_BAKER.between(periods, periods)
    return correlate_stations(unit_vectors(longitude, latitude), np.arange(len(periods)), *weights, LOTH_BAKER.ranges)


def test_correlation_equals_shakemap():
    for row in _rows():
        north = math.degrees(float(row["distance"]) / EARTH_RADIUS)
        periods = [float(row["first"]), float(row["second"])]
        found = _correlation(np.zeros(2), np.array([0.0, north]), periods)[0, 1]
        # ShakeMap writes the last period of the tables as 10.0001 s.
        assert found == pytest.approx(float(row["correlation"]), abs=3e-6 if periods[1] > 7.5 else 2e-10), row


def test_a_measure_is_fully_correlated_with_itself_within_the_rounding_of_the_tables():
    periods = np.geomspace(0.01, 10.0, 40)
    np.testing.assert_allclose(np.diag(LOTH_BAKER.between(periods, periods).at_zero), 1.0, atol=0.0101)


def test_the_nugget_counts_only_at_the_same_place():
    near = _correlation(np.array([10.0, 10.0 + 1e-7]), np.array([45.0, 45.0]), [1.0, 1.0])
    assert near[0, 0] - near[0, 1] == pytest.approx(0.20, abs=1e-6)
    same = _correlation(np.array([10.0, 10.000000000000002]), np.array([34.05, 34.050000000000004]), [1.0, 1.0])
    assert same[0, 1] == pytest.approx(same[0, 0], abs=1e-12), "coordinates that differ in their last bit"


@settings(deadline=None, derandomize=True)
@given(longitude=st.floats(-180, 180), latitude=st.floats(-89, 89), east=st.floats(0, 5), north=st.floats(0, 5))
def test_distance_is_the_great_circle(longitude, latitude, east, north):
    places = np.array([longitude, longitude + east]), np.array([latitude, min(latitude + north, 89.5)])
    found = correlate_stations(unit_vectors(*places), np.arange(2), *(np.full((2, 2), w) for w in (1.0, 0.0, 0.0)), (3e3, 1.0))
    (lon, other_lon), (lat, other_lat) = np.radians(places)
    haversine = (
        math.sin((lat - other_lat) / 2) ** 2 + math.cos(lat) * math.cos(other_lat) * math.sin((lon - other_lon) / 2) ** 2
    )
    expected = 2 * EARTH_RADIUS * math.asin(math.sqrt(haversine))
    assert -1e3 * math.log(found[0, 1]) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(40, 43), st.sampled_from([0.01, 0.3, 1.0])), min_size=2, max_size=12))
def test_correlation_of_any_network_is_positive_within_the_rounding_of_the_tables(network):
    longitude, latitude, period = np.array(network).T
    matrix = _correlation(np.ascontiguousarray(longitude), np.ascontiguousarray(latitude), period)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix).min() > -0.02 * len(network)


@pytest.mark.parametrize("period", [0.001, 11.0, np.nan])
def test_periods_outside_the_tables_are_refused(period):
    with pytest.raises(InputError, match=r"expected 0\.01 to 10"):
        LOTH_BAKER.between([period], [1.0])

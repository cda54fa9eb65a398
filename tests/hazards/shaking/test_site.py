"""Vs30 from the slope of the terrain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.hazards.shaking.site import Neighbourhood, terrain_slope, vs30_from_slope

#: Allen and Wald (2009) and Wald and Allen (2007), Table 2: slope at the upper end of each class.
ACTIVE = {3e-4: 180, 3.5e-3: 240, 0.010: 300, 0.018: 360, 0.05: 490, 0.10: 620, 0.14: 760}
CRATON = {2e-5: 180, 2e-3: 240, 4e-3: 300, 7.2e-3: 360, 0.013: 490, 0.018: 620, 0.025: 760}


def _plane(north, east, here=100.0, latitude=43.0):
    centre = np.full((1, 1), here)
    around = Neighbourhood(centre, centre + north, centre - north, centre - east, centre + east)
    return terrain_slope(around, np.array([[latitude]]), (1 / 120, 1 / 120))


@pytest.mark.parametrize(("craton", "table"), [(0.0, ACTIVE), (1.0, CRATON)])
def test_class_boundaries_are_the_published_ones(craton, table):
    np.testing.assert_allclose(vs30_from_slope(list(table), craton=craton), list(table.values()), rtol=1e-9)


def test_plains_and_cliffs_are_held_within_bounds():
    np.testing.assert_allclose(vs30_from_slope([0.0, 5.0]), [180.0, 900.0])


def test_between_crusts_the_tables_are_mixed():
    active, stable, mixed = (vs30_from_slope(0.01, craton=share) for share in (0.0, 1.0, 0.25))
    assert mixed == pytest.approx(0.75 * active + 0.25 * stable)


@given(slope=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0), craton=st.floats(0.0, 1.0))
def test_steeper_ground_is_stiffer(slope, more, craton):
    flat, steep = vs30_from_slope([slope, slope + more], craton=craton)
    assert flat <= steep * (1 + 1e-12)


def test_unknown_slope_gives_unknown_vs30():
    assert np.isnan(vs30_from_slope(np.nan))


def test_slope_is_rise_over_wgs84_metres():
    # At 43 N one degree of the meridian is 111.09 km and one of the parallel 81.54 km (WGS84).
    assert _plane(10.0, 0.0)[0, 0] == pytest.approx(10.0 / (111_090 / 120), rel=1e-3)
    assert _plane(0.0, 10.0)[0, 0] == pytest.approx(10.0 / (81_540 / 120), rel=1e-3)


def test_a_missing_neighbour_is_replaced_by_the_other_side():
    centre = np.full((1, 1), 100.0)
    around = Neighbourhood(centre, centre * np.nan, centre - 10.0, centre, centre)
    expected = _plane(10.0, 0.0)
    np.testing.assert_allclose(terrain_slope(around, [[43.0]], (1 / 120, 1 / 120)), expected)


def test_slope_is_unknown_where_the_cell_or_a_whole_direction_is():
    centre, unknown = np.full((1, 1), 100.0), np.full((1, 1), np.nan)
    for around in (Neighbourhood(unknown, *[centre] * 4), Neighbourhood(centre, unknown, unknown, centre, centre)):
        assert np.isnan(terrain_slope(around, [[43.0]], (1 / 120, 1 / 120)))

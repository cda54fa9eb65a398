"""Vs30 from the slope of the terrain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking.site import (
    Neighbourhood,
    terrain_slope,
    vs30_from_slope,
    z1pt0_from_vs30,
    z2pt5_from_vs30,
)

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


def test_class_boundaries_are_those_of_the_usgs_code(reference):
    """vs30_from_slope.md: the tables as USGS's global map codes them."""
    text = (reference / "seismic/gmpe_tables/vs30_from_slope.md").read_text(encoding="utf-8")
    for craton, name in ((0.0, "active: "), (1.0, "craton: ")):
        line = next(line for line in text.splitlines() if line.startswith(name))
        classes = [part.strip().split(": ") for part in line.removeprefix(name).split("|")]
        lowest = float(classes[0][1].split("..")[0])
        slopes = [lowest, *(float(slopes.split("..")[1]) for _, slopes in classes)]
        speeds = [float(classes[0][0].split("-")[0]), *(float(label.split("-")[1]) for label, _ in classes)]
        np.testing.assert_allclose(vs30_from_slope(slopes, craton=craton), speeds, rtol=1e-9)


#: esi-shakelib 1.2.1 (CC0), `sites.py`: z1.0 in m and z2.5 in km of California and Japan by Vs30.
BASINS = {
    180.0: (514.022, 3.15269, 410.981, 0.695142),
    300.0: (458.779, 1.75747, 213.348, 0.39591),
    500.0: (228.885, 0.979697, 60.8164, 0.225486),
    760.0: (41.3066, 0.606824, 13.4545, 0.142144),
    1200.0: (2.36375, 0.359857, 1.80907, 0.0859264),
}


def test_basin_depths_are_those_of_chiou_and_youngs_and_of_campbell_and_bozorgnia():
    found = [f(list(BASINS), region=region) for region in ("California", "Japan") for f in (z1pt0_from_vs30, z2pt5_from_vs30)]
    np.testing.assert_allclose(np.array(found).T, list(BASINS.values()), rtol=1e-4)


def test_rock_reaches_one_kilometre_per_second_within_a_metre():
    assert z1pt0_from_vs30(1360.0) == pytest.approx(1.0)
    assert z1pt0_from_vs30(1360.0, region="Japan") == pytest.approx(1.0)


@given(vs30=st.floats(100.0, 2000.0), more=st.floats(1.0, 500.0), region=st.sampled_from(["California", "Japan"]))
def test_stiffer_ground_has_its_rock_less_deep(vs30, more, region):
    assert z1pt0_from_vs30(vs30 + more, region=region) < z1pt0_from_vs30(vs30, region=region)
    assert z2pt5_from_vs30(vs30 + more, region=region) < z2pt5_from_vs30(vs30, region=region)


def test_basin_depth_is_unknown_where_vs30_is_and_in_no_other_region():
    assert np.isnan(z1pt0_from_vs30(np.nan))
    assert np.isnan(z2pt5_from_vs30(np.nan))
    with pytest.raises(InputError, match="Kanto"):
        z1pt0_from_vs30(400.0, region="Kanto")
    with pytest.raises(InputError, match="Kanto"):
        z2pt5_from_vs30(400.0, region="Kanto")

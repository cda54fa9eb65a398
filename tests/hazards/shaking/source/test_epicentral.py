"""What an unknown rupture does to distance and uncertainty, for any model."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking import GROUND_MOTION_MODELS
from pipeline.hazards.shaking.ground_motion import GroundMotion
from pipeline.hazards.shaking.source.epicentral import Hypocentre, epicentral_table, straight_distance
from pipeline.hazards.shaking.source.mechanisms import MECHANISMS
from pipeline.hazards.shaking.source.virtual import virtual_distances, virtual_ruptures

MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
BSSA14 = GROUND_MOTION_MODELS["BSSA14"]
NODE = 10.0 * math.expm1(12 * math.log1p(160.0) / 48)


def _from_rupture(imt, *, magnitude, rrup, rx, ztor, dip, vs30, **others):
    """A model of distance to the rupture with a hanging wall, for tests."""
    wall = np.where(rx > 0.0, 0.3 * np.cos(np.radians(dip)) * np.exp(-np.asarray(rrup) / 20.0), 0.0)
    mean = magnitude - 1.3 * np.log(np.hypot(rrup, 7.0)) - 0.004 * np.asarray(rrup) + 0.01 * ztor + wall
    return GroundMotion(mean, np.full_like(mean, 0.4), np.full_like(mean, 0.6))


def _two(imt, **predictors):
    """A weighted set of two models."""
    one, other = BSSA14(imt, **predictors), _from_rupture(imt, **predictors)
    return GroundMotion(0.5 * one.mean_ln + 0.5 * other.mean_ln, one.tau, one.phi)


def _rock(motion, imt, source, seen):
    return motion(imt, vs30=760.0, rrup=seen.rrup, rjb=seen.rjb, rhypo=seen.rhypo, **source.predictors).mean_ln


@pytest.mark.parametrize("motion", [BSSA14, _from_rupture, _two])
@pytest.mark.parametrize("depth", [9.0, 45.0])
def test_mean_and_variance_are_those_over_all_virtual_ruptures(motion, depth):
    table = epicentral_table(motion, MEASURES, Hypocentre(7.0, depth, "reverse"))
    distance = np.array([NODE, 3.0, 17.0, 40.0, 130.0])
    seen = table.at(distance)
    ruptures = virtual_ruptures(7.0, MECHANISMS["reverse"], depth)
    found = virtual_distances(ruptures, distance)
    for row, imt in enumerate(MEASURES):
        means = []
        for number in range(ruptures.dip.size):
            of_rupture = {name: float(getattr(ruptures, name)[number]) for name in ("dip", "ztor", "width")}
            of_site = {name: getattr(found, name)[number] for name in ("rrup", "rjb", "rx", "ry0")}
            motions = motion(
                imt, magnitude=7.0, rake=90.0, hypo_depth=depth, rhypo=seen.rhypo, vs30=760.0, **of_rupture, **of_site
            )
            means.append(motions.mean_ln)
        means = np.concatenate(means)
        at_one = _rock(motion, imt, table, seen)
        # Between nodes the table is linear; on a sphere rrup is 0.1 % shorter.
        np.testing.assert_allclose(at_one + seen.shift[row], means.mean(axis=0), atol=0.02)
        np.testing.assert_allclose(seen.variance[row], means.var(axis=0), rtol=0.05, atol=0.002)


@pytest.mark.parametrize("motion", [BSSA14, _from_rupture])
def test_the_effective_distance_alone_keeps_most_of_the_mean(motion):
    table = epicentral_table(motion, MEASURES, Hypocentre(7.0, 10.0, "strike-slip"))
    shift = np.array(table.at([0.0, 10.0, 20.0, 40.0, 80.0, 160.0]).shift)
    assert np.abs(shift).max() < 0.05  # 5 % of motion: h is 4.5 to 7 km by measure


def test_what_the_walls_do_on_the_average_is_in_the_shift():
    """Effective rx is zero: footwall for this model, so that half of the hanging-wall term is missing near by."""
    table = epicentral_table(_from_rupture, ("PGA",), Hypocentre(7.0, 10.0, "reverse"))
    near, far = table.at([12.0, 200.0]).shift[0]
    assert 0.03 < near < 0.2
    assert abs(far) < 0.03
    assert (table.predictors["rx"], table.predictors["ry0"]) == (0.0, 0.0)


def test_an_unknown_rupture_matters_most_about_a_rupture_length_away():
    variance = np.array(
        epicentral_table(BSSA14, MEASURES, Hypocentre(7.0, 13.0, "unspecified")).at([0.0, 25.0, 300.0]).variance
    )
    assert (variance[:, 0] < 1e-12).all()
    assert (variance[:, 1] > 0.1).all()
    assert (variance[:, 2] < 0.03).all()


@pytest.mark.parametrize("motion", [BSSA14, _from_rupture])
def test_variance_grows_with_magnitude_and_ends_with_distance(motion):
    tables = [epicentral_table(motion, ("PGA",), Hypocentre(m, 10.0, "unspecified")) for m in (4.0, 5.5, 7.0)]
    near = [float(t.at(20.0).variance[0]) for t in tables]
    far = [float(t.at(1500.0).variance[0]) for t in tables]
    assert near[0] < near[1] < near[2]
    assert near[2] > 0.1
    assert far[0] < far[1] < 1e-3
    assert far[2] < 0.02  # anelastic attenuation over the length of the rupture is left


def test_a_small_earthquake_is_its_own_rupture():
    table = epicentral_table(_two, MEASURES, Hypocentre(4.0, 10.0, "unspecified"))
    epicentral = np.array([0.0, 5.0, 20.0, 100.0])
    seen = table.at(epicentral)
    np.testing.assert_allclose(seen.rjb, epicentral, atol=1.0)  # its rupture is 1.5 km long
    np.testing.assert_allclose(seen.rrup, np.hypot(epicentral, 10.0), atol=1.0)
    np.testing.assert_allclose(seen.rhypo, np.hypot(epicentral, 10.0), rtol=1e-3)
    assert np.max(seen.variance) < 0.01
    bare = epicentral_table(BSSA14, MEASURES, Hypocentre(4.0, 10.0, "unspecified")).at(epicentral)
    assert np.abs(bare.shift).max() < 0.001


def test_the_rupture_of_a_slab_event_is_about_its_hypocentre():
    table = epicentral_table(_from_rupture, ("PGA",), Hypocentre(7.0, 150.0, "normal"))
    seen = table.at([0.0, 50.0, 150.0, 400.0])
    np.testing.assert_allclose(seen.rrup, seen.rhypo, rtol=0.08)
    assert 130.0 < table.predictors["ztor"] < 150.0
    assert np.max(seen.variance) < 0.03


def test_the_depth_to_the_top_is_that_of_a_rupture_about_the_hypocentre():
    shallow, middle, deep = (epicentral_table(BSSA14, ("PGA",), Hypocentre(6.0, d, "reverse")) for d in (3.0, 12.0, 60.0))
    assert 0.0 <= shallow.predictors["ztor"] < 3.0
    assert 8.0 < middle.predictors["ztor"] < 12.0
    assert 55.0 < deep.predictors["ztor"] < 60.0
    assert middle.predictors["dip"] == 42.5
    assert middle.predictors["hypo_depth"] == 12.0


@pytest.mark.parametrize("motion", [BSSA14, _from_rupture])
def test_an_unknown_depth_adds_variance(motion):
    known, unknown = (epicentral_table(motion, MEASURES, Hypocentre(6.0, d, "unspecified"), 35.0) for d in (10.0, None))
    epicentral = np.array([0.0, 10.0, 30.0])
    np.testing.assert_allclose(unknown.at(epicentral).rjb, known.at(epicentral).rjb, atol=0.3)
    assert (np.array(unknown.at(epicentral).variance) >= np.array(known.at(epicentral).variance)).all()
    assert unknown.at(0.0).variance[0] > known.at(0.0).variance[0] + 0.3
    assert unknown.predictors["hypo_depth"] == 10.0


def test_the_table_of_a_hypocentre_is_remembered_though_its_depth_is_unknown():
    first, second = (epicentral_table(BSSA14, MEASURES, Hypocentre(6.0, None, "unspecified")) for _ in range(2))
    assert first is second


def test_a_hypocentre_below_the_models_is_farther_from_every_place():
    seen = epicentral_table(BSSA14, ("PGA",), Hypocentre(7.0, 135.0, "unspecified"), 35.0).at([0.0, 20.0])
    assert seen.rjb[0] == pytest.approx(100.0)
    assert (seen.rrup >= seen.rjb).all()


def test_beyond_the_table_distance_grows_with_the_epicentral_one():
    seen = epicentral_table(BSSA14, ("PGA",), Hypocentre(7.0, 10.0, "reverse")).at([1600.0, 5000.0])
    assert np.diff(seen.rjb)[0] == pytest.approx(3400.0)
    assert np.diff(seen.rrup)[0] == pytest.approx(3400.0)


def test_models_are_given_the_rake_where_it_is_known():
    asked = []

    def motion(imt, *, rake, **predictors):
        asked.append(rake)
        return _from_rupture(imt, **predictors)

    epicentral_table(motion, ("PGA",), Hypocentre(6.0, 10.0, "reverse"))
    assert set(asked) == {90.0}
    asked.clear()
    epicentral_table(motion, ("PGA",), Hypocentre(6.0, 10.0, "unspecified", 40.0))
    assert set(asked) == {40.0}


def test_unknown_distances_stay_unknown_and_shapes_are_kept():
    table = epicentral_table(BSSA14, ("PGA", "PGV"), Hypocentre(6.0, 10.0, "reverse"))
    seen = table.at(np.array([[1.0, np.nan, 3.0]] * 2))
    for array in (seen.rrup, seen.rjb, seen.rhypo, *seen.shift, *seen.variance):
        assert array.shape == (2, 3)
        assert np.isnan(array[:, 1]).all()
        assert np.isfinite(array[:, ::2]).all()


def test_blocks_have_the_bytes_of_the_whole():
    table = epicentral_table(BSSA14, ("PGA",), Hypocentre(6.5, 10.0, "reverse"))
    distance = np.random.default_rng(3).uniform(0.0, 2000.0, 1000)
    whole, parts = table.at(distance), [table.at(distance[i : i + 7]) for i in range(0, 1000, 7)]
    for name in ("rrup", "rjb", "rhypo"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))


def test_distance_through_the_earth_is_shorter_than_along_it():
    assert straight_distance(0.0, 30.0) == 30.0
    assert straight_distance(math.pi * 6371.0, 0.0) == pytest.approx(2 * 6371.0)
    by_cosines = math.sqrt(6371.0**2 + 5771.0**2 - 2 * 6371.0 * 5771.0 * math.cos(1000.0 / 6371.0))
    assert straight_distance(1000.0, 600.0) == pytest.approx(by_cosines)


def test_unknown_mechanisms_are_refused():
    with pytest.raises(InputError, match="oblique"):
        epicentral_table(BSSA14, ("PGA",), Hypocentre(6.0, 10.0, "oblique"))


@pytest.mark.parametrize(("magnitude", "depth"), [(math.nan, 10.0), (6.0, math.nan), (6.0, math.inf)])
def test_unknown_magnitudes_are_refused_and_unknown_depths_are_none(magnitude, depth):
    with pytest.raises(InputError, match="finite"):
        epicentral_table(BSSA14, ("PGA",), Hypocentre(magnitude, depth, "reverse"))


@settings(max_examples=12, deadline=None)
@given(
    magnitude=st.floats(3.0, 8.5),
    kind=st.sampled_from(sorted(MECHANISMS)),
    depth=st.one_of(st.none(), st.floats(0.0, 300.0)),
)
def test_distances_grow_with_epicentral_distance_and_keep_their_order(magnitude, kind, depth):
    table = epicentral_table(_from_rupture, ("PGV",), Hypocentre(magnitude, depth, kind), 40.0)
    seen = table.at(np.linspace(0.0, 500.0, 401))
    assert (np.diff(seen.rrup) >= -1e-9).all()
    assert (np.diff(seen.rjb) >= -1e-9).all()
    assert (seen.rrup >= seen.rjb - 1e-9).all()
    assert (seen.variance[0] >= 0.0).all()
    if depth is not None:
        assert (seen.rrup <= seen.rhypo * 1.001 + 0.2).all()  # linear between nodes

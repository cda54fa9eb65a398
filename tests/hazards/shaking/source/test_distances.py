"""Distances to a finite rupture: against ShakeMap, brute force, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline.hazards.shaking.distance import epicentral_distance
from pipeline.hazards.shaking.source import hypocentral_distance, quad_rupture, rupture_distances
from tests.hazards.shaking.source.shapes import GEOD, along, northridge

#: Bends by 15 and 25 degrees, 100 km each: segments as long as great ruptures are described with.
THREE = along((77.0, 42.5), [80.0, 95.0, 70.0], [100.0, 100.0, 100.0], dip=50.0, ztor=1.0, width=25.0)
TO_ECEF = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


def _sites(count, *, centre=(78.7, 42.6), reach=4.0, seed=1):
    generator = np.random.default_rng(seed)
    return (generator.uniform(c - r, c + r, count) for c, r in zip(centre, (reach, reach / 1.4), strict=True))


def test_equals_shakemap_for_northridge(reference):
    """shakemap-modules 1.1.18 with esi-shakelib 1.2.1: expected/float_grids_step4.npz, README of shakemap_cases."""
    with np.load(reference / "seismic/shakemap_cases/northridge/expected/float_grids_step4.npz") as grids:
        expected = {name: grids[f"dist_{name}"] for name in ("rrup", "rjb", "rx", "ry0", "rhypo", "repi")}
        west, east, south, north, step, _ = grids["extent_xmin_xmax_ymin_ymax_dx_dy"]
    longitude = np.linspace(west, east, round((east - west) / step) + 1)[::4][None]
    latitude = np.linspace(north, south, round((north - south) / step) + 1)[::4][:, None]
    found = rupture_distances(quad_rupture(*northridge()), longitude, latitude)
    # ShakeMap lets rjb exceed rrup by the curvature of the Earth (0.04 km here), and takes ry0's length at depth.
    for name, tolerance in (("rrup", 0.001), ("rjb", 0.04), ("rx", 0.005), ("ry0", 0.025)):
        np.testing.assert_allclose(getattr(found, name), expected[name], atol=tolerance, err_msg=name)
    near = expected["rrup"] < 100.0
    np.testing.assert_allclose(found.rjb[near], expected["rjb"][near], atol=0.001)
    # To the hypocentre ShakeMap measures along a sphere (0.25 %), and takes the depth at right angles (0.14 %).
    rhypo = hypocentral_distance(longitude, latitude, (-118.5357, 34.213, 18.0))
    np.testing.assert_allclose(rhypo, expected["rhypo"], rtol=0.005)


#: Cells of the same grid, ShakeMap's rrup, rjb, rx, ry0 in km, so that something is checked anywhere.
SHAKEMAP = {
    (-117.100000, 35.683333): (195.765, 195.765, -194.807, 20.145),
    (-117.100000, 34.583333): (126.668, 126.586, -92.077, 86.504),
    (-117.100000, 34.383333): (123.250, 123.162, -73.393, 98.566),
    (-117.100000, 34.283333): (123.013, 122.924, -64.051, 104.597),
    (-120.166667, 34.216667): (136.590, 135.330, 91.499, 112.850),
    (-118.766667, 34.216667): (19.984, 7.304, 24.227, 3.117),
    (-118.566667, 34.216667): (13.688, 0.000, 14.492, 0.000),
    (-118.466667, 34.216667): (10.944, 2.284, 9.614, 2.592),
    (-120.166667, 34.116667): (137.414, 136.164, 101.018, 107.103),
    (-118.766667, 34.116667): (25.531, 15.891, 33.666, 0.000),
    (-118.566667, 34.116667): (19.515, 6.157, 23.920, 0.694),
    (-118.466667, 34.116667): (18.406, 8.030, 19.036, 8.497),
    (-117.100000, 33.983333): (128.187, 128.106, -36.024, 122.687),
    (-118.333333, 32.850000): (148.057, 146.931, 131.751, 93.829),
}


def test_equals_shakemap_at_some_places_about_northridge():
    longitude, latitude = np.array(list(SHAKEMAP)).T
    found = rupture_distances(quad_rupture(*northridge()), longitude, latitude)
    np.testing.assert_allclose(np.array(found).T, list(SHAKEMAP.values()), atol=0.04)


def _sampled(corners, site, step=0.5):
    """Return rrup and rjb (km) by sampling surfaces that follow the curved Earth; a site at a time."""
    rrup, rjb = np.inf, np.inf
    for longitude, latitude, depth in zip(*corners, strict=True):
        edges = []
        for a, b in ((0, 1), (3, 2)):
            ends = (longitude[a], latitude[a], longitude[b], latitude[b])
            count = round(GEOD.inv(*ends)[2] / 1000.0 / step)
            edges.append(np.array([ends[:2], *GEOD.npts(*ends, count), ends[2:]]))
        count = min(len(edge) for edge in edges)
        top, bottom = (edge[np.linspace(0, len(edge) - 1, count).astype(int)] for edge in edges)
        share = np.linspace(0.0, 1.0, 51)[:, None, None]
        place = top * (1.0 - share) + bottom * share
        deep = np.broadcast_to(depth[0] * (1.0 - share[..., 0]) + depth[3] * share[..., 0], place.shape[:2])
        surface = [a.ravel() for a in np.broadcast_arrays(place[..., 0], place[..., 1])]
        points = np.array(TO_ECEF.transform(*surface, -1000.0 * deep.ravel()))
        here = np.array(TO_ECEF.transform(*site, 0.0))
        rrup = min(rrup, np.linalg.norm(points.T - here, axis=1).min() / 1000.0)
        distant = GEOD.inv(*surface, np.full(surface[0].size, site[0]), np.full(surface[0].size, site[1]))[2]
        rjb = min(rjb, distant.min() / 1000.0)
    return rrup, rjb


def test_equals_a_dense_sampling_of_a_long_bent_rupture():
    longitude, latitude = _sites(40)
    expected = np.array([_sampled(THREE, site) for site in zip(longitude, latitude, strict=True)])
    found = rupture_distances(quad_rupture(*THREE), longitude, latitude)
    # The samples lie 0.5 km apart, a planar quadrilateral of 100 km 0.2 km below the curved one.
    for column, name in enumerate(("rrup", "rjb")):
        allowed = (
            np.maximum(1.0, 0.005 * expected[:, column]) if name == "rrup" else np.maximum(0.4, 0.001 * expected[:, column])
        )
        assert (np.abs(getattr(found, name) - expected[:, column]) <= allowed).all(), name


def test_across_and_along_of_a_straight_rupture_are_those_of_its_line():
    rupture = quad_rupture(*along((78.0, 0.0), [90.0], [40.0], dip=45.0))
    degree = 6371.0 * np.pi / 180.0
    beyond = 0.5 * degree - 40.0
    found = rupture_distances(rupture, [78.1, 78.1, 78.5, 77.9, 78.1], [-0.1, 0.1, 0.2, 0.0, 0.0])
    np.testing.assert_allclose(found.rx, [0.1 * degree, -0.1 * degree, -0.2 * degree, 0.0, 0.0], atol=0.02)
    np.testing.assert_allclose(found.ry0, [0.0, 0.0, beyond, 0.1 * degree, 0.0], atol=0.06)


def test_the_hanging_wall_is_to_the_right_of_strike_along_a_bent_rupture():
    rupture = quad_rupture(*THREE)
    found = rupture_distances(rupture, [77.6, 79.0, 80.1], [42.0, 42.0, 42.2])
    assert (found.rx > 0).all()
    found = rupture_distances(rupture, [77.6, 79.0, 80.1], [43.0, 43.0, 43.0])
    assert (found.rx < 0).all()


#: esi-shakelib 1.2.1 (CC0), `QuadRupture.computeGC2`: rx and ry0 in km of two traces of two segments each, the second
#: one written against the strike of the first.
DISCORDANT = {
    (76.250000, 41.333333): (108.174, 75.744),
    (77.500000, 42.000000): (53.801, 0.000),
    (78.000000, 42.500000): (0.344, 0.000),
    (78.500000, 42.666667): (-27.969, 0.000),
    (79.000000, 42.500000): (-4.115, 0.000),
    (79.500000, 43.000000): (-45.489, 35.074),
    (80.500000, 43.500000): (-83.897, 121.286),
    (76.750000, 44.000000): (-176.855, 0.000),
}


def test_equals_shakemap_where_traces_are_parted_and_one_is_written_backwards():
    pairs = (
        along((77.0, 42.5), [80.0, 95.0], [40.0, 30.0], dip=70.0),
        along((79.2, 42.5), [255.0, 250.0], [30.0, 20.0], dip=80.0),
    )
    rupture = quad_rupture(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))
    found = rupture_distances(rupture, *np.array(list(DISCORDANT)).T)
    # ShakeMap centres its projection on the sites, this one on the rupture: U moves by as much as 0.3 km.
    np.testing.assert_allclose(np.column_stack([found.rx, found.ry0]), list(DISCORDANT.values()), atol=0.3)


def test_a_segment_written_against_the_strike_is_turned():
    """Vertical segments, one of them backwards: GC2 must not see a rupture folded on itself."""
    forward = along((77.0, 42.0), [85.0, 95.0], [50.0, 50.0], dip=90.0)
    backward = [np.concatenate([a[:1], a[1:, [1, 0, 3, 2]]]) for a in forward]
    longitude, latitude = _sites(200, centre=(77.6, 42.0), reach=2.0)
    expected = rupture_distances(quad_rupture(*forward), longitude, latitude)
    longitude, latitude = _sites(200, centre=(77.6, 42.0), reach=2.0)
    found = rupture_distances(quad_rupture(*backward), longitude, latitude)
    np.testing.assert_allclose(found.rrup, expected.rrup, atol=0.02)
    np.testing.assert_allclose(found.rx, expected.rx, atol=0.05)
    np.testing.assert_allclose(found.ry0, expected.ry0, atol=0.5)  # U of parted traces is along the line of their ends


def test_is_zero_above_a_rupture_and_its_depth_there():
    rupture = quad_rupture(*northridge())
    longitude, latitude = (float(a.mean()) for a in northridge()[:2])
    found = rupture_distances(rupture, longitude, latitude)
    assert found.rjb == 0.0
    assert rupture.ztor < found.rrup < 20.0
    assert found.rx > 0.0


@pytest.mark.parametrize("corners", [northridge(), THREE, along((10.0, -70.0), [200.0], [60.0], dip=90.0)])
def test_rjb_is_never_above_rrup_nor_rrup_below_ztor(corners):
    rupture = quad_rupture(*corners)
    longitude, latitude = np.meshgrid(np.linspace(-180.0, 180.0, 73), np.linspace(-90.0, 90.0, 37))
    near = [c.mean() + np.linspace(-2.0, 2.0, 101) for c in corners[:2]]
    for found in (rupture_distances(rupture, longitude, latitude), rupture_distances(rupture, near[0][None], near[1][:, None])):
        assert (found.rjb <= found.rrup).all()
        assert (found.rjb >= 0.0).all()
        assert (found.rrup >= rupture.ztor - 1e-3).all()


def test_the_antipode_is_not_above_the_rupture():
    found = rupture_distances(quad_rupture(*northridge()), 61.44, -34.28)
    assert found.rjb == pytest.approx(12740.0, abs=20.0)


def test_a_vertical_rupture_is_a_line_at_the_surface():
    rupture = quad_rupture(*along((78.0, 42.0), [0.0], [30.0], dip=90.0, ztor=0.0))
    found = rupture_distances(rupture, [78.1, 77.9, 78.0], [42.1, 42.1, 41.9])
    np.testing.assert_allclose(found.rjb, [8.269, 8.269, 11.107], atol=0.01)
    np.testing.assert_allclose(found.rrup, found.rjb, atol=0.01)


def test_distances_do_not_jump():
    rupture = quad_rupture(*THREE)
    longitude = np.linspace(76.0, 81.5, 20001)
    for latitude in (42.45, 42.55, 42.6, 42.8):
        found = rupture_distances(rupture, longitude, np.full_like(longitude, latitude))
        step = np.diff(epicentral_distance(longitude, np.full_like(longitude, latitude), (76.0, latitude))).max()
        for name in ("rrup", "rjb"):
            assert np.abs(np.diff(getattr(found, name))).max() <= 1.5 * step, name


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-360.0, 360.0), strike=st.floats(0.0, 360.0), dip=st.floats(10.0, 90.0))
def test_turning_the_earth_changes_nothing(shift, strike, dip):
    corners = along((10.0, 35.0), [strike], [30.0], dip=dip)
    longitude, latitude = 10.0 + np.linspace(-3, 3, 13)[None], 35.0 + np.linspace(-2, 2, 9)[:, None]
    first = rupture_distances(quad_rupture(*corners), longitude, latitude)
    turned = (corners[0] + shift, *corners[1:])
    if np.abs(turned[0]).max() > 540.0:
        return
    second = rupture_distances(quad_rupture(*turned), longitude + shift, latitude)
    np.testing.assert_allclose(np.array(first), np.array(second), atol=1e-7)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_blocks_have_the_bytes_of_the_whole(size):
    rupture = quad_rupture(*THREE)
    longitude, latitude = np.linspace(76.0, 81.0, 100)[None], np.linspace(41.0, 44.0, 90)[:, None]
    whole = np.array(rupture_distances(rupture, longitude, latitude))
    rows = np.concatenate([rupture_distances(rupture, longitude, latitude[i : i + size]) for i in range(0, 90, size)], axis=1)
    np.testing.assert_array_equal(rows, whole)
    pairs = rupture_distances(rupture, *np.broadcast_arrays(longitude, latitude))
    np.testing.assert_array_equal(np.array(pairs), whole)
    some = rupture_distances(rupture, longitude[0, 5:9], latitude[3, 0])
    np.testing.assert_array_equal(np.array(some), whole[:, 3, 5:9])


def test_unknown_sites_have_unknown_distances():
    found = np.array(rupture_distances(quad_rupture(*northridge()), [np.nan, -118.0, -118.0], [34.0, np.nan, 34.0]))
    assert np.isnan(found[:, :2]).all()
    assert np.isfinite(found[:, 2]).all()
    assert rupture_distances(quad_rupture(*northridge()), np.empty(0), np.empty(0)).rrup.shape == (0,)


def test_hypocentral_distance_is_the_depth_above_it_and_straight_through_the_earth():
    assert hypocentral_distance(78.0, 42.0, (78.0, 42.0, 33.0)) == pytest.approx(33.0, abs=1e-9)
    # A chord of 60 degrees on the equator is the equatorial radius.
    assert hypocentral_distance(60.0, 0.0, (0.0, 0.0, 0.0)) == pytest.approx(6378.137)

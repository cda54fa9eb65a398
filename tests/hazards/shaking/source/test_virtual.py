"""Virtual ruptures: Thompson and Worden's mean distances, and that each of them is possible."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hazards.shaking.source import quad_rupture, rupture_distances
from pipeline.hazards.shaking.source.mechanisms import MECHANISMS
from pipeline.hazards.shaking.source.virtual import virtual_distances, virtual_ruptures
from tests.hazards.shaking.source.shapes import GEOD, along

UNSPECIFIED = MECHANISMS["unspecified"]
#: Thompson and Worden (2018), tables Rjb and Rrup_WC94_mechA_ar1p7_seis0_20 of USGS ps2ff 1.5.9 (CC0). By epicentral
#: distance in km, for magnitude 6 and then 7: mean rjb and mean rrup over it, and the variance of rrup in km^2.
TABLE = {
    1.0: (0.124986, 8.100224, 18.64054, 0.061742, 6.174021, 16.949759),
    5.011872: (0.394359, 1.771535, 16.948218, 0.196991, 1.363275, 16.600495),
    15.848932: (0.698665, 0.940475, 14.346652, 0.425617, 0.717296, 26.062278),
    25.118864: (0.797064, 0.897605, 14.252373, 0.545938, 0.686261, 44.610783),
    39.810717: (0.867199, 0.907618, 14.066335, 0.665675, 0.723131, 76.07698),
    63.095734: (0.91435, 0.930471, 13.942311, 0.768216, 0.789908, 107.651634),
    100.0: (0.945225, 0.951646, 13.894592, 0.845288, 0.853573, 129.124529),
    199.526231: (0.972236, 0.973847, 13.883455, 0.918941, 0.920945, 143.841094),
}
KINDS = st.sampled_from(sorted(MECHANISMS))


@pytest.mark.parametrize(("column", "magnitude"), [(0, 6.0), (3, 7.0)])
def test_distances_are_distributed_as_thompson_and_worden_have_them(column, magnitude):
    epicentral = np.array(list(TABLE))
    rjb, rrup, variance = np.array(list(TABLE.values())).T[column : column + 3]
    found = virtual_distances(virtual_ruptures(magnitude, UNSPECIFIED, None), epicentral)
    # 518 ruptures and views stand for theirs, of which there are millions; they cut areas at three deviations.
    np.testing.assert_allclose(found.rjb.mean(axis=(0, 1)), rjb * epicentral, rtol=0.015, atol=0.03)
    np.testing.assert_allclose(found.rrup.mean(axis=(0, 1)), rrup * epicentral, rtol=0.015, atol=0.3)
    np.testing.assert_allclose(found.rrup.std(axis=(0, 1)), np.sqrt(variance), rtol=0.06)


@settings(max_examples=30, deadline=None)
@given(magnitude=st.floats(3.0, 9.0), name=KINDS, depth=st.floats(-1.0, 700.0))
def test_each_rupture_holds_its_hypocentre_below_the_surface(magnitude, name, depth):
    ruptures = virtual_ruptures(magnitude, MECHANISMS[name], depth)
    hypocentre, sine = max(depth, 0.0), np.sin(np.radians(ruptures.dip))
    bottom = ruptures.ztor + ruptures.width * sine
    assert (ruptures.ztor >= 0.0).all()
    assert (ruptures.ztor <= hypocentre + 1e-9).all()
    assert (bottom >= hypocentre - 1e-9).all()
    assert (bottom <= max(20.0, 1.25 * hypocentre) + 1e-9).all()
    np.testing.assert_allclose(
        ruptures.across * np.tan(np.radians(ruptures.dip)), hypocentre - ruptures.ztor, atol=1e-9 * max(hypocentre, 1.0)
    )
    assert ((ruptures.along >= 0.0) & (ruptures.along <= ruptures.length[:, None])).all()


def test_where_the_depth_is_unknown_ruptures_lie_anywhere_in_the_crust():
    ruptures = virtual_ruptures(6.0, UNSPECIFIED, None)
    bottom = ruptures.ztor + ruptures.width * np.sin(np.radians(ruptures.dip))
    assert (ruptures.ztor >= 0.0).all()
    assert (bottom <= 20.0 + 1e-9).all()
    assert ruptures.ztor.min() < 1.0
    assert bottom.max() > 19.0


@settings(max_examples=20, deadline=None)
@given(magnitude=st.floats(3.0, 8.5), name=KINDS, depth=st.floats(1.0, 200.0))
def test_no_rupture_is_farther_than_its_hypocentre(magnitude, name, depth):
    epicentral = np.array([0.0, 3.0, 30.0, 300.0])
    found = virtual_distances(virtual_ruptures(magnitude, MECHANISMS[name], depth), epicentral)
    assert (found.rjb <= epicentral + 1e-9).all()
    assert (found.rjb <= found.rrup + 1e-9).all()
    assert (found.rrup <= np.hypot(epicentral, depth) + 1e-9).all()
    assert (found.rjb[..., 0] == 0.0).all()


def test_neither_wall_is_seen_more_often():
    found = virtual_distances(virtual_ruptures(6.0, UNSPECIFIED, 10.0), [1000.0])
    assert np.mean(found.rx > 0.0) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("number", [0, 11, 25])
def test_distances_equal_those_to_the_same_rupture_on_the_ellipsoid(number):
    ruptures = virtual_ruptures(6.8, MECHANISMS["reverse"], 12.0)
    length, width, dip, ztor, across = (float(a[number]) for a in ruptures[:5])
    start = (78.0, 42.0)
    rupture = quad_rupture(*along(start, [0.0], [length], dip=dip, ztor=ztor, width=width))
    epicentral = np.array([0.0, 10.0, 25.0, 60.0])
    expected = virtual_distances(ruptures, epicentral)
    for view in (0, 5, 9):
        abreast = GEOD.fwd(*start, 0.0, 1000.0 * float(ruptures.along[number, view]))
        epicentre = GEOD.fwd(*abreast[:2], 90.0, 1000.0 * across)
        towards = np.full(4, np.degrees(ruptures.azimuth[number, view]))
        longitude, latitude, _ = GEOD.fwd(np.full(4, epicentre[0]), np.full(4, epicentre[1]), towards, 1000.0 * epicentral)
        found = rupture_distances(rupture, longitude, latitude)
        for name in ("rrup", "rjb", "rx", "ry0"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name)[number, view], atol=0.3, err_msg=name)

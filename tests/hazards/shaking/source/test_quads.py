"""A rupture's facts, and what is refused."""

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.hazards.shaking.source import quad_rupture, right_dipping
from tests.hazards.shaking.source.shapes import along, northridge


def test_facts_of_northridge_are_shakemaps():
    rupture = quad_rupture(*northridge())
    assert rupture.ztor == 6.0
    # esi-shakelib 1.2.1 (CC0), QuadRupture.getDip, getWidth, getLength and getStrike, the last one on a sphere.
    assert rupture.dip == pytest.approx(38.419925896, abs=1e-6)
    assert rupture.width == pytest.approx(22.568297145, abs=1e-6)
    assert rupture.length == pytest.approx(17.686793744, abs=1e-6)
    assert rupture.strike == pytest.approx(121.999, abs=0.2)


@pytest.mark.parametrize("strike", [0.0, 77.0, 180.0, 301.0])
@pytest.mark.parametrize("dip", [15.0, 60.0, 90.0])
def test_facts_are_those_the_rupture_was_made_of(strike, dip):
    rupture = quad_rupture(*along((78.0, 42.0), [strike], [40.0], dip=dip, ztor=3.0, width=12.0))
    assert np.cos(np.radians(rupture.strike - strike)) == pytest.approx(1.0, abs=1e-5)
    assert rupture.dip == pytest.approx(dip, abs=0.2)
    assert rupture.width == pytest.approx(12.0, rel=0.005)
    assert rupture.length == pytest.approx(40.0, rel=0.001)


def test_averages_over_segments_are_shakemaps():
    corners = [
        np.concatenate(parts)
        for parts in zip(
            along((78.0, 42.0), [350.0], [30.0], dip=40.0, ztor=5.0, width=10.0),
            along((79.0, 42.0), [20.0], [10.0], dip=80.0, ztor=1.0, width=20.0),
            strict=True,
        )
    ]
    rupture = quad_rupture(*corners)
    assert (rupture.length, rupture.width) == (pytest.approx(40.0, rel=1e-3), pytest.approx(15.0, rel=1e-2))
    assert rupture.dip == pytest.approx(60.0, abs=0.3)
    assert rupture.ztor == 1.0
    east = (3 * np.sin(np.radians(350)) + np.sin(np.radians(20))) / 4
    north = (3 * np.cos(np.radians(350)) + np.cos(np.radians(20))) / 4
    assert rupture.strike == pytest.approx(np.degrees(np.arctan2(east, north)) % 360, abs=0.05)


def test_a_corner_off_the_plane_is_moved_so_that_the_bottom_runs_like_the_top():
    rupture = quad_rupture(*northridge())
    top, bottom = rupture.corners[0, 1] - rupture.corners[0, 0], rupture.corners[0, 2] - rupture.corners[0, 3]
    np.testing.assert_allclose(np.cross(top, bottom), 0.0, atol=1e-9)


def test_a_rupture_may_cross_the_antimeridian_either_way_it_is_written():
    running = along((179.9, 10.0), [90.0], [50.0])
    jumping = (np.where(running[0] > 180.0, running[0] - 360.0, running[0]), *running[1:])
    for corners in (running, jumping):
        assert quad_rupture(*corners).length == pytest.approx(50.0, rel=1e-3)


def _spoilt(which, quad, corner, value):
    arrays = [a.copy() for a in along((78.0, 42.0), [0.0, 10.0], [30.0, 30.0])]
    arrays[which][quad, corner] = value
    return arrays


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (_spoilt(0, 1, 2, np.nan), "quadrilateral 1 a coordinate is not finite"),
        (_spoilt(1, 0, 0, 91.0), "quadrilateral 0 a latitude"),
        (_spoilt(0, 0, 0, 541.0), "a longitude"),
        (_spoilt(2, 0, 3, 900.0), "a depth"),
        (_spoilt(2, 1, 3, 1.0), "quadrilateral 1 the bottom"),
        (_spoilt(0, 0, 1, -78.0), "longer than 1000 km"),
        (_spoilt(2, 0, 2, 60.0), "off the plane"),
        ([a[:, :3] for a in northridge()], "expected \\(quad, 4\\)"),
        ([a[0] for a in northridge()], "expected \\(quad, 4\\)"),
        ([a[:0] for a in northridge()], "expected \\(quad, 4\\)"),
        ([a[:, [1, 0, 3, 2]] for a in northridge()], "left of strike"),
        ([a[:, [0, 1, 3, 2]] for a in northridge()], "in order|plane"),
    ],
)
def test_impossible_ruptures_are_refused_by_name(arrays, message):
    with pytest.raises(InputError, match=message):
        quad_rupture(*arrays)


def test_repeated_corners_are_refused():
    longitude, latitude, depth = northridge()
    longitude[0, 1], latitude[0, 1] = longitude[0, 0], latitude[0, 0]
    with pytest.raises(InputError, match="same place"):
        quad_rupture(longitude, latitude, depth)


def test_left_dipping_quadrilaterals_can_be_turned():
    right, left = northridge(), [a[:, [1, 0, 3, 2]] for a in northridge()]
    for found, expected in zip(right_dipping(*left), right, strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(right_dipping(*right), right, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_given_is_left_as_it_was():
    arrays = northridge()
    quad_rupture(*arrays)
    for found, expected in zip(arrays, northridge(), strict=True):
        np.testing.assert_array_equal(found, expected)

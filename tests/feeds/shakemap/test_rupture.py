"""Ruptures: rings become quadrilaterals that dip to the right of strike, whatever file they came in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FeedMalformed
from pipeline.feeds.shakemap import decode_rupture, fault_text, finite_fault, rupture_json
from pipeline.feeds.shakemap.rupture import Corner, quads
from tests.feeds.shakemap.cuts import cut_everywhere

GOLDEN = Path(__file__).parents[2] / "golden/shakemap_quads.csv"
#: Strike north, dip east: top edge at 78 E from south to north, bottom edge 0.1 degrees further east.
TOP: list[Corner] = [(78.0, 41.0, 1.0), (78.0, 41.2, 1.0), (78.0, 41.4, 1.0)]
BOTTOM: list[Corner] = [(78.1, 41.0, 15.0), (78.1, 41.2, 15.0), (78.1, 41.4, 15.0)]
RING = [*TOP, *BOTTOM[::-1], TOP[0]]
ONE: list[Corner] = [TOP[0], TOP[1], BOTTOM[1], BOTTOM[0], TOP[0]]


def geojson(*rings: list[Corner], kind: str = "MultiPolygon", coordinates: Any = None, **metadata: object) -> bytes:
    geometry = {
        "type": kind,
        "coordinates": [[list(map(list, ring)) for ring in rings]] if coordinates is None else coordinates,
    }
    feature = {"type": "Feature", "properties": {"rupture type": "rupture extent"}, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "metadata": metadata, "features": [feature]}).encode()


def text(*rings: list[Corner], swapped: bool = False, separator: str = " ") -> bytes:
    lines = []
    for ring in rings:
        lines += [">", *(separator.join(f"{v}" for v in ([y, x, z] if swapped else [x, y, z])) for x, y, z in ring)]
    return ("# Somebody (2024)\n" + "\n".join(lines) + "\n").encode()


def test_a_ring_falls_apart_into_quadrilaterals_along_its_edges() -> None:
    assert quads(RING, "here") == [
        (TOP[0], TOP[1], BOTTOM[1], BOTTOM[0]),
        (TOP[1], TOP[2], BOTTOM[2], BOTTOM[1]),
    ]


@pytest.mark.parametrize("turn", range(6))
def test_a_ring_that_begins_elsewhere_is_turned(turn: int) -> None:
    corners = RING[:-1]
    turned = corners[turn:] + corners[:turn]
    assert quads([*turned, turned[0]], "here") == quads(RING, "here")


def test_a_ring_that_runs_down_dip_first_is_the_same_plane() -> None:
    down_first: list[Corner] = [TOP[0], BOTTOM[0], BOTTOM[1], TOP[1], TOP[0]]
    assert quads(down_first, "here") == quads(ONE, "here")


def test_a_quadrilateral_that_dips_to_the_left_is_turned_round() -> None:
    against: list[Corner] = [TOP[1], TOP[0], BOTTOM[0], BOTTOM[1], TOP[1]]
    assert quads(against, "here") == quads(ONE, "here")


def test_a_vertical_one_keeps_its_strike() -> None:
    for first, second in ((0, 1), (1, 0)):
        a, b = TOP[first], TOP[second]
        below = [(b[0] + 1e-4, b[1], 15.0), (a[0] - 1e-4, a[1], 15.0)]
        assert quads([a, b, *below, a], "here")[0][:2] == (a, b)


@given(st.floats(0, 360), st.floats(5, 85), st.floats(-179.9, 179.9), st.floats(-70, 70), st.booleans())
def test_dip_is_to_the_right_of_strike_anywhere_on_earth(
    strike: float, dip: float, longitude: float, latitude: float, turned: bool
) -> None:
    def at(along: float, down: float) -> Corner:
        across = down * np.cos(np.radians(dip))
        angle = np.radians(strike)
        east = along * np.sin(angle) + across * np.cos(angle)
        north = along * np.cos(angle) - across * np.sin(angle)
        there = longitude + east / (111.2 * np.cos(np.radians(latitude)))
        return (there + 180.0) % 360.0 - 180.0, latitude + north / 111.2, 1.0 + down * np.sin(np.radians(dip))

    ring = [at(0, 0), at(20, 0), at(20, 10), at(0, 10)]
    ring = ring if not turned else [ring[1], ring[0], ring[3], ring[2]]
    (found,) = quads([*ring, ring[0]], "here")
    assert found[0] == at(0, 0)
    assert found[3] == at(0, 10)


@pytest.mark.parametrize("case", range(5))
def test_quadrilaterals_are_those_that_shakelib_makes(case: int) -> None:
    """P2 is left where it is written; shakelib moves it by up to 5 % of the length of the edge. Depths are rounded to 10 m."""
    table = pd.read_csv(GOLDEN, comment="#").query("case == @case")
    parts = {kind: rows.groupby("part") for kind, rows in table.groupby("kind")}
    columns = ["longitude", "latitude", "depth"]
    rings = [[tuple(map(float, row)) for row in part[columns].to_numpy()] for _, part in parts["ring"]]
    found = np.array([quad for ring in rings for quad in quads(ring, "golden")])
    theirs = np.array([part[columns].to_numpy() for _, part in parts["quad"]])
    np.testing.assert_allclose(found[:, [0, 1, 3], :2], theirs[:, [0, 1, 3], :2], atol=2e-4)
    np.testing.assert_allclose(found[..., 2], theirs[..., 2], atol=0.05)


@pytest.mark.parametrize(
    "ring",
    [
        [],
        ONE[:-1],
        [*ONE[:-1], (78.0, 41.0, 1.1)],
        RING[:3] + RING[4:],
        [(x, y, 5.0) for x, y, _ in ONE],
        [TOP[0], BOTTOM[0], TOP[1], BOTTOM[1], TOP[0]],
        [TOP[0], TOP[1], TOP[0]],
    ],
)
def test_a_ring_that_is_no_rupture_is_malformed(ring: list[Corner]) -> None:
    with pytest.raises(FeedMalformed, match=r"here.*found.*expected"):
        quads(ring, "here")


def test_a_rupture_json_holds_all_its_segments() -> None:
    dataset = decode_rupture(geojson(RING, ONE, reference="Somebody (2024)", id="us1"), "rupture.json")
    assert dataset.sizes == {"quad": 3, "corner": 4}
    assert dataset.attrs == {"reference": "Somebody (2024)", "is_point": 0, "eventid": "us1"}
    assert dataset.depth.attrs == {"units": "km", "standard_name": "depth", "positive": "down"}
    np.testing.assert_array_equal(dataset.depth[0], [1.0, 1.0, 15.0, 15.0])
    np.testing.assert_array_equal(dataset.longitude[2], [78.0, 78.0, 78.1, 78.1])


@pytest.mark.parametrize(("place", "depth"), [([78.6, 41.3, 13.0], 13.0), ([78.6, 41.3], 0.0)])
def test_a_point_is_four_equal_corners(place: list[float], depth: float) -> None:
    dataset = decode_rupture(geojson(kind="Point", coordinates=place), "rupture.json")
    assert dataset.attrs["is_point"] == 1
    np.testing.assert_array_equal(dataset.longitude, [[78.6] * 4])
    np.testing.assert_array_equal(dataset.depth, [[depth] * 4])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"type":"FeatureCollection","features":[]}',
        b'{"type":"FeatureCollection","features":[5]}',
        b'{"type":"FeatureCollection","features":[{},{}]}',
        geojson(kind="Polygon", coordinates=[]),
        geojson(coordinates=[]),
        geojson(coordinates=[[5]]),
        geojson(coordinates=[[[1, 2, 3]]]),
        geojson(coordinates=5),
        geojson(kind="Point", coordinates=[78.0]),
        geojson(kind="Point", coordinates=[78.0, 91.0, 1.0]),
        geojson(kind="Point", coordinates=None),
        geojson([(78.0, 41.0, 13000.0), *ONE[1:]]),
        geojson(ONE[:-1]),
    ],
)
def test_what_is_no_rupture_json_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        rupture_json.decode(data, "rupture.json")


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\t"])
def test_a_fault_text_is_read_with_spaces_or_commas(separator: str) -> None:
    east = [(x + 40.0, y, z) for x, y, z in RING]
    dataset = decode_rupture(text(east, separator=separator), "fault.txt")
    assert (dataset.sizes["quad"], dataset.attrs["reference"]) == (2, "Somebody (2024)")
    assert float(dataset.longitude[0, 0]) == 118.0


def test_longitudes_beyond_90_tell_the_order() -> None:
    east = [(x + 40.0, y, z) for x, y, z in RING]
    first, second = (decode_rupture(text(east, swapped=swapped), "fault.txt") for swapped in (False, True))
    assert first.identical(second)


def test_elsewhere_the_hypocentre_tells_the_order_or_the_caller() -> None:
    with pytest.raises(FeedMalformed, match="ORDER"):
        decode_rupture(text(RING), "fault.txt")
    for swapped in (False, True):
        near = decode_rupture(text(RING, swapped=swapped), "fault.txt", near=(78.1, 41.3))
        order: fault_text.Order = "latitude longitude" if swapped else "longitude latitude"
        said = fault_text.decode(text(RING, swapped=swapped), "fault.txt", order=order)
        assert near.identical(said)
        assert float(near.latitude[0, 0]) == 41.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b">\n>\n",
        b"# only\n",
        b"118 41\n",
        b"118 41 x\n",
        b"118 41 nan\n",
        text(ONE[:-1]),
        b"\xff",
        b"118 41 1\n" * 5,
        text([(200.0, 95.0, z) for *_, z in ONE]),
    ],
)
def test_what_is_no_fault_text_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        fault_text.decode(data, "fault.txt", near=(118.0, 41.0))


def subfault(ring: list[Corner], slip: object) -> dict[str, Any]:
    metres = [[x, y, z * 1000.0] for x, y, z in ring]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [metres]}, "properties": {"slip": slip}}


SECOND: list[Corner] = [TOP[1], TOP[2], BOTTOM[2], BOTTOM[1], TOP[1]]
FFM = json.dumps({"type": "FeatureCollection", "features": [subfault(ONE, 0.2), subfault(SECOND, 4.0)]}).encode()


def test_a_finite_fault_model_in_metres_becomes_kilometres_with_its_slip() -> None:
    dataset = decode_rupture(FFM, "FFM.geojson")
    assert dataset.sizes == {"quad": 2, "corner": 4}
    assert dataset.depth.values.tolist() == [[1.0, 1.0, 15.0, 15.0]] * 2
    assert (dataset.slip.values.tolist(), dataset.slip.attrs) == ([0.2, 4.0], {"units": "m"})


def test_what_did_not_slip_may_be_left_out() -> None:
    dataset = finite_fault.decode_geojson(FFM, "FFM.geojson", least_slip=0.15)
    assert dataset.latitude.values.tolist() == [[41.2, 41.4, 41.4, 41.2]]


PARAM = """#Total number of fault_segments=     2
#Fault_segment =   1 nx(Along-strike)=   2 Dx= 10.00km ny(downdip)=   1 Dy=  5.00km
#Boundary of Fault_segment     1. EQ in cell 13,5. Lon: 78.2360   Lat: 41.9050
#Lon.  Lat.  Depth
       78.0        41.0        1.0
       78.0        41.2        1.0
       78.1        41.2        15.0
       78.1        41.0        15.0
       78.0        41.0        1.0
#Lat. Lon. depth slip rake strike dip t_rup t_ris t_fal mo
       41.05       78.05       1.0   100.0  90.0  0.0  45.0  1.0  1.0  1.0  6.7e+23
       41.15       78.05       1.0   300.0  90.0  0.0  45.0  1.0  1.0  1.0  6.7e+23
#Fault_segment =   2 nx(Along-strike)=   1 Dx = 10.00km ny(downdip)=   1 Dy =  5.00km
#Boundary of Fault_segment     2
#Lon.  Lat.  Depth
       78.0        41.2        1.0
       78.1        41.2        15.0
       78.1        41.4        15.0
       78.0        41.4        1.0
       78.0        41.2        1.0
#Lat. Lon. depth slip rake strike dip t_rup t_ris t_fal mo
       41.3       78.05       1.0   50.0  90.0  0.0  45.0  1.0  1.0  1.0  6.7e+23
"""


def test_an_inversion_s_segments_become_quadrilaterals_with_their_mean_slip() -> None:
    dataset = decode_rupture(PARAM.encode(), "basic_inversion.param")
    assert dataset.slip.values.tolist() == [2.0, 0.5]
    assert dataset.latitude.values.tolist() == [[41.0, 41.2, 41.2, 41.0], [41.2, 41.4, 41.4, 41.2]]
    assert dataset.depth.values.tolist() == [[1.0, 1.0, 15.0, 15.0]] * 2


def test_an_inversion_whose_lines_begin_with_a_blank_is_the_same() -> None:
    blank = PARAM.replace("#", " #").replace("(Along-strike)=", "(Along-strike) =")
    assert decode_rupture(blank.encode(), "x").identical(decode_rupture(PARAM.encode(), "x"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fault_segments=     2", "fault_segments=     3"),
        ("fault_segments=     2", "fault_segments=     0"),
        ("nx(Along-strike)=   2", "nx(Along-strike)=   3"),
        ("nx(Along-strike)=   2", "nx=   2"),
        ("78.0        41.0        1.0", "78.0        41.0"),
        ("100.0", "much"),
        ("100.0", "-1"),
        ("15.0\n       78.1", "0.5\n       78.1"),
        ("  90.0  0.0  45.0  1.0  1.0  1.0  6.7e+23\n#", "\n#"),
    ],
)
def test_a_broken_inversion_is_malformed(old: str, new: str) -> None:
    with pytest.raises(FeedMalformed):
        decode_rupture(PARAM.replace(old, new, 1).encode(), "basic_inversion.param")


@pytest.mark.parametrize(
    "broken",
    [
        {"features": []},
        {"features": [{"properties": {"slip": 1}}]},
        {"features": [subfault(ONE, "much")]},
        {"features": [subfault(ONE, -1)]},
        {"features": [subfault(RING, 1)]},
        {"features": [subfault(ONE[:-1], 1)]},
        {"features": [{**subfault(ONE, 1), "geometry": {"type": "Point", "coordinates": [1, 2, 3]}}]},
        {"features": [{**subfault(ONE, 1), "geometry": {"type": "Polygon", "coordinates": [[[1, 2, "x"]]]}}]},
    ],
)
def test_a_broken_finite_fault_model_is_malformed(broken: dict[str, Any]) -> None:
    with pytest.raises(FeedMalformed):
        finite_fault.decode_geojson(json.dumps(broken).encode(), "FFM.geojson")


@pytest.mark.parametrize(
    ("data", "dim"),
    [(geojson(RING, ONE), ""), (text(RING, ONE), "quad"), (FFM, ""), (PARAM.encode(), "")],
    ids=["json", "text", "ffm", "param"],
)
def test_a_cut_never_passes_for_the_whole(data: bytes, dim: str) -> None:
    cut_everywhere(lambda part: decode_rupture(part, "payload", near=(78.0, 41.0)), data, dim=dim)


RECORDED = {
    "napa/expected/rupture.json": True,
    "norcia/expected/rupture.json": True,
    "norcia/inputs/rupture.json": True,
    "northridge/expected/rupture.json": False,
    "wushi/expected/rupture.json": True,
    "published_norcia/rupture.json": True,
    "northridge/inputs/northridge_fault.txt": False,
}
"""Whether a recorded rupture is a point."""


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_ruptures_are_one_quadrilateral_or_a_point(reference: Path, name: str) -> None:
    data = (reference / "seismic/shakemap_cases" / name).read_bytes()
    dataset = decode_rupture(data, name)
    assert (dataset.sizes["quad"], bool(dataset.attrs["is_point"])) == (1, RECORDED[name])
    cut_everywhere(lambda part: decode_rupture(part, name), data)


def test_the_northridge_rupture_is_the_same_in_both_files(reference: Path) -> None:
    folder = reference / "seismic/shakemap_cases/northridge"
    found = decode_rupture((folder / "inputs/northridge_fault.txt").read_bytes(), "fault.txt")
    written = decode_rupture((folder / "expected/rupture.json").read_bytes(), "rupture.json")
    for name in ("longitude", "latitude", "depth"):
        np.testing.assert_array_equal(found[name], written[name])
    assert found.longitude.values.tolist() == [[-118.5983, -118.4350, -118.533, -118.6983]]

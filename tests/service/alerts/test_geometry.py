"""Where a message holds: polygons as they are, circles on the ellipsoid, nothing invented."""

from datetime import timedelta

import pytest
import shapely
from pyproj import Geod

from pipeline.alerts.cap import CapArea, CapInfo, Circle
from pipeline.service.alerts.geometry import disc, outline
from pipeline.service.alerts.record import read
from tests.alerts.samples import NOW
from tests.service.events.serving import door_of, warned

EARTH = Geod(ellps="WGS84")


def info(*rings):
    areas = (CapArea("somewhere", rings, (("ISO 3166-2", "KZ-27"),)),)
    texts = ("en", "Flood", "Met", "Immediate", "Severe", "Observed", "Flood", "Flood", NOW, NOW + timedelta(hours=1), "hazmon")
    return CapInfo(*texts, areas=areas)


def ring(west, south, east, north):
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def test_one_ring_is_a_polygon_and_two_apart_are_a_multipolygon():
    assert outline(info(ring(50, 48, 51, 49)), ()).equals(shapely.box(50, 48, 51, 49))
    both = outline(info(ring(50, 48, 51, 49), ring(53, 48, 54, 49)), ())
    assert (both.geom_type, len(both.geoms)) == ("MultiPolygon", 2)


def test_rings_that_overlap_are_merged_and_one_that_crosses_itself_is_taken_apart():
    assert outline(info(ring(50, 48, 52, 49), ring(51, 48, 53, 49)), ()).area == pytest.approx(3)
    bow = ((50, 48), (51, 49), (51, 48), (50, 49), (50, 48))
    found = outline(info(bow), ())
    assert found.is_valid
    assert found.area == pytest.approx(0.5)


def test_codes_alone_have_no_place():
    assert outline(info(), ()) is None
    assert outline(info(), (Circle(77.0, 43.0, 0.0),)) is None


@pytest.mark.parametrize(("longitude", "latitude"), [(77.0, 43.0), (0.0, 0.0), (-120.0, -70.0)])
def test_a_circle_is_as_wide_on_the_earth_in_every_direction(longitude, latitude):
    (found,) = disc(Circle(longitude, latitude, 100.0))
    x, y = found.exterior.coords.xy
    _, _, distances = EARTH.inv([longitude] * len(x), [latitude] * len(y), x, y)
    assert max(distances) == pytest.approx(100_000, rel=1e-6)
    assert min(distances) == pytest.approx(100_000, rel=1e-6)


def test_a_circle_across_the_antimeridian_is_two_parts():
    parts = disc(Circle(179.9, 50.0, 50.0))
    assert len(parts) == 2
    west, east = sorted(parts, key=lambda part: part.bounds[0])
    assert west.bounds[0] == -180.0
    assert east.bounds[2] == 180.0
    area = sum(abs(EARTH.geometry_area_perimeter(part)[0]) for part in parts)
    assert area == pytest.approx(3.14159 * 50_000**2, rel=0.01)


@pytest.mark.parametrize("latitude", [89.8, -89.8])
def test_a_circle_around_a_pole_holds_the_pole(latitude):
    found = shapely.union_all(disc(Circle(30.0, latitude, 100.0)))
    assert found.is_valid
    assert found.intersects(shapely.Point(-150.0, 90.0 if latitude > 0 else -90.0))
    assert found.covers(shapely.Point(120.0, latitude))
    assert not found.intersects(shapely.Point(30.0, 0.0))


def test_a_message_with_a_circle_is_read_with_it(tmp_path):
    store = door_of(tmp_path).work.store
    ref = warned(store, 1)
    data = store.get(ref.key).replace(b"<geocode>", b"<circle>43.25,76.95 25</circle><geocode>", 1)
    found = read(ref.key, data)
    assert found.properties["circles"] == ["43.25,76.95 25.0"]
    assert found.shape.contains(shapely.Point(76.95, 43.25))
    assert found.shape.contains(shapely.Point(50.5, 48.5))

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from pipeline.grid import event_geobox, region_geobox
from pipeline.products.footprint import footprint


def test_a_geographic_grid_is_its_own_rectangle() -> None:
    geometry, bbox = footprint(region_geobox((76.0, 40.0, 80.0, 43.0), 0.5))
    assert geometry["type"] == "Polygon"
    assert bbox == [76.0, 40.0, 80.0, 43.0]
    assert shapely.geometry.shape(geometry).area == 12


def test_a_projected_grid_has_curved_edges_within_its_box() -> None:
    geometry, (west, south, east, north) = footprint(region_geobox((400_000, 5_600_000, 460_000, 5_640_000), 20, "EPSG:32639"))
    assert 49 < west < east < 51
    assert 50 < south < north < 51
    assert len(geometry["coordinates"][0]) > 5


@pytest.mark.parametrize("longitude", [179.5, -179.5])
def test_across_the_antimeridian_there_are_two_parts_and_west_is_greater_than_east(longitude: float) -> None:
    geometry, (west, _, east, _) = footprint(event_geobox(longitude, -20, 300))
    assert geometry["type"] == "MultiPolygon"
    assert west > 0 > east
    assert all(-180 <= x <= 180 for part in geometry["coordinates"] for x, _ in part[0])


def test_the_whole_earth_is_one_rectangle() -> None:
    geometry, bbox = footprint(region_geobox((-180, -90, 180, 90), 1))
    assert geometry["type"] == "Polygon"
    assert bbox == [-180, -90, 180, 90]


@settings(max_examples=30, deadline=None)
@given(longitude=st.floats(-180, 180), latitude=st.floats(-75, 75))
def test_rings_are_closed_counter_clockwise_and_enclose_the_centre(longitude: float, latitude: float) -> None:
    grid: GeoBox = event_geobox(longitude, latitude, 100, 0.1)
    shape = shapely.geometry.shape(footprint(grid)[0])
    parts = list(getattr(shape, "geoms", [shape]))
    assert shape.is_valid
    assert all(part.exterior.is_ccw and part.exterior.is_closed for part in parts)
    assert any(part.distance(shapely.Point(longitude, latitude)) < 1e-6 for part in parts)

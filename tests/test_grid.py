import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline import grid
from pipeline.errors import GridError


def test_region_edges_are_whole_multiples_of_the_resolution():
    box = grid.region_geobox((46.1, 40.1, 47.9, 41.9), 0.5)
    assert tuple(box.shape) == (4, 4)
    assert tuple(box.boundingbox) == (46.0, 40.0, 48.0, 42.0)


@given(st.floats(-170, 170), st.floats(-70, 70), st.sampled_from([0.1, 0.25, 0.5, 1 / 120]))
def test_the_region_is_covered_and_no_cell_is_wasted(west, south, resolution):
    bounds = (west, south, west + 3.3, south + 2.2)
    box = grid.region_geobox(bounds, resolution).boundingbox
    assert box.left <= bounds[0] + 1e-6 and box.right >= bounds[2] - 1e-6
    assert box.bottom <= bounds[1] + 1e-6 and box.top >= bounds[3] - 1e-6
    assert box.left > bounds[0] - resolution - 1e-6 and box.top < bounds[3] + resolution + 1e-6


def test_a_coarse_region_nests_in_a_fine_one():
    fine, coarse = (grid.region_geobox((46, 40, 48, 42), r) for r in (0.25, 0.5))
    assert fine.boundingbox == coarse.boundingbox


def test_empty_bounds_are_refused():
    with pytest.raises(GridError, match="west < east"):
        grid.region_geobox((10, 0, 5, 1), 0.5)


def test_an_event_grid_is_centred_and_thirty_arc_seconds():
    box = grid.event_geobox(78.66, 41.26, 300)
    assert box.resolution.x == pytest.approx(1 / 120)
    centre = box.boundingbox
    assert (centre.left + centre.right) / 2 == pytest.approx(78.66, abs=0.01)
    assert (centre.top - centre.bottom) / 2 * 110.57 == pytest.approx(300, abs=2)


def test_an_event_grid_across_the_antimeridian_stays_contiguous():
    box = grid.event_geobox(179.9, 52, 100).boundingbox
    assert box.right > 180


def test_labels_follow_the_geobox():
    box = grid.region_geobox((0, 0, 2, 1), 0.5)
    array = grid.on_geobox(xr.DataArray(np.zeros(tuple(box.shape)), dims=("a", "b")), box)
    assert grid.geobox_of(array) == box


def test_a_wrong_shape_is_refused():
    with pytest.raises(GridError, match="shape"):
        grid.on_geobox(xr.DataArray(np.zeros((3, 3)), dims=("y", "x")), grid.region_geobox((0, 0, 2, 1), 0.5))


def test_regridding_keeps_outside_unknown():
    small = grid.region_geobox((0, 0, 1, 1), 0.25)
    large = grid.region_geobox((-1, -1, 2, 2), 0.25)
    array = grid.on_geobox(xr.DataArray(np.ones(tuple(small.shape), "float32"), dims=("y", "x"), attrs={"units": "m"}), small)
    found = grid.regrid(array, large, "nearest")
    assert np.isnan(found.values).sum() == large.shape[0] * large.shape[1] - 16
    assert found.attrs["units"] == "m"


def test_a_projected_region_covers_the_whole_box_in_degrees():
    bounds, crs = (46.0, 40.0, 88.0, 56.0), "+proj=laea +lat_0=48 +lon_0=67 +units=m"
    west, south, east, north = grid.projected_bounds(bounds, crs)
    inside = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = inside.transform([46, 67, 88, 46, 88, 67], [40, 40, 40, 56, 56, 56])
    edge = 10  # m: curved edges are followed as polylines
    assert west <= min(x) + edge and max(x) <= east + edge and south <= min(y) + edge and max(y) <= north + edge
    assert grid.projected_bounds(bounds, "EPSG:4326") == bounds


@pytest.mark.parametrize("crs", ["EPSG:4", "nonsense"])
def test_an_unknown_crs_is_refused(crs):
    with pytest.raises(GridError, match=crs):
        grid.projected_bounds((46.0, 40.0, 88.0, 56.0), crs)

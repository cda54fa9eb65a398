"""Facilities: shaking at points and the probability that a threshold was exceeded."""

import math

import dask
import dask.array as da
import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point

from pipeline.errors import InputError, UnitsError
from pipeline.grid import event_geobox, on_geobox, region_geobox
from pipeline.hazards.loss.facilities import (
    FACILITY_COLUMNS,
    UNKNOWN_STATES,
    Threshold,
    default_thresholds,
    exceedance,
    shaken_facilities,
)
from pipeline.hazards.loss.sampling import bilinear, nearest, places

#: Four rows of five cells of a degree, 70 to 75 E, 40 to 44 N.
GRID = region_geobox((70.0, 40.0, 75.0, 44.0), 1.0)


def _array(values, units="1", geobox=GRID):
    full = np.broadcast_to(np.asarray(values, "float64"), tuple(geobox.shape)).copy()
    return on_geobox(xr.DataArray(full, dims=("y", "x"), attrs={"units": units}), geobox)


def _shaking(**changed):
    arrays = {
        "pga": _array(0.35, "standard_gravity"),
        "pga_std": _array(0.5),
        "mmi": _array(7.0),
        "mmi_std": _array(0.6),
        "exclusion": _array(0.0),
    }
    return xr.Dataset({**arrays, **changed})


def _facilities(points, **columns):
    rows = {"name": [f"site {i}" for i in range(len(points))], "kind": ["tank"] * len(points), **columns}
    return gpd.GeoDataFrame(rows, geometry=[Point(*p) for p in points], crs="EPSG:4326")


def test_a_plane_is_read_exactly_between_the_centres_of_cells():
    plane = _array(np.add.outer([3.0, 2.0, 1.0, 0.0], 10.0 * np.arange(5)))
    where = places(plane, [70.5, 71.0, 72.25, 74.5], [43.5, 42.0, 41.0, 40.5])
    np.testing.assert_allclose(bilinear(plane, where), [3.0, 1.5 + 5.0, 0.5 + 17.5, 40.0])


def test_edges_belong_to_the_grid_and_beyond_is_unknown():
    plane = _array(np.arange(20.0).reshape(4, 5))
    where = places(plane, [70.0, 75.0, 69.99, 75.01, 72.0], [44.0, 40.0, 42.0, 42.0, 44.01])
    np.testing.assert_array_equal(bilinear(plane, where), [0.0, 19.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(nearest(plane, where), [0.0, 19.0, np.nan, np.nan, np.nan])


def test_an_unknown_neighbour_counts_only_where_it_has_a_share():
    values = np.ones((4, 5))
    values[0, 1] = np.nan
    where = places(_array(values), [70.5, 70.6, 71.5], [43.5, 43.5, 42.5])
    np.testing.assert_array_equal(bilinear(_array(values), where), [1.0, np.nan, 1.0])


def test_motion_is_interpolated_in_logarithms():
    where = places(_array([0.1, 0.4, 1.0, 1.0, 1.0]), [71.0], [42.0])
    assert bilinear(_array([0.1, 0.4, 1.0, 1.0, 1.0]), where, logarithmic=True) == pytest.approx(0.2)


def test_longitudes_are_found_beyond_the_antimeridian():
    geobox = event_geobox(179.9, 52.0, 60.0)
    grid = _array(1.0, geobox=geobox)
    assert places(grid, [-179.9, 179.7, 0.0], [52.0, 52.0, 52.0]).inside.tolist() == [True, True, False]


def test_half_is_likely_at_the_threshold():
    assert exceedance(0.35, 0.5, 0.35, 0.75, measure="pga") == pytest.approx(0.5)
    assert exceedance(0.35 * math.e, 0.6, 0.35, 0.8, measure="pga") == pytest.approx(0.8413447)
    assert exceedance(8.0, 0.6, 7.0, 0.8, measure="mmi") == pytest.approx(0.8413447)


def test_without_any_deviation_the_threshold_is_reached_or_not():
    np.testing.assert_array_equal(exceedance([0.1, 0.2, 0.3], 0.0, 0.2, 0.0, measure="pga"), [0.0, 1.0, 1.0])


def test_unknown_shaking_or_deviation_has_no_probability():
    assert np.isnan(exceedance([np.nan, 0.3], [0.5, np.nan], 0.2, 0.1, measure="pga")).all()
    assert exceedance(0.0, 0.5, 0.2, 0.1, measure="pga") == 0.0


@settings(deadline=None)
@given(st.floats(0.01, 3.0), st.floats(0.0, 1.0), st.floats(0.01, 3.0), st.floats(0.0, 1.0), st.floats(1.0, 3.0))
def test_stronger_shaking_is_never_less_likely_to_exceed(shaking, deviation, threshold, dispersion, factor):
    less, more = exceedance([shaking, shaking * factor], deviation, threshold, dispersion, measure="pga")
    assert 0.0 <= less <= more <= 1.0


def test_facilities_are_ordered_by_probability_and_the_unknown_are_last():
    pga = _array([0.1, 0.2, 0.4, 0.8, np.nan], "standard_gravity")
    sites = _facilities([(70.5, 42.5), (60.0, 42.5), (73.5, 42.5), (72.5, 42.5), (74.5, 42.5)])
    found = shaken_facilities(sites, _shaking(pga=pga))
    assert list(found["name"]) == ["site 2", "site 3", "site 0", "site 1", "site 4"]
    assert list(found["state"]) == ["estimated"] * 3 + ["outside the grid", "shaking unknown"]
    assert found["probability"].isna().tolist() == [False] * 3 + [True] * 2
    assert set(found["state"][3:]) <= set(UNKNOWN_STATES)
    assert list(found.columns) == [name for name, *_ in FACILITY_COLUMNS]
    assert found.crs == sites.crs
    assert found.geometry.iloc[0] == Point(73.5, 42.5)


def test_equal_probabilities_are_ordered_by_how_far_the_threshold_is_exceeded():
    pga = _array([0.1, 0.2, 0.4, 0.8, 0.9], "standard_gravity")
    sites = _facilities([(71.5, 42.5), (73.5, 42.5), (72.5, 42.5)], kind=["dam"] * 3)
    found = shaken_facilities(sites, _shaking(pga=pga, pga_std=_array(0.0)))
    assert list(found["name"]) == ["site 1", "site 2", "site 0"]
    assert (found["probability"] == 1.0).all()


def test_a_threshold_is_converted_to_the_units_of_the_shaking():
    found = shaken_facilities(_facilities([(71.5, 42.5)], kind=["dam"]), _shaking())
    assert found["threshold"].iloc[0] == pytest.approx(0.25 / 9.80665)
    assert found["shaking_units"].iloc[0] == "standard_gravity"
    assert found["threshold_source"].iloc[0] == "MLIT"


def test_the_range_is_one_deviation_to_each_side():
    row = shaken_facilities(_facilities([(71.5, 42.5)]), _shaking()).iloc[0]
    assert row["shaking_low"] == pytest.approx(0.35 * math.exp(-0.5))
    assert row["shaking_high"] == pytest.approx(0.35 * math.exp(0.5))
    assert row["probability"] == pytest.approx(0.5)


def test_a_facility_s_own_threshold_goes_before_its_kind_s():
    own = {"measure": ["mmi", None], "threshold": [7.0, np.nan], "threshold_units": ["1", None]}
    found = shaken_facilities(_facilities([(71.5, 42.5), (71.5, 42.5)], operator=["A", "B"], **own), _shaking())
    first = found.set_index("name").loc["site 0"]
    assert (first["measure"], first["threshold_source"], first["operator"]) == ("mmi", "facility", "A")
    assert first["shaking_high"] == pytest.approx(7.6)
    assert found.set_index("name").loc["site 1", "measure"] == "pga"


def test_a_kind_without_threshold_is_unknown_and_kinds_can_be_configured():
    sites = _facilities([(71.5, 42.5)], kind=["bakery"])
    assert shaken_facilities(sites, _shaking())["state"].iloc[0] == "no threshold"
    found = shaken_facilities(sites, _shaking(), thresholds={"bakery": Threshold("mmi", 6.0, "1", 0.0, "bread falls")})
    assert found["state"].iloc[0] == "estimated"
    assert found["probability"].iloc[0] == pytest.approx(0.9522096)


def test_limited_shaking_is_said_and_excluded_shaking_not_used():
    sites, codes = _facilities([(70.5, 42.5), (71.5, 42.5), (72.5, 42.5)]), _array([0, 4, 2, 0, 0])
    found = shaken_facilities(sites, _shaking(exclusion=codes), excluded={2}).set_index("name")
    assert list(found.loc[["site 0", "site 1", "site 2"], "state"]) == ["estimated", "limited", "excluded"]
    assert found["probability"].isna().tolist() == [False, False, True]
    assert np.isnan(found.loc["site 2", "shaking"])
    assert found.loc["site 1", "exclusion"] == 4


def test_no_facilities_give_an_empty_table():
    found = shaken_facilities(_facilities([]), _shaking())
    assert len(found) == 0
    assert list(found.columns) == [name for name, *_ in FACILITY_COLUMNS]


def test_facilities_in_another_crs_are_found_and_come_back_in_it():
    sites = _facilities([(71.5, 42.5)]).to_crs("EPSG:32642")
    found = shaken_facilities(sites, _shaking())
    assert found["state"].iloc[0] == "estimated"
    assert found.crs == sites.crs


def test_of_a_lazy_grid_only_the_blocks_with_facilities_are_computed():
    asked = []

    def block(block_info=None):
        asked.append(block_info[None]["chunk-location"])
        return np.full((2, 5), 0.5)

    lazy = on_geobox(
        xr.DataArray(
            da.map_blocks(block, chunks=((2, 2), (5,)), dtype="f8", meta=np.empty((0, 0))),
            dims=("y", "x"),
            attrs={"units": "standard_gravity"},
        ),
        GRID,
    )
    with dask.config.set(scheduler="synchronous"):
        shaken_facilities(_facilities([(71.5, 43.5)]), _shaking(pga=lazy))
    assert set(asked) == {(0, 0)}


def test_every_default_says_what_it_means_and_where_it_is_from():
    for threshold in default_thresholds().values():
        assert threshold.value > 0
        assert threshold.meaning
        assert threshold.source in ("Hazus", "MLIT")


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"threshold": [0.3]}, "threshold_units"),
        ({"threshold": [-0.3], "measure": ["pga"], "threshold_units": ["standard_gravity"]}, "positive"),
        ({"threshold": [0.3], "measure": ["pgv"], "threshold_units": ["cm s-1"]}, "pgv_std"),
    ],
)
def test_a_threshold_that_is_none_is_refused(columns, match):
    with pytest.raises(InputError, match=match):
        shaken_facilities(_facilities([(71.5, 42.5)], **columns), _shaking())


def test_units_of_another_kind_are_refused():
    own = {"threshold": [0.3], "measure": ["pga"], "threshold_units": ["cm s-1"]}
    with pytest.raises(UnitsError, match="cm s-1"):
        shaken_facilities(_facilities([(71.5, 42.5)], **own), _shaking())


def test_what_are_no_named_points_is_refused():
    with pytest.raises(InputError, match="name"):
        shaken_facilities(_facilities([(71.5, 42.5)]).drop(columns="name"), _shaking())
    lines = gpd.GeoDataFrame({"name": ["a"], "kind": ["dam"]}, geometry=[LineString([(70, 40), (71, 41)])], crs="EPSG:4326")
    with pytest.raises(InputError, match="points"):
        shaken_facilities(lines, _shaking())

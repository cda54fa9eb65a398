from datetime import date

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from pipeline import grid
from pipeline.errors import InputError
from pipeline.observations.daily import at_local_noon, total_to_local_noon

DAY = date(2024, 4, 5)
MIDNIGHT = np.datetime64("2024-04-05T00:00", "ns")


def hours(*values):
    """Moments so many hours after 2024-04-05 00 UTC; None is NaT."""
    return np.array(
        [np.datetime64("NaT") if v is None else MIDNIGHT + np.timedelta64(int(v * 60), "m") for v in values], "M8[ns]"
    )


def steps(ends, values, longitudes, starts=None):
    """One row of cells: `values` (time, cell) at hours `ends` after midnight."""
    count = len(longitudes)
    coordinates = {"time": hours(*ends), "longitude": np.array(longitudes, float), "latitude": [50.0]}
    if starts is not None:
        coordinates["start"] = ("time", hours(*starts))
    data = np.broadcast_to(np.array(values, "float32").reshape(len(ends), 1, -1), (len(ends), 1, count)).copy()
    array = xr.DataArray(data, dims=("time", "latitude", "longitude"), coords=coordinates, attrs={"units": "K"}, name="thing")
    return array.odc.assign_crs("EPSG:4326") if count > 1 else array


def east(array):
    return xr.DataArray(array["longitude"].values, dims="longitude")


def noon(array, **options):
    return at_local_noon(array, DAY, longitude=east(array), **options).values[0].tolist()


def total(array, **options):
    return total_to_local_noon(array, DAY, longitude=east(array), **options).values[0].tolist()


CLOCK = list(range(-24, 49, 3))
"""Every three hours from the day before to the day after."""


def clock(longitudes):
    """A field whose value is the hour since midnight UTC, so that the answer says when noon was."""
    return steps(CLOCK, CLOCK, longitudes)


def test_at_greenwich_noon_is_12_utc():
    assert noon(clock([0.0])) == [12.0]


def test_in_kazakhstan_at_75_east_noon_is_five_hours_earlier():
    assert noon(clock([75.0])) == [7.0]


def test_every_column_has_the_noon_of_its_own_longitude():
    assert noon(clock([45.0, 60.0, 67.5, 75.0, 90.0])) == [9.0, 8.0, 7.5, 7.0, 6.0]


def test_between_two_steps_the_value_is_interpolated():
    assert noon(steps([6, 9], [10, 40], [75.0])) == [20.0]  # 7 h is one third of the way from 6 h to 9 h


def test_the_local_day_changes_at_the_180th_meridian():
    # Just west of it noon of 5 April is at 00:20 UTC that day, just east of it almost a day later.
    np.testing.assert_allclose(
        noon(clock([175.0, 179.0, 180.0, 181.0, -175.0])), [1 / 3, 1 / 15, 24, 24 - 1 / 15, 24 - 1 / 3], 1e-5
    )


def test_longitudes_from_0_to_360_mean_the_same_places():
    assert noon(clock([285.0])) == noon(clock([-75.0])) == [17.0]


def test_a_fixed_offset_gives_all_columns_one_noon():
    found = at_local_noon(clock([45.0, 60.0, 90.0]), DAY, utc_offset=5)
    assert found.values.tolist() == [[7.0, 7.0, 7.0]]


def test_the_time_of_year_makes_no_difference_because_there_is_no_summer_time():
    july = clock([75.0]).assign_coords(time=hours(*CLOCK) + (np.datetime64("2024-07-05") - np.datetime64("2024-04-05")))
    assert at_local_noon(july, date(2024, 7, 5), longitude=east(july)).values.tolist() == [[7.0]]


def test_noon_outside_the_steps_is_unknown():
    assert np.isnan(noon(steps([9, 12], [1, 2], [75.0]))).all()
    assert np.isnan(noon(steps([0, 6], [1, 2], [75.0]))).all()


def test_noon_on_the_last_step_needs_no_later_one():
    assert noon(steps([4, 7], [1, 2], [75.0])) == [2.0]


def test_a_gap_that_is_too_long_is_not_interpolated_across():
    assert np.isnan(noon(steps([0, 9], [0, 9], [75.0]))).all()
    assert noon(steps([0, 9], [0, 9], [75.0]), max_gap=9) == [7.0]


def test_an_unknown_step_makes_only_the_noons_beside_it_unknown():
    array = steps([0, 6, 9, 12], [0, 6, 9, 12], [120.0, 75.0, 30.0])  # noon at 4, 7 and 10 UTC
    array[0] = np.nan
    np.testing.assert_allclose(noon(array), [np.nan, 7, 10])


def rain(values, longitudes, ends=None, starts=None):
    ends = list(range(-21, 25, 3)) if ends is None else ends
    starts = [end - 3 for end in ends] if starts is None else starts
    return steps(ends, values, longitudes, starts)


EVERY_THREE_HOURS = [1.0] * 16


def test_steady_rain_of_1_in_3_hours_makes_8_a_day_wherever_noon_cuts_the_intervals():
    np.testing.assert_allclose(total(rain(EVERY_THREE_HOURS, [0.0, 45.0, 60.0, 71.3, 90.0])), 8.0, rtol=1e-6)


def test_an_interval_that_noon_cuts_counts_by_its_share():
    values = [0.0] * 16
    values[10] = 3.0  # from 6 to 9 UTC
    # Noon at 9, 8, 7 and 6 UTC: all of it, two thirds, one third, nothing.
    np.testing.assert_allclose(total(rain(values, [45.0, 60.0, 75.0, 90.0])), [3, 2, 1, 0], atol=1e-6)


def test_rain_after_the_noon_before_counts_and_rain_before_it_does_not():
    values = [0.0] * 16
    values[2] = 3.0  # from -18 to -15 UTC: at 60 E noon of the day before was at -16
    np.testing.assert_allclose(total(rain(values, [60.0])), [1.0])


def test_hours_that_no_interval_covers_make_the_day_unknown_and_never_dry():
    array = rain(EVERY_THREE_HOURS, [60.0])
    assert np.isnan(total(array.isel(time=slice(3, None)))).all()
    assert np.isnan(total(array.isel(time=slice(None, 10)))).all()
    assert np.isnan(total(array.drop_isel(time=6))).all()


def test_a_gap_outside_the_24_hours_does_no_harm():
    assert total(rain(EVERY_THREE_HOURS, [75.0]).isel(time=slice(2, 11))) == [8.0]


def test_an_unknown_amount_makes_the_cell_unknown_and_not_its_neighbour():
    array = rain(EVERY_THREE_HOURS, [75.0, 90.0])
    array[5, 0, 0] = np.nan
    np.testing.assert_allclose(total(array), [np.nan, 8])


def test_a_time_without_an_interval_is_passed_over():
    array = rain([9.0, *EVERY_THREE_HOURS], [75.0], ends=[-22, *range(-21, 25, 3)], starts=[None, *range(-24, 22, 3)])
    np.testing.assert_allclose(total(array), [8.0])


def test_of_overlapping_intervals_the_later_counts_so_that_no_rain_is_counted_twice():
    ends = sorted([*range(-21, 25, 3), 4, 5])
    starts = [{4: 3, 5: 4}.get(end, end - 3) for end in ends]
    np.testing.assert_allclose(total(rain([1.0] * 18, [75.0], ends, starts)), [8.0])


def test_total_with_a_fixed_offset():
    found = total_to_local_noon(rain(EVERY_THREE_HOURS, [45.0, 90.0]), DAY, utc_offset=5)
    np.testing.assert_allclose(found.values, [[8, 8]])


KAZAKHSTAN = grid.region_geobox((45, 40, 90, 55), 1)
UTM = grid.region_geobox((400_000, 4_500_000, 600_000, 4_700_000), 50_000, "EPSG:32642")


def on(geobox, values, **coordinates):
    fields = np.broadcast_to(np.array(values, "float32")[:, None, None], (len(values), *geobox.shape)).copy()
    return grid.on_geobox(xr.DataArray(fields, dims=("time", "y", "x"), coords=coordinates, attrs={"units": "K"}), geobox)


def test_the_grid_itself_says_the_longitudes():
    found = at_local_noon(on(KAZAKHSTAN, CLOCK, time=hours(*CLOCK)), DAY)
    np.testing.assert_allclose(found.sel(longitude=75.5), 12 - 75.5 / 15, rtol=1e-4)
    assert found.odc.geobox == KAZAKHSTAN
    assert "time" not in found.coords
    assert found.attrs["units"] == "K"


def test_on_a_projected_grid_every_cell_has_its_own_noon():
    found = at_local_noon(on(UTM, CLOCK, time=hours(*CLOCK)), DAY)
    # Zone 42 lies around 69 E, where noon is at 7.4 UTC; earlier to the east.
    assert abs(float(found.mean()) - 7.4) < 0.01
    assert (found.diff("x") < 0).all()


def test_lazy_steps_stay_lazy_and_give_the_same_bytes():
    def refuse(*args, **kwargs):
        raise AssertionError("something was computed")

    ends = np.arange(-21, 25, 3)
    given = on(KAZAKHSTAN, ends + 30.0, time=hours(*ends), start=("time", hours(*(ends - 3))))
    lazy = given.copy(data=da.from_array(given.values, chunks=(3, 7, 11)))
    for reduce in (at_local_noon, total_to_local_noon):
        with dask.config.set(scheduler=refuse):
            found = reduce(lazy, DAY)
        assert dask.is_dask_collection(found.data)
        assert found.compute(scheduler="threads").values.tobytes() == reduce(given, DAY).values.tobytes()


def test_amounts_without_the_start_of_their_intervals_are_refused():
    with pytest.raises(InputError, match="start"):
        total(clock([75.0]))


def test_an_interval_that_ends_before_it_starts_is_refused():
    with pytest.raises(InputError, match="before"):
        total(rain([1.0, 1.0], [75.0], ends=[3, 6], starts=[0, 7]))


def test_steps_that_do_not_ascend_are_refused():
    with pytest.raises(InputError, match="ascend"):
        noon(clock([75.0]).isel(time=slice(None, None, -1)))


def test_no_step_at_all_is_refused():
    with pytest.raises(InputError, match="time"):
        noon(clock([75.0]).isel(time=slice(0)))

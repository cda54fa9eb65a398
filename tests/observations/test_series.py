import numpy as np
import pytest
import xarray as xr

from pipeline.errors import InputError
from pipeline.observations.series import newest_per_time


def cycle(hour: int, values: list[float], *, first: int = 0, amounts: bool = False) -> xr.DataArray:
    """Return one cell of a cycle that starts at an hour of 1 January 2024, with steps of 3 h from `first` on."""
    begin = np.datetime64("2024-01-01", "ns") + np.timedelta64(hour, "h")
    steps = np.arange(len(values)) * 3 + first
    time = begin + steps.astype("timedelta64[h]")
    array = xr.DataArray(
        np.asarray(values, np.float32)[:, None, None],
        dims=("time", "y", "x"),
        coords={"time": time, "reference_time": begin, "lead": ("time", steps)},
        name="t",
        attrs={"units": "K"},
    )
    if amounts:
        starts = np.where(steps == 0, np.datetime64("NaT", "ns"), time - np.timedelta64(3, "h"))
        array = array.assign_coords(start=("time", starts))
    return array


def test_each_time_is_taken_from_the_newest_cycle_that_has_it() -> None:
    found = newest_per_time([cycle(0, [1, 2, 3, 4]), cycle(6, [30, 40, 50])])
    assert found.values.ravel().tolist() == [1, 2, 30, 40, 50]
    assert (np.diff(found["time"].values) == np.timedelta64(3, "h")).all()


def test_the_order_of_cycles_does_not_matter() -> None:
    cycles = [cycle(0, [1, 2, 3]), cycle(3, [20, 30]), cycle(6, [300])]
    xr.testing.assert_identical(newest_per_time(cycles), newest_per_time(cycles[::-1]))


def test_step_zero_of_an_amount_leaves_the_interval_to_the_cycle_before() -> None:
    found = newest_per_time([cycle(0, [np.nan, 1, 2], amounts=True), cycle(6, [np.nan, 9], amounts=True)])
    assert found.values.ravel().tolist() == [1, 2, 9]


def test_attributes_stay_and_the_cycle_is_no_coordinate_any_more() -> None:
    found = newest_per_time([cycle(0, [1, 2])])
    assert found.attrs == {"units": "K"}
    assert not {"reference_time", "lead"} & set(found.coords)


def test_inputs_are_not_changed() -> None:
    given = cycle(0, [1, 2])
    before = given.copy(deep=True)
    newest_per_time([given, cycle(3, [5])])
    xr.testing.assert_identical(given, before)


def test_it_stays_lazy() -> None:
    found = newest_per_time([cycle(0, [1, 2]).chunk(), cycle(3, [5]).chunk()])
    assert found.chunks is not None
    assert found.compute().values.ravel().tolist() == [1, 5]


def test_without_a_cycle_there_is_no_series() -> None:
    with pytest.raises(InputError, match="no model cycle"):
        newest_per_time([])


def test_a_cycle_without_its_time_is_refused() -> None:
    with pytest.raises(InputError, match="reference_time"):
        newest_per_time([cycle(0, [1]).drop_vars("reference_time")])

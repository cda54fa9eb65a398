import dask.array as da
import numpy as np
import pytest
import xarray as xr

from pipeline import units
from pipeline.errors import UnitsError


def array(values, unit=None, name="t"):
    return xr.DataArray(np.asarray(values, dtype="float32"), name=name, attrs={} if unit is None else {"units": unit})


def test_kelvin_becomes_celsius_in_the_same_floating_type():
    found = units.require(array([273.15, 300.0], "K"), "degC")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0.0, 26.85], atol=1e-4)
    assert found.attrs["units"] == "degC"


def test_decibels_become_a_power_ratio_and_back():
    linear = units.require(array([-10.0, 0.0, 10.0], "dB"), "1")
    np.testing.assert_allclose(linear, [0.1, 1.0, 10.0], rtol=1e-6)
    np.testing.assert_allclose(units.require(linear, "dB"), [-10.0, 0.0, 10.0], atol=1e-5)


def test_metres_per_second_become_kilometres_per_hour():
    np.testing.assert_allclose(units.require(array([10.0], "m s-1"), "km h-1"), [36.0])


def test_missing_units_are_refused_by_the_arrays_name():
    with pytest.raises(UnitsError, match=r"wind.*missing.*km h-1"):
        units.require(array([1.0], name="wind"), "km h-1")


def test_units_of_another_kind_are_refused():
    with pytest.raises(UnitsError, match="cannot convert"):
        units.require(array([1.0], "m"), "K")


def test_a_lazy_array_stays_lazy():
    lazy = xr.DataArray(da.ones(4, dtype="float32"), attrs={"units": "m"})
    assert units.require(lazy, "km").chunks is not None


def test_the_input_is_not_changed():
    before = array([1.0], "m")
    units.require(before, "km")
    assert before.attrs == {"units": "m"}
    assert before.item() == 1.0

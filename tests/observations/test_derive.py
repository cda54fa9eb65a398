import dask.array as da
import numpy as np
import pytest
import xarray as xr

from pipeline.errors import InputError, UnitsError
from pipeline.observations.derive import derive


def variable(values, units):
    return xr.DataArray(np.array(values, "float32"), dims="x", attrs={"units": units})


def air(temperature, dew_point, units="degC"):
    return xr.Dataset({"air_temperature": variable(temperature, units), "dew_point_temperature": variable(dew_point, units)})


def test_a_variable_that_is_there_is_given_as_it_is():
    dataset = xr.Dataset({"relative_humidity": variable([40], "%")})
    assert derive(dataset, "relative_humidity").identical(dataset["relative_humidity"])


def test_saturated_air_has_100_percent():
    assert derive(air([20, -5], [20, -5]), "relative_humidity").values.tolist() == [100, 100]


def test_the_vapour_pressures_are_those_of_the_psychrometric_tables():
    # Saturation over water: 12.27 hPa at 10 degC, 23.37 at 20, 42.43 at 30 (Smithsonian tables, within 0.1 %).
    found = derive(air([20, 30, 30], [10, 20, 10]), "relative_humidity")
    np.testing.assert_allclose(found, [100 * 12.27 / 23.37, 100 * 23.37 / 42.43, 100 * 12.27 / 42.43], rtol=2e-3)
    assert found.attrs["units"] == "%"
    assert found.attrs["standard_name"] == "relative_humidity"


def test_kelvin_gives_the_same_humidity_as_celsius():
    kelvin = derive(air([293.15], [283.15], "K"), "relative_humidity")
    np.testing.assert_allclose(kelvin, derive(air([20], [10]), "relative_humidity"), rtol=1e-4)


def test_a_dew_point_a_little_too_high_is_saturation_and_far_too_high_unknown():
    found = derive(air([20, 20], [20.3, 25]), "relative_humidity").values
    assert found[0] == 100
    assert np.isnan(found[1])


def test_wind_speed_is_the_length_of_the_vector_in_metres_per_second():
    dataset = xr.Dataset({"eastward_wind": variable([3, -3], "m s-1"), "northward_wind": variable([-4, np.nan], "m s-1")})
    found = derive(dataset, "wind_speed")
    np.testing.assert_array_equal(found, [5, np.nan])
    assert found.attrs["units"] == "m s-1"


def test_components_in_other_units_are_converted():
    dataset = xr.Dataset({"eastward_wind": variable([10.8], "km h-1"), "northward_wind": variable([4], "m s-1")})
    np.testing.assert_allclose(derive(dataset, "wind_speed"), [5], rtol=1e-6)


def test_lazy_ingredients_give_a_lazy_variable():
    lazy = air([20], [10]).chunk(x=1)
    assert isinstance(derive(lazy, "relative_humidity").data, da.Array)


def test_a_missing_ingredient_is_named():
    dataset = air([20], [10]).drop_vars("dew_point_temperature")
    with pytest.raises(InputError, match=r"dew_point_temperature.*missing"):
        derive(dataset, "relative_humidity")


def test_a_variable_nobody_can_derive_is_refused_with_what_there_is():
    with pytest.raises(InputError, match=r"snow_depth.*air_temperature"):
        derive(air([20], [10]), "snow_depth")


def test_an_ingredient_without_units_is_refused():
    dataset = air([20], [10])
    dataset["air_temperature"].attrs.clear()
    with pytest.raises(UnitsError, match="air_temperature"):
        derive(dataset, "relative_humidity")

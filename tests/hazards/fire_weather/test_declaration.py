import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from pipeline import grid
from pipeline.errors import InputError, UnitsError
from pipeline.hazards.fire_weather import fire_weather
from pipeline.hazards.fire_weather.declaration import EFFIS_EUROPE
from pipeline.hazards.fire_weather.system import Codes, Weather, advance

KAZAKHSTAN = grid.region_geobox((50, 40, 52, 43), 0.05)
UTM = grid.region_geobox((300_000, 3_200_000, 420_000, 3_500_000), 10_000, "EPSG:32642")
UNITS = {
    "temperature": "degC",
    "relative_humidity": "%",
    "wind_speed": "km h-1",
    "precipitation": "kg m-2",
    "ffmc": "1",
    "dmc": "1",
    "dc": "1",
}


def gridded(values, units, geobox=KAZAKHSTAN, time="2024-07-05"):
    values = np.broadcast_to(np.asarray(values, "float32"), tuple(geobox.shape)).copy()
    array = grid.on_geobox(xr.DataArray(values, dims=("y", "x"), attrs={"units": units}), geobox)
    return array.assign_coords(time=np.datetime64(time, "ns"))


def inputs(geobox=KAZAKHSTAN, seed=7):
    random, shape = np.random.default_rng(seed), tuple(geobox.shape)
    rain = np.where(random.random(shape) < 0.3, random.gamma(1, 6, shape), 0)
    values = (random.normal(18, 8, shape), random.uniform(5, 100, shape), random.gamma(3, 5, shape), rain)
    codes = (random.uniform(20, 95, shape), random.gamma(2, 20, shape), random.gamma(2, 150, shape))
    return {name: gridded(array, UNITS[name], geobox) for name, array in zip(UNITS, (*values, *codes), strict=True)}


def refuse(*args, **kwargs):
    raise AssertionError("the layer computed something")


def test_the_layer_gives_what_the_system_gives():
    given = inputs()
    arrays = [array.values for array in given.values()]
    expected = advance(Weather(*arrays[:4]), Codes(*arrays[4:]), given["dc"].latitude.values[:, None], 7)
    found = fire_weather(**given)
    for name, array in expected._asdict().items():
        np.testing.assert_array_equal(found[name].values, array)


def test_yesterday_enters_in_the_bytes_in_which_today_is_stored():
    first = fire_weather(**inputs())
    assert {first[name].dtype.name for name in ("ffmc", "dmc", "dc")} == {"float32"}
    tomorrow = {**inputs(seed=8), **{name: first[name] for name in ("ffmc", "dmc", "dc")}}
    stored = {name: gridded(array.values, UNITS[name]) for name, array in tomorrow.items()}
    assert fire_weather(**tomorrow).fwi.values.tobytes() == fire_weather(**stored).fwi.values.tobytes()


@pytest.mark.parametrize("geobox", [KAZAKHSTAN, UTM])
def test_lazy_input_stays_lazy_and_gives_the_same_bytes_in_any_chunks(geobox):
    given = inputs(geobox)
    expected = fire_weather(**given)
    lazy = {name: array.copy(data=da.from_array(array.values, chunks=(17, 9))) for name, array in given.items()}
    with dask.config.set(scheduler=refuse):
        found = fire_weather(**lazy)
    assert all(dask.is_dask_collection(array.data) for array in found.values())
    computed = found.compute(scheduler="threads")
    assert all(computed[name].values.tobytes() == expected[name].values.tobytes() for name in expected)


def test_inputs_are_left_as_they_were():
    given = inputs()
    before = {name: array.values.tobytes() for name, array in given.items()}
    fire_weather(**given)
    assert {name: array.values.tobytes() for name, array in given.items()} == before


def test_units_are_converted_and_unitless_input_is_refused():
    given = inputs()
    kelvin = {**given, "wind_speed": (given["wind_speed"] / 3.6).assign_attrs(units="m s-1")}
    np.testing.assert_allclose(fire_weather(**kelvin).fwi, fire_weather(**given).fwi, rtol=1e-5)
    with pytest.raises(UnitsError, match="temperature"):
        fire_weather(**{**given, "temperature": given["temperature"].drop_attrs()})


def test_impossible_and_unknown_cells_become_unknown_with_a_reason_and_never_a_value():
    given = inputs()
    given["relative_humidity"][0, 0] = -10
    given["precipitation"][0, 1] = -10
    given["temperature"][0, 2] = np.nan
    given["dc"][0, 3] = np.nan
    found = fire_weather(**given)
    assert found.exclusion.values[0, :5].tolist() == [2, 2, 1, 3, 0]
    for name in ("ffmc", "dmc", "dc", "isi", "bui", "fwi", "dsr", "fwi_std"):
        assert np.isnan(found[name].values[0, :4]).all()
        assert np.isfinite(found[name].values[0, 4])
    assert (found.danger.values[0, :4] == 255).all()
    assert found.danger.values[0, 4] != 255


def test_a_class_contains_its_lower_edge_and_not_its_upper():
    found = fire_weather(**inputs())
    at = float(found.fwi[0, 0])
    assert int(fire_weather(**inputs(), thresholds=(at / 2, at)).danger[0, 0]) == 2
    assert int(fire_weather(**inputs(), thresholds=(at / 2, np.nextafter(np.float32(at), np.float32(999)))).danger[0, 0]) == 1


def test_the_european_classes_are_those_of_effis():
    found = fire_weather(**inputs())
    expected = np.digitize(found.fwi.values, np.array(EFFIS_EUROPE, "float32"))
    np.testing.assert_array_equal(found.danger.values, expected)
    assert set(np.unique(expected)) >= {0, 1, 2, 3}


@pytest.mark.parametrize("thresholds", [(), (5, 5), (11.2, 5.2), (1, 2, 3, 4, 5, 6, 7)])
def test_thresholds_that_make_no_classes_are_refused(thresholds):
    with pytest.raises(InputError, match="thresholds"):
        fire_weather(**inputs(), thresholds=thresholds)


def test_a_day_without_a_date_is_refused():
    given = {name: array.drop_vars("time") for name, array in inputs().items()}
    with pytest.raises(InputError, match="time"):
        fire_weather(**given)


def test_on_a_projected_grid_the_day_length_follows_the_latitude_of_each_cell():
    steady = {"temperature": 25, "relative_humidity": 30, "wind_speed": 10, "precipitation": 0, "ffmc": 85, "dmc": 6, "dc": 15}
    found = fire_weather(**{name: gridded(value, UNITS[name], UTM) for name, value in steady.items()})
    # 3 320 km north of the equator in UTM is 30 N: beyond it July's days dry the duff more.
    northern, southern = found.dmc.values[0], found.dmc.values[-1]
    assert (northern > southern).all()
    assert set(np.unique(np.round(found.dmc.values, 3))) == {np.round(v, 3) for v in (northern[0], southern[0])}

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.hazards.fire_weather import equations
from pipeline.hazards.fire_weather.daylength import factors_at, month_factors
from pipeline.hazards.fire_weather.system import FFMC_CONSTANT
from tests.hazards.fire_weather.tables import CFFDRS, GOLDEN, agrees, number, rows


def ffmc(row):
    weather = (number(row[key]) for key in ("temp", "rh", "ws", "prec", "ffmc_yda"))
    return equations.fine_fuel_moisture_code(*weather, FFMC_CONSTANT)


def factors(row):
    """Without the latitude adjustment the tables use the Canadian day lengths everywhere."""
    return factors_at(float(row["lat"]) if row["lat.adjust"] == "TRUE" else 46.0, int(row["mon"]))


def dmc(row):
    weather = (number(row[key]) for key in ("temp", "rh", "prec", "dmc_yda"))
    return equations.duff_moisture_code(*weather, factors(row)[0])


def dc(row):
    weather = (number(row[key]) for key in ("temp", "prec", "dc_yda"))
    return equations.drought_code(*weather, factors(row)[1])


def isi(row):
    return equations.initial_spread_index(number(row["ffmc"]), number(row["ws"]), FFMC_CONSTANT)


def bui(row):
    return equations.buildup_index(number(row["dmc"]), number(row["dc"]))


def fwi(row):
    return equations.fire_weather_index(number(row["isi"]), number(row["bui"]))[0]


TABLES = [
    (ffmc, "fwi_ffmc.csv", "FineFuelMoistureCode"),
    (dmc, "fwi_dmc.csv", "DuffMoistureCode"),
    (dc, "fwi_dc.csv", "DroughtCode"),
    (isi, "fwi_isi.csv", "InitialSpreadIndex"),
    (bui, "fwi_bui.csv", "BuildupIndex"),
    (fwi, "fwi_fwi.csv", "FireWeatherIndex"),
]


def disagreements(table, code, column):
    found = [(code(row), row) for row in table]
    return [(value, row) for value, row in found if not agrees(value, number(row[column]))]


@pytest.mark.parametrize(("code", "golden", "column"), TABLES)
def test_the_bare_equation_gives_the_published_table_even_for_impossible_weather(code, golden, column):
    assert disagreements(rows(GOLDEN / golden), code, column) == []


@pytest.mark.parametrize(("code", "golden", "column"), TABLES)
def test_every_row_of_the_whole_reference_table_is_reproduced(code, golden, column, reference):
    table = [row for row in rows(reference / CFFDRS / f"{column}.csv") if row.get("fbpMod") != "TRUE"]
    assert len(table) > 1400
    assert disagreements(table, code, column) == []


def day(cells, seed=1985):
    """A random but possible day, doubles: weather, codes, latitude."""
    random = np.random.default_rng(seed)
    rain = np.where(random.random(cells) < 0.4, random.gamma(1, 6, cells), 0.0)
    weather = (random.normal(15, 12, cells), random.uniform(0, 100, cells), random.gamma(3, 6, cells), rain)
    codes = (random.uniform(0, 101, cells), random.gamma(2, 25, cells), random.gamma(2, 150, cells))
    return (*weather, *codes, random.uniform(-60, 70, cells))


def run(arrays, month=7):
    out = np.empty((7, arrays[0].size), arrays[0].dtype)
    equations.one_day(arrays, month_factors(month), FFMC_CONSTANT, tuple(out))
    return out


def test_the_fast_pass_gives_the_very_bytes_of_the_equations_one_by_one():
    arrays = day(700)
    found = run(arrays)
    for cell, (t, h, w, r, f, p, d, lat) in enumerate(zip(*arrays, strict=True)):
        length, factor = factors_at(lat, 7)
        today_f = equations.fine_fuel_moisture_code(t, h, w, r, f, FFMC_CONSTANT)
        today_p = equations.duff_moisture_code(t, h, r, p, length)
        today_d = equations.drought_code(t, r, d, factor)
        spread, buildup = equations.initial_spread_index(today_f, w, FFMC_CONSTANT), equations.buildup_index(today_p, today_d)
        expected = (today_f, today_p, today_d, spread, buildup, *equations.fire_weather_index(spread, buildup))
        assert tuple(found[:, cell]) == expected


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 699), max_size=4), st.sampled_from(["float32", "float64"]))
def test_however_the_cells_are_cut_into_chunks_the_bytes_are_the_same(cuts, dtype):
    arrays = tuple(array.astype(dtype) for array in day(700))
    pieces = [run(tuple(np.split(array, sorted(set(cuts)))[k] for array in arrays)) for k in range(len(set(cuts)) + 1)]
    assert np.concatenate(pieces, axis=1).tobytes() == run(arrays).tobytes()


def test_one_unknown_cell_leaves_its_neighbours_as_they_were():
    arrays = day(300)
    expected = run(arrays)
    for array in arrays[:7]:
        array[150] = np.nan
    found = run(arrays)
    assert np.isnan(found[:, 150]).all()
    assert np.delete(found, 150, axis=1).tobytes() == np.delete(expected, 150, axis=1).tobytes()


temperatures = st.floats(-40, 50)
humidities = st.floats(0, 100)
winds = st.floats(0, 150)
rains = st.floats(0, 300)
ffmcs = st.floats(0, 101)


@settings(max_examples=200, deadline=None)
@given(temperatures, humidities, winds, rains, ffmcs)
def test_possible_weather_always_gives_an_ffmc_from_0_to_101(t, h, w, r, yesterday):
    assert 0 <= equations.fine_fuel_moisture_code(t, h, w, r, yesterday, FFMC_CONSTANT) <= 101


@settings(max_examples=200, deadline=None)
@given(temperatures, humidities, rains, st.floats(0, 500), st.floats(0, 1500))
def test_possible_weather_never_gives_a_negative_deep_code(t, h, r, duff, drought):
    assert equations.duff_moisture_code(t, h, r, duff, 6.5) >= 0
    assert equations.drought_code(t, r, drought, -1.6) >= 0


@settings(max_examples=100, deadline=None)
@given(ffmcs, winds, st.floats(0.1, 20), st.floats(0, 300))
def test_more_wind_never_lowers_the_fire_weather_index(code, wind, more, buildup):
    calm = equations.initial_spread_index(code, wind, FFMC_CONSTANT)
    windy = equations.initial_spread_index(code, wind + more, FFMC_CONSTANT)
    assert windy > calm
    assert equations.fire_weather_index(windy, buildup)[0] >= equations.fire_weather_index(calm, buildup)[0]

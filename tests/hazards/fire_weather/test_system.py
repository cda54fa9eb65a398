import numpy as np
import pytest

from pipeline.hazards.fire_weather.system import (
    COLD_START,
    FFMC_CONSTANT_1985,
    Codes,
    Spread,
    Weather,
    advance,
    exclusion,
    fwi_spread,
)
from tests.hazards.fire_weather.tables import CFFDRS, GOLDEN, agrees, number, rows

COLUMNS = ("FFMC", "DMC", "DC", "ISI", "BUI", "FWI", "DSR")


def start(shape, dtype="float64"):
    return Codes(*(np.full(shape, value, dtype) for value in COLD_START.values()))


def series(weather_rows, code_rows):
    """Yield (found, expected) of each day of a table of one place."""
    yesterday = start(1)
    for row, expected in zip(weather_rows, code_rows, strict=True):
        weather = Weather(*(np.array([number(row[key])]) for key in ("TEMP", "RH", "WS", "PREC")))
        today = advance(weather, yesterday, np.array([number(row["LAT"])]), int(row["MON"]))
        yield [float(value[0]) for value in today], [number(expected[key]) for key in COLUMNS]
        yesterday = Codes(*today[:3])


def test_the_48_days_of_van_wagner_are_reproduced_in_all_seven_numbers():
    table = rows(GOLDEN / "fwi_series.csv")
    days = list(series(table, table))
    assert len(days) == 48
    assert all(agrees(a, b) for found, expected in days for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", ["fwi_01.csv", "fwi_02.csv", "fwi_03.csv"])
def test_the_reference_series_are_reproduced(name, reference):
    weather = rows(reference / CFFDRS / "fwi_01.csv")
    days = list(series(weather, rows(reference / CFFDRS / name)))
    assert all(agrees(a, b) for found, expected in days for a, b in zip(found, expected, strict=True))


def test_the_first_input_table_leads_to_the_first_output_table(reference):
    lines = (reference / CFFDRS / "test_fwi.csv").read_text().replace(";", ",").splitlines()
    header = lines[0].upper().split(",")
    weather = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    days = list(series(weather, rows(reference / CFFDRS / "fwi_01.csv")))
    assert all(agrees(a, b) for found, expected in days for a, b in zip(found, expected, strict=True))


def month_of_weather(cells=200, days=31, dtype="float64"):
    random = np.random.default_rng(2024)
    shape = (days, cells)
    rain = np.where(random.random(shape) < 0.3, random.gamma(1, 6, shape), 0.0)
    weather = (random.normal(18, 8, shape), random.uniform(5, 100, shape), random.gamma(3, 5, shape), rain)
    return [Weather(*(array[day].astype(dtype) for array in weather)) for day in range(days)]


def test_a_month_equals_xclim_within_1e_6_with_the_constant_of_1985():
    xr, pd = pytest.importorskip("xarray"), pytest.importorskip("pandas")
    fire = pytest.importorskip("xclim.indices.fire")
    days = month_of_weather()
    latitude = np.linspace(31.0, 70.0, 200)  # where xclim's bands of latitude are the same as ours
    time = pd.date_range("2024-07-01", periods=len(days))
    stacked = [xr.DataArray(np.stack(array), dims=("time", "x"), coords={"time": time}) for array in zip(*days, strict=True)]
    codes = {f"{name}0": xr.DataArray(np.full(200, value), dims="x") for name, value in COLD_START.items()}
    names = [name for name in COLUMNS if name != "DSR"]
    expected = fire.fire_weather_ufunc(
        tas=stacked[0], hurs=stacked[1], sfcWind=stacked[2], pr=stacked[3], **codes,
        lat=xr.DataArray(latitude, dims="x"), indexes=[*names, "DSR"], season_method=None,
    )  # fmt: skip
    yesterday = start(200)
    for number_of_day, weather in enumerate(days):
        today = advance(weather, yesterday, latitude, 7, FFMC_CONSTANT_1985)
        for name, found in zip(COLUMNS, today, strict=True):
            reference = expected[name].isel(time=number_of_day).transpose("x").values
            np.testing.assert_allclose(found, reference, atol=1e-6, rtol=1e-9, err_msg=f"{name}, day {number_of_day}")
        yesterday = Codes(*today[:3])


def test_a_restart_from_stored_codes_equals_the_continuous_run(tmp_path):
    days = month_of_weather(dtype="float32")
    latitude = np.full(200, 50.0)

    def run(codes, some):
        for weather in some:
            codes = Codes(*advance(weather, codes, latitude, 4)[:3])
        return codes

    halfway = run(start(200, "float32"), days[:15])
    np.savez(tmp_path / "state.npz", *halfway)
    with np.load(tmp_path / "state.npz") as stored:
        restarted = run(Codes(*stored.values()), days[15:])
    continuous = run(start(200, "float32"), days)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(restarted, continuous, strict=True))


def cells(*values):
    return np.array(values, "float32")


def test_each_kind_of_cell_that_cannot_be_known_has_its_own_class():
    weather = Weather(
        temperature=cells(20, np.nan, 20, 20, 20, 99, 20),
        humidity=cells(40, 40, 101, 40, 40, 40, -10),
        wind=cells(10, 10, 10, -1, 10, 10, 10),
        rain=cells(0, -10, 0, 0, -0.1, 0, 0),
    )
    yesterday = Codes(*(np.full(7, value, "float32") for value in (85, 6, 15)))
    assert exclusion(weather, yesterday).tolist() == [0, 1, 2, 2, 2, 2, 2]


def test_codes_that_are_missing_or_impossible_exclude_a_cell():
    weather = Weather(cells(20, 20, 20, 20), cells(40, 40, 40, 40), cells(10, 10, 10, 10), cells(0, 0, 0, 0))
    yesterday = Codes(cells(85, np.nan, 85, 102), cells(6, 6, -1, 6), cells(15, 15, 15, 15))
    assert exclusion(weather, yesterday).tolist() == [0, 3, 3, 3]


def spread_of(**changes):
    spread = Spread(**{"temperature": 0.0, "humidity": 0.0, "wind": 0.0, "rain": 0.0, **changes})
    weather = Weather(*(np.array([value]) for value in (25.0, 30.0, 20.0, 0.0)))
    codes = Codes(*(np.array([value]) for value in (90.0, 40.0, 300.0)))
    return float(fwi_spread(weather, codes, np.array([50.0]), 7, spread)[0])


def test_exact_weather_has_no_spread():
    assert spread_of() == 0.0


def test_independent_errors_add_in_squares():
    parts = [spread_of(temperature=1.5), spread_of(humidity=10.0), spread_of(wind=5.0)]
    assert all(part > 0.1 for part in parts)
    assert spread_of(temperature=1.5, humidity=10.0, wind=5.0) == pytest.approx(np.hypot(np.hypot(*parts[:2]), parts[2]))


def test_a_small_error_of_the_wind_spreads_as_the_derivative_says():
    # ISI grows by exp(0.05039 W); the FWI of ISI is smooth here, so that halving the error halves the spread.
    assert spread_of(wind=1.0) == pytest.approx(2 * spread_of(wind=0.5), rel=1e-3)

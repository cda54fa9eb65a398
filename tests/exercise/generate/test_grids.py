from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipeline.exercise.generate import grids, weather
from pipeline.exercise.scenario import Cycle, WeatherGrid, load
from pipeline.feeds.grib_decode import to_dataset
from pipeline.feeds.grib_index import distinct, parse_idx
from pipeline.feeds.grib_messages import read_messages

START = datetime(2024, 4, 5, tzinfo=UTC)


def grid() -> WeatherGrid:
    found = load("zhaiyk-2024").weather
    assert found is not None
    return found


def cycle(model: str = "gfs", day: int = 5, last: int = 30) -> dict[str, bytes]:
    news = Cycle.model_validate(
        {"what": "cycle", "at": "2024-05-01", "cycle": f"2024-04-{day:02d}", "model": model, "last": last}
    )
    return grids.cycle_files(news, grid(), 1)


@pytest.fixture(scope="module")
def gfs() -> dict[str, bytes]:
    return cycle()


def decoded(files: dict[str, bytes], suffix: str = "") -> xr.Dataset:
    data = b"".join(data for path, data in sorted(files.items()) if data[:4] == b"GRIB" and path.endswith(suffix))
    return to_dataset(read_messages(data, "cycle"), "cycle", None)


def test_files_lie_where_noaa_puts_them(gfs: dict[str, bytes]) -> None:
    base = "noaa-gfs-bdp-pds.s3.amazonaws.com/gfs.20240405/00/atmos/gfs.t00z.pgrb2.0p25."
    assert {path.removeprefix(base) for path in gfs} == {f"f{h:03d}{s}" for h in range(0, 31, 3) for s in ("", ".idx")}


def test_every_index_entry_is_one_whole_message(gfs: dict[str, bytes]) -> None:
    path = next(path for path in gfs if path.endswith("f012"))
    for record in parse_idx(gfs[f"{path}.idx"].decode()):
        message = gfs[path][record.start : record.end]
        assert (message[:4], message[-4:]) == (b"GRIB", b"7777")


def test_rain_comes_in_six_hour_buckets_and_in_total_and_twice_at_first(gfs: dict[str, bytes]) -> None:
    def rain(step: int) -> list[str]:
        (text,) = (data.decode() for path, data in gfs.items() if path.endswith(f"f{step:03d}.idx"))
        return [r.period for r in parse_idx(text) if r.key == "APCP:surface"]

    assert rain(0) == []
    assert rain(6) == ["0-6 hour acc fcst", "0-6 hour acc fcst"]
    assert rain(9) == ["6-9 hour acc fcst", "0-9 hour acc fcst"]
    assert rain(24) == ["18-24 hour acc fcst", "0-1 day acc fcst"]
    assert rain(30) == ["24-30 hour acc fcst", "0-30 hour acc fcst"]


def test_the_words_are_those_of_a_recorded_index(gfs: dict[str, bytes], reference: Path) -> None:
    recorded = (reference / "hydromet/idx/gfs_0p25_f006_excerpt.idx").read_text()
    (ours,) = (data.decode() for path, data in gfs.items() if path.endswith("f006.idx"))
    for key in ("TMP:2 m above ground", "APCP:surface"):
        (real,) = (r for r in distinct(parse_idx(recorded)) if r.key == key)
        assert real.period in {r.period for r in parse_idx(ours) if r.key == key}


def test_values_are_plausible_and_marked_as_a_test(gfs: dict[str, bytes]) -> None:
    found = decoded(gfs)
    assert found.attrs["synthetic"] == 1
    assert found.sizes["latitude"] == 49
    assert found.sizes["longitude"] == 109
    assert 255 < float(found.air_temperature.min()) < float(found.air_temperature.max()) < 315
    assert 1 <= float(found.relative_humidity.min()) < float(found.relative_humidity.max()) <= 100
    assert float(np.hypot(found.eastward_wind, found.northward_wind).max()) < 20
    assert float(found.precipitation_amount.min()) >= 0


def test_rain_adds_up_to_what_was_generated(gfs: dict[str, bytes]) -> None:
    found = decoded(gfs)
    fallen = weather.rain(grid(), 1, START, 30)
    total = found.precipitation_amount.sum("time").values
    np.testing.assert_allclose(total, fallen[30], atol=0.01)


def test_one_cycle_continues_the_other() -> None:
    later = weather.weather(grid(), 1, START.replace(day=6), 9)
    forecast = weather.weather(grid(), 1, START, 33)
    assert np.abs(later.temperature - forecast.temperature).max() < 1.5
    assert np.abs(later.temperature - forecast.temperature).max() > 0


def test_it_grows_hotter_drier_and_windier_in_the_front_from_day_to_day() -> None:
    longitude, latitude = weather.axes(grid())
    row, column = int(np.abs(latitude - grid().centre[1]).argmin()), int(np.abs(longitude - grid().centre[0]).argmin())
    noons = [weather.weather(grid(), 1, START.replace(day=day), 9) for day in range(5, 10)]
    heat = [noon.temperature[row, column] for noon in noons]
    humidity = [noon.relative_humidity[row, column] for noon in noons]
    speed = [np.hypot(noon.eastward_wind, noon.northward_wind)[row, column] for noon in noons]
    assert np.diff(heat).min() > -0.5
    assert np.diff(humidity).max() < 2
    assert np.diff(speed).min() > -0.5
    assert heat[-1] - heat[0] > 6
    assert humidity[-1] < 20 < 30 < humidity[0]
    assert speed[-1] > 10 > 6 > speed[0]


def test_ecmwf_s_flavour_has_metres_of_rain_and_an_index_in_json() -> None:
    files = cycle("ecmwf", last=6)
    (index,) = (data for path, data in files.items() if path.endswith("20240405000000-6h-oper-fc.index"))
    records = parse_idx(index.decode())
    assert {record.key for record in records} == {"msl:sfc", "2t:sfc", "2d:sfc", "10u:sfc", "10v:sfc", "tp:sfc"}
    found = decoded(files, ".grib2")
    assert found.precipitation_amount.attrs["units"] == "kg m-2"
    np.testing.assert_allclose(found.precipitation_amount.sum("time").values, weather.rain(grid(), 1, START, 6)[6], atol=0.01)


def test_the_same_cycle_has_the_same_bytes(gfs: dict[str, bytes]) -> None:
    assert cycle() == gfs

"""GRIB by index: only what is wanted, each message once and accounted for, totals made amounts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import grib_library
from pipeline.feeds.grib import GribIndexFeed
from pipeline.feeds.grib_index import distinct, merged, parse_idx
from pipeline.feeds.grib_library import eccodes
from pipeline.feeds.grib_messages import read_messages, spans
from pipeline.feeds.protocol import Rejected
from pipeline.grid import geobox_of
from pipeline.model import Granule, Window
from tests.feeds.served import Reply, Site, site  # noqa: F401

CYCLE = datetime(2024, 4, 5, 0, tzinfo=UTC)
DAY = Window(CYCLE, CYCLE + timedelta(days=1))
GFS = GribIndexFeed(
    "gfs",
    "https://gfs.example.org",
    model="gfs",
    centre="kwbc",
    path="gfs.{date}/{hour}/atmos/gfs.t{hour}z.pgrb2.0p25.f{step:03d}",
    steps=(3, 6),
    messages=("TMP:2 m above ground", "APCP:surface"),
)
ECMWF = GribIndexFeed(
    "ecmwf_open",
    "https://ecmwf.example.org",
    model="ecmwf",
    centre="ecmf",
    index="ecmwf",
    path="{date}/{hour}z/ifs/0p25/oper/{date}{hour}0000-{step}h-oper-fc.grib2",
    cycles=(0, 12),
    steps={"first": 3, "last": 6, "every": 3},
    messages=("2t:sfc", "tp:sfc"),
)
GRANULE = Granule("gfs", "gfs-2024040500", start=CYCLE)
ROWS, COLUMNS = 5, 8


def message(name: str = "2t", start: int = 6, end: int = 6, values: Any = None, centre: str = "kwbc", **keys: Any) -> bytes:
    """Return one message on a small grid, 50..46 N, 56..63 E by default; `keys` are set as they stand."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    try:
        settings: dict[str, Any] = {
            "centre": centre,
            "dataDate": 20240405,
            "dataTime": 0,
            "Ni": COLUMNS,
            "Nj": ROWS,
            "latitudeOfFirstGridPointInDegrees": 50,
            "latitudeOfLastGridPointInDegrees": 46,
            "longitudeOfFirstGridPointInDegrees": 56,
            "longitudeOfLastGridPointInDegrees": 63,
            "iDirectionIncrementInDegrees": 1,
            "jDirectionIncrementInDegrees": 1,
            **({"productDefinitionTemplateNumber": 8} if start != end else {}),
            "shortName": name,
            **({"stepRange": f"{start}-{end}"} if start != end else {"step": end}),
            "bitsPerValue": 24,
            **keys,
        }
        for key, value in settings.items():
            eccodes.codes_set(handle, key, value)
        size = settings["Ni"] * settings["Nj"]
        eccodes.codes_set_values(handle, np.broadcast_to(280.0 if values is None else values, (size,)).astype(float))
        found: bytes = eccodes.codes_get_message(handle)
        return found
    finally:
        eccodes.codes_release(handle)


def rain(start: int, end: int, amount: float, **keys: Any) -> bytes:
    return message("tp", start, end, amount, **keys)


def decoded(*messages: bytes, feed: GribIndexFeed = GFS, geobox: GeoBox | None = None) -> xr.Dataset:
    return feed.decode(b"".join(messages), GRANULE, geobox)


def hours(coordinate: xr.DataArray) -> list[float]:
    found = (coordinate.values - np.datetime64("2024-04-05T00", "ns")) / np.timedelta64(1, "h")
    return [float(value) for value in found]


# Index


@pytest.mark.parametrize(
    ("name", "records", "different"),
    [
        ("ecmwf_open_data_excerpt.index", 4, 4),
        ("gfs_0p25_f006_excerpt.idx", 9, 9),
        ("gefs_atmos_f006_excerpt.idx", 8, 8),
        ("gfs_0p25_apcp_buckets.idx", 15, 9),
    ],
)
def test_recorded_indices_have_the_right_counts(reference: Path, name: str, records: int, different: int) -> None:
    found = parse_idx((reference / "hydromet/idx" / name).read_text())
    assert (len(found), len(distinct(found))) == (records, different)
    (rejected,) = GFS.split((reference / "hydromet/idx" / name).read_bytes(), name)
    assert isinstance(rejected, Rejected)
    assert f"{records} messages ({different} distinct)" in rejected.reason


def test_recorded_indices_cut_within_a_line_are_malformed(reference: Path) -> None:
    random = Random(6)
    for path in sorted((reference / "hydromet/idx").iterdir()):
        text = path.read_text()
        for place in (random.randrange(len(text)) for _ in range(50)):
            if text[:place].endswith("\n"):
                assert len(parse_idx(text[:place])) < len(parse_idx(text))
                continue
            with pytest.raises(FeedMalformed):
                parse_idx(text[:place])


def test_a_record_ends_where_the_next_begins_and_the_last_at_the_end_of_the_file() -> None:
    text = "1:0:d=2024040500:TMP:2 m above ground:3 hour fcst:\n2:100:d=2024040500:RH:2 m above ground:3 hour fcst:\n"
    first, last = parse_idx(text)
    assert (first.start, first.end, first.key) == (0, 100, "TMP:2 m above ground")
    assert (last.start, last.end) == (100, None)


def test_a_member_is_told_by_the_suffix_and_parts_of_one_message_share_its_bytes() -> None:
    text = "1.1:0:d=2024040500:UGRD:10 m:anl:ENS=+3\n1.2:0:d=2024040500:VGRD:10 m:anl:ENS=+3\n2:70:d=2024040500:T:x:anl:\n"
    u, v, t = parse_idx(text)
    assert (u.member, v.member, t.member) == (3, 3, None)
    assert (u.start, u.end) == (v.start, v.end) == (0, 70)


def test_an_ecmwf_record_names_level_member_and_its_own_length(reference: Path) -> None:
    found = parse_idx((reference / "hydromet/idx/ecmwf_open_data_excerpt.index").read_text())
    assert found[2].key == "10u:sfc" and found[2].member == 18 and found[2].end == 609069


@pytest.mark.parametrize(
    "text",
    ["", "\n", "1:0:d=2024040500:TMP\n", "1:5:d=2024040500:T:x:anl:\n2:3:d=2024040500:T:x:anl:\n", "{}\n", "{\n", "x\n"],
)
def test_what_is_no_index_is_malformed(text: str) -> None:
    with pytest.raises(FeedMalformed):
        parse_idx(text)


def test_near_neighbours_are_fetched_in_one_range() -> None:
    text = "".join(f"{n}:{place}:d=2024040500:T{n}:x:anl:\n" for n, place in enumerate((0, 100, 200, 10**6, 2 * 10**6), 1))
    first, second, third, far, last = parse_idx(text)
    assert merged([first, second]) == [(0, 200)]
    assert merged([third, first]) == [(0, 10**6)]
    assert merged([first, far]) == [(0, 100), (10**6, 2 * 10**6)]
    assert merged([first, last]) == [(0, 100), (2 * 10**6, None)]


# Discover and fetch


def gfs_files(site: Site, *steps: int, hour: int = 0) -> dict[str, bytes]:  # noqa: F811
    """Serve steps of a cycle as NOAA does: unwanted messages between wanted ones, a total of rain twice."""
    parts: dict[str, bytes] = {}
    for step in steps:
        time = {"dataTime": hour * 100}
        held = [
            ("PRMSL:mean sea level", f"{step} hour fcst", message("prmsl", step, step, 1e5, **time)),
            ("TMP:2 m above ground", f"{step} hour fcst", message("2t", step, step, 270.0 + step, **time)),
            ("APCP:surface", f"0-{step} hour acc fcst", rain(0, step, float(step), **time)),
            ("APCP:surface", f"0-{step} hour acc fcst", rain(0, step, float(step), **time)),
            ("RH:2 m above ground", f"{step} hour fcst", message("2r", step, step, 50.0, **time)),
        ]
        path = f"/gfs.example.org/gfs.20240405/{hour:02d}/atmos/gfs.t{hour:02d}z.pgrb2.0p25.f{step:03d}"
        lines, place = [], 0
        for number, (key, period, data) in enumerate(held, 1):
            lines.append(f"{number}:{place}:d=20240405{hour:02d}:{key}:{period}:\n")
            place += len(data)
        site.files[path] = parts[path] = b"".join(data for _, _, data in held)
        site.files[f"{path}.idx"] = "".join(lines).encode()
    return parts


def test_a_cycle_is_offered_once_the_index_of_its_last_step_is_there(site: Site) -> None:  # noqa: F811
    gfs_files(site, 3, 6)
    gfs_files(site, 3, hour=6)
    (granule,) = GFS.discover(DAY, None)
    assert isinstance(granule, Granule)
    assert (granule.id, granule.start, granule.end) == ("gfs-2024040500", CYCLE, CYCLE + timedelta(hours=6))


def test_an_index_that_cannot_be_read_is_malformed_not_a_missing_cycle(site: Site) -> None:  # noqa: F811
    for path in gfs_files(site, 3, 6):
        site.files[f"{path}.idx"] = b"<html>maintenance</html>"
    with pytest.raises(FeedMalformed):
        list(GFS.discover(DAY, None))


def test_a_server_error_is_not_a_missing_cycle(site: Site) -> None:  # noqa: F811
    path = next(iter(gfs_files(site, 6)))
    site.handlers[f"{path}.idx"] = lambda _: Reply(status=503, headers={"Retry-After": "7"})
    with pytest.raises(FeedUnavailable) as error:
        list(GFS.discover(DAY, None))
    assert error.value.retry_after == 7


def test_only_wanted_messages_are_fetched_each_once_in_one_range_per_neighbourhood(site: Site) -> None:  # noqa: F811
    gfs_files(site, 3, 6)
    data = GFS.fetch(GRANULE).data
    found = [(m.variable, m.end // timedelta(hours=1)) for m in read_messages(data, "x")]
    assert found == [
        ("air_temperature", 3),
        ("precipitation_amount", 3),
        ("air_temperature", 6),
        ("precipitation_amount", 6),
    ]
    ranges = [asked.byte_range for asked in site.asked if not asked.path.endswith(".idx")]
    assert len(ranges) == 2 and None not in ranges


def test_ecmwf_files_are_fetched_by_their_own_index(site: Site) -> None:  # noqa: F811
    for step in (3, 6):
        held = [("msl", message("msl", step, step, 1e5, "ecmf")), ("2t", message("2t", step, step, 280.0, "ecmf"))]
        held.append(("tp", rain(0, step, step / 1000, centre="ecmf")))
        path, place, lines = f"/ecmwf.example.org/20240405/00z/ifs/0p25/oper/20240405000000-{step}h-oper-fc", 0, []
        for name, data in held:
            entry = {"date": "20240405", "time": "0000", "step": str(step), "levtype": "sfc", "param": name}
            lines.append(json.dumps({**entry, "_offset": place, "_length": len(data)}) + "\n")
            place += len(data)
        site.files[f"{path}.grib2"] = b"".join(data for _, data in held)
        site.files[f"{path}.index"] = "".join(lines).encode()
    (granule,) = ECMWF.discover(DAY, None)
    assert isinstance(granule, Granule)
    dataset = ECMWF.decode(ECMWF.fetch(granule).data, granule)
    assert sorted(map(str, dataset.data_vars)) == ["air_temperature", "precipitation_amount"]


def test_a_missing_step_and_a_missing_message_are_unavailable(site: Site) -> None:  # noqa: F811
    paths = list(gfs_files(site, 3, 6))
    lines = site.files[f"{paths[1]}.idx"].decode().splitlines(keepends=True)
    site.files[f"{paths[1]}.idx"] = lines[0].encode()
    with pytest.raises(FeedUnavailable, match="does not name"):
        GFS.fetch(GRANULE)
    del site.files[f"{paths[1]}.idx"]
    with pytest.raises(FeedUnavailable, match="404"):
        GFS.fetch(GRANULE)


def test_at_step_0_no_rain_is_needed(site: Site) -> None:  # noqa: F811
    path = "/gfs.example.org/gfs.20240405/00/atmos/gfs.t00z.pgrb2.0p25.f000"
    site.files[path] = message("2t", 0, 0, 270.0)
    site.files[f"{path}.idx"] = b"1:0:d=2024040500:TMP:2 m above ground:anl:\n"
    assert GFS.__class__(**{**GFS.__dict__, "steps": (0,)}).fetch(GRANULE).data == site.files[path]


def test_an_index_of_another_file_is_malformed(site: Site) -> None:  # noqa: F811
    path = next(iter(gfs_files(site, 3, 6)))
    site.files[path] = b"\n" + site.files[path]
    with pytest.raises(FeedMalformed, match=r"GRIB|7777"):
        GFS.fetch(GRANULE)


def test_an_index_of_another_cycle_is_malformed(site: Site) -> None:  # noqa: F811
    for path in gfs_files(site, 3, 6):
        site.files[f"{path}.idx"] = site.files[f"{path}.idx"].replace(b"d=2024040500", b"d=2024040418")
    with pytest.raises(FeedMalformed, match="cycle"):
        GFS.fetch(GRANULE)


def test_a_server_that_ignores_ranges_is_malformed(site: Site) -> None:  # noqa: F811
    for path, body in gfs_files(site, 3, 6).items():
        site.handlers[path] = lambda _, body=body: Reply(body)  # type: ignore[misc]
    with pytest.raises(FeedMalformed, match="Content-Range"):
        GFS.fetch(GRANULE)


def test_a_redirect_to_a_private_address_is_refused(site: Site) -> None:  # noqa: F811
    path = next(iter(gfs_files(site, 3, 6)))
    site.handlers[path] = lambda _: Reply(status=302, headers={"Location": "https://10.0.0.8/x"})
    with pytest.raises(FeedRefused):
        GFS.fetch(GRANULE)


# Decode


def test_messages_have_cf_names_and_units() -> None:
    names = {"2t": 280.0, "2d": 275.0, "2r": 50.0, "10u": 3.0, "10v": -2.0}
    dataset = decoded(*(message(name, values=value) for name, value in names.items()), rain(0, 6, 4.0))
    units = {name: array.attrs["units"] for name, array in dataset.data_vars.items()}
    assert units == {
        "air_temperature": "K",
        "dew_point_temperature": "K",
        "relative_humidity": "%",
        "eastward_wind": "m s-1",
        "northward_wind": "m s-1",
        "precipitation_amount": "kg m-2",
    }
    assert float(dataset.northward_wind[0, 0, 0]) == pytest.approx(-2.0, abs=1e-5)
    assert dataset.air_temperature.dims == ("time", "latitude", "longitude")


def test_metres_of_water_become_kg_m_2() -> None:
    found = decoded(message("tp", 0, 6, 0.0125, "ecmf"), feed=ECMWF)
    assert found.precipitation_amount.attrs["units"] == "kg m-2"
    np.testing.assert_allclose(found.precipitation_amount.values, 12.5, rtol=1e-4)


def test_times_name_the_cycle_the_lead_and_the_valid_time() -> None:
    dataset = decoded(message(end=9, start=9), message(end=3, start=3))
    assert hours(dataset.time) == [3, 9]
    assert list(dataset.lead.values) == [3, 9]
    assert dataset.reference_time.values == np.datetime64("2024-04-05", "ns")


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        ({(0, 3): 1, (0, 6): 3, (0, 9): 3}, [(0, 3, 1), (3, 6, 2), (6, 9, 0)]),
        ({(0, 3): 1, (0, 6): 3, (6, 9): 4, (6, 12): 9}, [(0, 3, 1), (3, 6, 2), (6, 9, 4), (9, 12, 5)]),
        ({(0, 3): 1, (3, 6): 2, (0, 6): 3}, [(0, 3, 1), (3, 6, 2)]),
        ({(0, 3): 1, (3, 6): 2, (0, 9): 7}, [(0, 3, 1), (3, 6, 2), (6, 9, 4)]),
        ({(0, 3): 1, (0, 6): 3, (6, 9): 2, (0, 12): 9}, [(0, 3, 1), (3, 6, 2), (6, 9, 2), (9, 12, 4)]),
        ({(0, 6): 3, (12, 18): 5}, [(0, 6, 3), (12, 18, 5)]),
    ],
    ids=["since the cycle", "buckets of 6 h", "both", "total after steps", "total after buckets", "gap"],
)
def test_totals_become_amounts_of_consecutive_intervals(intervals: dict[Any, float], expected: list[Any]) -> None:
    found = decoded(*(rain(*interval, float(total)) for interval, total in intervals.items())).precipitation_amount
    amounts = found.isel(latitude=0, longitude=0).values.round(4).tolist()
    assert list(zip(hours(found.start), hours(found.time), amounts, strict=True)) == expected


def test_totals_that_overlap_and_cannot_be_told_apart_are_malformed() -> None:
    with pytest.raises(FeedMalformed, match="cannot be told apart"):
        decoded(rain(0, 6, 3.0), rain(3, 9, 4.0))


def test_packing_makes_no_negative_rain_and_a_falling_total_is_unknown() -> None:
    first = np.linspace(10.0, 10.5, ROWS * COLUMNS)
    second = first - 0.05
    second[0] = 2.0
    found = decoded(rain(0, 3, first), rain(0, 6, second)).precipitation_amount.isel(time=1).values  # type: ignore[arg-type]
    assert np.isnan(found[0, 0])
    assert np.nansum(np.abs(found)) == 0


def test_at_times_without_a_message_a_variable_is_unknown() -> None:
    dataset = decoded(message(end=0, start=0), message(), rain(0, 6, 4.0))
    assert np.isnat(dataset.start.values[0]) and np.isnan(dataset.precipitation_amount[0]).all()
    assert np.isfinite(dataset.air_temperature).all()


def test_missing_values_of_a_bitmap_are_unknown() -> None:
    values = np.full(ROWS * COLUMNS, 280.0)
    values[3] = 9999
    found = decoded(message(values=values, bitmapPresent=1, missingValue=9999)).air_temperature.values
    assert np.isnan(found[0, 0, 3]) and np.isnan(found).sum() == 1


def scans() -> Iterator[tuple[str, dict[str, int], np.ndarray[Any, Any]]]:
    field = np.arange(ROWS * COLUMNS, dtype=float).reshape(ROWS, COLUMNS)
    yield "north first", {}, field
    south = {"jScansPositively": 1, "latitudeOfFirstGridPointInDegrees": 46, "latitudeOfLastGridPointInDegrees": 50}
    yield "south first", south, field[::-1]
    east = {"iScansNegatively": 1, "longitudeOfFirstGridPointInDegrees": 63, "longitudeOfLastGridPointInDegrees": 56}
    yield "east first", east, field[:, ::-1]
    yield "by columns", {"jPointsAreConsecutive": 1}, field.T
    boustrophedon = field.copy()
    boustrophedon[1::2] = boustrophedon[1::2, ::-1]
    yield "alternating rows", {"alternativeRowScanning": 1}, boustrophedon


@pytest.mark.parametrize(("keys", "coded"), [case[1:] for case in scans()], ids=[case[0] for case in scans()])
def test_every_scanning_order_gives_the_same_field(keys: dict[str, int], coded: np.ndarray[Any, Any]) -> None:
    found = decoded(message(values=coded.ravel(), **keys)).air_temperature
    np.testing.assert_allclose(found[0].values, np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS), atol=1e-4)
    assert found.latitude.values.tolist() == [50, 49, 48, 47, 46]
    assert found.longitude.values.tolist() == [56, 57, 58, 59, 60, 61, 62, 63]


def globe() -> bytes:
    """Return the longitude (0..350) of every cell of a coarse global grid as a field."""
    keys = {
        "Ni": 36,
        "Nj": 19,
        "latitudeOfFirstGridPointInDegrees": 90,
        "latitudeOfLastGridPointInDegrees": -90,
        "longitudeOfFirstGridPointInDegrees": 0,
        "longitudeOfLastGridPointInDegrees": 350,
        "iDirectionIncrementInDegrees": 10,
        "jDirectionIncrementInDegrees": 10,
    }
    return message(values=np.tile(np.arange(0.0, 360.0, 10.0), 19), **keys)


def test_longitudes_run_from_180_west_to_180_east() -> None:
    found = decoded(globe()).air_temperature
    assert found.longitude.values[[0, 17, 18, 35]].tolist() == [-180, -10, 0, 170]
    np.testing.assert_allclose(found[0, 5].values % 360, found.longitude.values % 360, atol=1e-3)
    assert geobox_of(found).boundingbox.bbox == (-185, -95, 175, 95)


def test_only_the_box_is_unpacked() -> None:
    found = decoded(globe(), feed=replace(GFS, bounds=(44, 33, 98, 57))).air_temperature
    assert found.latitude.values.tolist() == [60, 50, 40, 30]
    assert found.longitude.values.tolist() == [40, 50, 60, 70, 80, 90, 100]


def test_a_box_beyond_the_grid_is_malformed() -> None:
    with pytest.raises(FeedMalformed, match="no two cells"):
        decoded(message(), feed=replace(GFS, bounds=(0, 0, 10, 10)))


def test_a_target_grid_is_interpolated_to() -> None:
    field = np.tile(np.arange(8.0), ROWS)
    target = GeoBox((8, 8), Affine(0.25, 0, 58.0, 0, -0.25, 49.0), "EPSG:4326")
    found = decoded(message(values=field), rain(0, 6, 3.0), geobox=target)
    assert geobox_of(found.air_temperature) == target
    np.testing.assert_allclose(found.air_temperature[0, 0].values, found.longitude.values - 56, atol=1e-4)
    assert hours(found.precipitation_amount.start) == [0]


def test_members_are_a_dimension() -> None:
    keys = {"productDefinitionTemplateNumber": 1, "numberOfForecastsInEnsemble": 3}
    parts = [message(values=280.0 + n, **keys, number=n) for n in (1, 2, 3)]
    found = decoded(*parts).air_temperature
    assert found.dims == ("time", "member", "latitude", "longitude")
    np.testing.assert_allclose(found[0, :, 0, 0].values, [281, 282, 283], atol=1e-3)


def test_repeated_messages_are_counted_and_unknown_ones_listed() -> None:
    unknown = message(parameterCategory=191, parameterNumber=200)
    dataset = decoded(message(), message(), unknown)
    assert (dataset.attrs["messages"], dataset.attrs["duplicates"]) == (3, 1)
    (ignored,) = dataset.attrs["ignored"]
    assert "unknown parameter" in ignored


def test_a_test_product_is_synthetic() -> None:
    assert decoded(message(productionStatusOfProcessedData=1)).attrs["synthetic"] == 1
    assert decoded(message()).attrs["synthetic"] == 0


def test_nothing_is_unpacked_until_it_is_asked_for() -> None:
    dataset = decoded(message(), rain(0, 3, 1.0), rain(0, 6, 2.0))
    assert all(array.chunks is not None for array in dataset.data_vars.values())


def test_ecCodes_may_be_loaded_before_anything_else() -> None:
    code = f"import runpy; runpy.run_path({grib_library.__file__!r}); import pyproj; pyproj.CRS('EPSG:4326')"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("data", [b"", b"<html>", b"GRIB", b"GRIB\0\0\0\x02" + b"\0" * 20, b"GRIB\0\0\0\x09" + b"\0" * 99])
def test_what_is_no_grib_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        GFS.decode(data, GRANULE)
    with pytest.raises(FeedMalformed):
        list(GFS.split(data, "x"))


def test_bytes_between_messages_are_malformed_and_padding_is_not() -> None:
    with pytest.raises(FeedMalformed, match="expected GRIB"):
        decoded(message(), b"bulletin", message(end=9, start=9))
    padded = message() + b"\0" * (-len(message()) % 120)
    assert len(list(spans(padded + padded, "x"))) == 2
    with pytest.raises(FeedMalformed, match="within padding"):
        list(spans(padded[:-1], "x"))


def test_a_file_of_two_cycles_is_two_granules_named_by_centre() -> None:
    data = message() + message(dataTime=600) + message(centre="ecmf")
    found = [part for part in GFS.split(data, "x.grib2") if not isinstance(part, Rejected)]
    assert [granule.id for granule, _ in found] == ["gfs-2024040500", "gfs-2024040506", "ecmf-2024040500"]
    assert found[1][1] == message(dataTime=600)
    with pytest.raises(FeedMalformed, match="cycles"):
        GFS.decode(data, GRANULE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"index": "netcdf"},
        {"cycles": (0, 24)},
        {"steps": {"first": 0, "last": 6}},
        {"steps": ()},
        {"messages": "TMP"},
        {"messages": ()},
        {"path": "{year}/x"},
        {"bounds": (98, 33, 44, 57)},
        {"url": "gfs.example.org"},
    ],
    ids=str,
)
def test_a_wrong_option_is_a_configuration_error_naming_feed_and_option(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"feed gfs: .*{next(iter(wrong))}"):
        replace(GFS, **wrong)


# Recorded files


#: Messages, granules and variables of each recorded file; None: no variable, for the reason that decode gives.
RECORDED: dict[str, tuple[int, int, int | None]] = {
    "O32_global.grib2": (1, 1, 1),
    "PrecipRate_00.00_20190610-000000.grib2": (1, 1, 1),
    "Z_NAFP_C_BABJ_20231207000000_P_CMA-GEPS-GLB-024.grib2": (26, 1, 7),
    "ens_50.grib": (51, 1, 1),
    "healpix_H8.grib2": (4, 1, 2),
    "mercator.grib": (1, 1, 1),
    "t_time_series.grib": (10, 1, 2),
    "test6.grib": (6, 1, 6),
    "test_icon.grib": (9, 1, None),
    "test_single_with_missing.grib": (1, 1, 1),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files_go_through_with_every_message_accounted_for(reference: Path, name: str) -> None:
    messages, granules, variables = RECORDED[name]
    data = (reference / "hydromet/nwp" / name).read_bytes()
    found = [part for part in GFS.split(data, name) if not isinstance(part, Rejected)]
    assert sum(len(list(spans(raw, name))) for _, raw in found) == messages
    assert len(found) == granules
    for granule, raw in found:
        if variables is None:
            with pytest.raises(FeedMalformed, match="unstructured_grid carries no coordinates"):
                GFS.decode(raw, granule)
            continue
        dataset = GFS.decode(raw, granule)
        blocks = sum(array.sizes["time"] * array.sizes.get("member", 1) for array in dataset.data_vars.values())
        assert len(dataset.data_vars) == variables
        assert blocks + dataset.attrs["duplicates"] + len(dataset.attrs["ignored"]) == messages


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_files_cut_anywhere_are_malformed(reference: Path, name: str) -> None:
    data = (reference / "hydromet/nwp" / name).read_bytes()
    ends = {end for _, end in spans(data, name)}
    padding = {place for end in ends for place in range(end, end + 120) if data[end:place] == b"\0" * (place - end)}
    whole_blocks = {place for place in padding if place % 120 == 0}
    random = Random(name)
    for place in (random.randrange(1, len(data)) for _ in range(50)):
        if place in ends | whole_blocks:
            continue  # whole messages, only fewer: nothing in them tells that more should follow
        with pytest.raises(FeedMalformed):
            list(GFS.split(data[:place], name))


def test_a_recorded_field_has_the_values_and_places_of_ecCodes(reference: Path) -> None:
    data = (reference / "hydromet/nwp/test_single_with_missing.grib").read_bytes()
    ((granule, raw),) = GFS.split(data, "x")  # type: ignore[misc]
    found = GFS.decode(raw, granule).air_temperature
    handle = eccodes.codes_new_from_message(raw)
    eccodes.codes_set(handle, "missingValue", 1e30)
    triples = eccodes.codes_get_array(handle, "latLonValues").reshape(-1, 3)
    eccodes.codes_release(handle)
    for latitude, longitude, value in triples:
        there = float(found.sel(latitude=latitude, longitude=(longitude + 180) % 360 - 180, method="nearest")[0])
        assert there == pytest.approx(value, rel=1e-6) or (np.isnan(there) and value == 1e30)
    assert int(np.isnan(found).sum()) == 38

"""The command line, in process: help, exit codes, JSON lines that pipe, files from disk, real payloads whole and cut."""

import json
import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import pytest
import rasterio
import typer
import yaml
from odc.geo.geobox import GeoBox
from typer.testing import CliRunner

from pipeline import config, grid
from pipeline.cli import app
from pipeline.feeds.grib_messages import spans
from pipeline.steps import begin, ingest_file, left, open_workspace, polls, to_json
from tests.feeds.conftest import PAYLOADS
from tests.feeds.test_grib import RECORDED
from tests.feeds.test_quakeml import REAL as QUAKEML
from tests.feeds.test_stac import bodies
from tests.feeds.test_usgs import REAL as GEOJSON

ROOT = Path(__file__).parents[1]
LATER = "2027-01-01T00:00:00Z"


def commands(group=None, prefix=()):
    """Yield the words and the command of every command."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*prefix, name))
        else:
            yield (*prefix, name), command


COMMANDS = dict(commands())


def fire_inputs(dc):
    """Return the inputs of the shipped fire weather, yesterday's drought code from elsewhere."""
    shipped = yaml.safe_load((ROOT / "config/hazards/fire_weather.yaml").read_text())["inputs"]
    return {**shipped, "dc": {**shipped["dc"], "from": dc}}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home and the shipped configuration, from a folder of its own."""
    monkeypatch.setenv("HAZMON_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HAZMON_CONFIG", str(ROOT / "config"))
    monkeypatch.delenv("HAZMON_EXERCISE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def overlay(home, monkeypatch):
    """Return a function that lays one file over the shipped configuration."""
    folder = home / "mine"
    monkeypatch.setenv("HAZMON_CONFIG", f"{ROOT / 'config'}:{folder}")
    folder.mkdir()

    def write(kind, id, **changed):
        shipped = ROOT / "config" / kind / f"{id}.yaml"
        value = yaml.safe_load(shipped.read_text()) if shipped.is_file() else {}
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{id}.yaml").write_text(yaml.safe_dump({**value, **changed}))

    return write


def hazmon(*words, lines=None):
    """Run a command as a shell does; whatever it raises besides an exit is a failure of the test."""
    found = CliRunner().invoke(app, [str(word) for word in words], input=lines)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert "Traceback" not in found.output
    return found


def rows(found):
    return [json.loads(line) for line in found.stdout.splitlines()]


# Help, configuration, exit codes


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(words):
    found = hazmon(*words, "--help")
    assert found.exit_code == 0
    assert f"hazmon {' '.join(words)}" in COMMANDS[words].epilog
    assert "Example" in found.stdout and COMMANDS[words].help.rstrip().endswith(".")
    assert all(getattr(parameter, "help", None) for parameter in COMMANDS[words].params if parameter.name != "help")


def test_the_commands_are_those_of_the_design():
    designed = "check feeds layers discover ingest compute publish warn run exercise up reproduce"
    assert {(word,) for word in designed.split()} < set(COMMANDS)
    assert {words for words in COMMANDS if words[0] == "catalog"}


def test_the_shipped_configuration_passes_the_check_and_lists_itself(home):
    found = hazmon("check")
    assert found.exit_code == 0, found.output
    shipped = config.load(ROOT / "config")
    expected = [*(f"feed {id}" for id in shipped.feeds), *(f"hazard {id}" for id in shipped.hazards)]
    assert [line.split(":")[0] for line in found.stdout.splitlines()][: len(expected)] == expected
    assert {row["id"] for row in rows(hazmon("feeds"))} == set(shipped.feeds)
    assert {row["id"] for row in rows(hazmon("layers"))} == {hazard.layer for hazard in shipped.hazards.values()}


@pytest.mark.parametrize(
    ("kind", "id", "changed", "words"),
    [
        ("feeds", "usgs", {"protocl": "usgs_geojson"}, ["usgs.yaml", "protocl", "Extra inputs"]),
        ("feeds", "usgs", {"protocol": "gopher"}, ["usgs.yaml", "protocol", "'gopher'", "usgs_geojson"]),
        ("feeds", "usgs", {"options": {"minimum_magnitude": "big"}}, ["usgs", "minimum_magnitude", "'big'", "expected"]),
        ("hazards", "shaking", {"layer": "shakng"}, ["shaking.yaml", "layer", "'shakng'", "shaking"]),
        ("hazards", "shaking", {"parameters": {"regims": 1}}, ["shaking.yaml", "parameters", "regims", "regimes"]),
        ("hazards", "shaking", {"inputs": {"vs30": "terrain.vs30"}}, ["shaking.yaml", "inputs", "magnitude"]),
        (
            "hazards",
            "shaking",
            {"inputs": {"vs30": {"from": "terrain.vs30", "at": "noon"}}},
            ["inputs.vs30", "'noon'", "static"],
        ),
        ("hazards", "shaking", {"inputs": {"magnitude": "event.magnitud"}}, ["inputs.magnitude", "event.magnitud", "'depth'"]),
        ("hazards", "fire_weather", {"inputs": fire_inputs("fire_weather.dcc")}, ["inputs.dc", "fire_weather.dcc", "'dc'"]),
        ("hazards", "shaking", {"inputs": {"vs30": {"from": "terrain.vs30", "resampling": "cubist"}}}, ["'cubist'", "cubic"]),
        ("feeds", "usgs", {"schedule": "every minute"}, ["usgs.yaml", "schedule", "'every minute'"]),
        ("regions", "xinjiang", {"crs": "EPSG:4"}, ["xinjiang.yaml", "crs", "EPSG:4"]),
        ("regions", "xinjiang", {"languages": ["zh", "ug"]}, ["xinjiang.yaml", "languages", "ug", "zh"]),
        ("regions", "xinjiang", {"bounds": [97, 50, 73, 34]}, ["xinjiang.yaml", "bounds", "south < north"]),
        ("alerts", "flood", {"status": "Real"}, ["flood.yaml", "status", "'Real'", "Exercise"]),
        ("alerts", "flood", {"rule": "area_fractoin"}, ["area_fractoin", "area_fraction"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_in_the_configuration_is_exit_2_naming_file_field_found_and_expected(overlay, kind, id, changed, words):
    overlay(kind, id, **changed)
    found = hazmon("check")
    assert (found.exit_code, found.stdout) == (2, ""), found.output
    assert [word for word in words if word not in found.stderr] == []
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "lines", "code", "said"),
    [
        (("ingest", "usg", "--file", "x.json"), None, 2, "usgs"),
        (("ingest", "--file", "x.json"), None, 2, "FEED"),
        (("ingest", "usgs", "--file", "nowhere.json"), None, 2, "nowhere.json"),
        (("ingest",), "{not json}\n", 2, "line 1"),
        (("ingest",), '{"id": "x"}\n', 2, "feed"),
        (("discover", "usg"), None, 2, "usgs"),
        (("discover", "usgs", "--start", "yesterday"), None, 2, "ISO 8601"),
        (("compute", "shakng", "event:a:1:20240122T180904Z"), None, 2, "shaking"),
        (("run", "shaking", "event:a"), None, 2, "event:ID:REVISION:START"),
        (("run", "--input", "vs30=a.tif"), None, 2, "hazard"),
        (("publish",), '{"hazard": "shaking"}\n', 2, "item_id"),
        (("reproduce", "shaking-none"), None, 1, "no public Item 'shaking-none'"),
        (("exercise", "uqturpan-1902"), None, 2, "uqturpan-2024"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_one_clear_line_and_an_exit_code(home, words, lines, code, said):
    (home / "x.json").write_text("{}")
    found = hazmon(*words, lines=lines)
    assert found.exit_code == code, found.output
    assert said in found.stderr


# JSON lines that pipe


def raster(path, geobox, *bands, units=None, nodata=None):
    """Write a small GeoTIFF."""
    count = len(bands)
    values = [np.broadcast_to(np.asarray(band, np.float32), tuple(geobox.shape)) for band in bands]
    profile = {"driver": "GTiff", "dtype": "float32", "height": geobox.shape[0], "width": geobox.shape[1], "count": count}
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(path, "w", crs=str(geobox.crs), transform=geobox.transform, nodata=nodata, **profile) as file:
        for number, band in enumerate(values, 1):
            file.write(band, number)
        if units:
            file.units = [units] * count
    return path


@pytest.fixture
def quake(home, overlay):
    """A small grid round an earthquake, and a map of the ground below it."""
    overlay("hazards", "shaking", radius_km=50)
    overlay("feeds", "terrain", url=str(home / "maps"))
    raster(home / "maps/vs30.tif", grid.region_geobox((77, 40, 80, 43), 0.05), 400, nodata=float("nan"))
    return ("--now", "2024-01-22T18:30:00Z")


def test_an_earthquake_goes_through_the_pipe_from_a_file_to_a_message(quake, home):
    ingested = hazmon("ingest", "usgs", "--file", PAYLOADS / "usgs_detail.geojson", *quake)
    assert ingested.exit_code == 0, ingested.output
    (line,) = rows(ingested)
    (due,) = line["due"]
    assert due["hazard"] == "shaking" and line["observation"]["synthetic"]

    published = hazmon("run", *quake, lines=ingested.stdout)
    assert published.exit_code == 0, published.output
    product, *followed = rows(published)
    assert [follower["hazard"] for follower in followed] == ["aftershocks"], "the others wait for maps and tables"
    assert (product["state"], product["new"], product["subject"]) == ("published", True, due["subject"])

    warned = hazmon("warn", *quake, lines=published.stdout)
    assert warned.exit_code == 0, warned.output
    assert [(alert["status"], alert["msg_type"]) for alert in rows(warned)] == [("Test", "Alert")]
    assert (home / "home" / rows(warned)[0]["key"]).read_bytes().startswith(b"<?xml")

    (listed,) = rows(hazmon("catalog", "list", "--hazard", "shaking"))
    assert (listed["id"], listed["current"]) == (product["item_id"], True)
    validated = hazmon("catalog", "validate")
    assert validated.exit_code == 0, validated.output
    assert [row["answer"] for row in rows(hazmon("reproduce"))] == ["equal", "equal"]


def test_looking_for_what_is_new_is_a_poll_that_the_board_tells_of_and_looking_into_the_past_is_none(home, overlay):
    overlay("feeds", "usgs", url="http://127.0.0.1:1/", allowed_hosts=["127.0.0.1"])
    hazmon("discover", "usgs", "--start", "2024-01-22", "--end", "2024-01-23")
    assert polls.read(open_workspace(), "usgs").attempt is None
    assert hazmon("discover", "usgs", "--hours", "24", "--now", "2024-01-22T18:30:00Z").exit_code == 75
    assert polls.read(open_workspace(), "usgs").failures == 1


def test_a_broken_pipe_loses_nothing(quake, home):
    """What ingest printed is printed again until run has read it."""
    work = open_workspace()
    payload = (PAYLOADS / "usgs_detail.geojson").read_bytes()
    ((granule, _),) = [part for part in work.feed("usgs").split(payload, "detail") if isinstance(part, tuple)]
    begin(work, [granule], datetime(2024, 1, 22, 18, 30, tzinfo=UTC))
    ingest_file(work, "usgs", payload, "detail", datetime(2024, 1, 22, 18, 30, tzinfo=UTC))
    line = json.dumps(to_json(granule)) + "\n"

    first = hazmon("ingest", *quake, lines=line)
    again = hazmon("ingest", *quake, lines=line)
    assert (first.exit_code, first.stdout) == (0, again.stdout)
    assert len(left(work, "usgs", datetime(2024, 1, 23, tzinfo=UTC))) == 1
    assert hazmon("run", *quake, lines=again.stdout).exit_code == 0
    assert left(work, "usgs", datetime(2024, 1, 23, tzinfo=UTC)) == []


def test_the_pipe_again_publishes_and_sends_nothing_new(quake):
    def chain():
        ingested = hazmon("ingest", "usgs", "--file", PAYLOADS / "usgs_detail.geojson", *quake)
        staged = hazmon("compute", *quake, lines=ingested.stdout)
        published = hazmon("publish", *quake, lines=staged.stdout)
        return rows(published), rows(hazmon("warn", *quake, lines=published.stdout))

    (first,), (alert,) = chain()
    (again,), repeated = chain()
    assert (first["new"], again["new"], again["item_id"]) == (True, False, first["item_id"])
    assert all(not message["new"] and message["identifier"] == alert["identifier"] for message in repeated)


def test_the_maps_folder_of_the_shipped_terrain_feed_is_beside_the_command(quake, home):
    (home / "mine/feeds/terrain.yaml").unlink()
    found = hazmon("ingest", "terrain", *quake)
    assert found.exit_code == 0 and [row["observation"]["granule"]["id"] for row in rows(found)] == ["vs30"]


def test_one_subject_that_fails_does_not_stop_the_others(quake):
    ingested = hazmon("ingest", "usgs", "--file", PAYLOADS / "usgs_detail.geojson", *quake)
    (due,) = rows(ingested)[0]["due"]
    stale = {"hazard": "shaking", "subject": due["subject"].replace(":1:", ":9:")}
    found = hazmon("run", *quake, lines=f"{json.dumps(stale)}\n{json.dumps(due)}\n")
    assert found.exit_code == 75 and "superseded" in found.stderr
    assert {row["subject"] for row in rows(found)} == {due["subject"]}


# Rasters of one's own

UTM = GeoBox((256, 256), grid.region_geobox((500_000, 5_600_000, 505_120, 5_605_120), 20, "EPSG:32639").transform, "EPSG:32639")


def scene(path, **options):
    generator = np.random.default_rng(7)
    water = np.abs(np.arange(256)[:, None] - 128 + np.zeros((1, 256))) < 40
    speckle = generator.gamma(4.4, 1 / 4.4, (2, 256, 256))
    power = np.where(water, 10**-1.7, 10**-0.9) * speckle[0], np.where(water, 10**-2.4, 10**-1.6) * speckle[1]
    hand = raster(path.parent / "hand.tif", UTM, np.where(water, 0.5, 9.0), units="m", nodata=-9999)
    return raster(path, UTM, *(10 * np.log10(band) for band in power), **options), hand, water


def test_a_scene_without_units_is_refused_and_with_units_it_is_published(home):
    file, hand, water = scene(home / "scene.tif")
    words = ("run", "flood_extent", "--file", file, "--bands", "vv,vh", "--input", f"hand={hand}", "--out", home / "mine")
    refused = hazmon(*words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--units" in refused.stderr and "scene.tif" in refused.stderr
    assert not (home / "mine" / "catalog").exists()

    found = hazmon(*words, "--units", "dB", "--now", LATER)
    assert found.exit_code == 0, found.output
    (product,) = rows(found)
    with rasterio.open(home / "mine" / Path(product["item_key"]).parent / "water.tif") as source:
        assert ((source.read(1) == 1) == water).mean() > 0.95


def test_units_that_a_scene_declares_need_not_be_given(home):
    file, hand, _ = scene(home / "scene.tif", units="dB")
    words = ("--bands", "vv,vh", "--input", f"hand={hand}", "--out", home / "mine")
    assert hazmon("run", "flood_extent", "--file", file, *words).exit_code == 0


EVENT = ("magnitude=6.5", "depth=12", "longitude=78", "latitude=41")


def shake(home, *words):
    scalars = [word for text in EVENT for word in ("--input", text)]
    return hazmon("run", "shaking", *words, *scalars, "--out", home / "mine", "--now", LATER)


def shaken(home, *words):
    """Return the published MMI of an earthquake on rasters of one's own."""
    found = shake(home, *words)
    assert found.exit_code == 0, found.output
    with rasterio.open(home / "mine" / Path(rows(found)[0]["item_key"]).parent / "mmi.tif") as source:
        return source.read(1, masked=True)


def test_a_declared_nodata_is_unknown_and_never_a_value(home):
    file, hand, _ = scene(home / "scene.tif", units="dB")
    with rasterio.open(hand, "r+") as opened:
        opened.write(np.where(np.arange(256) < 60, -9999, opened.read(1)).astype(np.float32), 1)
    found = hazmon("run", "flood_extent", "--file", file, "--bands", "vv,vh", "--input", f"hand={hand}", "--out", home / "mine")
    assert found.exit_code == 0, found.output
    with rasterio.open(home / "mine" / Path(rows(found)[0]["item_key"]).parent / "exclusion.tif") as source:
        assert (source.read(1)[:, :60] == 4).all(), "no HAND"


def test_an_input_that_the_binding_does_not_name_may_still_be_a_file(home, overlay):
    shipped = config.load(ROOT / "config").hazards["shaking"].inputs
    overlay("hazards", "shaking", inputs={n: b.model_dump(by_alias=True) for n, b in shipped.items() if n != "elevation"})
    box = grid.region_geobox((77.8, 40.8, 78.2, 41.2), 0.01)
    file = raster(home / "elevation.tif", box, np.cumsum(np.full((40, 40), 30.0), axis=0), units="m")
    assert not np.ma.getmaskarray(shaken(home, "--input", f"elevation={file}"))[2:-2, 2:-2].any()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "raster"),
        (("--input", "vs30"), "NAME=PATH"),
        (("--input", "vs3=a.tif"), "vs30"),
        (("--input", "vs30=nowhere.tif"), "nowhere.tif"),
        (("--input", "vs30=text.tif@m s-1"), "text.tif"),
        (("--input", "vs30=a.tif"), "units"),
        (("--input", "vs30=a.tif@kg"), "vs30"),
        (("--file", "a.tif", "--bands", "vs30,elevation", "--units", "m s-1"), "band 2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_file_that_cannot_be_an_input_is_refused_by_name(home, words, said):
    raster(home / "a.tif", grid.region_geobox((77, 40, 78, 41), 0.1), 400)
    (home / "text.tif").write_text("no raster")
    found = shake(home, *words)
    assert found.exit_code in (1, 2) and found.stdout == "", found.output
    assert said in found.stderr


# Real payloads, whole and cut

#: Feed, observations and parts that are refused, of each recorded payload.
SEISMIC = {
    **{name: ("usgs", counts[0], 0) for name, counts in GEOJSON.items()},
    **{name: ("emsc" if name.startswith("emsc") else "usgs_fdsn", counts[0], 0) for name, counts in QUAKEML.items()},
    "emsc_websocket_official_example.json": ("emsc", 1, 0),
    "unverified_fixtures/geofon_fdsn_text.txt": ("gfz", 2, 0),
    "usgs_losspager_us1000778i_pager.xml": ("usgs_fdsn", 0, 1),
}
WEATHER = {
    **{
        f"nwp/{name}": ("world", 0 if counts[2] is None else counts[1], int(counts[2] is None))
        for name, counts in RECORDED.items()
    },
    **{f"nwp/{name}": ("world", 0, 1) for name in ("M2T1NXSLV_geo_temporal.nc4", "test4.nc")},
    "idx/ecmwf_open_data_excerpt.index": ("ecmwf_open", 0, 1),
    **{
        f"idx/{name}": ("gfs", 0, 1)
        for name in ("gefs_atmos_f006_excerpt.idx", "gfs_0p25_apcp_buckets.idx", "gfs_0p25_f006_excerpt.idx")
    },
}
#: Band that is opened, Items and parts that are refused, and what is said of these: s3:// and paths are never opened, Items
#: without assets or grid, catalogues that are no STAC.
SCENES = {
    "pc_s1rtc.json": ("vv", 1, 0, ""),
    "pc_s1grd.json": ("vv", 0, 1, "radar geometry"),
    "pc_s2l2a.json": ("B02", 1, 0, ""),
    "pc_goes.json": ("C01_1km", 1, 0, ""),
    "pc_copdem30.json": ("data", 1, 0, ""),
    "pc_worldcover.json": ("map", 1, 0, ""),
    "pc_mod11a1.json": ("hdf", 1, 0, ""),
    "pc_search_nomatched.json": ("image", 1, 0, ""),
    "pc_search_paged_naip.json": ("image", 20, 0, ""),
    "pc_landsat_c2_l2_items_paged.json": ("red", 10, 0, ""),
    "es_v0_nonconformant_search.json": ("B02", 1, 0, ""),
    "es_v1_search_small.json": ("data", 0, 10, "'meter'"),
    "es_v1_search_fields.json": ("B02", 0, 10, "assets"),
    "eoapi_items.json": ("visual", 0, 10, "s3"),
    "eodag_cdse_odata_search.json": ("B02", 0, 1, "STAC Item"),
    "eodag_result_cdse.geojson": ("B02", 0, 2, "assets"),
    "odcstac_site1-20200606-tall-strip-africa.geojson": ("B02", 9, 0, ""),
    "odcstac_site2-2020_jun_jul-35MNM.geojson": ("B02", 13, 0, ""),
    "pcsdk_sample_item.json": ("image", 0, 1, "no map grid"),
    "sgp_sentinel-2-l2a-pc.json": ("B02", 4, 0, ""),
    "sgp_landsat-c2-l2-pc.json": ("red", 4, 0, ""),
    "stactools_s2_T60CWS_antimeridian.json": ("blue", 0, 1, "local path"),
}


@pytest.fixture
def feeds(overlay):
    """Beside the shipped feeds: GFS of the whole world."""
    gfs = yaml.safe_load((ROOT / "config/feeds/gfs.yaml").read_text())
    overlay("feeds", "world", **{**gfs, "options": {k: v for k, v in gfs["options"].items() if k != "bounds"}})
    return overlay


def ingested(feed, file, counts):
    """Ingest a file and return what is said about the parts that are refused."""
    found = hazmon("ingest", feed, "--file", file, "--now", LATER)
    assert found.exit_code == (65 if counts[1] else 0), found.output
    assert len(rows(found)) == counts[0], found.stderr
    if counts[1]:
        assert f"{counts[0]} ingested, {counts[1]} not" in found.stderr
    return found.stderr


def one_feed(feeds, payload, band):
    """Configure a feed "scenes" that opens one band of a recorded payload."""
    value = json.loads(payload)
    items = value if isinstance(value, list) else value.get("features", [value])
    hosts = {a["href"].split("/")[2] for item in items for a in item.get("assets", {}).values() if "://" in a["href"]}
    about = {"title": "x", "protocol": "stac", "url": "https://stac.example.org", "licence": "other", "attribution": "x"}
    options = {"bands": {"band": band}, "units": "1", "nodata": 0}
    feeds("feeds", "scenes", **about, allowed_hosts=sorted(hosts), options=options)


@pytest.mark.parametrize("name", SEISMIC)
def test_recorded_earthquakes_are_ingested_with_the_right_counts(feeds, reference, name):
    feed, *counts = SEISMIC[name]
    ingested(feed, reference / "seismic/feeds" / name, counts)


@pytest.mark.parametrize("name", WEATHER)
def test_recorded_forecasts_are_ingested_with_the_right_counts(feeds, reference, name):
    feed, *counts = WEATHER[name]
    ingested(feed, reference / "hydromet" / name, counts)


@pytest.mark.parametrize("name", SCENES)
def test_recorded_scenes_are_ingested_with_the_right_counts(feeds, reference, tmp_path, name):
    band, good, bad, said = SCENES[name]
    answers = bodies(reference / "satellite/stac" / name)
    for number, body in enumerate(answers):
        one_feed(feeds, body, band)
        (tmp_path / f"{number}.json").write_bytes(body)
        assert said in ingested("scenes", tmp_path / f"{number}.json", (good // len(answers), bad // len(answers)))


def test_the_shipped_feed_takes_the_recorded_scene_it_is_for_and_no_other(home, reference):
    for name, counts in (("pc_s1rtc.json", (1, 0)), ("pc_s1grd.json", (0, 1)), ("pc_s2l2a.json", (0, 1))):
        (home / name).write_bytes(bodies(reference / "satellite/stac" / name)[0])
        ingested("sentinel1_rtc", home / name, counts)


def cut_everywhere(feed, data, name, *, whole=frozenset()):
    """Cut a payload at 50 places: each time nothing is ingested, one part is refused and kept with the reason."""
    work = open_workspace()
    random = Random(name)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    for place in [random.randrange(1, len(data.rstrip())) for _ in range(50)]:
        if place in whole or (name.endswith(".txt") and data[place - 1 : place] == b"\n"):
            continue  # entire messages or lines, only fewer: nothing in them tells that more should follow
        refs, rejected = ingest_file(work, feed, data[:place], "cut", now)
        assert name.endswith(".txt") or (refs, len(rejected)) == ([], 1), f"cut at {place}"
        key = rejected[-1].rpartition("(kept as ")[2].rstrip(")")
        kept = work.store.get(key)
        assert name.endswith(".txt") or kept == data[:place]
        assert work.store.get_json(f"{key}.json")["reason"] in rejected[-1]
    shutil.rmtree(work.store.root)
    Path("cut").write_bytes(data[: len(data.rstrip()) // 2 + 1])
    found = hazmon("ingest", feed, "--file", "cut", "--now", LATER)
    assert found.exit_code == 65 and "kept as quarantine/" in found.stderr


@pytest.fixture
def quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", SEISMIC)
def test_a_recorded_earthquake_cut_anywhere_is_kept_in_quarantine(feeds, reference, quiet, name):
    cut_everywhere(SEISMIC[name][0], (reference / "seismic/feeds" / name).read_bytes(), name)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_forecast_cut_anywhere_is_kept_in_quarantine(feeds, reference, quiet, name):
    data = (reference / "hydromet/nwp" / name).read_bytes()
    ends = {end for _, end in spans(data, name)}
    padding = {place for end in ends for place in range(end, end + 120) if data[end:place] == bytes(place - end)}
    cut_everywhere("world", data, name, whole=ends | {place for place in padding if place % 120 == 0})


@pytest.mark.parametrize("name", SCENES)
def test_a_recorded_scene_cut_anywhere_is_kept_in_quarantine(feeds, reference, quiet, name):
    body = bodies(reference / "satellite/stac" / name)[0]
    one_feed(feeds, body, SCENES[name][0])
    cut_everywhere("scenes", body, name)

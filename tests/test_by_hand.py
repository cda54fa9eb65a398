"""`hazmon run shaking --event ...`: ShakeMap's own cases from its own files, through feed, archive, layer and catalogue."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.products.read import open_asset
from pipeline.steps import open_workspace

ROOT = Path(__file__).parents[1]
EVENT = """<earthquake id="us7000lsze" netid="us" lat="41.26" lon="78.66" mag="7.0" depth="13"
 time="2024-01-22T18:09:04Z" locstring="Uqturpan" mech="RS"/>"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and the shipped configuration on a coarse grid with one Vs30 everywhere."""
    text = (ROOT / "config/hazards/shaking.yaml").read_text()
    folder = tmp_path / "coarse"
    (folder / "hazards").mkdir(parents=True)
    coarse = text.replace("radius_km: 300", "radius_km: 90").replace("resolution: 0.008333333333333333", "resolution: 0.05")
    (folder / "hazards/shaking.yaml").write_text(coarse)
    monkeypatch.setenv("HAZMON_CONFIG", f"{ROOT / 'config'}:{folder}")
    monkeypatch.setenv("HAZMON_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def hazmon(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def shaken(home, *words, code=0):
    """Run the command and return the Item it published and its maps."""
    found = hazmon("run", "shaking", *words, "--set", "default_vs30=760", "--out", home)
    assert found.exit_code == code, found.output
    first = json.loads(found.stdout.splitlines()[0])
    work = open_workspace(str(home))
    item = work.catalog.get(first["item_id"])
    return item, {name: open_asset(work.store, item, name).compute() for name in ("mmi", "mmi_std", "variance_removed")}


def test_an_event_alone_is_a_point_source(home, tmp_path):
    (tmp_path / "event.xml").write_text(EVENT)
    item, maps = shaken(home, "--event", tmp_path / "event.xml")
    assert item["properties"]["hazmon:magnitude"] == 7.0
    assert 7.0 < float(maps["mmi"].max()) < 9.0
    assert float(maps["variance_removed"].max()) == 0.0
    assert item["properties"]["hazmon:tables"]["bias"] == []


def test_a_station_narrows_the_map_where_it_stands_and_supersedes_the_one_before(home, tmp_path):
    (tmp_path / "event.xml").write_text(EVENT)
    before, prior = shaken(home, "--event", tmp_path / "event.xml")
    (tmp_path / "own.csv").write_text("station_id,longitude,latitude,pga[g],pgv[cm/s]\nKZ.AAA,78.9,41.3,0.35,30\n")
    after, maps = shaken(home, "--event", tmp_path / "event.xml", "--stations", tmp_path / "own.csv")
    narrowed = maps["variance_removed"]
    place = narrowed.isel(
        dict(zip(narrowed.dims, np.unravel_index(int(narrowed.values.argmax()), narrowed.shape), strict=True))
    )
    assert abs(float(place.longitude) - 78.9) < 0.1 and abs(float(place.latitude) - 41.3) < 0.1
    assert float(maps["mmi_std"].min()) < float(prior["mmi_std"].min())
    assert any(link["rel"] == "predecessor-version" and before["id"] in link["href"] for link in after["links"])


def test_what_is_not_given_again_no_longer_counts_and_the_last_word_is_the_one_given_last(home, tmp_path):
    (tmp_path / "event.xml").write_text(EVENT)
    own, header = tmp_path / "own.csv", "station_id,longitude,latitude,pga[g]\n"
    one, two = header + "KZ.AAA,78.9,41.3,0.35\n", header + "KZ.AAA,78.9,41.3,0.35\nKZ.BAD,78.7,41.2,9\n"
    rows = []
    for text in (two, one, two):
        own.write_text(text)
        item, _ = shaken(home, "--event", tmp_path / "event.xml", "--stations", own)
        rows.append(item["assets"]["stations"]["table:row_count"])
    assert rows[0] == rows[2] > rows[1]
    bare, _ = shaken(home, "--event", tmp_path / "event.xml")
    assert bare["assets"]["stations"]["table:row_count"] == 0
    for magnitude in ("6.8", "7.0"):
        (tmp_path / "event.xml").write_text(EVENT.replace('mag="7.0"', f'mag="{magnitude}"'))
        item, _ = shaken(home, "--event", tmp_path / "event.xml")
        assert item["properties"]["hazmon:magnitude"] == float(magnitude)


def test_settings_add_up_and_those_that_fail_are_not_kept(home, tmp_path):
    (tmp_path / "event.xml").write_text(EVENT)
    words = ("run", "shaking", "--event", tmp_path / "event.xml", "--out", home)
    assert hazmon(*words, "--set", "default_vs30=500").exit_code == 0
    assert hazmon(*words, "--set", "mechanism=bogus").exit_code == 2
    found = hazmon(*words, "--set", "craton=0.5")
    assert found.exit_code == 0, found.output
    item = open_workspace(str(home)).catalog.get(json.loads(found.stdout.splitlines()[-1])["item_id"])
    parameters = item["properties"]["hazmon:parameters"]
    assert (parameters["default_vs30"], parameters["craton"], parameters["mechanism"]) == (500, 0.5, "unspecified")


def test_a_table_that_cannot_be_read_is_refused_by_name_and_kept(home, tmp_path):
    (tmp_path / "event.xml").write_text(EVENT)
    (tmp_path / "own.csv").write_text("longitude,latitude\n1,2\n")
    found = hazmon("run", "shaking", "--event", tmp_path / "event.xml", "--stations", tmp_path / "own.csv", "--out", home)
    assert found.exit_code == 65
    assert "own.csv" in found.stderr and "kept as quarantine/" in found.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--stations", "event.xml"), "--event"),
        (("--event", "event.xml", "--set", "default_vs30"), "PARAMETER=JSON"),
        (("--event", "event.xml", "--set", "vs30_default=1"), "vs30_default"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(home, tmp_path, words, said):
    (tmp_path / "event.xml").write_text(EVENT)
    found = hazmon("run", "shaking", *words, "--out", home)
    assert found.exit_code == 2, found.output
    assert said in found.stderr


CASES = {
    "northridge": (("inputs/dyfi_dat.xml", "inputs/hist_dat.xml"), "expected/rupture.json"),
    "napa": (("inputs/event_dat.xml",), None),
    "norcia": (("inputs/stationlist.json",), None),
    "wushi": ((), None),
}


@pytest.mark.parametrize("case", CASES)
def test_shakemap_s_cases_run_from_their_own_files(home, reference, case):
    folder = reference / "seismic" / "shakemap_cases" / case
    stations, rupture = CASES[case]
    words = ["--event", folder / "inputs/event.xml"]
    words += [word for name in stations for word in ("--stations", folder / name)]
    words += ["--rupture", folder / rupture] if rupture else []
    item, maps = shaken(home, *words)
    assert np.isfinite(maps["mmi"]).all()
    assert (maps["mmi_std"] > 0).all()
    removed = float(maps["variance_removed"].max())
    assert (removed > 0.3) == bool(stations)
    rows = item["properties"]["hazmon:tables"]["bias"]
    assert bool(rows) == bool(stations)
    assert item["assets"]["stations"]["table:row_count"] > 100 or not stations
    assert {json.loads(line)["answer"] for line in reproduced()} == {"equal"}


def reproduced():
    return hazmon("reproduce").stdout.splitlines()

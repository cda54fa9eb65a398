from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pytest

from pipeline.errors import ConfigError
from pipeline.exercise.scenario import SCENARIOS, Count, Expectation, Quake, Scenario, load, names

MINIMAL = """
title: t
note: n
regions: [kazakhstan]
hazards: [shaking]
start: 2024-01-22T18:00:00Z
seed: 1
areas: areas/uqturpan.geojson
events: []
expectations: []
"""


def test_both_exercises_load_and_name_their_file() -> None:
    assert names() == ["uqturpan-2024", "zhaiyk-2024"]
    assert [load(name).id for name in names()] == names()


def test_the_last_version_of_the_main_shock_is_the_one_of_record() -> None:
    versions = [e for e in load("uqturpan-2024").events if isinstance(e, Quake) and e.event == "main" and e.service == "usgs"]
    last = versions[-1]
    assert last.time == datetime(2024, 1, 22, 18, 9, 4, 418000, tzinfo=UTC)
    assert (last.magnitude, last.latitude, last.longitude, last.depth) == (7.0, 41.2628, 78.6594, 13.0)
    assert set(last.every_id) == {"us7000lsze", "usauto7000lsze", "pt24022000", "at00s7od3a"}
    assert [version.id for version in versions] == ["usauto7000lsze", "us7000lsze", "us7000lsze"]


def test_facts_agree_with_the_recorded_payload(reference: Path) -> None:
    import json

    feature = json.loads((reference / "seismic/feeds/usgs_fdsn_geojson_us7000lsze_excerpt.geojson").read_text())["features"][0]
    last = [e for e in load("uqturpan-2024").events if isinstance(e, Quake) and e.id == feature["id"]][-1]
    assert last.time.timestamp() * 1000 == feature["properties"]["time"]
    assert [last.longitude, last.latitude, last.depth] == feature["geometry"]["coordinates"]
    assert (last.magnitude, last.magnitude_type) == (feature["properties"]["mag"], feature["properties"]["magType"])
    assert set(last.every_id) == set(filter(None, feature["properties"]["ids"].split(",")))


def test_every_area_is_named_in_the_languages_of_its_side_and_none_overlap() -> None:
    for name, languages in (("uqturpan-2024", "kk ru en ky zh"), ("zhaiyk-2024", "kk ru en")):
        areas = gpd.read_file(load(name).areas_file)
        assert areas.id.is_unique
        assert areas.is_valid.all()
        assert all(areas[f"name_{language}"].notna().all() for language in languages.split())
        assert set(areas.note) == {"drawn for the exercise, not official borders"}
        flat = areas.set_crs(None, allow_override=True)
        assert flat.area.sum() == pytest.approx(flat.union_all().area)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (MINIMAL + "surprise: 1\n", "surprise"),
        (MINIMAL.replace("seed: 1", "seed: -1"), "seed"),
        (MINIMAL.replace("events: []", "events: [{at: 2024-01-22T19:00:00Z, what: parade}]"), "events"),
        (MINIMAL.replace("events: []", "events: [{at: 2024-01-01T00:00:00Z, what: poll}]"), "order of time"),
        (MINIMAL.replace("events: []", "events: [{at: 2024-02-01, what: cycle, cycle: 2024-02-01}]"), "grid"),
        (MINIMAL + "faults: [{match: '*', kind: stale}]\n", "as_of"),
        ("- 1\n", "mapping"),
        ("a: [", "YAML"),
    ],
)
def test_a_wrong_scenario_is_refused_by_name(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "drill.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named):
        load(path)


def test_an_unknown_exercise_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="uqturpan-2024"):
        load("atlantis-2024")


@pytest.mark.parametrize(
    ("written", "inside", "outside"), [(2, [2], [1, 3]), ("1..2", [1, 2], [0, 3]), ("1..", [1, 99], [0]), (0, [0], [1])]
)
def test_a_count_is_a_number_or_a_range(written: object, inside: list[int], outside: list[int]) -> None:
    wanted = Expectation.model_validate({"hazard": "h", "subject": "*", "why": "w", "items": written}).items
    assert wanted is not None
    assert all(number in wanted for number in inside)
    assert not any(number in wanted for number in outside)
    assert str(wanted) == str(written)


def test_an_expectation_tells_each_number_that_is_missed() -> None:
    wanted = Expectation.model_validate(
        {"hazard": "h", "subject": "event:eq1*", "why": "because", "items": 3, "current": 1, "alerts": {"Cancel": "1.."}}
    )
    assert wanted.misses(3, 1, {"Cancel": 1}) == []
    assert len(wanted.misses(2, 0, {})) == 3
    assert wanted.concerns("event:eq123:1:20240101T000000Z")
    assert not wanted.concerns("event:eq2")
    assert wanted.concerns_alert("event:eq1")


def test_a_scenario_can_be_made_smaller_without_touching_the_rest() -> None:
    scenario = load("zhaiyk-2024")
    small = scenario.sized(256)
    assert small.scenes is not None
    assert small.scenes.size == 256
    assert small.scenes.resolution == 160
    assert small.events == scenario.events
    assert load("uqturpan-2024").sized(256) == load("uqturpan-2024")


def test_every_scenario_lies_beside_its_areas() -> None:
    assert all(Scenario.model_validate(load(name)).areas_file.is_relative_to(SCENARIOS) for name in names())
    assert Count(least=1, most=None).__contains__(5)

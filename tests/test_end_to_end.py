"""Each exercise from its feeds to its messages: what is published, and that it is the same however often it is played."""

import io
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from lxml import etree

from pipeline import steps
from pipeline.alerts import cap
from pipeline.exercise import drill, play
from pipeline.exercise.report import Report
from pipeline.exercise.scenario import Scenario
from pipeline.model import Window
from pipeline.observations import events
from pipeline.products.read import asset_href, asset_key, open_asset
from pipeline.products.validate import validate
from tests.drills import CONFIG, digests, on_stage, quakes, scenes

PUBLIC = ("catalog", "alerts")


@dataclass
class Played:
    """One exercise, played twice into two folders."""

    scenario: Scenario
    roots: tuple[Path, Path]
    report: Report
    work: steps.Workspace


def through(scenario: Scenario, root: Path) -> tuple[Report, steps.Workspace]:
    with on_stage(scenario, root) as player:
        play.play(player.drill.scenarios, player.runner, player.drill, lambda text: None)
        return player.drill.report(player.runner.failures), player.drill.workspace()


def twice(scenario: Scenario, folders: pytest.TempPathFactory) -> Played:
    roots = (folders.mktemp("one"), folders.mktemp("other"))
    report, work = through(scenario, roots[0])
    through(scenario, roots[1])
    return Played(scenario, roots, report, work)


@pytest.fixture(scope="module")
def quake(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return twice(quakes(chain=True), tmp_path_factory)


@pytest.fixture(scope="module")
def flood(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return twice(scenes(512), tmp_path_factory)


@pytest.fixture(params=["quake", "flood"])
def played(request: pytest.FixtureRequest) -> Played:
    found: Played = request.getfixturevalue(request.param)
    return found


def test_everything_expected_is_published(played: Played) -> None:
    assert played.report.failures == []
    assert played.report.missing == []


def test_the_catalogue_is_valid(played: Played) -> None:
    assert validate(played.work.store, played.work.catalog.index) == []


def test_every_message_is_valid_cap_marked_as_an_exercise(played: Played, reference: Path) -> None:
    schema = etree.XMLSchema(etree.parse(str(reference / "cap" / "schema" / "CAP-v1.2.xsd")))
    keys = [sent.row.key for sent in played.report.alerts]
    assert keys
    for key in keys:
        document = etree.fromstring(played.work.store.get(key))
        assert schema.validate(document), f"{key}: {schema.error_log}"
        assert cap.parse(played.work.store.get(key)).status == "Exercise"


def test_every_item_is_marked_as_synthetic_and_as_an_exercise(played: Played) -> None:
    for item in played.report.published:
        assert item["properties"]["hazmon:synthetic"] is True
        assert item["properties"]["hazmon:exercise"] is True


def test_an_unknown_cell_always_says_why(played: Played) -> None:
    for item in played.report.published:
        answers = item["properties"]["hazmon:answers"]
        if not asset_key(item, answers["estimate"]).endswith(".tif"):
            continue
        estimate = open_asset(played.work.store, item, answers["estimate"])
        unknown = (
            np.isnan(estimate.values) if np.isnan(estimate.attrs["nodata"]) else estimate.values == estimate.attrs["nodata"]
        )
        excluded = open_asset(played.work.store, item, answers["exclusion"]).values
        assert (excluded[unknown] != 0).all(), f"{item['id']}: unknown without a reason"


def test_two_plays_into_two_folders_give_the_same_bytes(played: Played) -> None:
    one, other = (digests(root, *PUBLIC) for root in played.roots)
    assert one == other
    assert any(name.endswith(".tif") for name in one)
    assert any(name.endswith(".xml") for name in one)


def test_every_item_is_reproduced(played: Played) -> None:
    with drill.environment({"HAZMON_CONFIG": str(CONFIG)}), drill.revisited(played.roots[0], [played.scenario]) as work:
        answers = {item["id"]: steps.reproduce(work, item["id"]) for item in played.report.published}
    assert {id: answer.verdict for id, answer in answers.items()} == dict.fromkeys(answers, "equal"), answers


def test_nothing_new_is_published_over_an_existing_home(played: Played) -> None:
    before = digests(played.roots[1], *PUBLIC, "ledger", "events", "lineages")
    report, work = through(played.scenario, played.roots[1])
    assert report.complete
    assert digests(played.roots[1], *PUBLIC, "ledger", "events", "lineages") == before
    assert list(work.store.list("journal")) == []


def test_an_exercise_by_name_says_what_it_does(tmp_path: Path) -> None:
    said: list[str] = []
    with drill.environment({"HAZMON_CONFIG": str(CONFIG)}):
        report = drill.play_directly(quakes(events=slice(0, 1)), tmp_path, said.append)
    assert said[0].startswith("Preparing uqturpan-2024")
    assert "usgs publishes usauto7000lsze: M 6.7" in said[1]
    assert not report.complete, "only the first of its events was played"
    assert any("MISSING" in line for line in report.lines())


CHAIN = pytest.mark.parametrize("hazard", ["shaking", "landslide", "liquefaction", "exposure", "facilities"])


@CHAIN
def test_each_accepted_revision_has_one_item_linked_to_its_neighbours_and_the_latest(quake: Played, hazard: str) -> None:
    found = items(quake, "event:eq202401221809", hazard)
    assert [item["properties"]["hazmon:revision"] for item in found] == [1, 2, 3, 3]
    assert [item["properties"]["deprecated"] for item in found] == [True, True, True, False]
    first, second, third, last = (item["id"] for item in found)
    assert [links(item) for item in found] == [
        {"successor-version": second, "latest-version": last},
        {"predecessor-version": first, "successor-version": third, "latest-version": last},
        {"predecessor-version": second, "successor-version": last, "latest-version": last},
        {"predecessor-version": third},
    ]


def test_what_was_recorded_and_felt_moves_the_map_of_the_last_revision(quake: Played) -> None:
    *_, before, after = items(quake, "event:eq202401221809")
    used = [
        {
            entry["input"]
            for entry in quake.work.store.get_json(asset_key(item, "inputs"))["inputs"]
            if entry["source"] == "usgs_products"
        }
        for item in (before, after)
    ]
    assert used == [set(), {"rupture", "stations"}]
    change = open_asset(quake.work.store, after, "mmi").values - open_asset(quake.work.store, before, "mmi").values
    assert 0.1 < np.nanmax(np.abs(change)) < 4


@pytest.mark.parametrize("hazard", ["shaking", "landslide", "liquefaction", "exposure", "facilities", "aftershocks"])
def test_none_stands_for_the_deleted_event(quake: Played, hazard: str) -> None:
    (item,) = items(quake, "event:eq202401221917", hazard)
    assert item["properties"]["deprecated"] is True
    assert "withdrew" in item["properties"]["hazmon:withdrawn"]["reason"]


@pytest.mark.parametrize("hazard", ["landslide", "liquefaction", "exposure", "facilities"])
def test_what_follows_is_made_from_the_shaking_of_its_own_revision(quake: Played, hazard: str) -> None:
    shaking = {item["id"]: item["properties"]["hazmon:subject"] for item in quake.work.catalog.find(hazard="shaking")}
    made = []
    for item in quake.work.catalog.find(hazard=hazard):
        used = quake.work.store.get_json(asset_key(item, "inputs"))["inputs"]
        (origin,) = {entry["id"] for entry in used if entry["source"] == "shaking"}
        assert item["properties"]["hazmon:subject"] == shaking[origin]
        made.append(origin)
    assert sorted(made) == sorted(shaking), "one of each"


@pytest.mark.parametrize("hazard", ["landslide", "liquefaction"])
def test_ground_fails_near_the_main_shock_and_not_everywhere(quake: Played, hazard: str) -> None:
    coverage = open_asset(quake.work.store, items(quake, "event:eq202401221809", hazard)[-1], "coverage").values
    assert np.nanmax(coverage) > 0.01
    assert np.nanmedian(coverage) < 0.001


def test_where_the_rock_was_not_mapped_the_landslide_map_is_unknown_and_says_so(quake: Played) -> None:
    item = items(quake, "event:eq202401221809", "landslide")[-1]
    unmapped = open_asset(quake.work.store, item, "exclusion").values == 1
    assert 0.02 < unmapped.mean() < 0.2
    assert np.isnan(open_asset(quake.work.store, item, "coverage").values[unmapped]).all()


def test_the_warning_of_the_deleted_event_is_cancelled_with_reference_to_it(quake: Played) -> None:
    alert, cancel = messages(quake, "eq202401221917")
    assert (alert.msg_type, cancel.msg_type) == ("Alert", "Cancel")
    assert [reference[1] for reference in cancel.references] == [alert.identifier]
    (item,) = items(quake, "event:eq202401221917", "shaking")
    assert {dict(info.parameters)["hazmon:item"] for info in cancel.infos} == {item["id"]}, "the map that it was about"
    assert [info.language for info in cancel.infos] == [info.language for info in alert.infos]


def test_the_forecast_of_aftershocks_is_made_again_when_one_came(quake: Played) -> None:
    found = items(quake, "event:eq202401221809", "aftershocks")
    assert [item["properties"]["hazmon:revision"] for item in found] == [1, 2, 2, 3]


def test_people_and_facilities_near_the_main_shock_are_counted(quake: Played) -> None:
    exposed = items(quake, "event:eq202401221809", "exposure")[-1]
    districts = table(quake, exposed, "districts").set_index("admin2")
    assert districts.loc["cn-wushi", "mmi6_or_more"] > 1000
    assert set(table(quake, exposed, "countries")["country"]) <= {"KZ", "KG", "CN", ""}
    facilities = table(quake, items(quake, "event:eq202401221809", "facilities")[-1], "facilities")
    assert facilities["name"].str.startswith("Exercise").all()
    assert facilities["probability"].max() > 0.3


def test_every_update_refers_to_all_messages_before_it(quake: Played) -> None:
    sent = messages(quake, "eq202401221809")
    assert len(sent) > 1
    for place, message in enumerate(sent):
        assert [reference[1] for reference in message.references] == [earlier.identifier for earlier in sent[:place]]


def test_a_report_of_another_agency_makes_no_new_item(quake: Played) -> None:
    ids = Counter(item["properties"]["hazmon:agency"] for item in items(quake, "event:eq202401221809"))
    assert ids == {"us": 3, "usauto": 1}


def test_what_was_recorded_and_felt_is_archived_and_names_our_event(quake: Played) -> None:
    day = Window(datetime(2024, 1, 22, tzinfo=UTC), datetime(2024, 1, 23, tzinfo=UTC))
    found = quake.work.archive.find("usgs_products", day)
    assert sorted(ref.granule.properties["part"] for ref in found) == ["cells", "rupture", "stationlist"]
    (main,) = (r for r in events.find(quake.work.store, day) if "us7000lsze" in r.aliases)
    assert all(set(ref.granule.properties["ids"]) & set(main.aliases) and ref.synthetic for ref in found)


def test_a_changed_pixel_of_a_product_is_found(quake: Played, tmp_path: Path) -> None:
    work = copied(quake, tmp_path)
    item = items(quake, "eq202401221842")[0]
    path = Path(asset_href(work.store, item, "mmi"))
    with rasterio.open(path) as source:
        profile, cells = source.profile, source.read(1)
    cells[40, 40] += 1
    with rasterio.open(path, "w", **profile) as target:
        target.write(cells, 1)
    answer = steps.reproduce(work, item["id"])
    assert (answer.verdict, answer.detail) == ("differs", "mmi: 1 pixels differ")


def test_a_changed_byte_of_a_product_is_found(quake: Played, tmp_path: Path) -> None:
    work = copied(quake, tmp_path)
    item = items(quake, "eq202401221842")[0]
    key = asset_key(item, "exclusion")
    work.store.put(key, work.store.get(key) + b"\0")
    answer = steps.reproduce(work, item["id"])
    assert answer.verdict == "differs"
    assert "exclusion" in answer.detail


def test_without_its_raw_payload_a_product_cannot_be_checked(quake: Played, tmp_path: Path) -> None:
    work = copied(quake, tmp_path)
    item = items(quake, "eq202401221842")[0]
    used = next(entry for entry in work.store.get_json(asset_key(item, "inputs"))["inputs"] if entry["source"] == "usgs")
    work.store.delete(used["key"])
    answer = steps.reproduce(work, item["id"])
    assert answer.verdict == "unavailable"
    assert used["key"] in answer.detail


def test_with_another_raw_payload_a_product_cannot_be_checked(quake: Played, tmp_path: Path) -> None:
    work = copied(quake, tmp_path)
    item = items(quake, "eq202401221842")[0]
    used = next(entry for entry in work.store.get_json(asset_key(item, "inputs"))["inputs"] if entry["source"] == "usgs")
    work.store.put(used["key"], work.store.get(used["key"]).replace(b"5.4", b"7.4"))
    answer = steps.reproduce(work, item["id"])
    assert answer.verdict == "unavailable"
    assert "SHA-256" in answer.detail


def links(item: dict) -> dict[str, str]:
    """Return the ids that an Item's version links lead to."""
    return {link["rel"]: link["href"].split("/")[1] for link in item["links"] if link["rel"].endswith("-version")}


def items(played: Played, subject: str, hazard: str = "shaking") -> list[dict[str, Any]]:
    """Return the Items of a hazard whose subject holds a text, by revision and time."""
    found = [item for item in played.work.catalog.find(hazard=hazard) if subject in item["properties"]["hazmon:subject"]]
    return sorted(found, key=lambda item: (item["properties"]["hazmon:revision"], item["properties"]["created"]))


def table(played: Played, item: dict[str, Any], name: str) -> pd.DataFrame:
    """Return a table of an Item, as it is stored."""
    return pd.read_parquet(io.BytesIO(played.work.store.get(asset_key(item, name))))


def messages(played: Played, incident: str) -> list[cap.CapAlert]:
    """Return the messages of an incident in the order they were sent."""
    keys = [sent.row.key for sent in played.report.alerts if incident in sent.incident]
    return sorted((cap.parse(played.work.store.get(key)) for key in keys), key=lambda message: message.sent)


def copied(played: Played, folder: Path) -> steps.Workspace:
    """Return a workspace on a copy of a home."""
    shutil.copytree(played.roots[0], folder / "home", ignore=shutil.ignore_patterns("exercise", ".locks"))
    return steps.open_workspace(str(folder / "home"), played.work.config, drill="EXERCISE test")

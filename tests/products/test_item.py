import json
from datetime import timedelta
from pathlib import Path

import pystac
import pytest
from jsonschema import Draft7Validator

from pipeline.model import RegionPeriod
from pipeline.products.monty import EXTENSION, HAZARD_CODES, Severity
from pipeline.products.validate import _against_schema, _extension_problems
from pipeline.store import sha256, to_bytes
from tests.products.samples import EVENT, NOW, ORIGIN, built, product


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


def test_an_item_validates_against_stac_and_its_extensions(folder: Path) -> None:
    item, _ = built(product(), folder)
    assert list(_against_schema("key", item, "item")) == []
    assert list(_extension_problems(item)) == []
    assert pystac.Item.from_dict(item).id == item["id"]


def test_the_four_answers_are_named_assets(folder: Path) -> None:
    item, files = built(product(), folder)
    answers = item["properties"]["hazmon:answers"]
    assert answers == {"estimate": "mmi", "uncertainty": "deviation", "exclusion": "outside", "age": "inputs"}
    assert set(answers.values()) < set(item["assets"]) == set(files)
    assert all("data" in item["assets"][answers[name]]["roles"] for name in ("estimate", "uncertainty", "exclusion"))


def test_sizes_and_checksums_are_those_of_the_files(folder: Path) -> None:
    item, files = built(product(), folder)
    for name, path in files.items():
        data = path.read_bytes()
        assert item["assets"][name]["file:size"] == len(data)
        assert item["assets"][name]["file:checksum"] == "1220" + sha256(data)


def test_the_same_product_at_the_same_time_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    assert to_bytes(built(product(), folder)[0]) == to_bytes(built(product(), tmp_path)[0])


def test_another_hour_changes_the_ages_but_neither_id_nor_pixels(folder: Path) -> None:
    first, _ = built(product(), folder)
    later, _ = built(product(), folder, now=NOW + timedelta(hours=1))
    assert later["id"] == first["id"]
    assert later["assets"]["mmi"] == first["assets"]["mmi"]
    assert later["assets"]["inputs"]["href"] != first["assets"]["inputs"]["href"]


def test_the_ages_of_all_inputs_are_listed(folder: Path) -> None:
    _, files = built(product(), folder)
    rows = {row["input"]: row for row in json.loads(files["inputs"].read_bytes())["inputs"]}
    assert rows["magnitude"]["age_s"] == (NOW - ORIGIN).total_seconds()
    assert rows["magnitude"]["synthetic"] is True
    assert rows["vs30"]["age_s"] is None


def test_every_payload_is_linked_with_its_checksum(folder: Path) -> None:
    item, _ = built(product(), folder)
    links = {link["href"]: link for link in item["links"] if link["rel"] == "derived_from"}
    link = links["../../../raw/usgs_all_hour/us7000lsze/1"]
    assert link["file:checksum"] == "1220" + product().inputs[0].sha256
    assert len(links) == 2


def test_classes_say_how_many_cells_they_hold_and_unknown_is_one_of_them(folder: Path) -> None:
    item, _ = built(product(), folder)
    band = item["assets"]["outside"]["bands"][0]
    classes = {entry["value"]: entry for entry in band["classification:classes"]}
    assert classes[255] == {"value": 255, "name": "unknown", "description": "not known", "nodata": True}
    assert classes[1]["name"] == "too_near_the_fault"
    assert classes[0]["count"] + classes[1]["count"] == 60 * 80 - 15 * 20


def test_numbers_say_their_units_scale_statistics_and_nodata(folder: Path) -> None:
    band = built(product(), folder)[0]["assets"]["mmi"]["bands"][0]
    assert (band["nodata"], band["unit"], band["data_type"]) == ("nan", "1", "float32")
    assert (band["raster:scale"], band["raster:offset"]) == (1.0, 0.0)
    assert band["statistics"]["valid_percent"] == pytest.approx(100 - 100 / 16)


def test_credit_method_and_generated_data_are_said(folder: Path) -> None:
    properties = built(product(), folder, extra={"hazmon:got": 1, "hazmon:expected": 1})[0]["properties"]
    assert properties["license"] == "CC-BY-4.0"
    assert properties["providers"][0]["name"] == "USGS"
    assert properties["sci:doi"] == "10.1193/070113EQS184M"
    assert (properties["hazmon:synthetic"], properties["hazmon:exercise"]) == (True, True)
    assert (properties["hazmon:got"], properties["hazmon:expected"]) == (1, 1)
    assert properties["proj:code"] == "EPSG:4326"
    assert properties["proj:shape"] == [60, 80]


def test_a_period_has_a_start_and_an_end(folder: Path) -> None:
    day = RegionPeriod(
        "kazakhstan", ORIGIN.replace(hour=0, minute=0, second=0), ORIGIN.replace(day=23, hour=0, minute=0, second=0)
    )
    properties = built(product(subject=day), folder)[0]["properties"]
    assert properties["start_datetime"] == properties["datetime"] == "2024-01-22T00:00:00Z"
    assert properties["end_datetime"] == "2024-01-23T00:00:00Z"


def test_events_follow_the_monty_extension(folder: Path, reference: Path) -> None:
    item, _ = built(product(3), folder, severity=Severity(8.4, "MMI", "severe"))
    schema = json.loads((reference / "stac_monty/monty-schema.json").read_bytes())
    assert [error.message for error in Draft7Validator(schema).iter_errors(item)] == []
    properties = item["properties"]
    assert EXTENSION in item["stac_extensions"]
    assert properties["monty:hazard_codes"] == ["GH0101", "EQ"]
    assert properties["monty:src_event_id"] == EVENT


def test_a_correlation_id_does_not_change_with_revisions(folder: Path) -> None:
    ids = {built(product(revision), folder)[0]["properties"]["monty:corr_id"] for revision in (1, 2)}
    assert ids == {"20240122T180904Z-KGZ-GH0101-1-GCDB"}


def test_each_of_the_first_three_hazards_has_an_undrr_and_a_glide_code() -> None:
    assert HAZARD_CODES == {"shaking": ("GH0101", "EQ"), "flood_extent": ("MH0600", "FL"), "fire_weather": ("EN0205", "WF")}

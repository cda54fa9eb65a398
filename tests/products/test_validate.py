import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.products.catalog import Catalog
from pipeline.products.validate import Problem, validate
from pipeline.store import Store, to_bytes
from tests.products.samples import INFO, NOW, built, product

ID = product().item_id
FOLDER = f"catalog/shaking/{ID}"


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    found = Catalog(Store.open(tmp_path / "store"), tmp_path / "index.sqlite")
    for key in ("raw/usgs_all_hour/us7000lsze/1", "raw/vs30/vs30/0"):
        found.store.put(key, b"payload")
    found.stage(*built(product(), tmp_path / "built"))
    found.publish(ID, INFO, now=NOW)
    return found


def edit(catalog: Catalog, change: Callable[[dict[str, Any]], object], key: str = f"{FOLDER}/{ID}.json") -> list[Problem]:
    document = json.loads(catalog.store.get(key))
    change(document)
    catalog.store.put(key, to_bytes(document))
    return validate(catalog.store, catalog.index)


def test_a_sound_catalogue_has_no_problem_and_progress_is_told(catalog: Catalog) -> None:
    told: list[tuple[int, int, str]] = []
    assert validate(catalog.store, catalog.index, progress=lambda *step: told.append(step)) == []
    assert told == [(1, 1, ID)]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda item: item["properties"].pop("datetime"), "stac"),
        (lambda item: item.pop("assets"), "stac"),
        (lambda item: item["properties"].pop("hazmon:answers"), "extension"),
        (lambda item: item["properties"].update({"proj:shape": [1]}), "extension"),
        (lambda item: item["properties"].pop("version"), "extension"),
        (lambda item: item["stac_extensions"].pop(), "extension"),
        (lambda item: item["assets"]["mmi"]["bands"][0].pop("unit"), "extension"),
        (lambda item: item["assets"]["mmi"].update({"file:checksum": "12"}), "extension"),
        (lambda item: item["assets"]["mmi"].update({"file:checksum": "1220" + "0" * 64}), "checksum"),
        (lambda item: item["assets"]["mmi"].update({"file:size": 1}), "checksum"),
        (lambda item: item["assets"]["mmi"].update({"href": "./gone.tif"}), "asset"),
        (lambda item: item["links"].append({"rel": "predecessor-version", "href": "../gone/gone.json"}), "link"),
        (lambda item: item["properties"].update({"deprecated": True}), "index"),
    ],
)
def test_each_kind_of_damage_is_named(catalog: Catalog, change: Callable[[dict[str, Any]], object], kind: str) -> None:
    assert kind in {problem.kind for problem in edit(catalog, change)}


def test_a_cog_cut_short_fails_its_checksum_and_does_not_validate(catalog: Catalog) -> None:
    whole = catalog.store.get(f"{FOLDER}/deviation.tif")
    catalog.store.put(f"{FOLDER}/deviation.tif", whole[:200])
    assert {problem.kind for problem in validate(catalog.store, catalog.index)} == {"checksum", "cog"}


def test_bytes_changed_in_place_fail_their_checksum(catalog: Catalog) -> None:
    data = bytearray(catalog.store.get(f"{FOLDER}/deviation.tif"))
    data[-5] ^= 1
    catalog.store.put(f"{FOLDER}/deviation.tif", bytes(data))
    assert "checksum" in {problem.kind for problem in validate(catalog.store, catalog.index)}


def test_an_item_its_month_does_not_list_is_named(catalog: Catalog) -> None:
    def unlist(month: dict[str, Any]) -> None:
        month["links"] = [link for link in month["links"] if link["rel"] != "item"]

    (problem,) = edit(catalog, unlist, "catalog/shaking/2024-01.json")
    assert (problem.key, problem.kind) == ("catalog/shaking/2024-01.json", "link")


def test_a_payload_missing_from_the_archive_is_named(catalog: Catalog) -> None:
    catalog.store.delete("raw/vs30/vs30/0")
    (problem,) = validate(catalog.store, catalog.index)
    assert problem.kind == "link"
    assert "raw/vs30/vs30/0" in problem.message


def test_an_index_of_something_else_is_named_and_rebuilding_mends_it(catalog: Catalog) -> None:
    catalog.index.replace([])
    assert [problem.kind for problem in validate(catalog.store, catalog.index)] == ["index"]
    assert catalog.rebuild() == 1
    assert validate(catalog.store, catalog.index) == []


def test_an_item_that_is_no_json_is_named(catalog: Catalog) -> None:
    catalog.store.put(f"{FOLDER}/{ID}.json", b"<html>")
    assert "stac" in {problem.kind for problem in validate(catalog.store, catalog.index)}

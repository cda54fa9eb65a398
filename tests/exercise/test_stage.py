import hashlib
from datetime import UTC, datetime
from pathlib import Path

import rasterio

from pipeline.exercise.scenario import Pass, Scenario, load
from pipeline.exercise.stage import prepare


def small() -> Scenario:
    scenario = load("zhaiyk-2024").sized(256)
    return scenario.model_copy(update={"events": (*scenario.events[:2], scenario.events[-1])})


def sums(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_the_same_scenario_gives_the_same_bytes_in_two_folders(tmp_path: Path) -> None:
    prepare(small(), tmp_path / "a")
    prepare(small(), tmp_path / "b")
    assert sums(tmp_path / "a") == sums(tmp_path / "b")


def test_what_is_there_is_kept_and_what_is_broken_is_made_again(tmp_path: Path) -> None:
    stage = prepare(small(), tmp_path)
    before = sums(tmp_path)
    blob = tmp_path / "files" / next(iter(stage.files))
    kept = blob.stat().st_mtime_ns
    prepare(small(), tmp_path)
    assert blob.stat().st_mtime_ns == kept
    blob.write_bytes(b"half")
    prepare(small(), tmp_path)
    assert sums(tmp_path) == before


def test_another_seed_gives_other_pixels(tmp_path: Path) -> None:
    stage = prepare(small(), tmp_path / "a")
    other = prepare(small().model_copy(update={"seed": 1}), tmp_path / "a")
    assert set(stage.files) == set(other.files)
    assert all(stage.files[target].etag != other.files[target].etag for target in stage.files if target.endswith("tiff"))


def test_no_file_names_this_machine(tmp_path: Path) -> None:
    prepare(small(), tmp_path)
    assert not any(str(tmp_path).encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_scene_processed_again_replaces_the_first_and_lies_elsewhere(tmp_path: Path) -> None:
    scenario = small()
    first = next(event for event in scenario.events if isinstance(event, Pass))
    again = first.model_copy(update={"at": datetime(2024, 5, 1, tzinfo=UTC), "processed": datetime(2024, 4, 30, tzinfo=UTC)})
    stage = prepare(scenario.model_copy(update={"events": (first, again)}), tmp_path)
    (old,), (new,) = stage.items(first.at), stage.items(again.at)
    assert old["id"] == new["id"]
    assert old["assets"]["vv"]["href"] != new["assets"]["vv"]["href"]
    assert new["properties"]["s1:processing_datetime"] == "2024-04-30T00:00:00Z"


def test_maps_are_synthetic_by_their_own_word(tmp_path: Path) -> None:
    stage = prepare(small(), tmp_path)
    assert set(stage.maps) == {"hand", "reference_water"}
    for path in stage.maps.values():
        with rasterio.open(path) as file:
            assert file.tags()["HAZMON_SYNTHETIC"] == "1"
            assert file.nodata is not None

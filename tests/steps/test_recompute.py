"""Changed inputs and parameters make new versions of exactly the products that used them."""

import contextlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import config, steps
from pipeline.errors import InputNotReady
from pipeline.exercise.scenario import Scenario
from tests.drills import Player, change_a_pixel, days, on_stage, quakes


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """An earthquake in two revisions and another one, and a day of weather with its forecast."""
    story, folder = quakes(radius_km=60), tmp_path_factory.mktemp("recompute")
    chosen = tuple(story.events[n] for n in (0, 1, 3))
    earthquakes = story.model_copy(update={"events": chosen, "faults": (), "expectations": ()})
    with on_stage([earthquakes, days(2)], folder / "stage", str(folder / "home")) as player:
        assert player.play() == []
        assert len(player.items("event:")) == 3
        assert len(player.items("region:", current=True)) == 2
        yield player


@pytest.fixture
def home(played: Player, tmp_path: Path) -> Iterator[Player]:
    """A copy of that home; the maps are as they were again afterwards."""
    shutil.copytree(played.home, tmp_path / "home")
    maps = {path: path.read_bytes() for path in (Path(played.drill.root) / "exercise").rglob("maps/*.tif")}
    yield Player(played.drill, str(tmp_path / "home"))
    for path, data in maps.items():
        path.write_bytes(data)


def later(player: Player) -> Any:
    return max(scene.end for scene in player.drill.scenarios) + timedelta(hours=1)


def predecessor(item: dict[str, Any]) -> str:
    (found,) = (link["href"].split("/")[1] for link in item["links"] if link["rel"] == "predecessor-version")
    return found


def check_remade(player: Player, before: dict[str, str], pattern: str) -> None:
    """Exactly the current Items whose subject holds the pattern have a successor, linked to them."""
    after = {item["properties"]["hazmon:subject"]: item for item in player.items(current=True)}
    assert set(after) == set(before)
    changed = {subject for subject, item in after.items() if item["id"] != before[subject]}
    assert changed == {subject for subject in before if pattern in subject}
    for subject in changed:
        assert predecessor(after[subject]) == before[subject]


def current(player: Player) -> dict[str, str]:
    return {item["properties"]["hazmon:subject"]: item["id"] for item in player.items(current=True)}


def test_a_changed_pixel_of_a_map_remakes_what_used_the_map_and_nothing_else(home: Player) -> None:
    before, made = current(home), len(home.items())
    assert steps.outdated(home.work, later(home)) == []
    change_a_pixel(home, "vs30")
    assert home.at(later(home), "terrain") == []
    check_remade(home, before, "event:")
    assert home.at(later(home) + timedelta(hours=1), "terrain") == []
    assert len(home.items()) == made + 2


def test_a_changed_pixel_of_a_map_that_nothing_used_remakes_nothing(home: Player) -> None:
    before = current(home)
    change_a_pixel(home, "hand")
    assert home.at(later(home), "terrain") == []
    assert current(home) == before


@pytest.mark.parametrize(
    ("hazard", "name", "value", "pattern"),
    [("fire_weather", "ffmc_constant", 147.2, "region:"), ("shaking", "mechanism", "reverse", "event:")],
)
def test_a_changed_parameter_remakes_what_it_enters_and_nothing_else(
    home: Player, tmp_path: Path, hazard: str, name: str, value: Any, pattern: str
) -> None:
    before = current(home)
    work = with_parameter(home, tmp_path / "more", hazard, {name: value})
    for trigger in steps.outdated(work, later(home)):
        waiting = [trigger]
        while waiting:
            then = waiting.pop(0)
            with contextlib.suppress(InputNotReady):
                waiting += steps.followers(work, steps.run(work, then.hazard, then.subject, later(home)))
    check_remade(home, before, pattern)
    assert steps.outdated(work, later(home)) == []


def with_parameter(player: Player, folder: Path, hazard: str, parameters: dict[str, Any]) -> steps.Workspace:
    """Return the workspace with one configuration file changed by a further folder."""
    old = yaml.safe_load(player.work.config.path("hazards", hazard).read_text(encoding="utf-8"))
    (folder / "hazards").mkdir(parents=True)
    changed = yaml.safe_dump({**old, "parameters": {**old.get("parameters", {}), **parameters}})
    (folder / "hazards" / f"{hazard}.yaml").write_text(changed, encoding="utf-8")
    return steps.open_workspace(player.home, config.Config(*player.work.config.folders, folder), drill="EXERCISE test")


def test_two_versions_of_one_moment_keep_their_order(home: Player, tmp_path: Path) -> None:
    scenario: Scenario = home.drill.scenarios[0]
    subject = home.items("event:eq202401221842")[0]["properties"]["hazmon:subject"]
    made = []
    for craton in (0.1, 0.2, 0.3):
        work = with_parameter(home, tmp_path / f"more{craton}", "shaking", {"craton": craton})
        made.append(steps.run(work, "shaking", subject, scenario.end).item_id)
        assert [item["id"] for item in home.items("event:eq202401221842", current=True)] == made[-1:]
    assert len(set(made)) == 3

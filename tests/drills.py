"""Exercises cut to a size for tests: the shipped scenarios on coarser grids, played through the steps in this process."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rasterio

from pipeline import steps
from pipeline.exercise import drill, scenario
from pipeline.exercise.generate import ground
from pipeline.exercise.play import Direct, static_feeds
from pipeline.exercise.scenario import Cycle, Pass, Scenario
from pipeline.feeds.http import MIRROR

CONFIG = Path(__file__).parents[1] / "config"

#: Far coarser than the real grids, so that a product takes a fraction of a second.
DEGREES = 1 / 30

#: No earthquake has a table of aftershocks: tests that count products count those of the shaking.
ALONE: dict[str, dict[str, Any]] = {"hazards/aftershocks": {"minimum_magnitude": 11}}


def quakes(*, events: slice = slice(None), radius_km: float = 300, chain: bool = False) -> Scenario:
    """Return uqturpan-2024, or a part of its events, on a coarse grid.

    Without `chain` the maps of the ground and the tables of places are left out and aftershocks are not asked for: shaking
    is all there is.
    """
    whole = scenario.load("uqturpan-2024")
    assert whole.terrain is not None
    terrain = whole.terrain.model_copy(update={"resolution": DEGREES, "without": () if chain else tuple(ground.UNITS)})
    return whole.model_copy(
        update={
            "terrain": terrain,
            "tables": whole.tables if chain else {},
            "config": {
                "hazards/exposure": {"resolution": DEGREES, "radius_km": radius_km},
                "hazards/facilities": {"resolution": DEGREES, "radius_km": radius_km},
                "hazards/shaking": {"resolution": DEGREES, "radius_km": radius_km},
                "hazards/landslide": {"resolution": DEGREES / 2, "radius_km": radius_km},
                "hazards/liquefaction": {"resolution": DEGREES, "radius_km": radius_km},
                **({} if chain else ALONE),
            },
            "events": whole.events[events],
            "faults": whole.faults if events == slice(None) else (),
            "expectations": tuple(wanted for wanted in whole.expectations if chain or wanted.hazard == "shaking"),
        }
    )


def days(count: int | None = None) -> Scenario:
    """Return the weather of zhaiyk-2024 alone, or its first days, on a coarse grid."""
    whole = scenario.load("zhaiyk-2024").sized(128)
    assert whole.weather is not None
    cycles = tuple(event.model_copy(update={"every": 6}) for event in whole.events if isinstance(event, Cycle))
    return whole.model_copy(
        update={
            "weather": whole.weather.model_copy(update={"resolution": 2.0}),
            "config": {
                "feeds/gfs": {"options": {"cycles": [0], "steps": {"first": 0, "last": 48, "every": 6}}},
                "hazards/fire_weather": {"resolution": 1.0},
            },
            "events": cycles[:count],
            "faults": (),
            "expectations": (),
        }
    )


def scenes(size: int = 512) -> Scenario:
    """Return zhaiyk-2024 with small scenes and coarse weather, everything in it."""
    whole, weather = scenario.load("zhaiyk-2024").sized(size), days()
    coarse = {event.at: event for event in weather.events}
    return weather.model_copy(
        update={
            "scenes": whole.scenes,
            "events": tuple(coarse.get(event.at, event) for event in whole.events),
            "faults": whole.faults,
            "expectations": whole.expectations,
        }
    )


def passes(size: int = 256) -> Scenario:
    """Return the scenes of zhaiyk-2024 alone."""
    whole = scenes(size)
    return whole.model_copy(update={"events": tuple(event for event in whole.events if isinstance(event, Pass)), "faults": ()})


@dataclass
class Player:
    """A drill on stage and who plays it."""

    drill: drill.Drill
    home: str
    runner: Direct = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin as a new process does: nothing remembered but what lies in the home."""
        folders = self.drill.workspace().config.folders
        work = steps.open_workspace(self.home, type(self.drill.workspace().config)(*folders), drill="EXERCISE test")
        self.runner = Direct(work)

    @property
    def work(self) -> steps.Workspace:
        return self.runner.work

    def at(self, now: str | datetime, *feeds: str) -> list[str]:
        """Set the clock, poll feeds, and return what went wrong."""
        self.runner.failures = []
        for feed in feeds:
            self.drill.set(moment(now))
            self.runner.poll(feed, moment(now))
        return self.runner.failures

    def play(self, *, static: bool = True) -> list[str]:
        """Play every event that is left, as the scenario says."""
        failures = self.at(self.drill.scenarios[0].start, *static_feeds(self.drill.scenarios)) if static else []
        for event in (event for scene in self.drill.scenarios for event in scene.events):
            failures += self.at(event.at, *event.poll)
        return failures

    def items(self, pattern: str = "", *, current: bool | None = None) -> list[dict[str, Any]]:
        """Return public Items whose subject holds a text, oldest first."""
        found = self.work.catalog.find(current=current)
        chosen = [item for item in found if pattern in item["properties"]["hazmon:subject"]]
        return sorted(chosen, key=lambda item: (item["properties"]["created"], item["id"]))

    def messages(self) -> list[str]:
        """Return the keys of the CAP messages."""
        return [key for key in self.work.store.list("alerts") if key.count("/") == 2 and "archive" not in key]


@contextlib.contextmanager
def on_stage(scenarios: Scenario | Iterable[Scenario], root: Path, home: str | None = None) -> Iterator[Player]:
    """Serve scenarios from `root` and yield who plays them into a home (default: root)."""
    chosen = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    with (
        drill.environment({"HAZMON_CONFIG": str(CONFIG)}),
        drill.staged(chosen, root.resolve()) as stage,
        drill.environment({MIRROR: stage.environment[MIRROR]}),
    ):
        yield Player(stage, home or str(root.resolve()))


def change_a_pixel(player: Player, name: str) -> None:
    """Change one cell of a static map of the stage."""
    (path,) = (Path(player.drill.root) / "exercise").rglob(f"maps/{name}.tif")
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
        cells = raster.read(1)
        middle = cells.shape[0] // 2
        cells[middle, middle] += 40
        raster.write(cells, 1)


def moment(text: str | datetime) -> datetime:
    """Return a UTC moment."""
    return text if isinstance(text, datetime) else datetime.fromisoformat(text).replace(tzinfo=UTC)


def digests(root: Path, *folders: str) -> dict[str, str]:
    """Return the checksum of every file below folders of a home."""
    paths = [path for folder in folders for path in sorted((root / folder).rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

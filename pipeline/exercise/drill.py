"""A drill: scenarios, their feed server, the configuration laid over the default one, and the home it publishes into."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline import config, steps
from pipeline.exercise import overlay, report
from pipeline.exercise.play import Direct, Say, play
from pipeline.exercise.scenario import Scenario, load, names
from pipeline.exercise.server import Server
from pipeline.feeds.http import MIRROR


@dataclass(frozen=True)
class Drill:
    """What is played, and everything a runner must know."""

    scenarios: Sequence[Scenario]
    server: Server
    root: Path
    """Home that it publishes into; generated files lie in `exercise/` below it."""
    environment: Mapping[str, str]
    """Variables for whoever runs the steps."""

    def set(self, now: datetime) -> None:
        """Set the exercise's clock."""
        self.server.set_clock(now)

    def workspace(self) -> steps.Workspace:
        """Return the workspace of the drill."""
        folders = [Path(part) for part in self.environment["HAZMON_CONFIG"].split(os.pathsep)]
        return steps.open_workspace(str(self.root), config.Config(*folders), drill=self.environment["HAZMON_EXERCISE"])

    def report(self, failures: Sequence[str]) -> report.Report:
        """Return what was published, and what of the expected is missing."""
        truths = [self.server.stage(scenario.id) for scenario in self.scenarios]
        return report.of(self.workspace(), truths, failures)


@contextmanager
def staged(scenarios: Sequence[str | Scenario], root: Path) -> Iterator[Drill]:
    """Prepare scenarios, by name or as they are, in a home; serve their feeds on loopback until the end of the block."""
    played = [scenario if isinstance(scenario, Scenario) else load(scenario) for scenario in scenarios]
    folder = root / "exercise"
    with Server(played, folder) as server:
        base = config.load()
        overlay.write(base, played, _maps(base, server, played), root / "config")
        configured = [str(part.resolve()) for part in (*base.folders, root / "config")]
        environment = {
            "HAZMON_HOME": str(root),
            "HAZMON_CONFIG": os.pathsep.join(configured),
            "HAZMON_EXERCISE": "; ".join(scenario.note for scenario in played),
            "HAZMON_CLOCK": f"{server.origin}/_clock",
            MIRROR: server.origin,
        }
        yield Drill(played, server, root, environment)


@contextmanager
def revisited(root: Path, scenarios: Sequence[str | Scenario] = ()) -> Iterator[steps.Workspace]:
    """Open a home that exercises were played into, their feeds as they were at the end: scenes are read where they lie.

    Parameters
    ----------
    root
        The home.
    scenarios
        What was played; none given: whatever left its stage in the home.
    """
    found = scenarios or [name for name in names() if (root / "exercise" / name / "manifest.json").is_file()]
    with staged(found, root) as drill, environment({MIRROR: drill.environment[MIRROR]}):
        for scenario in drill.scenarios:
            drill.server.set_clock(scenario.end, scenario.id)
        yield drill.workspace()


def _maps(base: config.Config, server: Server, scenarios: Sequence[Scenario]) -> dict[str, dict[str, Any]]:
    """Return the options of the static maps, their files dated so that two runs archive the same records."""
    declared = base.feeds["terrain"].options["maps"]
    options = {}
    for scenario in scenarios:
        for name, path in server.stage(scenario.id).maps.items():
            os.utime(path, (scenario.start.timestamp(), scenario.start.timestamp()))
            options[name] = {**declared[name], "href": str(path)}
    return options


def play_directly(name: str | Scenario, out: Path, say: Say) -> report.Report:
    """Play one scenario through the steps in this process, and return what came of it."""
    root = out.resolve()
    say(f"Preparing {name.id if isinstance(name, Scenario) else name} in {root} (generated once) ...")
    with staged([name], root) as drill, environment({MIRROR: drill.environment[MIRROR]}):
        runner = Direct(drill.workspace())
        play(drill.scenarios, runner, drill, say)
        return drill.report(runner.failures)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the end of the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

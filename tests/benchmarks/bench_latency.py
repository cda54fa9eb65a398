"""From the moment a feed shows an earthquake to the CAP file on disk: median of 5, directly and under Airflow.

python -m tests.benchmarks.bench_latency [--events 5] [--direct] [--port 8099]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

from pipeline import local
from pipeline.exercise import drill, up
from pipeline.exercise.play import Direct, Runner, static_feeds
from pipeline.exercise.scenario import Quake, Scenario, load
from pipeline.feeds.http import MIRROR

#: Seconds, as the project promises them.
AIMS = {"direct": 5.0, "airflow": 30.0}


def scenario(events: int) -> Scenario:
    """Return a drill of strong earthquakes an hour apart, each another one."""
    base = load("uqturpan-2024")
    first = next(event for event in base.events if isinstance(event, Quake))
    hour = timedelta(hours=1)
    quakes = tuple(
        first.model_copy(
            update={
                "at": first.at + number * hour,
                "time": first.time + number * hour,
                "event": f"q{number}",
                "id": f"us7000q{number:03d}",
                "ids": (),
            }
        )
        for number in range(events)
    )
    return base.model_copy(update={"events": quakes, "faults": (), "expectations": ()})


def measure(stage: drill.Drill, runner: Runner) -> list[float]:
    """Return the seconds from showing each earthquake to its CAP file."""
    for feed in static_feeds(stage.scenarios):
        runner.poll(feed, stage.scenarios[0].start)
    found = []
    for event in stage.scenarios[0].events:
        before = _messages(stage.root)
        stage.set(event.at)
        began = time.perf_counter()
        polling = threading.Thread(target=runner.poll, args=("usgs", event.at))
        polling.start()
        while _messages(stage.root) == before:
            time.sleep(0.01)
        found.append(time.perf_counter() - began)
        polling.join()
    return found


def _messages(root: Path) -> int:
    return len(list((root / "alerts").glob("2*/*.xml")))


def report(name: str, seconds: list[float]) -> None:
    """Print one JSON line."""
    row = {
        "benchmark": f"feed to CAP file, {name}",
        "aim_s": AIMS[name],
        "median_s": round(statistics.median(seconds), 2),
        "each_s": [round(value, 2) for value in seconds],
    }
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=5, help="earthquakes; the median counts")
    parser.add_argument("--direct", action="store_true", help="only without Airflow")
    parser.add_argument("--port", type=int, default=8099, help="port of Airflow on 127.0.0.1")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch, drill.staged([scenario(given.events)], Path(scratch)) as stage:
        os.environ[MIRROR] = stage.environment[MIRROR]
        report("direct", measure(stage, Direct(stage.workspace())))
    if given.direct:
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        drill.staged([scenario(given.events)], Path(scratch)) as stage,
        local.airflow(stage.root / "airflow", up.dags_folder(), given.port, stage.environment) as airflow,
    ):
        up.wait_for_dags(airflow, stage.workspace())
        report("airflow", measure(stage, up.Dags(airflow)))


if __name__ == "__main__":
    main()

"""`hazmon up`: Airflow, the service and the exercise feed server on loopback, the exercises played through DAG runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from pipeline import local, steps
from pipeline.config import home
from pipeline.errors import ConfigError
from pipeline.exercise import drill
from pipeline.exercise.play import Say, play
from pipeline.exercise.served import Service, service
from pipeline.local import Airflow, AirflowFailed

#: Scenarios that `hazmon up` plays, together and in order of time.
SCENARIOS = ("uqturpan-2024", "zhaiyk-2024")

#: Longest time one poll and all that follows may take, seconds.
POLL_LIMIT = 300.0


@dataclass
class Dags:
    """Polls by triggering ingest DAGs over REST, and waits until every run that follows is finished."""

    airflow: Airflow
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Only runs from here on count; the database may remember earlier ones."""

    def poll(self, feed: str, now: datetime) -> None:
        """Run the ingest DAG of a feed and all that its assets trigger."""
        self.start(feed, now)
        self.settle()

    def start(self, feed: str, now: datetime) -> None:
        """Trigger the ingest DAG of a feed."""
        conf = {"now": now.isoformat()}
        self.airflow.call("POST", f"api/v2/dags/ingest_{feed}/dagRuns", json={"logical_date": None, "conf": conf})

    def settle(self) -> None:
        """Return when no run is under way or about to be.

        Raises
        ------
        AirflowFailed
            Where that takes longer than POLL_LIMIT, or Airflow ends.
        """
        began = monotonic()
        while not self._is_settled():
            if monotonic() - began > POLL_LIMIT:
                raise AirflowFailed(f"DAG runs did not finish within {POLL_LIMIT:.0f} s; see {self.airflow.url}")
            self.airflow.watch()
            sleep(0.2)

    def _is_settled(self) -> bool:
        """Whether nothing is under way; looked at twice, as what waits may become a run between two looks."""
        return not self._is_running() and not self._is_waiting() and not self._is_running()

    def _is_running(self) -> bool:
        states = {"state": ["queued", "running"], "limit": 1}
        return bool(self.airflow.call("GET", "api/v2/dags/~/dagRuns", params=states)["total_entries"])

    def _is_waiting(self) -> bool:
        """Whether the partition of an asset waits for its run; only the interface of Airflow's own page tells."""
        none_yet = {"has_created_dag_run_id": False}
        return bool(self.airflow.call("GET", "ui/partitioned_dag_runs", params=none_yet)["total"])

    def failed(self) -> list[str]:
        """Return the runs that ended red, in words."""
        red = {"state": "failed", "run_after_gte": self.since.isoformat(), "limit": 100}
        runs = self.airflow.call("GET", "api/v2/dags/~/dagRuns", params=red)["dag_runs"]
        return [f"{run['dag_id']} {run['partition_key'] or run['dag_run_id']}" for run in runs]


def exercises(port: int, service_port: int, *, once: bool, say: Say) -> bool:
    """Play the exercises through Airflow and serve what they publish; return whether everything expected was published.

    Goes on until Ctrl-C unless `once`. Every process it started is stopped on leaving, however it is left.

    Raises
    ------
    ConfigError
        Where a port is taken or Airflow is not installed.
    ServiceFailed
        Where the service does not answer.
    """
    local.require_free(port)
    root = Path(home()).resolve()
    say("Preparing the exercises: generating scenes, weather and maps (once) ...")
    with _stopped_by_signals(), drill.staged(SCENARIOS, root) as stage:
        say("Starting Airflow and the service on 127.0.0.1 (about half a minute) ...")
        with _deployed(root, port, service_port, stage.environment) as (airflow, served):
            wait_for_dags(airflow, stage.workspace())
            served.wait()
            say(f"Map: {served.url}   Airflow: {airflow.url}   feed server: {stage.server.origin}")
            runner = Dags(airflow)
            play(stage.scenarios, runner, stage, say)
            served.check()
            found = stage.report([f"DAG run {text}" for text in runner.failed()])
            for line in found.lines():
                say(line)
            if not once:
                _stay(airflow, served, say)
    return found.complete


def live(port: int, service_port: int, say: Say) -> None:
    """Start Airflow on the live feeds and the service, and go on until Ctrl-C.

    Raises
    ------
    ConfigError
        Where the home holds an exercise: drills and earnest are kept apart.
    """
    root = Path(home()).resolve()
    if (root / "exercise").is_dir():
        raise ConfigError(
            f"{root} holds an exercise; choose another home for the live feeds: HAZMON_HOME=/srv/hazmon make up FEEDS=live"
        )
    environment = {"HAZMON_HOME": str(root), "HAZMON_CONFIG": os.environ.get("HAZMON_CONFIG", str(Path("config").resolve()))}
    with _stopped_by_signals(), _deployed(root, port, service_port, environment) as (airflow, served):
        served.wait()
        say(f"Map: {served.url}   Airflow: {airflow.url}; feeds are polled as config/feeds says; products under {root}/catalog")
        _stay(airflow, served, say)


@contextmanager
def _deployed(root: Path, port: int, service_port: int, environment: Mapping[str, str]) -> Iterator[tuple[Airflow, Service]]:
    """Start both at the same time and yield them once Airflow is healthy."""
    told = {**environment, "HAZMON_AIRFLOW": f"http://127.0.0.1:{port}"}
    with (
        service(root, service_port, told) as served,
        local.airflow(root / "airflow", dags_folder(), port, environment) as airflow,
    ):
        yield airflow, served


def dags_folder() -> Path:
    """Return the folder of the DAG files: HAZMON_DAGS, else ./dags.

    Raises
    ------
    ConfigError
        Where it is not there.
    """
    folder = Path(os.environ.get("HAZMON_DAGS", "dags")).resolve()
    if not (folder / "ingest.py").is_file():
        raise ConfigError(f"{folder}: no DAG files; run it in hazmon's folder, or set HAZMON_DAGS")
    return folder


def wait_for_dags(airflow: Airflow, work: steps.Workspace) -> None:
    """Wait until the DAG processor has read every DAG file."""
    kinds = {"event": "event", "scene": "hazard", "region": "hazard"}
    expected = {f"ingest_{feed}" for feed in work.config.feeds}
    expected |= {f"{kinds[hazard.grid]}_{id}" for id, hazard in work.config.hazards.items()}
    expected |= {f"alert_{id}" for id, hazard in work.config.hazards.items() if hazard.alert and hazard.grid != "event"}
    began = monotonic()
    while monotonic() - began < 60:
        airflow.watch()
        known = {entry["dag_id"] for entry in airflow.call("GET", "api/v2/dags", params={"limit": 100})["dags"]}
        errors = airflow.call("GET", "api/v2/importErrors")["import_errors"]
        if errors:
            raise AirflowFailed(f"{errors[0]['filename']}: {errors[0]['stack_trace']}")
        if expected <= known:
            return
        sleep(0.5)
    raise AirflowFailed(f"the DAG processor did not read all DAG files: {sorted(expected - known)} are missing")


def _stay(airflow: Airflow, served: Service, say: Say) -> None:
    say("Running until Ctrl-C.")
    while True:
        airflow.watch()
        served.watch()
        sleep(1)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM into the same orderly end as Ctrl-C, which is no error."""

    def leave(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before: Callable[..., object] | int | None = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

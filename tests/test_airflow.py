"""A real Airflow on loopback: what is published, what is not lost, what is taken up again, and what is left behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

from pipeline import local
from pipeline.errors import ConfigError
from pipeline.exercise import drill, up
from pipeline.exercise.faults import Fault
from tests.airflow_fixtures import DAGS, ROOT, environment, free_port, free_ports, start

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.xdist_group("airflow")]

#: What is made of shaking.
CHAIN = ("landslide", "liquefaction")

_QUAKE = """
  - at: 2024-01-22T{at}Z
    what: quake
    service: {service}
    event: {event}
    id: {id}
    time: 2024-01-22T{time}Z
    latitude: 43.3
    longitude: {longitude}
    depth: 15.0
    magnitude: {magnitude}
    magnitude_type: mww
    place: Kyrgyzstan-Xinjiang border region
    poll: [{service}]
"""

_HEADER = """
title: Earthquakes for a test
note: "EXERCISE: a test"
regions: [kazakhstan, kyrgyzstan, xinjiang]
hazards: [shaking, landslide, liquefaction]
start: 2024-01-22T18:05:00Z
seed: 1
areas: areas/uqturpan.geojson
terrain: {longitude: 77.1, latitude: 43.3, reach: 8, resolution: 0.1}
config:
  hazards/landslide: {resolution: 0.025}
  hazards/liquefaction: {resolution: 0.025}
expectations: []
events:
"""

#: Announced at, source, origin time, degrees east, magnitude. Far apart: each is an event of its own.
_QUAKES = {
    "first": ("18:15:30", "usgs", "18:09:04", 77.1, 6.8),
    "second": ("18:20:00", "usgs", "18:17:10", 74.6, 5.1),
    "third": ("18:21:00", "usgs", "18:18:20", 82.6, 5.2),
    "fourth": ("18:22:00", "usgs", "18:19:30", 76.6, 5.3),
    "good": ("18:30:00", "usgs", "18:27:10", 80.6, 5.4),
    "broken": ("18:30:00", "usgs", "18:28:20", 73.6, 5.5),
    "killed": ("18:50:00", "usgs", "18:47:00", 77.0, 6.6),
    "late": ("18:58:00", "emsc", "18:55:00", 77.2, 6.7),
}


def _scenario(folder: Path) -> str:
    quakes = [
        _QUAKE.format(at=at, service=service, event=name, id=f"us7000{name}", time=time, longitude=longitude, magnitude=size)
        for name, (at, service, time, longitude, size) in _QUAKES.items()
    ]
    path = folder / "airflow-test.yaml"
    path.write_text(_HEADER + "".join(quakes), encoding="utf-8")
    return str(path)


@dataclass
class Deployment:
    """Airflow over one home, which outlives it."""

    stage: drill.Drill
    port: int
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        hasty = {
            "PYTHONPATH": str(ROOT),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "6",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "6",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "3",
        }
        home = self.stage.root / "airflow"
        airflow = local.airflow(home, DAGS, self.port, {**self.stage.environment, **hasty})
        self.runner = up.Dags(self.stack.enter_context(airflow))
        up.wait_for_dags(self.runner.airflow, self.stage.workspace())

    @property
    def processes(self) -> list[psutil.Process]:
        launcher = psutil.Process(self.runner.airflow.process.pid)
        return [launcher, *launcher.children(recursive=True)]

    def announce(self, *names: str) -> datetime:
        """Set the clock to when something is announced, and return it."""
        now = max(datetime.fromisoformat(f"2024-01-22T{_QUAKES[name][0]}").replace(tzinfo=UTC) for name in names)
        self.stage.set(now)
        return now

    def items(self, name: str, hazard: str = "shaking") -> list[dict[str, Any]]:
        """The published Items of an earthquake."""
        found = self.stage.workspace().catalog.find(hazard=hazard)
        return [dict(item) for item in found if item["properties"]["hazmon:subject"].startswith(_incident(name))]

    def alerts(self, name: str) -> list[str]:
        """The kinds of messages about an earthquake."""
        return [sent.kind for sent in self.stage.report([]).alerts if sent.incident.startswith(_incident(name))]

    def runs(self, dag: str, **wanted: Any) -> list[dict[str, Any]]:
        return list(self.runner.airflow.call("GET", f"api/v2/dags/{dag}/dagRuns", params={"limit": 100, **wanted})["dag_runs"])


def _incident(name: str) -> str:
    return f"event:eq20240122{_QUAKES[name][2].replace(':', '')}"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    root = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAZMON_CONFIG", str(ROOT / "config"))
        with drill.staged([_scenario(root)], root) as stage:
            running = Deployment(stage, free_port())
            with running.stack:
                running.start()
                running.runner.poll("terrain", stage.scenarios[0].start)
                yield running


def test_an_earthquake_is_published_and_warned_of_by_green_runs(deployment: Deployment) -> None:
    deployment.runner.poll("usgs", deployment.announce("first"))
    assert [item["properties"]["deprecated"] for item in deployment.items("first")] == [False]
    assert deployment.alerts("first") == ["Alert"]
    assert deployment.runner.failed() == []


def test_every_socket_that_listens_is_on_loopback(deployment: Deployment) -> None:
    connections = [c for process in deployment.processes for c in process.net_connections("inet")]
    listening = {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", deployment.port)}


def test_a_taken_port_is_said_and_another_one_proposed(deployment: Deployment) -> None:
    with pytest.raises(ConfigError, match=f"port {deployment.port} on 127.0.0.1 is taken.*PORT={deployment.port + 10}"):
        local.require_free(deployment.port)


def test_of_a_burst_while_a_consumer_runs_none_is_lost(deployment: Deployment) -> None:
    for name in ("second", "third", "fourth"):
        deployment.runner.start("usgs", deployment.announce(name))
        _until(lambda: not deployment.runs("ingest_usgs", state=["queued", "running"]))
    deployment.runner.settle()
    assert [len(deployment.items(name)) for name in ("second", "third", "fourth")] == [1, 1, 1]
    assert deployment.runner.failed() == []


@pytest.mark.parametrize("hazard", CHAIN)
def test_what_follows_shaking_runs_once_for_each_product_of_it(deployment: Deployment, hazard: str) -> None:
    names = ("first", "second", "third", "fourth")
    assert [len(deployment.items(name, hazard)) for name in names] == [1, 1, 1, 1]
    before = {run["partition_key"]: run for run in deployment.runs("event_shaking", state=["success"])}
    after = [run["partition_key"] for run in deployment.runs(f"event_{hazard}")]
    assert sorted(after) == sorted(before), "one run each"
    for run in deployment.runs(f"event_{hazard}"):
        assert run["start_date"] >= before[run["partition_key"]]["start_date"]


def test_one_malformed_part_leaves_the_run_red_and_the_others_published(deployment: Deployment) -> None:
    deployment.stage.server.arm(Fault(match="earthquake.usgs.gov/*/detail/us7000broken.geojson", kind="html"))
    deployment.runner.poll("usgs", deployment.announce("good", "broken"))
    assert len(deployment.items("good")) == 1
    assert deployment.items("broken") == []
    assert [text.split()[0] for text in deployment.runner.failed()] == ["ingest_usgs"]
    (red,) = deployment.runs("ingest_usgs", state="failed")
    tasks = deployment.runner.airflow.call("GET", f"api/v2/dags/ingest_usgs/dagRuns/{red['dag_run_id']}/taskInstances")
    states = sorted((task["task_id"], task["state"]) for task in tasks["task_instances"])
    assert states == [("account", "failed"), ("discover", "success"), ("ingest", "failed"), ("ingest", "success")]


def test_what_was_killed_in_a_run_is_taken_up_again_without_duplicates(deployment: Deployment) -> None:
    deployment.runner.start("usgs", deployment.announce("killed"))
    _until(lambda: bool(deployment.runs("event_shaking", state=["running"])))
    killed = deployment.processes
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=5)
    with pytest.raises(local.AirflowFailed):
        deployment.runner.airflow.watch()
    deployment.start()
    deployment.runner.settle()
    assert [item["properties"]["deprecated"] for item in deployment.items("killed")] == [False]
    assert [len(deployment.items("killed", hazard)) for hazard in CHAIN] == [1, 1]
    assert deployment.alerts("killed") == ["Alert"]
    assert len(deployment.items("broken")) == 1, "what was malformed once is asked for again by the next poll"
    assert deployment.runner.failed() == []


def test_a_back_fill_publishes_but_never_warns(deployment: Deployment) -> None:
    deployment.stage.set(datetime(2024, 3, 1, tzinfo=UTC))
    day = {"logical_date": "2024-01-22T19:00:00Z", "conf": {}}
    deployment.runner.airflow.call("POST", "api/v2/dags/ingest_emsc/dagRuns", json=day)
    deployment.runner.settle()
    assert len(deployment.items("late")) == 1
    assert deployment.alerts("late") == []


def test_nothing_is_left_when_it_is_stopped(deployment: Deployment) -> None:
    processes = deployment.processes
    assert len(processes) >= 1 + 4
    began = monotonic()
    deployment.stack.close()
    assert monotonic() - began < 10
    assert [process for process in processes if _is_alive(process)] == []
    local.require_free(deployment.port)


def test_nothing_is_left_when_it_is_ended_or_killed_while_it_starts(tmp_path: Path) -> None:
    for name in ("killed", "ended"):
        (tmp_path / name).mkdir()
    ended = start("up.py", environment(tmp_path / "ended"), _scenario(tmp_path / "ended"), *free_ports(2))
    killed = start("local.py", environment(tmp_path / "killed"), str(free_port()))
    left: list[psutil.Process] = []
    try:
        for process, number in ((killed, signal.SIGKILL), (ended, signal.SIGTERM)):
            with process:
                left = _started(process)
                process.send_signal(number)
                process.wait(20)
            assert process.returncode not in (0, None)
            _until(lambda children=left: not any(_is_alive(child) for child in children), limit=20)
    finally:
        for process in (killed, ended):
            process.kill()
        for child in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def _started(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the processes below another once Airflow's are among them."""
    above = psutil.Process(process.pid)
    _until(lambda: len(above.children(recursive=True)) > 4 or process.poll() is not None, limit=90)
    return above.children(recursive=True)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(reached: Callable[[], bool], limit: float = 60) -> None:
    end = monotonic() + limit
    while not reached():
        assert monotonic() < end, f"not reached within {limit} s"
        sleep(0.1)

"""The same bytes from threads and from a Dask scheduler with two worker processes, for each hazard."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster

from pipeline.errors import ConfigError
from pipeline.exercise import drill
from pipeline.exercise.scenario import Scenario
from pipeline.feeds.http import MIRROR
from pipeline.steps import cluster
from tests.drills import days, digests, on_stage, passes, quakes

#: One product of each hazard: how the exercise is cut, and how many of its events are played.
HAZARDS = {"shaking": (quakes(events=slice(0, 1)), 1), "flood_extent": (passes(), 1), "fire_weather": (days(1), 1)}


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Address of a scheduler with two worker processes, all on loopback, no dashboard."""
    settings = {"host": "127.0.0.1", "dashboard_address": None, "worker_dashboard_address": None}
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "spawn"}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, silence_logs=50, **settings) as made,
    ):
        yield made.scheduler_address


@pytest.fixture
def connected(scheduler: str) -> Iterator[str]:
    with drill.environment({cluster.ADDRESS: scheduler}):
        yield scheduler
        with closing(cluster._client(scheduler, os.getpid())):
            cluster._client.cache_clear()


def play(scenario: Scenario, count: int, stage: Path, home: Path) -> dict[str, str]:
    """Play the first events into a home, and return the checksums of what is public."""
    with on_stage(scenario, stage, str(home)) as player:
        if cluster.ADDRESS in os.environ:  # workers open scenes themselves, so they must know where the mirror is
            cluster.connect()
            cluster._client(os.environ[cluster.ADDRESS], os.getpid()).run(know, os.environ[MIRROR])
        assert player.at(scenario.start, "terrain") == []
        for event in scenario.events[:count]:
            assert player.at(event.at, *event.poll) == []
    return digests(home, "catalog", "alerts")


def know(mirror: str) -> None:
    os.environ[MIRROR] = mirror


@pytest.mark.parametrize("hazard", HAZARDS)
def test_two_worker_processes_compute_the_same_bytes_as_threads(
    hazard: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    scenario, count = HAZARDS[hazard]
    threads = play(scenario, count, tmp_path / "stage", tmp_path / "threads")
    address = request.getfixturevalue("connected")
    workers = play(scenario, count, tmp_path / "stage", tmp_path / "workers")
    client = cluster._client(address, os.getpid())
    done = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.transition_log))
    assert done, "nothing was computed by the cluster"
    assert {name.split("/")[1] for name in threads if name.endswith(".tif")} == {hazard}
    assert workers == threads


def test_a_process_connects_once(connected: str) -> None:
    cluster.connect()
    client = cluster._client(connected, os.getpid())
    cluster.connect()
    assert cluster._client(connected, os.getpid()) is client
    assert client.status == "running"
    assert len(client.scheduler_info()["workers"]) == 2


def test_without_an_address_threads_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cluster.ADDRESS, raising=False)
    cluster.connect()
    assert cluster._client.cache_info().currsize == 0


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cluster.ADDRESS, "tcp://127.0.0.1:1")
    with dask.config.set({"distributed.comm.timeouts.connect": "200ms"}), pytest.raises(ConfigError, match=r"127\.0\.0\.1:1"):
        cluster.connect()

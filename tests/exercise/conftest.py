"""One feed server for the tests of this folder, with small scenes; and a client that asks it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from pipeline.exercise.scenario import load
from pipeline.exercise.server import Server

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exercise")


@pytest.fixture(scope="session")
def running(folder: Path) -> Iterator[Server]:
    with Server([load("uqturpan-2024"), load("zhaiyk-2024").sized(512)], folder) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """The server as it is at the end of both exercises, without faults."""
    running.theatre.faults.clear()
    running.theatre.requests.clear()
    running.set_clock(datetime(2024, 1, 22, 20, tzinfo=UTC), "uqturpan-2024")
    running.set_clock(datetime(2024, 4, 20, tzinfo=UTC), "zhaiyk-2024")
    return running


@pytest.fixture
def ask(server: Server) -> Iterator[Ask]:
    """Ask for HOST/PATH."""
    with httpx.Client(timeout=5) as client:

        def get(target: str, method: str = "GET", **more: object) -> httpx.Response:
            return client.request(method, f"{server.origin}/{target}", **more)  # type: ignore[arg-type]

        yield get

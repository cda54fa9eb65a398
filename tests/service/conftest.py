"""The whole service on a free port of loopback, for tests that speak HTTP to it, and a home made once for all."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import uvicorn

from pipeline.service.app import application
from pipeline.service.door import Door
from tests import drills

#: Seconds until a service that does not start or stop is given up.
PATIENCE = 30.0


class _Server(uvicorn.Server):
    """A server that tells when it is ready, so that nobody has to look again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[object] | None = None) -> None:
        await super().startup(sockets)  # type: ignore[arg-type]
        self.ready.set()


@contextmanager
def serving(door: Door) -> Iterator[str]:
    """Give the address of the service over a home, without a slash at its end; it is stopped afterwards."""
    server = _Server(
        uvicorn.Config(application(door), host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=2)
    )
    failed: list[BaseException] = []

    def run() -> None:
        try:
            server.run()
        except BaseException as error:  # noqa: BLE001
            failed.append(error)
        finally:
            server.ready.set()

    thread = threading.Thread(target=run, name="service", daemon=True)
    thread.start()
    try:
        if not server.ready.wait(PATIENCE) or not server.started:
            raise RuntimeError(f"the service did not start: {failed}")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture(scope="session")
def serve() -> Callable[[Door], AbstractContextManager[str]]:
    """`with serve(door) as url:` runs the whole service on a free port."""
    return serving


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that a small drill was played into: shaking, fire weather, two alerts. Read only."""
    root = tmp_path_factory.mktemp("played") / "home"
    root.mkdir()
    with drills.on_stage([drills.quakes(events=slice(0, 2)), drills.days(1)], root) as player:
        assert player.play() == []
    return root

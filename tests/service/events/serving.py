"""A home made by hand, and its service on a loopback port."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from pipeline.alerts.issue import warn
from pipeline.config import Config, ServiceConfig
from pipeline.service import alerts, events, status
from pipeline.service.app import Service
from pipeline.service.door import Door
from pipeline.service.guard import faults
from pipeline.service.guard.connection import Settings
from pipeline.steps import Workspace
from pipeline.store import Store
from tests.alerts.samples import area, assessment, context

CONFIG = Path(__file__).parents[3] / "config"
KEY = "a-key-that-only-the-tests-know"
NOW = datetime(2024, 4, 10, 7, 0, tzinfo=UTC)


class Configured(Config):
    """The default configuration, the service set otherwise."""

    def __init__(self, **service) -> None:
        super().__init__(CONFIG)
        self.given = service

    @property
    def service(self) -> ServiceConfig:
        return ServiceConfig(**self.given)


def door_of(folder: Path, now: datetime = NOW, **service) -> Door:
    """Return the door of a home in a folder."""
    store = Store.open(folder)
    return Door(Workspace(Configured(**service), store, folder), keys=(KEY,), now=lambda: now)


def warned(store: Store, number: int, *areas, **changes):
    """Send a warning of its own incident."""
    given = {"incident": f"scene:{number}", "subject": f"scene-{number}", "product": f"flood_extent-scene-{number}"}
    (ref,) = warn(store, assessment(*(areas or (area(),))), context(**{**given, **changes}))
    return ref


def parts(door: Door) -> FastAPI:
    """Return the service with the parts alone that these tests are of: it is made in a tenth of the time."""
    app = Service(door, docs_url=None, redoc_url=None, lifespan=lambda app: events.running(door, app))
    faults.told(app)
    for part in (alerts, events, status):
        app.include_router(part.router(door))
    return app


@contextlib.contextmanager
def serving(door: Door) -> Iterator[str]:
    """Serve a door until the end of the block; give its address. Connections made before it is ready wait in line."""
    settings = Settings(parts(door), door.settings.limits, log_level="warning", ws="none", access_log=False)
    server = uvicorn.Server(settings)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the service did not stop"

"""The STAC API: collections and Items, searched in the embedded index or in pgstac."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

from fastapi import FastAPI

from pipeline.service.door import Door
from pipeline.service.stac import embedded
from pipeline.service.stac.attach import attach
from pipeline.service.stac.database import database_url
from pipeline.service.stac.latest import router as latest
from pipeline.service.stac.served import served, served_collection

if TYPE_CHECKING:
    from pipeline.service.stac.copied import Copy

__all__ = ["copy_of", "install", "running", "served", "served_collection"]


def install(app: FastAPI, door: Door) -> None:
    """Add the STAC API to the application, over the back-end that the settings name."""
    # Before the API itself, whose routes would take its path for another's parameter.
    app.include_router(latest(door))
    if door.settings.backend == "pgstac":
        # Its driver is an extra of its own: what is missing is said before it is missed.
        database_url()
        from pipeline.service.stac import pgstac

        attach(app, door, *pgstac.backend(door))
    else:
        attach(app, door, *embedded.backend(door))


def running(door: Door, app: FastAPI) -> AbstractAsyncContextManager[None]:
    """Return what has to be open while the service runs: connections to pgstac."""
    if door.settings.backend == "pgstac":
        from pipeline.service.stac import pgstac

        return pgstac.running(door, app)
    return nullcontext()


def copy_of(door: Door) -> Copy | None:
    """Return the copy that searches run over; None where they run over the embedded index."""
    if door.settings.backend != "pgstac":
        return None
    url = database_url()
    from pipeline.service.stac.copied import Copy

    return Copy(door.work.store, url)

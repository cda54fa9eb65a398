"""Alerts as they are asked for: CAP files, an Atom feed, and OGC API Features."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from pipeline.errors import HazmonError
from pipeline.service.alerts import features, feed
from pipeline.service.alerts.shelf import Problem, Shelf
from pipeline.service.door import Door
from pipeline.store import Store

__all__ = ["Problem", "problems", "router", "running", "shelf_of"]

_log = logging.getLogger(__name__)


def shelf_of(door: Door) -> Shelf:
    """Return the shelf of a home's messages; it lies beside the catalogue's index."""
    return _shelf(door.work.store.root, door.work.cache / "alerts.sqlite")


@lru_cache(maxsize=8)
def _shelf(root: str, path: Path) -> Shelf:
    """Return the one shelf of a home in this process, so that its messages are read once."""
    return Shelf(Store.open(root), path)


@asynccontextmanager
async def running(door: Door, app: FastAPI) -> AsyncIterator[None]:
    """Read the messages while the service starts, so that no request has to wait for it."""
    shelf = shelf_of(door)
    reading = asyncio.create_task(run_in_threadpool(_read, shelf))
    try:
        yield
    finally:
        with shelf.stopping():
            await reading


def _read(shelf: Shelf) -> None:
    try:
        shelf.refresh()
    except HazmonError as error:
        _log.warning("the messages are read when they are asked for: %s", error)


def router(door: Door) -> APIRouter:
    """Return the routes under /features and /alerts."""
    shelf = shelf_of(door)
    routes = APIRouter()
    routes.include_router(features.router(door, shelf))
    routes.include_router(feed.router(door, shelf))
    return routes


def problems(door: Door) -> list[Problem]:
    """Return the files among the alerts that cannot be read; the service leaves them out and goes on without."""
    return shelf_of(door).problems()

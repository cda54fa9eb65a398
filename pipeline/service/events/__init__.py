"""What becomes public, told to those who wait for it: server-sent events, polling and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI

from pipeline.service.door import Door
from pipeline.service.events import log
from pipeline.service.events.watcher import Watcher

__all__ = ["router", "running", "stop"]


def router(door: Door) -> APIRouter:
    """Return /events, /news and /webhooks."""
    routes = APIRouter()
    routes.include_router(log.router(door))
    return routes


@asynccontextmanager
async def running(door: Door, app: FastAPI) -> AsyncIterator[None]:
    """Watch the log of news until the end of the block."""
    watcher = Watcher(door.work.store)
    await watcher.start()
    app.state.watcher = watcher
    watching = asyncio.create_task(watcher.watch())
    try:
        yield
    finally:
        watcher.stop()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


def stop(app: FastAPI) -> None:
    """End all open streams; to be called as soon as the server is told to stop, since it waits for them."""
    watcher: Watcher | None = getattr(app.state, "watcher", None)
    if watcher is not None:
        watcher.stop()

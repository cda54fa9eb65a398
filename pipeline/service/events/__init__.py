"""What becomes public, told to those who wait for it: server-sent events, polling and webhooks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from pipeline.service.door import Door
from pipeline.service.events import log, webhooks
from pipeline.service.events.deliver import Courier
from pipeline.service.events.watcher import Watcher

_log = logging.getLogger(__name__)

__all__ = ["router", "running"]


def router(door: Door) -> APIRouter:
    """Return /events, /news and /webhooks."""
    routes = APIRouter()
    routes.include_router(log.router(door))
    routes.include_router(webhooks.router(door))
    return routes


@asynccontextmanager
async def running(door: Door, app: FastAPI) -> AsyncIterator[None]:
    """Watch the log of news, and deliver webhooks, until the end of the block."""
    watcher = Watcher(door.work.store)
    await watcher.start()
    app.state.watcher = watcher
    # A task that dies is seen at the end of the block and in the log at once; the service goes on without it.
    tasks = [asyncio.create_task(watcher.watch()), asyncio.create_task(Courier(door, watcher).work())]
    for task in tasks:
        task.add_done_callback(_report)
    try:
        yield
    finally:
        watcher.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("background work of the events stopped", exc_info=error)

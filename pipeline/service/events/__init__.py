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
    door.background.held_up["news"] = lambda: watcher.trouble
    work = {"the watch for news": watcher.watch(), "the delivery of webhooks": Courier(door, watcher).work()}
    tasks = [asyncio.create_task(each, name=name) for name, each in work.items()]
    for task in tasks:
        door.background.ended.pop(task.get_name(), None)
        task.add_done_callback(lambda task: _ended(task, door, watcher))
    try:
        yield
    finally:
        watcher.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _ended(task: asyncio.Task[None], door: Door, watcher: Watcher) -> None:
    """Say that work has ended: in the log, and where nobody asked it to, as a service that is not ready."""
    error = None if task.cancelled() else task.exception()
    if watcher.stopped and error is None:
        return
    why = "without an error" if error is None else f"{type(error).__name__}; see the log"
    door.background.ended[task.get_name()] = why
    _log.critical("%s ended: %s", task.get_name(), why, exc_info=error)

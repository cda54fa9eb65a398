"""The application: every part's routes and background work behind the same guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import APIRouter, FastAPI

import pipeline
from pipeline.service.door import Door

#: Parts that only answer: each makes its routes.
ROUTERS: tuple[Callable[[Door], APIRouter], ...] = ()

#: Parts that also work in the background while the service runs.
RUNNING: tuple[Callable[[Door, FastAPI], AbstractAsyncContextManager[None]], ...] = ()


def application(door: Door) -> FastAPI:
    """Return the service over a home, ready to be run by an ASGI server."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in RUNNING:
                await stack.enter_async_context(part(door, app))
            yield

    app = FastAPI(
        title=door.settings.title,
        version=pipeline.__version__,
        # The pages that FastAPI would serve there load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=life,
    )
    for make in ROUTERS:
        app.include_router(make(door))
    return app

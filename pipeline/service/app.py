"""The application: every part's routes and background work behind the same guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

import pipeline
from pipeline.service import alerts, events, files, page, raster, stac, status
from pipeline.service.door import Door
from pipeline.service.guard import faults, guarded

#: Parts that only answer: each makes its routes.
ROUTERS: tuple[Callable[[Door], APIRouter], ...] = (
    alerts.router,
    events.router,
    files.router,
    page.router,
    raster.router,
    status.router,
)

#: Parts that need the application itself to add their routes.
INSTALLED: tuple[Callable[[FastAPI, Door], None], ...] = (stac.install,)

#: Parts that also work in the background while the service runs.
RUNNING: tuple[Callable[[Door, FastAPI], AbstractAsyncContextManager[None]], ...] = (
    alerts.running,
    events.running,
    stac.running,
)

#: How every part says what is wrong with a request.
_ERROR = {
    "type": "object",
    "required": ["code", "description"],
    "properties": {"code": {"type": "string"}, "description": {"type": "string"}},
}


class Service(FastAPI):
    """FastAPI behind our guards, which stand before everything else, and with our own form of errors in its description."""

    def __init__(self, door: Door, **options: Any) -> None:
        super().__init__(**options)
        self.door = door

    def build_middleware_stack(self) -> ASGIApp:
        """Return what is called for a request."""
        return guarded(_Slashless(super().build_middleware_stack()), self.door.settings, self.door.listening)

    def openapi(self) -> dict[str, Any]:
        """Return the description of all routes: what cannot be understood is 400 here, in one form for every route."""
        if self.openapi_schema is None:
            self.openapi_schema = _with_errors(super().openapi())
        return self.openapi_schema


class _Slashless:
    """Answers an address with one slash at its end as the same without it; of files the name is all of the address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        path = scope.get("path", "/")
        if scope["type"] == "http" and path.endswith("/") and path != "/" and not path.startswith("/files/"):
            scope["path"] = path[:-1]
        await self._app(scope, receive, send)


def application(door: Door) -> FastAPI:
    """Return the service over a home, ready to be run by an ASGI server."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in RUNNING:
                await stack.enter_async_context(part(door, app))
            yield

    app = Service(
        door,
        title=door.settings.title,
        version=pipeline.__version__,
        # The pages that FastAPI would serve there load their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        # What it would redirect to is the address behind a proxy, not the public one.
        redirect_slashes=False,
    )
    faults.told(app)
    for make in ROUTERS:
        app.include_router(make(door))
    for install in INSTALLED:
        install(app, door)
    return app


def _with_errors(document: dict[str, Any]) -> dict[str, Any]:
    """Return a description in which every operation says what it answers to bad requests, and when it is busy."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            responses.pop("422", None)
            responses.setdefault("4XX", {"description": "What is wrong with the request", "content": content})
            responses.setdefault("503", {"description": "Busy, or the store cannot be read now", "content": content})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return document

"""How a STAC API becomes part of the service: its routes under /stac, and nothing else of its own."""

from __future__ import annotations

import orjson
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import request_response
from stac_fastapi.api.app import StacApi
from stac_fastapi.api.models import EmptyRequest
from stac_fastapi.api.routes import create_async_endpoint
from stac_fastapi.types.config import ApiSettings
from stac_fastapi.types.core import AsyncBaseCoreClient, BaseCoreClient
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.service.door import Door
from pipeline.service.stac.checked import check_get
from pipeline.service.stac.extensions import Extensions
from pipeline.service.stac.landing import OPENAPI

#: Under which path the STAC API lies.
PREFIX = "/stac"


class _Part(StacApi):
    """A StacApi that is one part of a larger application: no middlewares, health checks or pages of its own."""

    def add_health_check(self) -> None:
        """Add nothing: the service's own part tells its health."""

    def register_landing_page(self) -> None:
        """Register the landing page with and without a slash at its end."""
        super().register_landing_page()
        self.router.add_api_route(
            "",
            name="Landing page",
            methods=["GET"],
            include_in_schema=False,
            response_class=self.response_class,
            endpoint=create_async_endpoint(self.client.landing_page, EmptyRequest),
        )


def attach(app: FastAPI, door: Door, client: BaseCoreClient | AsyncBaseCoreClient, offered: Extensions) -> None:
    """Add the routes of a STAC API to the application.

    Parameters
    ----------
    app
        The whole service.
    door
        What it reads.
    client
        The back-end: answers core and search.
    offered
        What `extensions` returns for the back-end.
    """
    client.landing_page_id = "hazmon"
    # The service answers all errors in one way, whichever part they come from: what it does with them stays.
    handlers = dict(app.exception_handlers)
    _Part(
        app=app,
        settings=ApiSettings(enable_response_models=False, openapi_url=app.openapi_url or "", docs_url=""),
        title=door.settings.title,
        description="Hazard layers: estimate, uncertainty, exclusion and age of each, as COGs with STAC Items.",
        api_version=app.version,
        client=client,
        extensions=offered.all,
        exceptions={},
        router=APIRouter(prefix=PREFIX, tags=["STAC"], dependencies=[Depends(check_get)]),
        search_get_request_model=offered.get_model,
        search_post_request_model=offered.post_model,
        items_get_request_model=offered.items_model,
        middlewares=[],
    )
    app.exception_handlers.update(handlers)
    _call_openapi_by_its_version(app)


def _call_openapi_by_its_version(app: FastAPI) -> None:
    """Give /openapi.json the media type of OpenAPI 3.1, which it is; stac-fastapi says 3.0."""
    route = next(route for route in app.router.routes if isinstance(route, Route) and route.path == app.openapi_url)

    async def description(request: Request) -> Response:
        return Response(orjson.dumps(app.openapi()), media_type=OPENAPI)

    route.app = request_response(description)

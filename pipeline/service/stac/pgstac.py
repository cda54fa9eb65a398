"""The STAC API over pgstac: PostgreSQL finds the Items, all else is answered as over the embedded index."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import asyncpg
import attr
import orjson
from fastapi import FastAPI
from pydantic import BaseModel
from stac_fastapi.pgstac.db import con_init, get_connection
from stac_fastapi.types import stac
from stac_fastapi.types.core import AsyncBaseCoreClient
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.config import ServiceConfig
from pipeline.errors import InputError
from pipeline.products.index_row import filterable, time_text
from pipeline.service.door import Door
from pipeline.service.stac import asked as asking
from pipeline.service.stac import cql, dialect, paging
from pipeline.service.stac.asked import Asked
from pipeline.service.stac.checked import named
from pipeline.service.stac.database import database_url
from pipeline.service.stac.embedded import EmbeddedClient, Items, Page, Queryables, answer, answer_item
from pipeline.service.stac.extensions import Extensions, extensions
from pipeline.service.stac.landing import CORE
from pipeline.service.stac.properties import key_of
from pipeline.service.stac.sync import keep

#: Most connections of one process; requests beyond wait for one.
_CONNECTIONS = 10

#: How long the end of the service waits for what is being written or read, seconds.
_PATIENCE_S = 5.0

#: What PostgreSQL says where a search asks for what cannot be: numbers or instants out of range, shapes that cannot be
#: compared, text that it cannot hold, filters that nest too deep.
_REFUSED = (asyncpg.DataError, asyncpg.InternalServerError, asyncpg.ProgramLimitExceededError, asyncpg.RaiseError)

#: What stands between the service and its database, for now: it is away, busy, too slow, or not made yet.
_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedTableError,
)

_NEWEST_FIRST = (("datetime", True), ("id", True))

Order = Sequence[tuple[str, bool]]


def backend(door: Door) -> tuple[PgstacClient, Extensions]:
    """Return the client over pgstac and its extensions."""
    items = Items(door)
    offered = extensions(Queryables(items=items))
    core = EmbeddedClient(items=items, extensions=offered.all)
    return PgstacClient(core=core), offered


@asynccontextmanager
async def running(door: Door, app: FastAPI) -> AsyncIterator[None]:
    """Keep connections to the database, and a thread that brings it what the news tell of.

    Neither has to be there when the service starts: searches answer 503 until it is.
    """
    url = database_url()
    stop = threading.Event()
    writer = threading.Thread(target=keep, args=(door.work.store, url, stop), name="pgstac", daemon=True)
    async with _pool(url, door.settings) as pool:
        # Where stac-fastapi-pgstac looks for them.
        app.state.readpool, app.state.get_connection = pool, get_connection
        writer.start()
        try:
            yield
        finally:
            stop.set()
            await run_in_threadpool(writer.join, _PATIENCE_S)


@asynccontextmanager
async def _pool(url: str, settings: ServiceConfig) -> AsyncIterator[asyncpg.Pool]:
    server = {
        "application_name": "hazmon",
        "search_path": "pgstac,public",
        "client_min_messages": "warning",
        "default_transaction_read_only": "on",
        # Else pgstac writes down every search, by whomever.
        "pgstac.readonly": "on",
        # Its functions claim to cost so much that every search would be compiled first.
        "jit": "off",
        # For the same reason it would start workers, which takes longer than to search.
        "max_parallel_workers_per_gather": "0",
        "statement_timeout": f"{int(1000 * settings.limits.request_seconds)}",
    }
    pool = await asyncpg.create_pool(url, min_size=0, max_size=_CONNECTIONS, init=con_init, server_settings=server)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), _PATIENCE_S)
        except TimeoutError:
            pool.terminate()


@attr.s
class PgstacClient(AsyncBaseCoreClient):
    """Core and search of the STAC API."""

    core: EmbeddedClient = attr.ib(kw_only=True)
    """Answers what is not searched for."""
    base_conformance_classes: list[str] = attr.ib(factory=lambda: list(CORE))

    async def landing_page(self, **kwargs: Any) -> stac.LandingPage:
        """Return the landing page."""
        return await run_in_threadpool(self.core.landing_page, **kwargs)

    async def conformance(self, **kwargs: Any) -> stac.Conformance:
        """Return what it conforms to."""
        return await run_in_threadpool(self.core.conformance, **kwargs)

    async def all_collections(self, **kwargs: Any) -> stac.Collections:
        """Return all collections."""
        return await run_in_threadpool(self.core.all_collections, **kwargs)

    async def get_collection(self, collection_id: str, **kwargs: Any) -> stac.Collection:
        """Return one collection."""
        return await run_in_threadpool(self.core.get_collection, collection_id, **kwargs)

    async def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> stac.Item:
        """Return one Item."""
        await run_in_threadpool(self.core.items.collection, collection_id)
        one = {"ids": [item_id], "collections": [collection_id], "limit": 1, "conf": {"nohydrate": True}}
        found = await _rows(kwargs["request"], one)
        if not found:
            # Whoever was told of it by the events asks at once, before the database has it.
            return await run_in_threadpool(self.core.get_item, item_id, collection_id, **kwargs)
        return answer_item(self.core.items.door, found[0], item_id, collection_id, kwargs["request"])

    async def post_search(self, search_request: BaseModel, **kwargs: Any) -> stac.ItemCollection:
        """Return a page of Items for the body of a POST request."""
        return await self._search(lambda most: asking.from_post(search_request, most), kwargs["request"], body=search_request)

    async def get_search(self, *_: Any, **kwargs: Any) -> stac.ItemCollection:
        """Return a page of Items for the parameters of a GET request."""
        request = kwargs.pop("request")
        return await self._search(lambda most: asking.from_get({**kwargs, **named(request.query_params)}, most), request)

    async def item_collection(self, *_: Any, **kwargs: Any) -> stac.ItemCollection:
        """Return a page of the Items of a collection."""
        request, collection_id = kwargs.pop("request"), kwargs.pop("collection_id")
        await run_in_threadpool(self.core.items.collection, collection_id)
        here = {**kwargs, **named(request.query_params, collection_id)}
        return await self._search(lambda most: asking.from_get(here, most), request, hazard=collection_id)

    async def _search(self, read: Callable[[int], Asked], request: Request, **about: Any) -> stac.ItemCollection:
        door = self.core.items.door
        try:
            asked = await run_in_threadpool(read, door.settings.limits.page)
            order, place, search = await run_in_threadpool(written, self.core.items, asked)
        except InputError as error:
            raise HTTPException(400, str(error)) from error
        found = page(await _rows(request, search), asked, order, place)
        return await run_in_threadpool(answer, door, asked, found, request, **about)


def written(items: Items, asked: Asked) -> tuple[Order, paging.Place | None, dict[str, Any]]:
    """Return the order, where the page begins, and the search in pgstac's words, after refusing what cannot be answered.

    Raises
    ------
    InputError
        Where the embedded index would refuse it too.
    """
    items.door.fresh.look()
    types = items.catalog.index.types() if asked.condition or asked.sort else {}
    for name, descending in asked.sort:
        key_of(name, descending, types)
    if asked.condition is not None:
        cql.to_sql(asked.condition, types)
    order = tuple((name.removeprefix("properties."), descending) for name, descending in asked.sort) or _NEWEST_FIRST
    order = order if order[-1][0] == "id" else (*order, ("id", order[-1][1]))
    place = paging.place(asked.token, asked.sort, len(order)) if asked.token else None
    return order, place, dialect.search(asked, types, order, place)


async def _rows(request: Request, search: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Items that pgstac finds, as they lie in the store."""
    try:
        async with request.app.state.get_connection(request, "r") as connection:
            found = await connection.fetchval("SELECT search($1::text::jsonb)", orjson.dumps(search).decode())
    except _AWAY as error:
        raise HTTPException(503, "catalogue: the database does not answer now", {"Retry-After": "5"}) from error
    except _REFUSED as error:
        raise HTTPException(400, f"search: found what the database refuses ({str(error)[:300]})") from error
    return cast("list[dict[str, Any]]", found["features"])


def page(found: list[dict[str, Any]], asked: Asked, order: Order, place: paging.Place | None) -> Page:
    """Return the Items of one page and its tokens; one Item too many tells that there are more."""
    backwards = place is not None and place.way == "prev"
    more = len(found) > asked.limit
    items = (found[::-1] if backwards else found)[-asked.limit :] if backwards else found[: asked.limit]
    if not items:
        return [], None, None
    forward = _token("next", items[-1], asked, order) if more or backwards else None
    back = _token("prev", items[0], asked, order) if place and (more or not backwards) else None
    return items, forward, back


def _token(way: Literal["next", "prev"], item: dict[str, Any], asked: Asked, order: Order) -> str:
    return paging.token(paging.Place(way, _keys(item, order)), asked.sort)


def _keys(item: dict[str, Any], order: Order) -> tuple[paging.Value, ...]:
    """Return an Item's sort keys as the embedded index has them."""
    properties = item["properties"]
    columns = {
        "id": item["id"],
        "collection": item["collection"],
        "datetime": time_text(properties.get("start_datetime") or properties["datetime"]),
        "deprecated": properties.get("deprecated", False),
    }
    values = [columns[name] if name in columns else filterable(properties).get(name) for name, _ in order]
    return tuple(int(value) if isinstance(value, bool) else value for value in values)

"""The log of news over HTTP: a stream of events, and the same by polling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pipeline import news
from pipeline.news import EntryBroken
from pipeline.service.alerts import shelf_of
from pipeline.service.alerts.hazards import only_hazards
from pipeline.service.door import Door
from pipeline.service.events.sent import Teller
from pipeline.service.events.stream import MEDIA_TYPE, Choice, EventStream
from pipeline.service.events.watcher import Watcher
from pipeline.service.refused import only_known, refused

#: Entries of a page where the client names no number.
PAGE = 100
#: What a client is asked to wait where no more streams are kept open, seconds.
_BUSY_S = 30
_LARGEST = 10**12 - 1

_Kind = Literal["item", "alert"]
_Kinds = Annotated[list[_Kind] | None, Query(description="item or alert; may be repeated")]
_Hazards = Annotated[list[str] | None, Query(max_length=50, description="Id of a hazard; may be repeated")]


class Told(BaseModel):
    """What became public, or changed."""

    model_config = ConfigDict(extra="allow")

    number: int = Field(description="Place in the log; the numbers have no gaps")
    kind: _Kind
    what: Literal["published", "superseded", "withdrawn", "sent"] = Field(
        description="What happened to it when this was written; it never changes. Decide by `standing`"
    )
    standing: Literal["published", "superseded", "withdrawn"] | None = Field(
        None,
        description="How a product stands when it is told, read anew; null where it cannot be read. Messages have none",
    )
    id: str = Field(description="Item id, or CAP identifier")
    hazard: str
    at: str = Field(description="When it was told, UTC")
    href: str = Field(description="Address of the STAC Item or the CAP file")
    title: str | None = Field(description="For people; of a message, its headline")
    bbox: list[float] | None = Field(description="West, south, east, north, degrees")
    exercise: bool | None = Field(description="Whether it is part of a drill")
    synthetic: bool | None = Field(description="Whether it was made from generated data")


class News(BaseModel):
    """Entries of the log, in order."""

    entries: list[Told]
    after: int = Field(description="Number to ask with next, whether or not anything was wanted up to there")
    head: int = Field(description="Number of the newest entry")
    links: list[dict[str, str]]


def router(door: Door) -> APIRouter:
    """Return /events and /news; the watcher is there while the service runs."""
    routes = APIRouter(tags=["Events"], dependencies=[Depends(only_known)])
    teller = Teller(door.work.store)
    _add_stream(routes, door, teller)
    _add_pages(routes, door, teller)
    return routes


def _add_stream(routes: APIRouter, door: Door, teller: Teller) -> None:
    """Add the route that does not end."""

    @routes.get("/events", responses={200: {"content": {MEDIA_TYPE: {}}}}, response_class=Response)
    async def events(
        request: Request,
        after: Annotated[int | None, Query(ge=0, le=_LARGEST, description="Number to go on from; 0: all")] = None,
        kind: _Kinds = None,
        hazard: _Hazards = None,
        last_event_id: Annotated[str | None, Header(description="Sent by clients that come back")] = None,
    ) -> Response:
        """Tell what becomes public, as it does."""
        watcher = _watcher(request, door)
        await run_in_threadpool(only_hazards, door, shelf_of(door), hazard or ())
        wanted = _last(last_event_id) if last_event_id is not None else after
        if watcher.broken is not None or (wanted is not None and wanted > watcher.head):
            # Another process may have sent what this one has not seen yet, or a person have mended what it could not read.
            await watcher.look()
        beyond = wanted if wanted is not None and wanted > watcher.head else None
        place = watcher.head if wanted is None or beyond is not None else wanted
        # Refused where the next entry cannot be read: a stream that lives and tells nothing would say that there is no news.
        await watcher.page(place, 1)
        return EventStream(watcher, teller, _choice(kind, hazard), place=place, base=door.url(request), beyond=beyond)


def _add_pages(routes: APIRouter, door: Door, teller: Teller) -> None:
    """Add the route for who asks again and again."""

    @routes.get("/news", response_model=News)
    def told(
        request: Request,
        after: Annotated[int, Query(ge=0, le=_LARGEST, description="Number to go on from; 0: all")] = 0,
        limit: Annotated[int, Query(ge=1, description="Most entries that are looked at")] = PAGE,
        kind: _Kinds = None,
        hazard: _Hazards = None,
    ) -> Response:
        """Tell what became public after a number."""
        only_hazards(door, shelf_of(door), hazard or ())
        store, base = door.work.store, door.url(request)
        with _noted(request):
            head = news.head(store)
            if after > head:
                text = f"found after = {after}, expected at most {head}: the log was set back, read it again from 0"
                raise refused(409, text)
            found = list(news.after(store, after, min(limit, door.settings.limits.page), head=head))
        last = found[-1].number if found else after
        choice = _choice(kind, hazard)
        entries = teller.page([entry for entry in found if entry in choice], base)
        page = {"entries": entries, "after": last, "head": max(head, last), "links": [_link(request, base, last)]}
        return JSONResponse(page, headers={"Cache-Control": "no-cache"})


@contextmanager
def _noted(request: Request) -> Iterator[None]:
    """Have the health tell of an entry that cannot be read."""
    try:
        yield
    except EntryBroken as error:
        watcher: Watcher | None = getattr(request.app.state, "watcher", None)
        if watcher is not None:
            watcher.note(error)
        raise


def _watcher(request: Request, door: Door) -> Watcher:
    """Return who follows the log, where one more stream may be opened."""
    watcher: Watcher | None = getattr(request.app.state, "watcher", None)
    if watcher is None or watcher.stopped:
        raise refused(503, "found a service that stops, expected one that runs", {"Retry-After": "1"})
    if watcher.streams >= door.settings.limits.streams:
        text = f"found {watcher.streams} open streams, expected fewer; /news tells the same by polling"
        raise refused(503, text, {"Retry-After": str(_BUSY_S)})
    return watcher


def _choice(kinds: list[_Kind] | None, hazards: list[str] | None) -> Choice:
    return Choice(frozenset(kinds or ()), frozenset(hazards or ()))


def _link(request: Request, base: str, last: int) -> dict[str, str]:
    kept: list[tuple[str, Any]] = [pair for pair in request.query_params.multi_items() if pair[0] != "after"]
    return {"rel": "next", "href": f"{base}/news?{urlencode([*kept, ('after', last)])}", "type": "application/json"}


def _last(text: str) -> int | None:
    """Return the number that a client came back with; None where it had none yet."""
    if text == "":
        return None
    if not re.fullmatch(r"\d{1,12}", text):
        raise refused(400, f"found Last-Event-ID = {text!r}, expected the id of an event")
    return int(text)

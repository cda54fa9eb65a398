"""Webhooks over HTTP: subscriptions are made, looked at and removed by who has a key."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from pipeline import news
from pipeline.errors import FeedRefused, KeyMissing
from pipeline.feeds.http import check_url
from pipeline.service.alerts import shelf_of
from pipeline.service.alerts.hazards import only_hazards
from pipeline.service.door import Door
from pipeline.service.events.subscriptions import Subscription, Subscriptions, told
from pipeline.service.guard.keys import require_key
from pipeline.service.refused import only_known, refused

#: Subscriptions of one home.
MOST = 100

_Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Id of a subscription")]


class New(BaseModel):
    """Who is to be told of what."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000, description="Where entries are posted to, on one of the hosts that the service allows")
    kinds: list[Literal["item", "alert"]] = Field([], max_length=2, description="Empty: all")
    hazards: list[str] = Field([], max_length=50, description="Ids of hazards; empty: all")
    after: int | None = Field(None, ge=0, description="Number of the news to go on from, 0: all; none given: from now on")


class Shown(BaseModel):
    """A subscription and how far it has come."""

    id: str
    url: str
    kinds: list[str]
    hazards: list[str]
    created: datetime
    position: int = Field(description="Number of the last entry that it has taken or does not want")
    lag: int = Field(description="Entries after that")
    delivered: int = Field(description="Entries it has taken")
    last_success: datetime | None
    failures: int = Field(description="Failed attempts since the last success")
    last_error: str | None
    next_attempt: datetime | None = Field(description="Not before; none: as soon as there is something to tell")
    ended: datetime | None = Field(description="When the receiver answered 410 Gone; nothing is sent any more")


class Made(Shown):
    """A new subscription, with the secret that its messages are signed with."""

    secret: str = Field(description="Shown this once")


class Listed(BaseModel):
    """All subscriptions."""

    webhooks: list[Shown]


def router(door: Door) -> APIRouter:
    """Return /webhooks, for who has a key."""
    routes = APIRouter(
        prefix="/webhooks",
        tags=["Webhooks"],
        dependencies=[Depends(require_key(door)), Depends(only_known)],
    )
    subscriptions = Subscriptions(door.work.store)

    @routes.post("", status_code=201, response_model=Made)
    def make(request: Request, wanted: New) -> dict[str, Any]:
        """Subscribe; the secret is shown this once."""
        _check(door, wanted)
        return _made(subscriptions, wanted, news.head(door.work.store), door.url(request))

    @routes.get("", response_model=Listed)
    def listed() -> dict[str, Any]:
        """Return all subscriptions and how far each has come."""
        return {"webhooks": list(_all(subscriptions, news.head(door.work.store)))}

    @routes.get("/{id}", response_model=Shown)
    def one(id: _Id) -> dict[str, Any]:
        """Return a subscription and how far it has come."""
        with _known(id):
            return _shown(subscriptions, subscriptions.get(id), news.head(door.work.store))

    @routes.delete("/{id}", status_code=204, response_class=Response)
    def removed(id: _Id) -> Response:
        """Remove a subscription; nothing more is sent to it."""
        with _known(id):
            subscriptions.remove(subscriptions.get(id).id)
        return Response(status_code=204)

    return routes


def _made(subscriptions: Subscriptions, wanted: New, head: int, base: str) -> dict[str, Any]:
    if wanted.after is not None and wanted.after > head:
        raise refused(409, f"found after = {wanted.after}, expected at most {head}")
    if len(subscriptions.all()) >= MOST:
        raise refused(409, f"found {MOST} subscriptions, expected fewer; remove those that are not used")
    new = Subscription(
        id=uuid.uuid4().hex,
        url=wanted.url,
        created=datetime.now(UTC).replace(microsecond=0),
        base=base,
        kinds=tuple(dict.fromkeys(wanted.kinds)),
        hazards=tuple(dict.fromkeys(wanted.hazards)),
    )
    made, secret = subscriptions.add(new, head if wanted.after is None else wanted.after)
    return {**_shown(subscriptions, made, head), "secret": secret}


def _all(subscriptions: Subscriptions, head: int) -> Iterator[dict[str, Any]]:
    for subscription in subscriptions.all():
        with suppress(KeyMissing):  # removed meanwhile
            yield _shown(subscriptions, subscription, head)


@contextmanager
def _known(id: str) -> Iterator[None]:
    """Refuse where a subscription is not there."""
    try:
        yield
    except KeyMissing as error:
        raise refused(404, f"found no subscription {id}, expected one of /webhooks") from error


def _shown(subscriptions: Subscriptions, subscription: Subscription, head: int) -> dict[str, Any]:
    return told(subscription, subscriptions.progress(subscription.id)[1], head)


def _check(door: Door, wanted: New) -> None:
    try:
        check_url(wanted.url, door.settings.webhook_hosts)
    except FeedRefused as error:
        raise refused(400, str(error)) from error
    only_hazards(door, shelf_of(door), wanted.hazards)

"""What every part of the service is given: the workspace it reads, how it is set and the moment to believe it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.config import ServiceConfig
from pipeline.errors import KeyMissing, Unreadable
from pipeline.products.catalog import item_key
from pipeline.products.stored import read_item
from pipeline.service.background import Background
from pipeline.service.fresh import Fresh
from pipeline.steps import Workspace


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Door:
    """One service over one home."""

    work: Workspace
    keys: tuple[str, ...] = field(default=(), repr=False)
    """Secrets that allow writing; none: nothing can be written."""
    now: Callable[[], datetime] = _wall
    """The wall clock, or an exercise's own."""
    airflow: str | None = None
    """Address of Airflow's REST interface, where its runs are to be shown."""
    airflow_token: str | None = field(default=None, repr=False)
    """What Airflow wants to see (Authorization: Bearer), where it asks for it."""
    listening: tuple[str, ...] = ()
    """The address it listens on, which it answers to as it does to loopback."""

    @cached_property
    def fresh(self) -> Fresh:
        """What keeps the index up with publishers elsewhere."""
        return Fresh(self.work.catalog)

    @cached_property
    def background(self) -> Background:
        """How the work in the background of this process stands."""
        return Background()

    @property
    def settings(self) -> ServiceConfig:
        """How the service is configured."""
        return self.work.config.service

    def url(self, request: Request) -> str:
        """Return the public address of the service without a slash at its end."""
        return (self.settings.url or str(request.base_url)).rstrip("/")


#: First segments of the store keys that are public under /files/.
PUBLIC = ("alerts", "catalog", "raw")


def file_url(base: str, key: str) -> str:
    """Return the address of a public object of the store."""
    return f"{base}/files/{key}"


def item_url(base: str, hazard: str, item_id: str) -> str:
    """Return the address of an Item in the STAC API."""
    return f"{base}/stac/collections/{quote(hazard, safe='')}/items/{quote(item_id, safe='')}"


def find_item(door: Door, id: str) -> dict[str, Any] | None:
    """Return a public Item as it lies in the store; None where there is none of this id, whatever the text is.

    Raises
    ------
    HTTPException
        503 where it is there and cannot be read.
    """
    index = door.work.catalog.index
    row = index.row(id)
    if row is None:
        # Whoever was told of it by the events asks at once.
        door.fresh.look(now=True)
        row = index.row(id)
    key = row.key if row is not None else item_key(id)
    if row is None and key not in index.unreadable():
        return None
    try:
        return read_item(door.work.store, key)
    except KeyMissing:
        return None
    except Unreadable as error:
        raise HTTPException(503, f"item {id}: its file in the store cannot be read") from error

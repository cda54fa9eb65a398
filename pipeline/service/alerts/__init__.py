"""Alerts as they are asked for: CAP files, an Atom feed, and OGC API Features."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.service.alerts import features, feed
from pipeline.service.alerts.shelf import Problem, Shelf
from pipeline.service.door import Door

__all__ = ["Problem", "problems", "router", "shelf_of"]


def shelf_of(door: Door) -> Shelf:
    """Return the shelf of a home's messages; it lies beside the catalogue's index."""
    return Shelf(door.work.store, door.work.cache / "alerts.sqlite")


def router(door: Door) -> APIRouter:
    """Return the routes under /features and /alerts."""
    shelf = shelf_of(door)
    routes = APIRouter()
    routes.include_router(features.router(door, shelf))
    routes.include_router(feed.router(door, shelf))
    return routes


def problems(door: Door) -> list[Problem]:
    """Return the files among the alerts that cannot be read; the service leaves them out and goes on without."""
    return shelf_of(door).problems()

"""Tiles, pictures and numbers of published rasters, by ids alone.

The addresses and documents are those of titiler; its factory is not mounted, since its routes take parameters (other
CRSs, expressions, bodies) by which GDAL can be made to open what nobody published.
"""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.service.door import Door
from pipeline.service.raster import explain, numbers, pictures, tiles
from pipeline.service.raster.answers import Studio
from pipeline.service.raster.handles import Handles
from pipeline.service.raster.source import Rasters


def router(door: Door) -> APIRouter:
    """Return the routes of rasters and of explanations."""
    handles = Handles()
    studio = Studio(Rasters(door, handles), handles)
    api = APIRouter()
    for part in (tiles, pictures, numbers):
        api.include_router(part.routes(door, studio), prefix="/raster/{hazard}/{item}/{asset}", tags=["raster"])
    api.include_router(explain.routes(door, studio))
    return api

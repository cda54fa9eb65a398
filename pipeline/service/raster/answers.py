"""Answers named by what they show: kept by browsers and proxies, which ask at times whether the name is still that."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipeline.service.raster.cache import Cache
from pipeline.service.raster.handles import Handles
from pipeline.service.raster.source import Raster, Rasters
from pipeline.service.tags import matches

#: Changes with the way anything is drawn; the colours are in the names of answers anyway.
DRAWING = "1"

#: Bytes of tiles kept in memory.
_KEPT = 64 * 2**20

Answer = TypeVar("Answer")

#: Values never change, but a new release may draw them otherwise: no picture stays the old way for longer than this.
#: Who asks again after it is told by a few bytes that nothing changed.
_CACHE = "public, max-age=600"


class Studio:
    """What all routes of rasters share: open files, looked-up assets, and the answers kept."""

    def __init__(self, rasters: Rasters, handles: Handles) -> None:
        self.rasters, self.handles = rasters, handles
        self._cache = Cache(_KEPT)
        # More threads than processors would only make every one of them slower, and each keeps memory of its own (PROJ's,
        # the allocator's); large answers wait for one another, since each takes tens of megabytes while it is made.
        self._small = ThreadPoolExecutor((os.cpu_count() or 1) + 1, "raster")
        self._large = ThreadPoolExecutor(1, "raster-large")

    async def run(self, make: Callable[[], Answer], *, large: bool = False) -> Answer:
        """Return what a function gives, called in one of a few threads."""
        return await asyncio.get_running_loop().run_in_executor(self._large if large else self._small, make)

    async def raster(self, hazard: str, item: str, asset: str) -> Raster:
        """Return an asset of a public Item, or refuse with 404."""
        held = self.rasters.recall(hazard, item, asset)
        return held if held is not None else await self.run(partial(self.rasters.find, hazard, item, asset))

    async def answer(
        self, request: Request, name: Iterable[object], make: Callable[[], bytes], *, media_type: str, large: bool = False
    ) -> Response:
        """Return the answer of this name: 304 where the client has it, from memory where it is kept, else made now.

        Parameters
        ----------
        request
            What was asked.
        name
            Everything the answer depends on.
        make
            Draws it; called in a thread.
        media_type
            Of the answer.
        large
            Whether it may take much memory: made one at a time, and not kept.
        """
        text = "|".join(map(str, (DRAWING, *name)))
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": _CACHE, "X-Content-Type-Options": "nosniff"}
        if matches(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        data = None if large else self._cache.get(etag)
        if data is None:
            data = await self.run(make, large=large)
            if not large:
                self._cache.put(etag, data)
        return Response(data, media_type=media_type, headers=headers)


def bare(request: Request) -> None:
    """Refuse parameters where there are none to give: a mistyped one would be answered as if it were not there.

    Raises
    ------
    HTTPException
        400 naming them.
    """
    if request.query_params:
        raise HTTPException(400, f"query: found {', '.join(request.query_params)[:200]}, expected no parameters")

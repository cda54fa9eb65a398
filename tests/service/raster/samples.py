"""A home with a few published rasters, and an application that serves them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rasterio
import uvicorn
from affine import Affine
from fastapi import FastAPI
from odc.geo.geobox import GeoBox
from starlette.types import ASGIApp

from pipeline.config import Config
from pipeline.model import Event, Scene
from pipeline.service import files, raster
from pipeline.service.door import Door
from pipeline.service.guard import faults
from pipeline.steps import open_workspace
from tests.drills import CONFIG
from tests.products.samples import INFO, NOW, ORIGIN, built, geobox, product

#: The moment at which the service believes to be.
LATER = datetime(2024, 1, 22, 19, 20, tzinfo=UTC)

GRIDS = {
    # Larger than a block, so that there are overviews.
    "degrees": geobox(700, 900),
    "metres": GeoBox((640, 720), Affine(100, 0, 508_000, 0, -100, 5_682_000), "EPSG:32639"),
    "dateline": geobox(60, 480, west=178.0),
}


@dataclass(frozen=True)
class Published:
    """A home and the ids of what is public in it."""

    door: Door
    items: dict[str, dict[str, Any]]

    def path(self, name: str, asset: str = "mmi") -> Path:
        """Return the file of an asset."""
        item = self.items[name]
        href = item["assets"][asset]["href"].removeprefix("./")
        return Path(self.door.work.store.root) / "catalog" / item["collection"] / item["id"] / href

    def url(self, name: str, asset: str = "mmi") -> str:
        """Return the address of an asset's routes."""
        item = self.items[name]
        return f"/raster/{item['collection']}/{item['id']}/{asset}"

    def values(self, name: str, asset: str = "mmi") -> Any:
        """Return all values of an asset, and the open file's grid."""
        with rasterio.open(self.path(name, asset)) as source:
            return source.read(1), source.transform, source.crs.to_epsg()


def publish(folder: Path) -> Published:
    """Return a home with one Item for each grid, and a second version of the first."""
    config = folder / "config"
    config.mkdir()
    (config / "service.yaml").write_text("limits: {pixels: 1000000, cells: 700000}\n")
    work = open_workspace(str(folder / "home"), Config(CONFIG, config))
    work.store.put("raw/usgs_all_hour/us7000lsze/1", b"<script>alert(1)</script>")
    work.store.put("raw/vs30/vs30/0", b"map")
    work.store.put("ledger/secret.json", b"{}")
    work.store.put("alerts/2024/one.xml", b"<alert/>")
    work.store.put("alerts/atom.xml", b"<feed/>")
    subjects = {
        "degrees": Event("eq20240122180904a1b2", 1, ORIGIN),
        "metres": Scene("sentinel1_rtc", "S1A", ORIGIN),
        "dateline": Event("eq20240122180904c3d4", 1, ORIGIN),
    }
    items = {}
    for name, grid in GRIDS.items():
        made = product(subject=subjects[name], geobox=grid)
        work.catalog.stage(*built(made, folder / name))
        items[name] = work.catalog.publish(made.item_id, INFO, now=NOW)
    return Published(Door(work, now=lambda: LATER), items)


def application(door: Door) -> FastAPI:
    """Return an application of files and rasters alone."""
    app = FastAPI()
    faults.told(app)
    app.include_router(files.router(door))
    app.include_router(raster.router(door))
    return app


class _Server(uvicorn.Server):
    """A server that tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """Give the address of an application on a free port of loopback."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert server.ready.wait(20)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)

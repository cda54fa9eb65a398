"""Tiles of the service against bare titiler on the same files: prints ratios of tiles per second, and p50 and p95.

    python -m tests.benchmarks.bench_tiles [--cells 4096] [--clients 4]

Both run under uvicorn with one worker in a process of their own; one client asks both for the same tiles in turns, so
that a busy machine slows both. Cold: every tile for the first time. Warm: the same tiles again. Bare titiler opens the
file by its path and draws in the way that is quickest for it: a colour map by name for numbers, the file's own colour
table for classes, the nearest cell, and no hatch for what is unknown.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import morecantile
import numpy as np
import uvicorn
from affine import Affine
from fastapi import FastAPI
from odc.geo.geobox import GeoBox
from titiler.core.factory import TilerFactory

from pipeline.config import Config
from pipeline.model import Event, Scene
from pipeline.service import raster
from pipeline.service.door import Door
from pipeline.steps import open_workspace
from tests.drills import CONFIG
from tests.products.samples import INFO, NOW, ORIGIN, built, product

#: Tiles asked for of each raster, half of them where a pixel is about a cell.
TILES = 100

#: Tiles at least as fast as bare titiler, and no slower than this when warm, milliseconds.
AIMS = {"ratio": 1.0, "p95_ms": 60.0}


def publish(home: Path, workshop: Path, cells: int) -> dict[str, dict[str, Any]]:
    """Publish one raster in degrees and one in metres; return their Items."""
    work = open_workspace(str(home), Config(CONFIG))
    grids = {
        "degrees": (
            Event("eq20240122180904a1b2", 1, ORIGIN),
            GeoBox((cells, cells), Affine(1 / 120, 0, 60, 0, -1 / 120, 60), 4326),
        ),
        "metres": (
            Scene("sentinel1_rtc", "S1A", ORIGIN),
            GeoBox((cells, cells), Affine(20, 0, 508_000, 0, -20, 5_682_000), 32639),
        ),
    }
    items = {}
    for name, (subject, grid) in grids.items():
        made = product(subject=subject, geobox=grid)
        work.catalog.stage(*built(made, workshop / name))
        items[name] = work.catalog.publish(made.item_id, INFO, now=NOW)
    return items


def ours(home: str) -> FastAPI:
    """Return the service's rasters over a home."""
    app = FastAPI()
    app.include_router(raster.router(Door(open_workspace(home, Config(CONFIG)))))
    return app


def bare(home: str) -> FastAPI:
    """Return titiler as it comes."""
    # rio-tiler casts NaN to the file's own type at every tile of classes.
    warnings.filterwarnings("ignore", "invalid value encountered in cast", RuntimeWarning)
    app = FastAPI()
    app.include_router(TilerFactory().router)
    return app


def _run(which: str, home: str, pipe: Connection) -> None:
    server = uvicorn.Server(uvicorn.Config({"ours": ours, "bare": bare}[which](home), port=0, log_level="error"))

    def tell() -> None:
        while not server.started:
            time.sleep(0.05)
        pipe.send(server.servers[0].sockets[0].getsockname()[1])
        pipe.recv()
        server.should_exit = True

    threading.Thread(target=tell, daemon=True).start()
    server.run()


@contextmanager
def served(which: str, home: str) -> Iterator[str]:
    """Give the address of one of the two in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(which, home, there))
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        here.send(None)
        process.join(20)


def tiles(item: dict[str, Any], count: int) -> list[morecantile.Tile]:
    """Return tiles that meet an Item: half at the zoom of its cells, the rest at those above, always the same ones."""
    tms = morecantile.tms.get("WebMercatorQuad")
    west, south, east, north = item["bbox"]
    cell = (east - west) / item["properties"]["proj:shape"][1] * 111_320
    native = next(zoom for zoom in range(22) if tms.matrix(zoom).cellSize <= cell)
    chosen: list[morecantile.Tile] = []
    for zoom, share in ((native, 0.5), (native - 1, 0.25), (native - 2, 0.15), (native + 1, 0.1)):
        every = list(tms.tiles(west, south, east, north, zooms=zoom))
        chosen += random.Random(zoom).sample(every, min(round(count * share), len(every)))
    random.Random(1).shuffle(chosen)
    return chosen


def addresses(items: dict[str, dict[str, Any]], home: Path) -> tuple[list[str], list[str]]:
    """Return the paths of the same tiles on both."""
    first, second = [], []
    for item in items.values():
        for asset in ("mmi", "outside"):
            place = f"{item['collection']}/{item['id']}"
            query = {"url": f"{home}/catalog/{place}/{asset}.tif", "tilesize": "256"}
            if asset == "mmi":
                query |= {"rescale": "1,10", "colormap_name": "viridis"}
            for tile in tiles(item, TILES):
                path = f"tiles/WebMercatorQuad/{tile.z}/{tile.x}/{tile.y}.png"
                first.append(f"/raster/{place}/{asset}/{path}")
                second.append(f"/{path}?{httpx.QueryParams(query)}")
    return first, second


def asked(base: str, paths: Sequence[str], clients: int) -> tuple[float, list[float]]:
    """Return the seconds all of some tiles took, and each of them."""
    with httpx.Client(base_url=base, limits=httpx.Limits(max_keepalive_connections=clients), timeout=60) as client:

        def one(path: str) -> float:
            start = time.perf_counter()
            client.get(path).raise_for_status()
            return time.perf_counter() - start

        with ThreadPoolExecutor(clients) as pool:
            start = time.perf_counter()
            times = list(pool.map(one, paths))
            return time.perf_counter() - start, times


def measure(cells: int, clients: int) -> list[dict[str, object]]:
    """Return tiles per second and milliseconds of both, cold and warm."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        items = publish(home, Path(folder), cells)
        paths = addresses(items, home)
        with served("ours", str(home)) as first, served("bare", str(home)) as second:
            bases = (first, second)
            for base, some in zip(bases, paths, strict=True):  # imports, threads, projections
                asked(base, [some[0]] * 8, clients)
            turns = {"cold": _turns(bases, paths, clients), "warm": _turns(bases, paths, clients)}
    return [_row(state, *found) for state, found in turns.items()]


def _turns(
    bases: tuple[str, str], paths: tuple[list[str], list[str]], clients: int, parts: int = 6
) -> tuple[tuple[float, list[float]], tuple[float, list[float]]]:
    """Return what all tiles took on both, asked for a part at a time in turns."""
    seconds, times = [0.0, 0.0], ([], [])  # type: ignore[var-annotated]
    for part in range(parts):
        for which in (0, 1):
            took, each = asked(bases[which], paths[which][part::parts], clients)
            seconds[which] += took
            times[which].extend(each)
    return (seconds[0], times[0]), (seconds[1], times[1])


def _row(state: str, first: tuple[float, list[float]], second: tuple[float, list[float]]) -> dict[str, object]:
    row: dict[str, object] = {"tiles": state}
    for name, (seconds, times) in (("service", first), ("titiler", second)):
        p50, p95 = np.percentile(np.array(times) * 1000, (50, 95))
        row |= {
            f"{name}_per_s": round(len(times) / seconds, 1),
            f"{name}_p50_ms": round(float(p50), 2),
            f"{name}_p95_ms": round(float(p95), 2),
        }
    return row | {"ratio": round(second[0] / first[0], 2)}


def main(arguments: list[str] | None = None) -> float:
    """Print one JSON line for cold tiles and one for warm ones; return the ratio of the cold ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=4096, help="edge of the rasters, cells")
    parser.add_argument("--clients", type=int, default=4, help="requests at the same time")
    given = parser.parse_args(arguments)
    rows = measure(given.cells, given.clients)
    for row in [*rows, {"benchmark": "tiles per second / bare titiler", "aim": AIMS, "ratio": rows[0]["ratio"]}]:
        sys.stdout.write(json.dumps(row) + "\n")
    return float(str(rows[0]["ratio"]))


if __name__ == "__main__":
    main()

"""Searches in a catalogue of 100,000 Items, over HTTP and in the index alone, and paging while Items are published.

    python -m tests.benchmarks.bench_catalog [--items 100000] [--searches 300] [--pgstac]

With `--pgstac` the same again over pgstac, in a PostgreSQL of its own: the Items are written as files first and loaded
from them, as `hazmon catalog sync --all` does. The service runs in a process of its own on loopback, the client in this
one. Each search asks for another place and time; the first of each kind are left out, so that it is a service that has
run for a while.
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import psycopg
import shapely

from pipeline.config import Config
from pipeline.products.index import Index
from pipeline.products.index_row import time_text
from pipeline.products.index_search import Query, in_places
from pipeline.service.door import Door
from pipeline.steps import Workspace, open_workspace
from pipeline.store import to_bytes
from tests.drills import CONFIG
from tests.service.conftest import serving
from tests.service.homes import Publisher, open_home, rectangle

HAZARDS = ("shaking", "flood_extent", "fire_weather", "landslide")
FIRST = datetime(2014, 1, 1, tzinfo=UTC)
DAYS = 4000

#: Searches that are not counted.
WARM = 20

Bounds = tuple[float, float, float, float]


def place(chance: random.Random, wide: bool = False) -> Bounds:
    """Return a box in Central Asia, of the size of a product, or of a country."""
    width = chance.uniform(10, 40) if wide else chance.uniform(0.5, 8)
    west, south = chance.uniform(46, 110), chance.uniform(30, 54)
    return round(west, 5), round(south, 5), round(min(west + width, 130), 5), round(min(south + width / 2, 60), 5)


def items(model: dict[str, Any], count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (key, Item): eleven years of products of four hazards."""
    chance = random.Random(20240410)
    for number in range(count):
        hazard = HAZARDS[number % len(HAZARDS)]
        start = FIRST + timedelta(days=chance.uniform(0, DAYS))
        bbox = place(chance, wide=hazard == "fire_weather")
        id = f"{hazard}-{number:06d}-{start:%Y%m%dT%H%M%SZ}"
        item = copy.copy(model) | {"id": id, "collection": hazard, "bbox": list(bbox), "geometry": rectangle(bbox)}
        item["properties"] = model["properties"] | {
            "datetime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "hazmon:hazard": hazard,
            "hazmon:lineage": f"event:{number // 2}",
            "hazmon:subject": f"event:{number // 2}:{number % 2}",
            "hazmon:magnitude": round(chance.uniform(4, 8), 1),
            "deprecated": bool(number % 2),
        }
        yield f"catalog/{hazard}/{id}/{id}.json", item


def serve(home: str, answer: Connection) -> None:
    """Serve a home until the other end says otherwise; a process of its own."""
    own = Path(home) / "config"
    work = open_workspace(home, Config(CONFIG, own)) if own.is_dir() else open_home(Path(home))
    with serving(Door(work)) as url:
        answer.send(url)
        answer.recv()


@contextmanager
def service(home: Path) -> Iterator[str]:
    """Give the address of the service over a home."""
    spawn = multiprocessing.get_context("spawn")
    mine, its = spawn.Pipe()
    process = spawn.Process(target=serve, args=(str(home), its), daemon=True)
    process.start()
    try:
        yield mine.recv()
    finally:
        mine.send("enough")
        process.join(30)


def window(chance: random.Random, days: float) -> tuple[datetime, datetime]:
    """Return a part of the eleven years."""
    start = FIRST + timedelta(days=chance.uniform(0, DAYS))
    return start, start + timedelta(days=days)


def interval(chance: random.Random, days: float) -> str:
    """Return such a part as STAC writes it."""
    return "/".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in window(chance, days))


#: What is asked: parameters of a GET, or the body of a POST.
KINDS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "bbox and a month": lambda chance: {"bbox": place(chance), "datetime": interval(chance, 30)},
    "bbox and a year": lambda chance: {"bbox": place(chance), "datetime": interval(chance, 365)},
    "country and eleven years": lambda chance: {"bbox": place(chance, wide=True), "datetime": interval(chance, DAYS)},
    "a month anywhere": lambda chance: {"datetime": interval(chance, 30)},
    "bbox at any time": lambda chance: {"bbox": place(chance)},
    "one collection, bbox, a year": lambda chance: {
        "collections": [chance.choice(HAZARDS)],
        "bbox": place(chance),
        "datetime": interval(chance, 365),
    },
    "polygon and a year": lambda chance: {
        "intersects": {"type": "Polygon", "coordinates": [[[60, 40], [70, 41], [66, 47], [60, 40]]]},
        "datetime": interval(chance, 365),
    },
    "magnitude, standing, a year": lambda chance: {
        "filter": {
            "op": "and",
            "args": [
                {"op": ">=", "args": [{"property": "hazmon:magnitude"}, chance.uniform(6, 8)]},
                {"op": "=", "args": [{"property": "deprecated"}, False]},
            ],
        },
        "datetime": interval(chance, 365),
    },
    "the newest": lambda chance: {"limit": 10},
}


def spread(times: list[float]) -> dict[str, float]:
    """Return p50, p95 and the longest of times in seconds, milliseconds."""
    cuts = statistics.quantiles(times, n=20)
    return {"p50_ms": round(1000 * cuts[9], 1), "p95_ms": round(1000 * cuts[18], 1), "max_ms": round(1000 * max(times), 1)}


def over_http(url: str, kind: str, searches: int) -> dict[str, Any]:
    """Return how long searches of one kind take a client."""
    chance = random.Random(kind)
    times, found = [], 0
    with httpx.Client(base_url=url, timeout=60) as client:
        for number in range(searches + WARM):
            body = KINDS[kind](chance)
            began = time.perf_counter()
            answer = client.post("/stac/search", json=body)
            if number >= WARM:
                times.append(time.perf_counter() - began)
            answer.raise_for_status()
            found += len(answer.json()["features"])
    return {"search": kind, **spread(times), "items_per_search": round(found / (searches + WARM), 1)}


def in_index(index: Index, searches: int) -> dict[str, Any]:
    """Return how long a search by bbox and a month takes in the index alone."""
    chance = random.Random(7)
    times = []
    for number in range(searches + WARM):
        bbox, (start, end) = place(chance), window(chance, 30)
        term = in_places([bbox], shapely.box(*bbox))
        span = (time_text(start.isoformat()), time_text(end.isoformat()))
        began = time.perf_counter()
        index.find(Query(terms=[term], places=[bbox], window=span))
        if number >= WARM:
            times.append(time.perf_counter() - began)
    return {"search": "bbox and a month, in the index alone", **spread(times)}


def paging(url: str, publisher: Publisher, limit: int = 100, most: int = 100) -> dict[str, Any]:
    """Return how fast pages come while Items are published, and whether an Item came twice."""
    stop = threading.Event()
    published = 0

    def write() -> None:
        nonlocal published
        while not stop.is_set():
            publisher.publish(start=FIRST + timedelta(days=DAYS + 1, minutes=published))
            published += 1

    writer = threading.Thread(target=write)
    seen: list[str] = []
    times: list[float] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        link: dict[str, Any] | None = {"href": "/stac/search", "body": {"limit": limit}}
        while link is not None and len(times) < most:
            began = time.perf_counter()
            page = client.post(link["href"], json=link["body"]).raise_for_status().json()
            times.append(time.perf_counter() - began)
            seen += [item["id"] for item in page["features"]]
            link = next((each for each in page["links"] if each["rel"] == "next"), None)
            if len(times) == 1:
                writer.start()
    stop.set()
    writer.join()
    return {
        "pages": len(times),
        "of": limit,
        "pages_per_s": round(len(times) / sum(times), 1),
        **spread(times),
        "published_meanwhile": published,
        "items_twice": len(seen) - len(set(seen)),
    }


@contextmanager
def over_pgstac(work: Workspace, model: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Give how long it took to load a database with the Items, written as files first; services ask it inside."""
    from pipeline.service.stac.sync import sync
    from tests.service.postgres import cluster

    for key, item in items(model, count):
        work.store.put(key, to_bytes(item))
    (Path(work.store.root) / "config").mkdir()
    (Path(work.store.root) / "config/service.yaml").write_text("backend: pgstac\n")
    folder = Path(tempfile.mkdtemp(prefix="hazmon-bench-"))
    try:
        with cluster(folder, {"shared_buffers": "1GB", "random_page_cost": "1.1"}) as server:
            os.environ["HAZMON_PGSTAC"] = server.url("hazmon")
            began = time.perf_counter()
            done = sync(work.store, server.url("hazmon"))
            took = time.perf_counter() - began
            with psycopg.connect(server.url("hazmon")) as connection:
                (size,) = connection.execute("SELECT pg_database_size('hazmon')").fetchone() or (0,)
            yield {"items": done.items, "loaded_s": round(took, 1), "database_mb": round(size / 1e6)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def asked(home: Path, publisher: Publisher, searches: int) -> None:
    """Measure the service over a home and print one line of JSON for each kind of search."""
    with service(home) as url:
        for kind in KINDS:
            print(json.dumps(over_http(url, kind, searches)), flush=True)
        print(json.dumps(paging(url, publisher)), flush=True)


def main(argv: list[str] | None = None) -> None:
    """Measure and print one line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--pgstac", action="store_true")
    options = parser.parse_args(sys.argv[1:] if argv is None else argv)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        work = open_home(home)
        publisher = Publisher(work.catalog, Path(folder) / "workshop")
        for hazard in HAZARDS:
            publisher.publish(hazard=hazard)
        began = time.perf_counter()
        count = work.catalog.index.replace(items(publisher.model, options.items))
        seconds = time.perf_counter() - began
        size = work.catalog.index.path.stat().st_size
        print(json.dumps({"items": count, "built_s": round(seconds, 1), "index_mb": round(size / 1e6)}))
        print(json.dumps(in_index(work.catalog.index, options.searches)))
        asked(home, publisher, options.searches)
        if options.pgstac:
            with over_pgstac(work, publisher.model, options.items) as loaded:
                print(json.dumps({"backend": "pgstac", **loaded}), flush=True)
                asked(home, publisher, options.searches)


if __name__ == "__main__":
    main()

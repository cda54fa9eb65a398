"""A mixed load on the whole service, server and clients on one machine: errors, times by kind, memory over time.

HAZMON_BENCH_SECONDS=600 python -m tests.benchmarks.bench_service [--seconds 60] [--clients 4] [--streams 8]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import morecantile

from tests import drills
from tests.service.running import Running, running, variables

#: Share of each kind of request: what a page with a map, its board and a few clients of the API ask for.
SHARES = {"tile": 45, "point": 10, "search": 15, "item": 5, "alerts": 10, "board": 5, "page": 5, "file": 5}

#: Memory is looked at so often, seconds.
LOOK = 2.0


@dataclass
class Load:
    """What was measured."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    events: set[int] = field(default_factory=set)
    """Numbers of the news that streams heard."""


@contextmanager
def server() -> Iterator[Running]:
    """Play a small drill into a home of its own and serve it."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        with drills.on_stage([drills.quakes(events=slice(0, 2)), drills.days(1)], home) as player:
            failures = player.play()
        if failures:
            raise SystemExit(f"the drill failed: {failures}")
        with running(variables(home), Path(scratch) / "log") as found:
            yield found


def questions(served: Running) -> dict[str, Callable[[random.Random], str]]:
    """Return what is asked of each kind, drawn anew each time."""
    with served.client() as client:
        found = client.get("/stac/search", params={"limit": 100}).json()["features"]
        page = client.get("/").text
        alerts = client.get("/features/collections/alerts/items").json()["features"]
    rasters = [(item, "mmi" if item["collection"] == "shaking" else "fwi") for item in found]
    scripts = [part.split('"')[0].removeprefix(".") for part in page.split('src="')[1:]] or ["/"]

    def tile(draw: random.Random) -> str:
        item, asset = draw.choice(rasters)
        zoom, x, y = _tile(draw, item["bbox"])
        return f"/raster/{item['collection']}/{item['id']}/{asset}/tiles/WebMercatorQuad/{zoom}/{x}/{y}.png"

    def point(draw: random.Random) -> str:
        item, _ = draw.choice(rasters)
        west, south, east, north = item["bbox"]
        return f"/explain/{item['id']}?lon={draw.uniform(west, east):.3f}&lat={draw.uniform(south, north):.3f}"

    def search(draw: random.Random) -> str:
        west, south = draw.uniform(60, 80), draw.uniform(35, 48)
        return (
            f"/stac/search?bbox={west:.2f},{south:.2f},{west + 8:.2f},{south + 6:.2f}&datetime=2024-01-01T00:00:00Z/..&limit=10"
        )

    def item(draw: random.Random) -> str:
        chosen = draw.choice(found)
        return f"/stac/collections/{chosen['collection']}/items/{chosen['id']}"

    def message(draw: random.Random) -> str:
        one = f"/features/collections/alerts/items/{draw.choice(alerts)['id']}?lang={draw.choice(('en', 'ru', 'kk', 'zh'))}"
        return draw.choice((one, "/features/collections/alerts/items?active=true", "/alerts/atom.xml", "/news?after=0"))

    return {
        "tile": tile,
        "point": point,
        "search": search,
        "item": item,
        "alerts": message,
        "board": lambda draw: draw.choice(("/status", "/health", "/metrics")),
        "page": lambda draw: draw.choice(("/", "/page.json", "/basemap/coastlines.geojson", *scripts)),
        "file": lambda draw: f"/files/catalog/{draw.choice(found)['collection']}/collection.json",
    }


def _tile(draw: random.Random, bbox: list[float]) -> tuple[int, int, int]:
    """Return the tile over a point drawn within a box, at a zoom drawn from those of a map of a country."""

    zoom = draw.randint(4, 9)
    west, south, east, north = bbox
    found = morecantile.tms.get("WebMercatorQuad").tile(draw.uniform(west, east), draw.uniform(south, north), zoom)
    return found.z, found.x, found.y


def ask(served: Running, load: Load, until: float, seed: int) -> None:
    """Ask one question after the other over one connection."""
    draw = random.Random(seed)
    asked = questions(served)
    kinds, weights = list(SHARES), list(SHARES.values())
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    while time.monotonic() < until:
        (kind,) = draw.choices(kinds, weights)
        path = asked[kind](draw)
        began = time.perf_counter()
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            load.errors.append(f"{path}: {error!r}")
            connection.close()
            continue
        load.seconds[kind].append(time.perf_counter() - began)
        if answer.status != 200 and not (kind == "tile" and answer.status == 204):
            load.errors.append(f"{path}: HTTP {answer.status}")
    connection.close()


def listen(served: Running, load: Load, until: float) -> None:
    """Hold a stream of events open from the beginning of the news, again wherever it ends."""
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        try:
            connection.request("GET", "/events?after=0")
            answer = connection.getresponse()
            if answer.status != 200:
                load.errors.append(f"/events: HTTP {answer.status}")
            while time.monotonic() < until:
                line = answer.readline()
                if not line:
                    break
                if line.startswith(b"id:"):
                    load.events.add(int(line[3:]))
        except (OSError, http.client.HTTPException) as error:
            load.errors.append(f"/events: {error!r}")
        finally:
            connection.close()


def measure(served: Running, seconds: float, clients: int, streams: int) -> Load:
    """Put the load on for some time."""
    load, until = Load(), time.monotonic() + seconds
    threads = [threading.Thread(target=ask, args=(served, load, until, seed), daemon=True) for seed in range(clients)]
    listeners = [threading.Thread(target=listen, args=(served, load, until), daemon=True) for _ in range(streams)]
    for thread in (*threads, *listeners):
        thread.start()
    while any(thread.is_alive() for thread in threads):
        load.memory.append(served.memory)
        time.sleep(LOOK)
    return load


def report(load: Load, seconds: float) -> dict[str, Any]:
    """Return one row: memory as it was after the first fifth of the time (all is loaded and cached) and at the end."""
    count = sum(map(len, load.seconds.values()))
    settled = load.memory[len(load.memory) // 5 :]
    return {
        "benchmark": "service, mixed load",
        "seconds": seconds,
        "requests": count,
        "per_second": round(count / seconds, 1),
        "errors": len(load.errors),
        "first_errors": load.errors[:3],
        "events_heard": len(load.events),
        "p50_ms": {kind: _ms(found, 50) for kind, found in sorted(load.seconds.items())},
        "p95_ms": {kind: _ms(found, 95) for kind, found in sorted(load.seconds.items())},
        "memory_mb": {
            "settled": round(settled[0] / 1e6),
            "most": round(max(load.memory) / 1e6),
            "end": round(statistics.median(load.memory[-3:]) / 1e6),
            "over_time": [round(one / 1e6) for one in load.memory[:: max(1, len(load.memory) // 12)]],
        },
    }


def _ms(found: list[float], percent: int) -> float:
    return round(statistics.quantiles(found, n=100)[percent - 1] * 1000, 1) if len(found) > 1 else float("nan")


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("HAZMON_BENCH_SECONDS", "60")))
    parser.add_argument("--clients", type=int, default=4, help="connections that ask one question after the other")
    parser.add_argument("--streams", type=int, default=8, help="event streams held open meanwhile")
    given = parser.parse_args(arguments)
    with server() as served:
        load = measure(served, given.seconds, given.clients, given.streams)
    sys.stdout.write(json.dumps(report(load, given.seconds)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Readers while 200 products are published by another process: no Item whose asset does not open, every event once."""

import json
import os
import random
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path

import httpx
import pytest
import rasterio
from rasterio.io import MemoryFile

from pipeline import news
from pipeline.store import Store
from tests.service.events.client import Client
from tests.service.homes import open_home
from tests.service.running import ROOT, running, variables

COUNT = 200
TIFF = "image/tiff"


def check(client: httpx.Client, item: dict) -> None:
    """Open every asset of an Item as it is linked: all of its bytes, and the last pixel of a raster."""
    for name, asset in item["assets"].items():
        answer = client.get(asset["href"])
        assert answer.status_code == 200, (item["id"], name, answer.text)
        assert len(answer.content) == asset["file:size"], (item["id"], name)
        if asset["type"].startswith(TIFF):
            with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), MemoryFile(answer.content) as file, file.open() as cog:
                window = rasterio.windows.Window(cog.width - 1, cog.height - 1, 1, 1)
                assert cog.read(1, window=window).size == 1


class Searcher(threading.Thread):
    """Polls the search, the newest first, and opens every Item it has not seen."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.seen: set[str] = set()
        self.over = threading.Event()
        self.failed: list[BaseException] = []

    def run(self) -> None:
        try:
            with httpx.Client(trust_env=False, timeout=60) as client:
                while not self.over.is_set():
                    self.look(client)
                self.look(client)
        except BaseException as error:  # noqa: BLE001
            self.failed.append(error)

    def look(self, client: httpx.Client) -> None:
        answer = client.get(f"{self.address}/stac/search", params={"limit": 20, "sortby": "-created"})
        assert answer.status_code == 200, answer.text
        for item in answer.json()["features"]:
            if item["id"] not in self.seen:
                check(client, item)
                self.seen.add(item["id"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_readers_never_meet_an_item_whose_asset_does_not_open(tmp_path: Path) -> None:
    home, chance = tmp_path / "home", random.Random(7)
    open_home(home)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    numbers, opened = [], set()
    with running(variables(home), tmp_path / "log") as server, server.client() as client:
        searcher = Searcher(server.url)
        searcher.start()
        command = [sys.executable, "-m", "tests.service.events.publishing", str(home), str(COUNT)]
        publisher = subprocess.Popen(command, env=environment, cwd=ROOT)
        reader = Client(server.url, last="0")
        while len(opened) < COUNT:
            assert publisher.poll() in (None, 0)
            events = reader.read(seconds=60)
            for event in islice(events, chance.choice((1, 2, 5, 20)) if len(opened) < COUNT - 20 else 1):
                told = json.loads(event.data)
                numbers.append(told["number"])
                # Told as it stands by now: one that a later one has superseded meanwhile opens as well.
                check(client, client.get(told["href"]).json())
                opened.add(told["id"])
            events.close()
        assert publisher.wait(60) == 0
        searcher.over.set()
        searcher.join(60)
    assert searcher.failed == []
    assert len(searcher.seen) > COUNT / 2
    head = news.head(Store.open(home))
    assert numbers == list(range(1, numbers[-1] + 1))
    assert head - numbers[-1] < COUNT

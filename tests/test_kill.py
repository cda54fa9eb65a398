"""A run killed at any moment, from the poll to the message, leaves nothing half-made, and the next run ends it."""

import multiprocessing
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import monotonic

import pytest
import rasterio

from pipeline import steps
from pipeline.alerts import cap
from pipeline.model import Window
from pipeline.products.bands import COG_TYPE
from pipeline.products.catalog import Catalog
from pipeline.products.listed import listed
from pipeline.products.read import asset_href, asset_key
from pipeline.products.validate import validate
from pipeline.store import Store
from tests.drills import Player, digests, on_stage, quakes
from tests.kill_child import poll

#: Kills, and how many of them meet the work of one and the same home before it may end.
KILLS, TOGETHER = 50, 10
PUBLIC = ("catalog", "alerts", "ledger", "events", "lineages")

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.kill_child"])


@dataclass
class Scene:
    """The stage, a home in which revision 1 is published, and that home after an unkilled poll of revision 2."""

    player: Player
    before: Path
    unkilled: dict[str, str]
    seconds: float
    """How long that poll took."""

    def start(self, home: Path) -> ForkServerProcess:
        """Return a process that has just begun to poll revision 2."""
        begun = home / "begun"
        begun.unlink(missing_ok=True)
        now = self.player.drill.scenarios[0].events[1].at
        process = _CONTEXT.Process(target=poll, args=(dict(self.player.drill.environment), str(home), now, str(begun)))
        process.start()
        waiting = threading.Event()
        while not begun.exists() and process.is_alive():
            waiting.wait(0.002)
        return process


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("kill")
    with on_stage(quakes(events=slice(0, 2), radius_km=60), folder / "stage", str(folder / "before")) as player:
        assert player.at(player.drill.scenarios[0].start, "terrain") == []
        assert player.at(player.drill.scenarios[0].events[0].at, "usgs") == []
        shutil.copytree(folder / "before", folder / "unkilled")
        player.drill.set(player.drill.scenarios[0].events[1].at)
        found = Scene(player, folder / "before", {}, 0)
        for _ in range(2):  # the first start also starts the fork server
            shutil.rmtree(folder / "unkilled")
            shutil.copytree(folder / "before", folder / "unkilled")
            process = found.start(folder / "unkilled")
            began = monotonic()
            process.join()
            assert process.exitcode == 0
        found.seconds = monotonic() - began
        found.unkilled = digests(folder / "unkilled", *PUBLIC)
        yield found


def check_readers_view(home: Path) -> None:
    """Everything that a reader can see is whole."""
    store = Store.open(home)
    catalog = Catalog(store, home / "index.sqlite")
    items = {item["id"]: item for _, item in catalog.items()}
    for item in items.values():
        for name, asset in item["assets"].items():
            assert store.size(asset_key(item, name)) == asset["file:size"]
            if asset["type"] == COG_TYPE:
                with rasterio.open(asset_href(store, item, name)) as source:
                    source.read(1, out_shape=(8, 8))
    assert {id for ids in listed(store, "shaking") for id in ids} <= set(items)
    assert {item["id"] for item in catalog.find()} <= set(items)
    for key in store.list("alerts"):
        if key.count("/") == 2 and "archive" not in key:
            cap.parse(store.get(key))
    assert catalog.rebuild() == len(items)


def check_end(home: Path, scene: Scene) -> None:
    """One Item a revision, one message each, with the bytes of an unkilled run, and nothing left to do."""
    store = Store.open(home)
    found = digests(home, *PUBLIC)
    parts = {name for name in found if "#" in name}  # of a put that was killed: no key of the store, so no reader's
    assert {name: digest for name, digest in found.items() if name not in parts} == scene.unkilled
    assert not parts & {key for folder in PUBLIC for key in store.list(folder)}
    assert list(store.list("journal")) == list(store.list("staging")) == []
    assert validate(store, Catalog(store, home / "index.sqlite").index) == []


def test_killed_at_fifty_moments_nothing_is_half_made_and_the_next_run_ends_it(scene: Scene, tmp_path: Path) -> None:
    moments = random.Random(20240122)
    home = fresh(scene, tmp_path / "0")
    killed = ended = 0
    while killed < KILLS:
        process = scene.start(home)
        process.join(moments.uniform(0, 0.9 * scene.seconds))
        if process.is_alive():
            process.kill()
            process.join()
            killed += 1
            check_readers_view(home)
        if killed % TOGETHER == 0 and process.exitcode != 0:
            process = scene.start(home)
            process.join()
        if process.exitcode == 0:
            check_end(home, scene)
            ended += 1
            home = fresh(scene, tmp_path / str(ended))
        assert process.exitcode in (0, -signal.SIGKILL)
    assert ended


def fresh(scene: Scene, home: Path) -> Path:
    """Return a home in which revision 1 is published."""
    shutil.copytree(scene.before, home)
    return home


def test_a_poll_that_archived_and_died_is_ended_by_the_next(scene: Scene, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(scene.before, home)
    now = scene.player.drill.scenarios[0].events[1].at
    player = Player(scene.player.drill, str(home))
    player.drill.set(now)
    found = steps.discover(player.work, "usgs", Window(now - timedelta(days=1), now), now)
    steps.begin(player.work, found.granules, now)
    for granule in found.granules:
        steps.take(player.work, granule, now)
    assert len(player.items()) == 1
    player.restart()
    assert player.at(now, "usgs") == []
    assert digests(home, *PUBLIC) == scene.unkilled

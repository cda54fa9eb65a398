"""A publisher killed anywhere leaves nothing half-made visible, and a rerun gives exactly one Item."""

import multiprocessing
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import rasterio

from pipeline.products.catalog import Catalog
from pipeline.products.listed import listed
from pipeline.products.read import asset_href
from pipeline.products.validate import validate
from pipeline.store import Store
from tests.products.samples import INFO, NOW, built, product


class Killed(BaseException):
    """Stands for SIGKILL inside one process."""


@dataclass(frozen=True, slots=True)
class DyingStore(Store):
    """A store whose process dies just before its n-th change, or just after."""

    lives: list[int] = field(default_factory=lambda: [0])
    after: bool = False

    def _dying(self, change: Any) -> Any:
        self.lives[0] -= 1
        if self.lives[0] == 0 and not self.after:
            raise Killed
        result = change()
        if self.lives[0] == 0:
            raise Killed
        return result

    def put(self, key: str, data: bytes | Path) -> None:
        self._dying(lambda: Store.put(self, key, data))

    def create(self, key: str, data: bytes) -> bool:
        return bool(self._dying(lambda: Store.create(self, key, data)))

    def delete(self, key: str) -> None:
        self._dying(lambda: Store.delete(self, key))


def check_readers_view(catalog: Catalog) -> None:
    for _, item in catalog.items():
        for name, asset in item["assets"].items():
            assert catalog.store.size(f"catalog/shaking/{item['id']}/{asset['href'][2:]}") == asset["file:size"]
            if "data" in asset["roles"]:
                with rasterio.open(asset_href(catalog.store, item, name)) as source:
                    source.read(1)
    for ids in listed(catalog.store, "shaking"):
        assert all(map(catalog.is_public, ids))


def run(catalog: Catalog, workshop: Path, revisions: tuple[int, ...]) -> None:
    for revision in revisions:
        catalog.stage(*built(product(revision), workshop))
        catalog.publish(product(revision).item_id, INFO, now=NOW)


def check_end(folder: Path) -> None:
    catalog = Catalog(Store.open(folder / "store"), folder / "index.sqlite")
    assert sorted(item["id"] for _, item in catalog.items()) == sorted(product(revision).item_id for revision in (1, 2))
    assert [item["id"] for item in catalog.find(current=True)] == [product(2).item_id]
    assert len(catalog.index.rows()) == 2
    assert list(catalog.store.list("staging")) == []
    assert {problem.kind for problem in validate(catalog.store, catalog.index)} <= {
        "link"
    }  # raw payloads are not archived here


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workshop")
    for revision in (1, 2):
        built(product(revision), folder)
    return folder


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_dying_at_any_change_of_the_store_is_mended_by_a_rerun(tmp_path: Path, workshop: Path, after: bool) -> None:
    deaths = 0
    for change in range(1, 100):
        folder = tmp_path / str(change)
        plain = Store.open(folder / "store")
        run(Catalog(plain, folder / "index.sqlite"), workshop, (1,))
        dying = DyingStore(plain.root, plain._backend, [change], after)
        try:
            run(Catalog(dying, folder / "index.sqlite"), workshop, (2,))
        except Killed:
            deaths += 1
            catalog = Catalog(plain, folder / "index.sqlite")
            check_readers_view(catalog)
            run(catalog, workshop, (2,))
            check_end(folder)
        else:
            break
    assert deaths >= 9, "assets, staged Item, lineage, Item, neighbour, collection, staging"


def _publish(folder: str, workshop: str, ready: Any) -> None:
    catalog = Catalog(Store.open(f"{folder}/store"), Path(folder) / "index.sqlite")
    ready.set()
    run(catalog, Path(workshop), (1, 2))


@pytest.mark.slow
def test_killed_for_good_at_random_moments_a_rerun_gives_exactly_one_item(tmp_path: Path, workshop: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.products.test_catalog_kill"])
    moments = random.Random(20240122)
    killed = 0
    for attempt in range(10):
        folder, ready = tmp_path / str(attempt), context.Event()
        process = context.Process(target=_publish, args=(str(folder), str(workshop), ready))
        process.start()
        assert ready.wait(60)
        process.join(moments.uniform(0.0, 0.3))
        if process.is_alive():
            process.kill()
            process.join()
            killed += 1
        run(Catalog(Store.open(folder / "store"), folder / "index.sqlite"), workshop, (1, 2))
        check_end(folder)
    assert killed

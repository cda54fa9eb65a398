"""A service whose index nobody but itself feeds: what publishers on other machines do is seen by every part of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipeline.service.app import application
from pipeline.service.door import Door
from tests.products.samples import product
from tests.products.test_catalog import publish
from tests.service.homes import open_home

NOW = datetime(2024, 1, 23, tzinfo=UTC)


@pytest.fixture
def first(tmp_path: Path) -> Iterator[tuple[Any, TestClient]]:
    """A publisher's catalogue with one Item, and a client of a service with an index of its own."""
    there = open_home(tmp_path / "home")
    item = publish(there.catalog, product(1), tmp_path / "workshop-1")
    (tmp_path / "elsewhere").mkdir()
    door = Door(replace(there, cache=tmp_path / "elsewhere"), now=lambda: NOW)
    assert door.work.catalog.index.path != there.catalog.index.path
    with TestClient(application(door), base_url="http://localhost") as client:
        assert client.get(f"/stac/collections/shaking/items/{item['id']}").status_code == 200
        door.fresh._looked = float("-inf")  # as if a second had gone by
        yield publish(there.catalog, product(2), tmp_path / "workshop-2"), client


@pytest.mark.parametrize(
    "path",
    [
        "/raster/shaking/{id}/mmi/info",
        "/explain/{id}",
        "/files/catalog/shaking/{id}/mmi.tif",
        "/stac/collections/shaking/items/{id}",
    ],
)
def test_every_part_finds_an_item_that_was_published_elsewhere(first: tuple[Any, TestClient], path: str) -> None:
    item, client = first
    assert client.get(path.format(id=item["id"])).status_code == 200


def test_the_latest_is_the_one_that_was_published_elsewhere(first: tuple[Any, TestClient]) -> None:
    item, client = first
    assert [found["id"] for found in client.get("/stac/latest?hazard=shaking&days=all").json()["features"]] == [item["id"]]


def test_the_one_before_is_no_longer_shown_as_standing(first: tuple[Any, TestClient]) -> None:
    item, client = first
    (before,) = (link["href"] for link in item["links"] if link["rel"] == "predecessor-version")
    id = before.rsplit("/", 1)[-1].removesuffix(".json")
    assert client.get(f"/stac/collections/shaking/items/{id}").json()["properties"]["deprecated"] is True

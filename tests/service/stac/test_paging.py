"""Paging: every Item once, whatever is published meanwhile."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pipeline.steps import Workspace
from tests.service.homes import Publisher
from tests.service.stac.conftest import Serving

SORTS = (
    None,
    "-datetime",
    "+hazmon:magnitude",
    "-hazmon:magnitude",
    "collection,-hazmon:magnitude",
    "-id",
    "hazmon:review_status",
)


def pages(api: httpx.Client, path: str = "/stac/search", relation: str = "next", **asked: Any) -> Iterator[dict[str, Any]]:
    """Yield pages from the first to the last, by the links between them."""
    answer = api.get(path, params={name: value for name, value in asked.items() if value is not None} or None)
    while True:
        assert answer.status_code == 200, answer.text
        yield answer.json()
        link = next((link for link in answer.json()["links"] if link["rel"] == relation), None)
        if link is None:
            return
        answer = api.post(link["href"], json=link["body"]) if link.get("method") == "POST" else api.get(link["href"])


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["features"]]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("limit", [1, 7, 39, 40, 100])
def test_pages_together_are_the_whole_in_its_order(api: httpx.Client, sort: str | None, limit: int) -> None:
    (whole,) = [ids(page) for page in pages(api, limit=100, sortby=sort)]
    parts = [ids(page) for page in pages(api, limit=limit, sortby=sort)]
    assert [id for part in parts for id in part] == whole
    assert len(set(whole)) == 40
    assert all(len(part) == limit for part in parts[:-1])


@pytest.mark.parametrize("sort", SORTS)
def test_prev_leads_back_to_the_first_page(api: httpx.Client, sort: str | None) -> None:
    forth = list(pages(api, limit=7, sortby=sort))
    link = next(link for link in forth[-1]["links"] if link["rel"] in ("prev", "previous"))
    back = [ids(page) for page in pages(api, link["href"], link["rel"])]
    assert back == [ids(page) for page in forth[:-1]][::-1]


def test_a_search_by_post_goes_on_by_post(api: httpx.Client) -> None:
    body = {"limit": 9, "bbox": [60, 38, 90, 60], "sortby": [{"field": "hazmon:magnitude", "direction": "desc"}]}
    answer = api.post("/stac/search", json=body).json()
    found = ids(answer)
    while link := next((link for link in answer["links"] if link["rel"] == "next"), None):
        assert link["method"] == "POST"
        answer = api.post(link["href"], json=link["body"]).json()
        found += ids(answer)
    assert len(found) == len(set(found)) == 36


def test_a_collection_is_paged_too(api: httpx.Client) -> None:
    found = [id for page in pages(api, "/stac/collections/landslide/items", limit=5) for id in ids(page)]
    assert len(found) == len(set(found)) == 12


def test_a_page_that_ends_with_the_last_item_has_no_next(api: httpx.Client) -> None:
    (page,) = pages(api, limit=12, collections="landslide")
    assert "next" not in {link["rel"] for link in page["links"]}


def test_pages_stay_put_while_items_are_published(serving: Serving, fresh: tuple[Workspace, Publisher]) -> None:
    work, publisher = fresh
    first = {publisher.publish()["id"] for _ in range(40)}
    with serving(work) as api:
        seen: list[str] = []
        writer = threading.Thread(target=lambda: [publisher.publish() for _ in range(50)])
        for number, page in enumerate(pages(api, limit=3)):
            if number == 0:
                writer.start()
            seen += ids(page)
        writer.join()
    assert len(seen) == len(set(seen))
    assert first <= set(seen)


def test_what_others_publish_is_found(serving: Serving, fresh: tuple[Workspace, Publisher], tmp_path: Any) -> None:
    """The service has its own index, as on another machine: it learns from the news."""
    work, publisher = fresh
    publisher.publish("shaking-old")
    cache = tmp_path / "elsewhere"
    cache.mkdir()
    other = Workspace(work.config, work.store, cache)
    with serving(other) as api:
        assert api.get("/stac/collections/shaking/items/shaking-old").status_code == 200
        publisher.publish("shaking-new")
        assert "shaking-new" in _until_found(api, "shaking-new")


def test_an_item_is_there_as_soon_as_the_news_tell_of_it(
    serving: Serving, fresh: tuple[Workspace, Publisher], tmp_path: Any
) -> None:
    """Who hears of it by the events asks at once, of a service that has its own index."""
    work, publisher = fresh
    publisher.publish("shaking-0")
    cache = tmp_path / "elsewhere"
    cache.mkdir()
    with serving(Workspace(work.config, work.store, cache)) as api:
        for number in range(1, 6):
            publisher.publish(f"shaking-{number}")
            assert api.get(f"/stac/collections/shaking/items/shaking-{number}").status_code == 200


def _until_found(api: httpx.Client, id: str) -> list[str]:
    for _ in range(1000):
        found = ids(api.get("/stac/search").json())
        if id in found:
            return found
        threading.Event().wait(0.01)
    return []

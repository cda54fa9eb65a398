"""Core of the STAC API: what leads from the landing page to every Item."""

import httpx
import pystac
import pytest

PAGES = (
    "/stac",
    "/stac/",
    "/stac/conformance",
    "/stac/collections",
    "/stac/collections/shaking",
    "/stac/collections/shaking/items",
    "/stac/collections/shaking/items/shaking-fiji",
    "/stac/search",
    "/stac/queryables",
    "/stac/collections/shaking/queryables",
)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 200


def test_every_link_of_the_landing_page_to_the_stac_api_leads_somewhere(api: httpx.Client) -> None:
    links = api.get("/stac").json()["links"]
    assert {"self", "root", "service-desc", "conformance", "data", "search", "child"} <= {link["rel"] for link in links}
    for link in links:
        if "/stac" in link["href"] and link.get("method", "GET") == "GET":
            answer = api.get(link["href"])
            assert answer.status_code == 200, link
            assert answer.headers["content-type"] == link["type"], link


def test_the_description_is_called_what_it_is(api: httpx.Client) -> None:
    link = next(link for link in api.get("/stac").json()["links"] if link["rel"] == "service-desc")
    answer = api.get(link["href"])
    assert answer.headers["content-type"] == link["type"]
    assert answer.json()["openapi"].startswith("3.1")


def test_an_item_as_served_is_valid_stac_with_absolute_links(api: httpx.Client) -> None:
    item = api.get("/stac/collections/shaking/items/shaking-fiji").json()
    pystac.Item.from_dict(item)
    assert all(link["href"].startswith("http://127.0.0.1") for link in item["links"])
    assert item["assets"]["mmi"]["href"].endswith("/files/catalog/shaking/shaking-fiji/mmi.tif")
    tiles = [link for link in item["links"] if link["rel"] == "xyz"]
    assert {link["title"] for link in tiles} == {"mmi", "deviation", "outside"}


def test_a_collection_leads_to_its_items_page_by_page(api: httpx.Client) -> None:
    found = api.get("/stac/collections/landslide").json()
    assert "item" not in {link["rel"] for link in found["links"]}
    items = next(link for link in found["links"] if link["rel"] == "items")
    assert {item["collection"] for item in api.get(items["href"]).json()["features"]} == {"landslide"}


@pytest.mark.parametrize(
    "path",
    [
        "/stac/collections/nowhere",
        "/stac/collections/nowhere/items",
        "/stac/collections/nowhere/items/shaking-fiji",
        "/stac/collections/shaking/items/nothing",
        "/stac/collections/landslide/items/shaking-fiji",
        "/stac/collections/..%2F..%2Fledger/items",
        "/stac/collections/nowhere/queryables",
    ],
)
def test_what_is_not_there_is_not_found(api: httpx.Client, path: str) -> None:
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("path", [*PAGES, "/features", "/news", "/health"])
def test_a_slash_at_the_end_is_no_other_address_and_no_redirect(api: httpx.Client, path: str) -> None:
    plain, found = api.get(path.removesuffix("/")), api.get(f"{path.removesuffix('/')}/")
    assert (found.status_code, found.headers["content-type"]) == (200, plain.headers["content-type"])
    assert "//" not in httpx.URL(next((x["href"] for x in found.json().get("links", []) if x["rel"] == "self"), "")).path


def test_search_says_that_it_may_be_asked_by_get_too(api: httpx.Client) -> None:
    assert api.delete("/stac/search").headers["allow"] == "GET, HEAD, POST"

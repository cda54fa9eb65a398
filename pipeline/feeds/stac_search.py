"""A STAC API search to its end: pystac-client asks, our own HTTP policy answers, and paging always ends.

Imperfections of servers, by name: a `next` link after the last page (the empty page ends it), a `next` that leads in a
circle (a page that brings nothing new ends it), an error told with HTTP 200 (malformed, never "nothing found").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pystac import Link
from pystac_client import ItemSearch
from pystac_client.stac_api_io import StacApiIO

from pipeline.errors import FeedMalformed
from pipeline.feeds import http
from pipeline.feeds.stac_item import read_json
from pipeline.model import Bounds, Window

Method = Literal["GET", "POST"]


class PolicyIO(StacApiIO):
    """pystac-client's way to the network, through `pipeline.feeds.http` and nowhere else."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(max_retries=None)
        self.allowed = allowed

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Return the body of an answer; headers that a link asks for are not sent."""
        if (method or "GET").upper() == "POST":
            return http.post(href, body=parameters or {}, allowed=self.allowed).text
        return http.get(href, allowed=self.allowed, params=parameters or None).text

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield pages until one is empty, brings nothing new, or has no `next`.

        Raises
        ------
        FeedMalformed
            Where an answer is not a page of Items.
        """
        seen: set[str] = set()
        page = _page(self.request(url, method=method, parameters=parameters), url)
        while True:
            fresh = _ids(page) - seen
            if not fresh:
                return
            yield page
            seen |= fresh
            link = _next(page, url)
            if link is None:
                return
            page = _page(self.read_text(link, parameters=parameters or {}), url)


def search(
    url: str,
    allowed: tuple[str, ...],
    *,
    method: Method = "GET",
    limit: int = 100,
    collections: tuple[str, ...] = (),
    window: Window | None = None,
    bounds: Bounds | None = None,
    query: Mapping[str, Any] | None = None,
) -> Iterator[object]:
    """Yield what a STAC API answers to a search, page by page; what it claims to have filtered is not believed here.

    Raises
    ------
    FeedUnavailable, FeedMalformed, FeedRefused
        As the source behaves.
    """
    asked = ItemSearch(
        f"{url.rstrip('/')}/search",
        method=method,
        limit=limit,
        stac_io=PolicyIO(allowed),
        collections=list(collections) or None,
        datetime=None if window is None else f"{window.start:%Y-%m-%dT%H:%M:%SZ}/{window.end:%Y-%m-%dT%H:%M:%SZ}",
        bbox=bounds,
        query=dict(query) if query else None,
    )
    for page in asked.pages_as_dicts():
        yield from page["features"]


def _page(text: str, url: str) -> dict[str, Any]:
    value = read_json(text.encode(), url)
    if not isinstance(value, dict) or not isinstance(value.get("features"), list):
        found = sorted(value)[:8] if isinstance(value, dict) else type(value).__name__
        raise FeedMalformed(f"{url}: found {found}, expected a FeatureCollection with features")
    return value


def _ids(page: Mapping[str, Any]) -> set[str]:
    """Return what tells the features of a page apart; an unreadable one counts as well, to be rejected by name."""
    return {f"{f.get('collection')}/{f.get('id')}" if isinstance(f, dict) else repr(f) for f in page["features"]}


def _next(page: Mapping[str, Any], url: str) -> Link | None:
    links = page.get("links") or []
    if not isinstance(links, list):
        raise FeedMalformed(f"{url}: links: found {type(links).__name__}, expected a list")
    for link in links:
        if isinstance(link, dict) and link.get("rel") == "next":
            if not isinstance(link.get("href"), str) or not isinstance(link.get("body", {}), dict):
                raise FeedMalformed(f"{url}: next link {link!r}: expected an href, and a body only as an object")
            return Link.from_dict(link)
    return None

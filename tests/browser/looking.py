"""One look at the page: opened at an address, read and touched; everything that it complains of is kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

#: Longest time anything may take on a busy machine without a graphics card, ms.
PATIENCE = 40_000

#: What drivers that draw by software say of themselves; nothing of ours.
_DRIVER = ("GL Driver Message", "GPU stall", "WebGL", "swiftshader")


@dataclass
class Looking:
    """A page and what it complained of."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, view: str = "") -> Page:
        """Open a view and return the page when all of the map is drawn."""
        self.page.goto(f"{self.url}/{view}")
        self.drawn()
        return self.page

    def read(self, view: str = "") -> Page:
        """Open a view and return the page when its panel has what it shows, whatever the map still lacks."""
        self.page.goto(f"{self.url}/{view}")
        expect(self.page.locator(".timeline")).to_be_visible()
        expect(self.page.locator(".tabs .count").first).to_be_visible()
        return self.page

    def drawn(self) -> None:
        """Wait until the map shows all that it was asked to."""
        expect(self.page.locator("#map")).to_have_attribute("data-drawn", "yes")

    def canvas(self) -> np.ndarray[Any, Any]:
        """Return the pixels (rows, columns, 3) of the middle of the map, where no card lies over it."""
        place = self.page.locator("#map").bounding_box()
        assert place is not None
        clip = {
            "x": place["x"] + place["width"] * 0.35,
            "y": place["y"] + place["height"] * 0.35,
            "width": place["width"] * 0.3,
            "height": place["height"] * 0.3,
        }
        shot = self.page.screenshot(clip=clip)  # type: ignore[arg-type]
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=int)

    def address(self) -> dict[str, str]:
        """Return what the address says of the view."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).fragment).items()}


def changed(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> float:
    """Return the share of pixels that differ visibly."""
    return float((np.abs(before - after).max(axis=-1) > 12).mean())


@contextmanager
def looking(browser: Browser, url: str, **options: Any) -> Iterator[Looking]:
    """Give a new page; fail afterwards where it complained of anything or looked beyond the service."""
    given = {"viewport": {"width": 1100, "height": 700}, "locale": "en-GB", "reduced_motion": "reduce"}
    context = browser.new_context(**(given | options))
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    look = Looking(context.new_page(), url)
    page = look.page
    page.on("console", lambda message: _heard(look, message.type, message.text))
    page.on("pageerror", lambda error: look.complaints.append(f"error: {error}"))
    page.on("request", lambda request: look.requests.append(request.url))
    page.on("response", lambda response: _answered(look, response.status, response.url))
    try:
        yield look
    finally:
        context.close()
    assert look.complaints == [], look.complaints
    assert [request for request in look.requests if not request.startswith((url, "blob:", "data:"))] == []


def _heard(look: Looking, kind: str, text: str) -> None:
    if kind in ("error", "warning") and not any(word in text for word in _DRIVER):
        look.complaints.append(f"{kind}: {text}")


def _answered(look: Looking, status: int, url: str) -> None:
    if status >= 400:
        look.complaints.append(f"{status}: {url}")

"""The map page in a real browser, over the whole service and a home that drills were played into."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, sync_playwright

from pipeline import steps
from pipeline.config import Config
from pipeline.service.door import Door
from tests.browser.looking import Looking, looking
from tests.drills import CONFIG, on_stage, quakes, scenes
from tests.service.conftest import serving

#: Where Debian and others put it.
NAMES = ("chromium", "chromium-browser", "google-chrome")

#: Drawn by software, and silent: a browser of its own asks servers of its maker for updates.
ARGUMENTS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)

#: The end of the last exercise.
NOW = datetime(2024, 4, 19, 15, 0, tzinfo=UTC)


@dataclass
class Shown:
    """A home, and the service over it."""

    work: steps.Workspace
    url: str
    clock: list[datetime]
    """The moment that the service believes it is; may be set."""


def door_of(root: Path, clock: list[datetime], drill: str | None) -> Door:
    """Return the door of a home whose page looks for news every second."""
    folder = root / "page"
    folder.mkdir()
    (folder / "service.yaml").write_text(yaml.safe_dump({"title": "Duty desk", "operator": "Ministry", "refresh_seconds": 1}))
    config = Config(CONFIG, root / "config", folder)
    return Door(steps.open_workspace(str(root), config, drill=drill), now=lambda: clock[0])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("browser") / "home"
    root.mkdir()
    with on_stage([quakes(), scenes(256)], root) as player:
        assert player.play() == []
    return root


@pytest.fixture(scope="module")
def shown(home: Path) -> Iterator[Shown]:
    clock = [NOW]
    door = door_of(home, clock, "EXERCISE uqturpan-2024: a drill; EXERCISE zhaiyk-2024: a drill")
    with serving(door) as url:
        yield Shown(door.work, url, clock)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (on Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def look(browser: Browser, shown: Shown) -> Iterator[Looking]:
    """A page of its own; what it complained of fails the test."""
    with looking(browser, shown.url) as page:
        yield page

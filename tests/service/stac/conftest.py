"""The STAC API over each back-end: every test of this folder runs on all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pipeline.config import Config
from pipeline.service.door import Door
from pipeline.steps import Workspace
from tests.drills import CONFIG
from tests.service.homes import START, Publisher, open_home
from tests.service.postgres import pgstac_url, postgres, template

__all__ = ["pgstac_url", "postgres", "template"]

BACKENDS = ("embedded", "pgstac")


class With(Config):
    """The shipped configuration with another back-end."""

    def __init__(self, backend: str) -> None:
        super().__init__(CONFIG)
        self.__dict__["service"] = super().service.model_copy(update={"backend": backend})


#: Runs the service over a home with the back-end in question, its copy of the catalogue up to date.
Serving = Callable[[Workspace], AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Name of the back-end; one that cannot run here is skipped."""
    if request.param == "pgstac":
        request.getfixturevalue("template")
    return str(request.param)


@pytest.fixture(scope="session")
def serving(backend: str, serve: Callable[[Door], AbstractContextManager[str]], request: pytest.FixtureRequest) -> Serving:
    """`with serving(work) as client:` asks the service over a home."""

    @contextmanager
    def database(work: Workspace) -> Iterator[None]:
        from pipeline.service.stac.sync import sync

        cluster, model = request.getfixturevalue("postgres"), request.getfixturevalue("template")
        with cluster.database(model) as url, pytest.MonkeyPatch.context() as patch:
            patch.setenv("HAZMON_PGSTAC", url)
            sync(work.store, url)
            yield

    @contextmanager
    def run(work: Workspace) -> Iterator[httpx.Client]:
        door = Door(replace(work, config=With(backend)))
        with (
            database(work) if backend == "pgstac" else nullcontext(),
            serve(door) as url,
            httpx.Client(base_url=url, timeout=30) as client,
        ):
            yield client

    return run


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of sample products are made."""
    return tmp_path_factory.mktemp("workshop")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, workshop: Path) -> Workspace:
    """A home for reading only: 40 Items of two hazards, in many places, at many times."""
    work = open_home(tmp_path_factory.mktemp("home"))
    fill(Publisher(work.catalog, workshop))
    return work


def fill(publisher: Publisher) -> None:
    """Publish 36 Items on a grid of places, an hour from each other, and four with something special."""
    for number in range(36):
        west, south = 60 + 4 * (number % 6), 38 + 2 * (number // 6)
        publisher.publish(
            hazard="shaking" if number % 3 else "landslide",
            bbox=(west, south, west + 2.0, south + 1.0),
            **{
                "hazmon:magnitude": 4.0 + number / 10,
                # What stac-api-validator asks for.
                "grade": "AB"[number % 2],
                "mission": "none",
                "eo:cloud_cover": float(number),
                "hazmon:review_status": "automatic" if number % 2 else "reviewed",
                "monty:country_codes": ["KAZ", "KGZ"] if number % 4 else ["CHN"],
            },
        )
    ring = [[176.0, -20.0], [180.0, -20.0], [180.0, -18.0], [176.0, -18.0], [176.0, -20.0]]
    other = [[-180.0, -20.0], [-178.0, -20.0], [-178.0, -18.0], [-180.0, -18.0], [-180.0, -20.0]]
    fiji = {"type": "MultiPolygon", "coordinates": [[ring], [other]]}
    large = {"hazmon:magnitude": 9.5, "grade": "A"}
    publisher.publish("shaking-fiji", bbox=(176.0, -20.0, -178.0, -18.0), geometry=fiji, **large)
    corner = [[100.0, 10.0], [110.0, 10.0], [100.0, 20.0], [100.0, 10.0]]
    publisher.publish(
        "shaking-triangle", bbox=(100, 10, 110, 20), geometry={"type": "Polygon", "coordinates": [corner]}, **large
    )
    day = START + timedelta(days=10)
    publisher.publish("fire_weather-day", hazard="fire_weather", start=day, end=day + timedelta(days=1), bbox=(0, 0, 2, 2))
    publisher.publish("shaking-century", start=day.replace(year=1911), bbox=(20, 20, 22, 22), **large)


@pytest.fixture(scope="session")
def api(serving: Serving, home: Workspace) -> Iterator[httpx.Client]:
    """The service over `home`."""
    with serving(home) as client:
        yield client


@pytest.fixture
def fresh(tmp_path: Path, workshop: Path) -> tuple[Workspace, Publisher]:
    """A new home and who publishes in it."""
    work = open_home(tmp_path / "home")
    return work, Publisher(work.catalog, workshop)

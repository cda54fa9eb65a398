"""/stac/latest: what stands, per hazard and region or event."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pipeline.service.door import Door
from pipeline.steps import Workspace
from tests.service.homes import Publisher

NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
Serve = Callable[[Door], AbstractContextManager[str]]


def day(publisher: Publisher, date: datetime, region: str = "kazakhstan", revision: int = 1) -> str:
    lineage = f"region:{region}:{date:%Y%m%dT%H%M%SZ}"
    item = publisher.publish(
        f"fire_weather-{region}-{date:%Y%m%dT%H%M%SZ}-{revision:08x}",
        hazard="fire_weather",
        start=date,
        end=date + timedelta(days=1),
        bbox=(46.0, 40.0, 88.0, 56.0),
        **{"hazmon:subject": lineage, "hazmon:lineage": lineage, "hazmon:revision": revision},
    )
    return str(item["id"])


def event(publisher: Publisher, date: datetime, bbox: tuple[float, float, float, float] = (77.0, 41.5, 77.7, 42.0)) -> str:
    return str(publisher.publish(start=date, bbox=bbox)["id"])


@pytest.fixture
def filled(fresh: tuple[Workspace, Publisher]) -> tuple[Workspace, dict[str, str]]:
    work, publisher = fresh
    midnight = NOW.replace(hour=0)
    names = {
        "yesterday": day(publisher, midnight - timedelta(days=1)),
        "superseded": day(publisher, midnight),
        "today": day(publisher, midnight, revision=2),
        "forecast": day(publisher, midnight + timedelta(days=2)),
        "quake": event(publisher, NOW - timedelta(days=3)),
        "other": event(publisher, NOW - timedelta(days=5), bbox=(0.0, 0.0, 1.0, 1.0)),
        "old": event(publisher, NOW - timedelta(days=90)),
    }
    return work, names


def latest(serve: Serve, work: Workspace, query: str = "", now: datetime = NOW) -> list[str]:
    with serve(Door(work, now=lambda: now)) as url:
        answer = httpx.get(f"{url}/stac/latest{query}")
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["features"]]


def test_the_newest_that_stands_is_told_per_region_and_event(serve: Serve, filled: tuple[Workspace, dict[str, str]]) -> None:
    work, names = filled
    assert latest(serve, work) == [names["today"], names["quake"], names["other"]]


def test_all_events_are_told_where_they_are_asked_for(serve: Serve, filled: tuple[Workspace, dict[str, str]]) -> None:
    work, names = filled
    found = latest(serve, work, "?days=all&hazard=shaking")
    assert found == [names["quake"], names["other"], names["old"]]
    assert latest(serve, work, "?days=4&hazard=shaking") == [names["quake"]]


def test_a_forecast_is_told_where_nothing_is_about_now(serve: Serve, filled: tuple[Workspace, dict[str, str]]) -> None:
    work, names = filled
    assert latest(serve, work, "?hazard=fire_weather", NOW - timedelta(days=30)) == [names["yesterday"]]


def test_of_forecasts_alone_the_nearest_is_told(serve: Serve, fresh: tuple[Workspace, Publisher]) -> None:
    work, publisher = fresh
    midnight = NOW.replace(hour=0)
    nearest, *_ = [day(publisher, midnight + timedelta(days=ahead)) for ahead in (1, 2, 9)]
    assert latest(serve, work, "?hazard=fire_weather") == [nearest]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("days=800000", "36500"),
        ("days=1000000000", "36500"),
        ("days=0", "1"),
        ("days=some", "all"),
        ("hazard=shaking&regions=kazakhstan", "'regions'"),
        ("hazard=earthquake", "earthquake"),
    ],
)
def test_what_cannot_be_told_is_refused_with_words(
    serve: Serve, filled: tuple[Workspace, dict[str, str]], query: str, words: str
) -> None:
    with serve(Door(filled[0], now=lambda: NOW)) as url:
        answer = httpx.get(f"{url}/stac/latest?{query}")
    assert answer.status_code == 400
    assert words in answer.json()["description"]


def test_a_hundred_years_may_be_asked_for(serve: Serve, filled: tuple[Workspace, dict[str, str]]) -> None:
    work, names = filled
    assert latest(serve, work, "?days=36500&hazard=shaking") == [names["quake"], names["other"], names["old"]]


def test_a_region_leaves_events_elsewhere_out(serve: Serve, filled: tuple[Workspace, dict[str, str]]) -> None:
    work, names = filled
    assert latest(serve, work, "?region=kazakhstan") == [names["today"], names["quake"]]


def test_the_answer_says_whose_each_item_is(serve: Serve, filled: tuple[Workspace, dict[str, str]]) -> None:
    work, names = filled
    with serve(Door(work, now=lambda: NOW)) as url:
        found = httpx.get(f"{url}/stac/latest?limit=1").json()
    assert found["latest"] == [{"hazard": "fire_weather", "region": "kazakhstan", "item": names["today"]}]


@pytest.mark.parametrize("query", ["hazard=nothing", "region=nowhere", "limit=0", "days=-1", "days=some"])
def test_what_is_not_known_is_refused(api: httpx.Client, query: str) -> None:
    assert api.get(f"/stac/latest?{query}").status_code == 400

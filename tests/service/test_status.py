"""The board: states of feeds and layers against their promises, Airflow's runs, probes and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline import news, steps
from pipeline.config import Config
from pipeline.errors import FeedUnavailable
from pipeline.model import Granule, ObservationRef, Payload
from pipeline.service import serve
from pipeline.service.app import application
from pipeline.service.door import Door
from pipeline.service.events.subscriptions import Subscription, Subscriptions
from pipeline.service.status.feeds import Feed, feeds
from pipeline.service.status.layers import layers, promise
from pipeline.service.status.runs import Run, runs
from pipeline.service.status.schedule import longest_gap
from pipeline.steps import polls
from tests.drills import CONFIG
from tests.service.homes import Publisher
from tests.service.running import listening

NOW = datetime(2024, 4, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def work(tmp_path: Path) -> steps.Workspace:
    return steps.open_workspace(str(tmp_path), Config(CONFIG))


def _polled(work: steps.Workspace, feed: str, now: datetime, problem: str = "") -> None:
    with polls.noted(work, feed, now) as outcome:
        outcome.problem = FeedUnavailable(problem) if problem else None


def _archived(work: steps.Workspace, feed: str, start: datetime) -> None:
    granule = Granule(feed, f"{feed}-{start:%Y%m%d%H}", start=start)
    work.archive.record(ObservationRef(granule, Payload("raw/x", "0" * 64, 1, start)))


def _feed(work: steps.Workspace, id: str, now: datetime = NOW) -> Feed:
    return next(feed for feed in feeds(work, now) if feed.id == id)


@pytest.mark.parametrize(
    ("cron", "gap"),
    [
        ("* * * * *", timedelta(minutes=1)),
        ("*/10 * * * *", timedelta(minutes=10)),
        ("3-59/10 * * * *", timedelta(minutes=10)),
        ("17 * * * *", timedelta(hours=1)),
        ("40 3,9,15,21 * * *", timedelta(hours=6)),
        ("30 3 * * *", timedelta(days=1)),
        ("0 0 * * 1", timedelta(days=7)),
        ("0 0 * * 1-5", timedelta(days=3)),
        ("0 0 1 * *", timedelta(days=31)),
        ("0 0 1 * 1", timedelta(days=7)),
        ("0 0 * * 7", timedelta(days=7)),
        ("0 0 1 1 *", timedelta(days=366)),
        ("0 0 31 2 *", timedelta(days=366)),
    ],
)
def test_the_longest_time_between_two_polls_is_read_from_the_schedule(cron: str, gap: timedelta) -> None:
    assert longest_gap(cron) == gap


def test_every_schedule_of_the_configuration_is_understood() -> None:
    for feed in Config(CONFIG).feeds.values():
        if feed.schedule:
            assert timedelta(minutes=1) <= longest_gap(feed.schedule) <= timedelta(days=1)


def test_a_feed_without_a_schedule_is_off(work: steps.Workspace) -> None:
    assert _feed(work, "ecmwf_open").state == "off"


def test_a_feed_that_nobody_has_polled_is_never(work: steps.Workspace) -> None:
    assert _feed(work, "gfs").state == "never"


def test_a_feed_whose_last_poll_failed_is_failing_and_says_why(work: steps.Workspace) -> None:
    _archived(work, "gfs", NOW - HOUR)
    _polled(work, "gfs", NOW - HOUR)
    _polled(work, "gfs", NOW, "HTTP 503 of the bucket")
    found = _feed(work, "gfs")
    assert (found.state, found.failures, found.error) == ("failing", 1, "HTTP 503 of the bucket")
    assert (found.last_good, found.last_attempt) == (NOW - HOUR, NOW)


def test_a_feed_with_data_as_new_as_promised_is_good(work: steps.Workspace) -> None:
    _archived(work, "gfs", NOW - 19 * HOUR)
    _polled(work, "gfs", NOW)
    found = _feed(work, "gfs")
    assert (found.state, found.data_time, found.age_s, found.promise_s) == ("good", NOW - 19 * HOUR, 19 * 3600, 20 * 3600)


def test_a_feed_that_is_frozen_at_its_source_is_late_however_well_it_answers(work: steps.Workspace) -> None:
    _archived(work, "gfs", NOW - 21 * HOUR)
    _polled(work, "gfs", NOW)
    assert _feed(work, "gfs").state == "late"


def test_a_feed_that_never_had_what_it_promises_is_late(work: steps.Workspace) -> None:
    _polled(work, "gfs", NOW)
    assert _feed(work, "gfs").state == "late"


def test_earthquakes_are_not_promised_and_none_for_months_is_in_order(work: steps.Workspace) -> None:
    _archived(work, "usgs", NOW - timedelta(days=90))
    _polled(work, "usgs", NOW)
    found = _feed(work, "usgs")
    assert (found.state, found.promise_s) == ("good", None)


def test_a_feed_that_is_polled_no_more_is_late(work: steps.Workspace) -> None:
    _polled(work, "usgs", NOW - timedelta(minutes=11))
    assert _feed(work, "usgs").state == "late"
    assert _feed(work, "usgs", NOW - timedelta(minutes=2)).state == "good"


def test_a_drill_is_polled_when_its_script_says_so(work: steps.Workspace) -> None:
    _polled(work, "usgs", NOW - timedelta(days=2))
    assert _feed(replace(work, drill="EXERCISE test"), "usgs").state == "good"


def test_what_is_about_the_future_is_new(work: steps.Workspace) -> None:
    _archived(work, "gfs", NOW + 6 * HOUR)
    _polled(work, "gfs", NOW)
    assert (_feed(work, "gfs").state, _feed(work, "gfs").age_s) == ("good", 0.0)


def test_a_layer_is_promised_what_the_feed_at_the_beginning_of_its_chain_is() -> None:
    config = Config(CONFIG)
    assert promise(config, "fire_weather") == 20 * 3600
    assert promise(config, "flood_extent") == 144 * 3600
    assert promise(config, "landslide") is None


def test_a_layer_without_an_item_is_never(work: steps.Workspace) -> None:
    assert {layer.state for layer in layers(work, NOW)} == {"never"}


def test_a_layer_that_was_promised_and_never_made_is_overdue(work: steps.Workspace) -> None:
    assert {layer.hazard for layer in layers(work, NOW) if layer.is_overdue} == {"fire_weather", "flood_extent"}
    assert not any(layer.is_overdue for layer in layers(replace(work, drill="EXERCISE test"), NOW))


def test_of_a_feed_that_is_off_no_layer_is_due(work: steps.Workspace) -> None:
    off = work.config.feeds["gfs"].model_copy(update={"schedule": None})
    work.config.__dict__["feeds"] = {**work.config.feeds, "gfs": off}
    assert {layer.hazard for layer in layers(work, NOW) if layer.is_overdue} == {"flood_extent"}


def test_a_layer_that_was_never_made_is_degraded_and_can_be_alarmed_on(work: steps.Workspace) -> None:
    _all_polled(work)
    with _client(Door(work, now=lambda: NOW)) as client:
        assert client.get("/health").json()["state"] == "degraded"
        text = client.get("/metrics").text
    assert 'hazmon_layer_late{hazard="fire_weather",region="kazakhstan"} 1.0' in text
    assert 'hazmon_layer_state{hazard="fire_weather",region="kazakhstan",state="never"} 1.0' in text
    assert 'hazmon_layer_late{hazard="shaking",region="kazakhstan"} 0.0' in text
    assert 'hazmon_layer_state{hazard="shaking",region="kazakhstan",state="never"} 1.0' in text


@pytest.fixture(scope="module")
def drill(played: Path) -> steps.Workspace:
    return steps.open_workspace(str(played), Config(CONFIG, played / "config"), drill="EXERCISE test")


def test_the_newest_standing_item_of_a_region_is_on_the_board(drill: steps.Workspace) -> None:
    found = {(layer.hazard, layer.region): layer for layer in layers(drill, datetime(2024, 1, 22, 19, tzinfo=UTC))}
    shaking = found["shaking", "kyrgyzstan"]
    assert shaking.state == "good"
    assert shaking.item is not None
    assert not drill.catalog.get(shaking.item)["properties"]["deprecated"]
    assert found["shaking", "turkmenistan"].state == "never"


def test_a_layer_made_from_old_data_is_late(drill: steps.Workspace) -> None:
    def state(now: datetime) -> str:
        return next(layer.state for layer in layers(drill, now) if layer.hazard == "fire_weather")

    assert state(datetime(2024, 4, 4, 12, tzinfo=UTC)) == "good"
    assert state(datetime(2024, 4, 9, 12, tzinfo=UTC)) == "late"


def _client(door: Door) -> TestClient:
    return TestClient(application(door), base_url="http://127.0.0.1")


def test_a_live_service_says_so_whatever_is_wrong_with_its_home(work: steps.Workspace) -> None:
    with _client(Door(work)) as client:
        Path(work.store.root, "index.sqlite").write_bytes(b"no database, but long enough to be looked at as one" * 100)
        assert client.get("/health/live").json() == {"live": True}


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/status", "/metrics"])
def test_what_is_about_this_moment_is_never_kept(work: steps.Workspace, path: str) -> None:
    with _client(Door(work)) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


def test_a_home_where_nothing_was_published_yet_is_ready(work: steps.Workspace) -> None:
    with _client(Door(work)) as client:
        assert client.get("/health/ready").status_code == 200


def test_a_store_that_cannot_be_read_is_failing_and_says_which_part(tmp_path: Path, work: steps.Workspace) -> None:
    with _client(Door(work)) as client:
        for path in tmp_path.glob("index.sqlite*"):
            path.unlink()
        (tmp_path / "index.sqlite").mkdir()
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert {check["name"]: check["good"] for check in answer.json()["checks"]} == {
            "store": True,
            "index": False,
            "page": True,
            "background": True,
        }
        health = client.get("/health")
        assert (health.status_code, health.json()["state"]) == (503, "failing")


def _all_polled(work: steps.Workspace) -> None:
    for id, config in work.config.feeds.items():
        if config.schedule:
            _archived(work, id, NOW)
            _polled(work, id, NOW)


def test_a_home_in_order_is_ok_and_one_with_a_failing_feed_degraded(work: steps.Workspace, tmp_path: Path) -> None:
    _all_polled(work)
    publisher = Publisher(work.catalog, tmp_path / "workshop")
    box = work.config.regions["kazakhstan"].bounds
    made: dict[str, Any] = {"hazmon:received": NOW.isoformat(), "hazmon:data_time": NOW.isoformat()}
    publisher.publish(hazard="flood_extent", start=NOW, bbox=box, **made)
    whole = {"hazmon:subject": "region:kazakhstan:20240409T120000Z"}
    publisher.publish(hazard="fire_weather", start=NOW, bbox=box, **made, **whole)
    with _client(Door(work, now=lambda: NOW)) as client:
        assert client.get("/health").json()["state"] == "ok"
    _polled(work, "usgs", NOW, "HTTP 500")
    with _client(Door(work, now=lambda: NOW)) as client:
        answer = client.get("/health")
        assert (answer.status_code, answer.json()["state"]) == (200, "degraded")


def test_the_board_of_a_drill_names_it_and_goes_by_its_clock(drill: steps.Workspace) -> None:
    with _client(Door(drill, now=lambda: NOW)) as client:
        found = client.get("/status").json()
    assert (found["clock"], found["exercise"], found["at"]) == ("exercise", "EXERCISE test", "2024-04-09T12:00:00Z")
    assert {feed["id"]: feed["state"] for feed in found["feeds"]}["usgs"] == "good"
    assert (found["runs"], found["runs_error"]) == (None, None)
    assert found["quarantine"] == 0


RUNS = [
    {
        "dag_id": "ingest_usgs",
        "state": "running",
        "start_date": "2024-04-09T11:59:00Z",
        "end_date": None,
        "partition_key": None,
    },
    {"dag_id": "event_shaking", "state": "success", "start_date": "2024-04-09T11:00:00Z", "partition_key": "event:x"},
    {"dag_id": "ingest_usgs", "state": "failed", "start_date": "2024-04-09T11:58:00Z"},
]


def _runs(work: steps.Workspace, answer: Response, token: str | None = None) -> dict[str, Any]:
    asked: list[Request] = []

    async def tells(request: Request) -> Response:
        asked.append(request)
        return answer

    with (
        listening(Starlette(routes=[Route("/api/v2/dags/~/dagRuns", tells)])) as url,
        _client(Door(work, airflow=url, airflow_token=token, now=lambda: NOW)) as client,
    ):
        found = dict(client.get("/status").json())
    assert asked[0].headers.get("authorization") == (f"Bearer {token}" if token else None)
    return found


def test_the_newest_run_of_each_dag_is_on_the_board(work: steps.Workspace) -> None:
    found = _runs(work, JSONResponse({"dag_runs": RUNS, "total_entries": 3}), "a token")["runs"]
    assert [(run["dag"], run["state"], run["partition"]) for run in found] == [
        ("ingest_usgs", "running", None),
        ("event_shaking", "success", "event:x"),
    ]


def test_a_dag_that_runs_once_a_day_stays_on_the_board_though_others_run_each_minute(work: steps.Workspace) -> None:
    answers = [{"dag_runs": RUNS[1:2]}, {"dag_runs": RUNS[:1]}]

    async def tells(request: Request) -> Response:
        return JSONResponse(answers.pop(0))

    known: dict[str, Run] = {}
    with listening(Starlette(routes=[Route("/api/v2/dags/~/dagRuns", tells)])) as url:
        runs(Door(work, airflow=url), known)
        found, _ = runs(Door(work, airflow=url), known)
    assert [run.dag for run in found or ()] == ["ingest_usgs", "event_shaking"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Response("<html>", 200, media_type="text/html"), "something else"),
        (JSONResponse({"detail": "no"}, 401), "HTTP 401"),
        (JSONResponse({"dag_runs": [{"dag_id": 3}]}), "something else"),
    ],
)
def test_an_airflow_that_does_not_tell_is_no_reason_to_fail(work: steps.Workspace, answer: Response, words: str) -> None:
    found = _runs(work, answer)
    assert found["runs"] is None
    assert words in found["runs_error"]


def test_an_airflow_that_does_not_answer_is_said_to(work: steps.Workspace) -> None:
    with _client(Door(work, airflow="http://127.0.0.1:1", now=lambda: NOW)) as client:
        found = client.get("/status").json()
    assert found["runs"] is None
    assert "does not answer" in found["runs_error"]


@pytest.fixture
def measured(drill: steps.Workspace) -> Iterator[dict[str, dict[tuple[str, ...], float]]]:
    with _client(Door(drill, now=lambda: datetime(2024, 1, 22, 19, tzinfo=UTC))) as client:
        client.get("/stac/collections/shaking")
        client.get("/nothing/of/this/name")
        text = client.get("/metrics").text
    yield {
        sample.name: {tuple(other.labels.values()): other.value for other in family.samples if other.name == sample.name}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_the_route_not_by_what_was_asked(measured: dict[str, dict[tuple[str, ...], float]]) -> None:
    routes = {key[1] for key in measured["hazmon_requests_total"]}
    assert "/stac/collections/{collection_id}" in routes
    assert "/stac/collections/shaking" not in routes
    assert "none" in routes


def test_the_measures_tell_of_feeds_layers_items_alerts_and_news(measured: dict[str, dict[tuple[str, ...], float]]) -> None:
    assert measured["hazmon_ready"] == {(): 1.0}
    assert measured["hazmon_feed_failures"]["usgs",] == 0
    assert measured["hazmon_feed_age_seconds"]["usgs",] < 3600
    assert measured["hazmon_layer_age_seconds"]["shaking", "kyrgyzstan"] < 3600
    assert measured["hazmon_items"]["shaking", "yes"] >= 1
    assert measured["hazmon_alerts_active"]["Exercise",] >= 1
    assert measured["hazmon_alerts_unreadable"] == {(): 0.0}
    assert measured["hazmon_news_number"][()] >= 3


def test_a_drill_is_not_measured_as_a_warning(measured: dict[str, dict[tuple[str, ...], float]]) -> None:
    assert measured["hazmon_alerts_active"]["Actual",] == 0


def test_the_alerts_are_not_listed_anew_at_every_scrape(work: steps.Workspace) -> None:
    with _client(Door(work)) as client:
        client.get("/metrics")
        work.store.put("alerts/2024/put-there-by-hand.xml", b"no message")
        assert "hazmon_alerts_unreadable 0.0" in client.get("/metrics").text


def test_a_subscriber_that_is_behind_is_measured(work: steps.Workspace) -> None:
    for number in range(3):
        news.tell(work.store, news.Entry("item", "published", f"shaking-{number}", "shaking", NOW, f"k{number}", "s"))
    new = Subscription("a1", "https://warn.example/in", NOW, "http://127.0.0.1")
    Subscriptions(work.store).add(new, 1)
    with _client(Door(work)) as client:
        families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    (lag,) = families["hazmon_webhook_lag"].samples
    assert (lag.labels, lag.value) == ({"subscription": "a1"}, 2.0)


def test_a_store_that_is_gone_leaves_only_that_to_be_measured(tmp_path: Path, work: steps.Workspace) -> None:
    with _client(Door(work)) as client:
        for path in tmp_path.glob("index.sqlite*"):
            path.unlink()
        (tmp_path / "index.sqlite").mkdir()
        text = client.get("/metrics").text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert "hazmon_ready" in names
    assert "hazmon_items" not in names


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("HAZMON_HOME", str(tmp_path))
    monkeypatch.setenv("HAZMON_CONFIG", str(CONFIG))
    return monkeypatch


def test_the_clock_of_an_exercise_is_the_services_too_and_stands_still_while_it_does_not_answer(
    at_home: pytest.MonkeyPatch,
) -> None:
    async def tells(request: Request) -> Response:
        return JSONResponse({"now": "2024-04-09T12:00:00Z"})

    with listening(Starlette(routes=[Route("/_clock", tells)])) as url:
        at_home.setenv("HAZMON_CLOCK", f"{url}/_clock")
        door = serve.door()
        assert door.now() == NOW
    at_home.setattr(serve, "FRESH", -1.0)
    assert door.now() == NOW


def test_a_clock_that_never_answered_is_no_reason_to_believe_another(at_home: pytest.MonkeyPatch) -> None:
    at_home.setenv("HAZMON_CLOCK", "http://127.0.0.1:1/_clock")
    with pytest.raises(FeedUnavailable, match="does not answer"):
        serve.door().now()


def test_a_moment_may_be_given_instead_of_a_clock(at_home: pytest.MonkeyPatch) -> None:
    at_home.setenv("HAZMON_CLOCK", "2024-04-09T12:00:00Z")
    assert serve.door().now() == NOW

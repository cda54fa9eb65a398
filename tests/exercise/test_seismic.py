import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest

from pipeline.exercise.server import Server
from pipeline.feeds.fdsn import FdsnEvent
from pipeline.feeds.usgs import UsgsGeojson
from pipeline.feeds.usgs_products import UsgsProducts
from pipeline.model import Window
from tests.exercise.conftest import Ask

QUERY = "earthquake.usgs.gov/fdsnws/event/1/query"
SUMMARY = "earthquake.usgs.gov/earthquakes/feed/v1.0/summary"
DETAIL = "earthquake.usgs.gov/earthquakes/feed/v1.0/detail"
EMSC = "www.seismicportal.eu/fdsnws/event/1/query"


def at(server: Server, hour: int, minute: int) -> None:
    server.set_clock(datetime(2024, 1, 22, hour, minute, tzinfo=UTC), "uqturpan-2024")


def ids(body: bytes) -> list[str]:
    return [feature["id"] for feature in json.loads(body)["features"]]


def test_nothing_is_visible_before_it_is_announced(server: Server, ask: Ask) -> None:
    at(server, 18, 10)
    assert ids(ask(f"{SUMMARY}/all_day.geojson").content) == []
    at(server, 18, 16)
    assert ids(ask(f"{SUMMARY}/all_day.geojson").content) == ["usauto7000lsze"]


def test_a_revision_comes_under_another_preferred_id_that_lists_the_old_one(server: Server, ask: Ask) -> None:
    at(server, 18, 30)
    feature = json.loads(ask(f"{SUMMARY}/2.5_day.geojson").content)["features"][0]
    assert feature["id"] == "us7000lsze"
    assert feature["properties"]["ids"] == ",us7000lsze,usauto7000lsze,at00s7od3a,"
    assert feature["properties"]["updated"] == 1705948150000
    assert ask(f"{DETAIL}/usauto7000lsze.geojson").json()["id"] == "us7000lsze"


def test_a_detail_lists_the_origins_that_were_contributed(ask: Ask) -> None:
    detail = ask(f"{DETAIL}/us7000lsze.geojson").json()
    origins = detail["properties"]["products"]["origin"]
    assert [product["properties"]["eventsource"] for product in origins] == ["us", "usauto"]
    assert detail["geometry"]["coordinates"] == [78.6594, 41.2628, 13.0]
    assert "detail" not in detail["properties"]


def test_a_deleted_event_stays_in_the_summary_as_deleted_and_its_detail_answers_409(ask: Ask) -> None:
    features = {f["id"]: f["properties"]["status"] for f in ask(f"{SUMMARY}/all_day.geojson").json()["features"]}
    assert features["usauto7000lszz"] == "deleted"
    assert ask(f"{DETAIL}/usauto7000lszz.geojson").status_code == 409
    assert ask(QUERY, params={"eventid": "usauto7000lszz", "format": "geojson"}).status_code == 409
    answer = ask(QUERY, params={"eventid": "usauto7000lszz", "format": "geojson", "includedeleted": "true"})
    assert answer.json()["properties"]["status"] == "deleted"


def test_summaries_differ_by_magnitude_and_period(server: Server, ask: Ask) -> None:
    assert "us7000lsxx" in ids(ask(f"{SUMMARY}/4.5_day.geojson").content)
    assert ids(ask(f"{SUMMARY}/significant_day.geojson").content) == ["us7000lsze"]
    assert set(ids(ask(f"{SUMMARY}/all_hour.geojson").content)) == {"usauto7000lszz"}
    server.set_clock(datetime(2024, 1, 30, tzinfo=UTC), "uqturpan-2024")
    assert ids(ask(f"{SUMMARY}/all_week.geojson").content) == []
    assert len(ids(ask(f"{SUMMARY}/all_month.geojson").content)) == 3
    assert ask(f"{SUMMARY}/9_day.geojson").status_code == 404


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"starttime": "2024-01-22T18:30:00"}, ["us7000lsxx"]),
        ({"endtime": "2024-01-22T18:30:00"}, ["us7000lsze"]),
        ({"minmagnitude": 6.5}, ["us7000lsze"]),
        ({"minlatitude": 41.25, "maxlatitude": 42}, ["us7000lsze"]),
        ({"minlongitude": 78.6, "maxlongitude": 79}, ["us7000lsze"]),
        ({"updatedafter": "2024-01-22T19:00:00"}, ["us7000lsze"]),
        ({"includedeleted": "only"}, ["usauto7000lszz"]),
        ({"includedeleted": "true"}, ["usauto7000lszz", "us7000lsxx", "us7000lsze"]),
        ({"orderby": "time-asc"}, ["us7000lsze", "us7000lsxx"]),
        ({"limit": 1}, ["us7000lsxx"]),
        ({"limit": 1, "offset": 2}, ["us7000lsze"]),
    ],
)
def test_a_query_is_filtered_as_the_specification_says(ask: Ask, params: dict[str, object], expected: list[str]) -> None:
    assert ids(ask(QUERY, params={"format": "geojson", **params}).content) == expected


@pytest.mark.parametrize("target", [QUERY, EMSC])
def test_no_event_is_answered_by_204_without_a_body(ask: Ask, target: str) -> None:
    answer = ask(target, params={"format": "text", "minmagnitude": 9})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("params", [{"format": "csv"}, {"starttime": "yesterday"}, {"minmagnitude": "big"}, {"limit": 0}])
def test_a_wrong_query_is_answered_by_400(ask: Ask, params: dict[str, object]) -> None:
    assert ask(QUERY, params=params).status_code == 400


@pytest.mark.parametrize(
    ("target", "form", "agency"),
    [(QUERY, "quakeml", "us"), (QUERY, "text", "us"), (QUERY, "geojson", "us"), (EMSC, "xml", "emsc"), (EMSC, "json", "emsc")],
)
def test_every_format_is_read_by_the_feed_with_the_same_numbers(ask: Ask, target: str, form: str, agency: str) -> None:
    data = ask(target, params={"format": form, "minmagnitude": 6.5}).content
    feed = FdsnEvent("probe", f"https://{target}", format=form, agency="emsc" if agency == "emsc" else "")
    ((granule, raw),) = list(feed.split(data, "answer"))  # type: ignore[misc]
    found = feed.decode(raw, granule)
    assert float(found.magnitude[0]) == 7.0
    assert float(found.depth[0]) in (13.0, 15.0)
    assert str(found.agency[0].values) == agency
    assert found.attrs["synthetic"] == int(form != "text")


def test_two_agencies_report_the_same_earthquake_within_seconds(ask: Ask) -> None:
    one = ask(QUERY, params={"format": "geojson", "minmagnitude": 6.9}).json()["features"][0]
    other = ask(EMSC, params={"format": "json"}).json()["features"][0]
    assert other["properties"]["unid"] == "20240122_0000301"
    assert abs(datetime.fromisoformat(other["properties"]["time"]).timestamp() - one["properties"]["time"] / 1000) < 3
    assert other["geometry"]["coordinates"][2] == -other["properties"]["depth"]


def test_the_feed_polls_it_through_the_mirror(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAZMON_FEEDS_VIA", server.origin)
    feed = UsgsGeojson("usgs", f"https://{SUMMARY}/2.5_day.geojson")
    window = Window(datetime(2024, 1, 22, 18, tzinfo=UTC), datetime(2024, 1, 22, 20, tzinfo=UTC))
    found = {granule.id: granule for granule in feed.discover(window, (70, 38, 88, 48))}  # type: ignore[union-attr]
    assert found["usauto7000lszz"].deleted  # type: ignore[union-attr]
    assert feed.decode(feed.fetch(found["us7000lsze"]).data, found["us7000lsze"]).attrs["synthetic"] == 1  # type: ignore[arg-type]


def test_products_are_listed_once_they_are_there_and_move_the_update(server: Server, ask: Ask) -> None:
    at(server, 19, 5)
    before = ask(f"{DETAIL}/us7000lsze.geojson").json()["properties"]
    assert set(before["products"]) == {"origin"}
    at(server, 19, 7)
    after = ask(f"{DETAIL}/us7000lsze.geojson").json()["properties"]
    assert set(after["products"]) == {"origin", "shakemap", "dyfi"}
    assert after["updated"] > before["updated"]
    assert {"shakemap", "dyfi"} <= set(after["types"].split(","))


def test_a_content_is_served_as_its_product_promises_and_not_before(server: Server, ask: Ask) -> None:
    at(server, 19, 7)
    (shakemap,) = ask(f"{DETAIL}/us7000lsze.geojson").json()["properties"]["products"]["shakemap"]
    content = shakemap["contents"]["download/stationlist.json"]
    target = content["url"].removeprefix("https://")
    answer = ask(target)
    assert answer.status_code == 200
    assert len(answer.content) == content["length"]
    assert base64.b64encode(hashlib.sha256(answer.content).digest()).decode() == content["sha256"]
    at(server, 19, 5)
    assert ask(target).status_code == 404


def test_the_feed_of_products_finds_them_under_every_id_of_the_event(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAZMON_FEEDS_VIA", server.origin)
    feed = UsgsProducts("usgs_products", f"https://{SUMMARY}/4.5_week.geojson")
    window = Window(datetime(2024, 1, 22, 18, tzinfo=UTC), datetime(2024, 1, 22, 20, tzinfo=UTC))
    found = {granule.id: granule for granule in feed.discover(window, (70, 38, 88, 48))}  # type: ignore[union-attr]
    assert set(found) == {
        "shakemap.us.us7000lsze.stationlist",
        "shakemap.us.us7000lsze.rupture",
        "dyfi.us.us7000lsze.cells",
    }
    for granule in found.values():
        assert "usauto7000lsze" in granule.properties["ids"]  # type: ignore[union-attr]
        dataset = feed.decode(feed.fetch(granule).data, granule)  # type: ignore[arg-type]
        assert dataset.sizes["quad" if granule.id.endswith("rupture") else "station"] > 0

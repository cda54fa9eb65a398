"""USGS GeoJSON: every imperfection by name, real payloads with the right counts, no cut passing for the whole."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import PROTOCOLS
from pipeline.feeds.protocol import Rejected
from pipeline.feeds.usgs import UsgsGeojson, tombstone
from pipeline.model import Granule, Window
from tests.feeds.conftest import Answer, Mirror
from tests.feeds.cuts import cut_everywhere, read

FEED = UsgsGeojson("usgs", "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/2.5_day.geojson")
SUMMARY = "/earthquake.usgs.gov/earthquakes/feed/v1.0/summary/2.5_day.geojson"
DETAIL = "/earthquake.usgs.gov/earthquakes/feed/v1.0/detail/us1111.geojson"
DAY = Window(datetime(2024, 1, 22, tzinfo=UTC), datetime(2024, 1, 23, tzinfo=UTC))
ORIGIN = {"eventsource": "us", "eventsourcecode": "1", "eventtime": "2024-01-22T18:09:04Z", "latitude": "41", "longitude": "78"}
KAZAKHSTAN = (46.0, 40.0, 88.0, 56.0)


def found(mirror: Mirror, feed: UsgsGeojson = FEED, window: Window = DAY, bounds=None) -> dict[str, Granule]:  # type: ignore[no-untyped-def]
    return {g.id: g for g in feed.discover(window, bounds) if not isinstance(g, Rejected)}


@pytest.fixture
def summary(mirror: Mirror, payloads: Path) -> Mirror:
    mirror.answers[SUMMARY] = Answer((payloads / "usgs_summary.geojson").read_bytes())
    mirror.answers[DETAIL] = Answer((payloads / "usgs_detail.geojson").read_bytes())
    return mirror


def test_the_registry_knows_it() -> None:
    assert PROTOCOLS["usgs_geojson"] is UsgsGeojson


@pytest.mark.parametrize("options", [{"margin": -1}, {"margin": "wide"}, {"minimum_magnitude": "four"}])
def test_a_wrong_option_is_a_configuration_error_naming_feed_and_option(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"usgs: option {next(iter(options))}"):
        UsgsGeojson("usgs", FEED.url, **options)  # type: ignore[arg-type]


def test_discover_announces_every_readable_event_and_rejects_the_others(summary: Mirror) -> None:
    everything = list(FEED.discover(DAY, None))
    assert [g.name.split("#")[1] for g in everything if isinstance(g, Rejected)] == ["us6666", "us7777"]
    assert list(found(summary)) == ["us1111", "us2222", "us3333", "ak4444", "nn5555"]
    assert set(summary.asked) == {SUMMARY}


def test_a_granule_says_when_where_and_which_revision(summary: Mirror) -> None:
    granule = found(summary)["us1111"]
    assert granule.revision == 1705947000000
    assert granule.start == datetime(2024, 1, 22, 18, 9, 4, 418000, tzinfo=UTC)
    assert granule.issued == datetime(2024, 1, 22, 18, 10, tzinfo=UTC)
    assert granule.bounds == (78.6594, 41.2628, 78.6594, 41.2628)
    assert not granule.deleted


def test_seconds_instead_of_milliseconds_are_refused_not_guessed(payloads: Path) -> None:
    _, _, rejected = read(FEED, (payloads / "usgs_summary.geojson").read_bytes())
    assert "EPOCH_MILLISECONDS" in rejected[0].reason


def test_window_box_and_magnitude_choose(summary: Mirror) -> None:
    assert list(found(summary, bounds=KAZAKHSTAN)) == ["us1111", "us2222", "us3333"]
    assert list(found(summary, replace(FEED, minimum_magnitude=5.5))) == ["us1111", "us2222", "us3333"]
    hour = timedelta(hours=1)
    assert found(summary, window=Window(DAY.end + hour, DAY.end + 2 * hour)) == {}
    assert found(summary, window=Window(DAY.start - 2 * hour, DAY.start - hour)) == {}


def test_an_old_event_updated_in_the_window_is_news(summary: Mirror) -> None:
    late = Window(datetime(2024, 1, 22, 18, 9, 50, tzinfo=UTC), DAY.end)
    assert len(found(summary, window=late)) == 5


def test_an_event_newer_than_our_clock_does_not_wait(summary: Mirror) -> None:
    slow = Window(DAY.start, datetime(2024, 1, 22, 18, 0, tzinfo=UTC))
    assert "us1111" in found(summary, window=slow)


def test_a_box_across_the_antimeridian_holds_what_lies_beyond_180_degrees(summary: Mirror) -> None:
    assert list(found(summary, bounds=(170.0, 45.0, -170.0, 60.0))) == ["ak4444"]
    dataset = FEED.decode(json.dumps(json.loads(_feature(summary, "ak4444"))).encode(), found(summary)["ak4444"])
    assert float(dataset.longitude[0]) == -178.5


def _feature(mirror: Mirror, name: str) -> bytes:
    answer = mirror.answers[SUMMARY]
    assert isinstance(answer, Answer)
    return next(json.dumps(f).encode() for f in json.loads(answer.body)["features"] if f["id"] == name)


def test_null_magnitude_and_depth_are_nan_and_null_text_is_empty(summary: Mirror) -> None:
    dataset = FEED.decode(_feature(summary, "us2222"), found(summary)["us2222"])
    assert np.isnan(dataset.magnitude[0])
    assert np.isnan(dataset.depth[0])
    assert (str(dataset.magnitude_type.values[0]), str(dataset.place.values[0])) == ("", "")


def test_a_quarry_blast_says_so(summary: Mirror) -> None:
    assert FEED.decode(_feature(summary, "nn5555"), found(summary)["nn5555"]).attrs["event_type"] == "quarry blast"


def test_a_summary_feature_is_decoded_as_it_is(summary: Mirror) -> None:
    dataset = FEED.decode(_feature(summary, "us1111"), found(summary)["us1111"])
    assert dataset.attrs["ids"] == ["us1111", "usauto1111"]
    assert (dataset.attrs["status"], dataset.attrs["synthetic"]) == ("automatic", 1)
    assert dataset.depth.attrs == {"units": "km", "standard_name": "depth", "positive": "down"}
    assert dataset.time.dtype == "datetime64[ns]"


def test_a_detail_holds_one_origin_of_each_agency_the_preferred_first(summary: Mirror) -> None:
    fetched = FEED.fetch(found(summary)["us1111"])
    dataset = FEED.decode(fetched.data, found(summary)["us1111"])
    assert dataset.agency.values.tolist() == ["us", "gcmt", "at"]
    assert dataset.sel(origin=dataset.agency == "at").magnitude.values.tolist() == [6.1]
    assert dataset.attrs["revision"] == 1705947500000


def test_without_detail_the_summary_s_feature_is_the_payload_and_nothing_is_asked(summary: Mirror) -> None:
    feed = replace(FEED, detail=False)
    granule = found(summary, feed)["us1111"]
    summary.asked.clear()
    assert feed.decode(feed.fetch(granule).data, granule).sizes["origin"] == 1
    assert summary.asked == []


def test_a_deleted_event_is_announced_fetched_without_the_network_and_decoded_as_deleted(summary: Mirror) -> None:
    granule = found(summary)["us3333"]
    assert granule.deleted
    summary.asked.clear()
    assert FEED.decode(FEED.fetch(granule).data, granule).attrs["status"] == "deleted"
    assert summary.asked == []


@pytest.mark.parametrize("status", [409, 410])
def test_an_event_deleted_between_summary_and_detail_becomes_a_tombstone(summary: Mirror, status: int) -> None:
    granule = found(summary)["us1111"]
    summary.answers[DETAIL] = Answer(b"<html>Event has been deleted</html>", status)
    dataset = FEED.decode(FEED.fetch(granule).data, granule)
    assert (dataset.attrs["status"], dataset.attrs["revision"], dataset.attrs["ids"]) == (
        "deleted",
        granule.revision,
        ["us1111"],
    )
    assert dataset.time.values[0] == np.datetime64("2024-01-22T18:09:04.418")


def test_a_tombstone_needs_time_and_place() -> None:
    with pytest.raises(FeedMalformed, match="time and place"):
        tombstone(Granule("usgs", "us1111", 1))


def test_a_detail_that_is_not_there_yet_is_unavailable_never_deleted(summary: Mirror) -> None:
    summary.answers[DETAIL] = Answer(status=404)
    with pytest.raises(FeedUnavailable):
        FEED.fetch(found(summary)["us1111"])


def test_a_detail_older_than_its_summary_is_asked_for_again_later(summary: Mirror) -> None:
    granule = replace(found(summary)["us1111"], revision=1705947500001)
    with pytest.raises(FeedUnavailable, match="STALE_DETAIL"):
        FEED.fetch(granule)


def test_a_detail_on_another_host_is_refused(summary: Mirror) -> None:
    for href in ("https://evil.example.net/us1111.geojson", "file:///etc/passwd", "http://127.0.0.1:1/x"):
        with pytest.raises(FeedRefused):
            FEED.fetch(replace(found(summary)["us1111"], href=href))


def test_a_changed_preferred_id_keeps_the_old_one_among_the_ids(payloads: Path) -> None:
    feature = json.loads((payloads / "usgs_detail.geojson").read_bytes())
    feature["id"] = "ci9999"
    feature["properties"].update(net="ci", code="9999", ids=",us1111,ci9999,")
    raw = json.dumps(feature).encode()
    dataset = FEED.decode(raw, Granule("usgs", "us1111", 1705947500000))
    assert dataset.attrs["ids"] == ["ci9999", "us1111"]
    assert dataset.agency.values[0] == "ci"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html></html>",
        b"\xff\xfe\x00",
        b'{"type":"FeatureCollection"}',
        b'{"type":"FeatureCollection","features":{}}',
        b'{"type":"FeatureCollection","metadata":{"status":500},"features":[]}',
        b'{"type":"Feature"}',
        b'{"type":"Feature","id":"us1","properties":{"updated":NaN}}',
        b'{"type":"Feature","id":"us\\ud800","properties":{}}',
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_such_geojson_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        list(FEED.split(data, "payload"))
    with pytest.raises(FeedMalformed):
        FEED.decode(data, Granule("usgs", "us1", 1))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), 5),
        (("properties", "time"), None),
        (("properties", "time"), True),
        (("properties", "time"), 10**17),
        (("properties", "updated"), "yesterday"),
        (("properties", "mag"), "large"),
        (("properties", "mag"), 70),
        (("geometry",), None),
        (("geometry", "coordinates"), [78.0]),
        (("geometry", "coordinates"), [400.0, 41.0, 1.0]),
        (("geometry", "coordinates"), [78.0, 41.0, 13000]),
        (("properties", "products"), []),
        (("properties", "products"), {"origin": [5]}),
        (("properties", "products"), {"origin": [{"properties": ORIGIN, "preferredWeight": None}]}),
        (("properties", "products"), {"origin": [{"properties": {**ORIGIN, "latitude": "north"}, "preferredWeight": 1}]}),
    ],
)
def test_a_feature_with_a_broken_field_is_rejected_and_the_others_go_on(
    payloads: Path, path: tuple[str, ...], value: object
) -> None:
    collection = json.loads((payloads / "usgs_summary.geojson").read_bytes())
    collection["features"] = collection["features"][:2]
    target = collection["features"][0]
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    granules, _, rejected = read(FEED, json.dumps(collection).encode())
    assert (len(granules), len(rejected)) == (1, 1)


def test_an_empty_summary_is_no_error_and_no_event(mirror: Mirror) -> None:
    mirror.answers[SUMMARY] = Answer(b'{"type":"FeatureCollection","metadata":{"status":200},"features":[]}')
    assert list(FEED.discover(DAY, None)) == []


@pytest.mark.parametrize(
    "answer", [Answer(b"<html>maintenance</html>"), Answer(b'{"error": "none"}'), Answer(b'{"type":"FeatureCollection","fea')]
)
def test_an_unreadable_summary_is_an_error_never_an_empty_list(mirror: Mirror, answer: Answer) -> None:
    mirror.answers[SUMMARY] = answer
    with pytest.raises(FeedMalformed):
        list(FEED.discover(DAY, None))


def test_synthetic_payloads_cut_anywhere_never_pass_for_whole(payloads: Path) -> None:
    for name in ("usgs_summary.geojson", "usgs_detail.geojson"):
        cut_everywhere(FEED, (payloads / name).read_bytes())


REAL = {
    "usgs_fdsn_geojson_search_2017.geojson": (109, 109),
    "usgs_fdsn_geojson_search_tohoku.geojson": (1, 1),
    "usgs_fdsn_geojson_us7000lsze_excerpt.geojson": (1, 1),
    "usgs_detail_ci3144585_northridge_atlas.geojson": (1, 5),
    "usgs_detail_superseded_nc72852151.geojson": (1, 3),
    "usgs_detail_us1000778i_kaikoura.geojson": (1, 2),
    "usgs_detail_us2000ar20_mexico2017.geojson": (1, 1),
    "usgs_detail_us7000pn9s_myanmar2025.geojson": (1, 3),
}
"""Events, and agencies with an origin, in each recorded payload."""


@pytest.mark.parametrize("name", REAL)
def test_real_payloads_are_read_with_the_right_counts(reference: Path, name: str) -> None:
    data = (reference / "seismic" / "feeds" / name).read_bytes()
    granules, origins, rejected = read(FEED, data, name)
    assert (len(granules), origins, rejected) == (*REAL[name], [])


@pytest.mark.parametrize("name", REAL)
def test_real_payloads_cut_anywhere_never_pass_for_whole(reference: Path, name: str) -> None:
    cut_everywhere(FEED, (reference / "seismic" / "feeds" / name).read_bytes())


def test_the_uqturpan_earthquake_as_published(reference: Path) -> None:
    data = (reference / "seismic" / "feeds" / "usgs_fdsn_geojson_us7000lsze_excerpt.geojson").read_bytes()
    ((granule, raw),) = [part for part in FEED.split(data, "us7000lsze") if not isinstance(part, Rejected)]
    dataset = FEED.decode(raw, granule)
    assert granule.start == datetime(2024, 1, 22, 18, 9, 4, 418000, tzinfo=UTC)
    assert (float(dataset.magnitude[0]), float(dataset.depth[0])) == (7.0, 13.0)
    assert (float(dataset.longitude[0]), float(dataset.latitude[0])) == (78.6594, 41.2628)
    assert dataset.attrs["ids"] == ["us7000lsze", "usauto7000lsze", "pt24022000", "at00s7od3a"]
    assert dataset.attrs["synthetic"] == 0

"""FDSN event services: queries, the four formats of an answer, text and EMSC GeoJSON by their imperfections."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import PROTOCOLS
from pipeline.feeds.fdsn import FdsnEvent
from pipeline.feeds.protocol import Rejected
from pipeline.model import Granule, Window
from tests.feeds.conftest import Answer, Mirror
from tests.feeds.cuts import cut_everywhere, read

URL = "https://geofon.gfz.de/fdsnws/event/1/query"
QUERY = "/geofon.gfz.de/fdsnws/event/1/query"
FEED = FdsnEvent("gfz", URL, agency="gfz", format="text")
DAY = Window(datetime(2024, 1, 22, tzinfo=UTC), datetime(2024, 1, 23, tzinfo=UTC))
KAZAKHSTAN = (46.0, 40.0, 88.0, 56.0)
HEADER = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|MagAuthor|"
    "EventLocationName"
)


def line(name: str = "gfz1", time: str = "2024-01-22T18:09:04", magnitude: str = "6.1", longitude: float = 78.6) -> str:
    return f"{name}|{time}|41.2|{longitude}|15|||GFZ|{name}|Mw|{magnitude}||Somewhere"


def text(*lines: str) -> Answer:
    return Answer("".join(f"{row}\n" for row in (HEADER, *lines)).encode())


def granules(feed: FdsnEvent = FEED, window: Window = DAY, bounds=None) -> list[Granule]:  # type: ignore[no-untyped-def]
    return [found for found in feed.discover(window, bounds) if not isinstance(found, Rejected)]


def test_the_registry_knows_it() -> None:
    assert PROTOCOLS["fdsn_event"] is FdsnEvent


@pytest.mark.parametrize("options", [{"format": "csv"}, {"updated": "always"}, {"margin": -1.0}, {"minimum_magnitude": "x"}])
def test_a_wrong_option_is_a_configuration_error_naming_feed_and_option(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"gfz: option {next(iter(options))}"):
        FdsnEvent("gfz", URL, **options)  # type: ignore[arg-type]


def test_the_query_asks_for_the_window_and_the_widened_box(mirror: Mirror) -> None:
    mirror.answers[QUERY] = text(line())
    assert len(granules(replace(FEED, minimum_magnitude=4.0), bounds=KAZAKHSTAN)) == 1
    assert mirror.queries == [
        {
            "format": "text",
            "starttime": "2024-01-22T00:00:00.000",
            "endtime": "2024-01-23T00:00:00.000",
            "minmagnitude": "4.0",
            "minlatitude": "37.0",
            "maxlatitude": "59.0",
            "minlongitude": "43.0",
            "maxlongitude": "91.0",
        }
    ]


def test_across_the_antimeridian_longitudes_are_checked_here(mirror: Mirror) -> None:
    mirror.answers[QUERY] = text(line("gfz1", longitude=179.0), line("gfz2", longitude=-179.0), line("gfz3", longitude=0.0))
    found = granules(bounds=(178.0, 30.0, -178.0, 60.0))
    assert [g.properties["eventid"] for g in found] == ["gfz1", "gfz2"]
    assert "minlongitude" not in mirror.queries[0]


def test_no_content_is_no_event(mirror: Mirror) -> None:
    mirror.answers[QUERY] = Answer(status=204)
    assert granules() == []


@pytest.mark.parametrize("answer", [Answer(b""), Answer(b"<html>"), Answer(b"{}"), Answer(b"Error 500"), Answer(b"<quakeml>")])
def test_an_unreadable_answer_is_an_error_never_an_empty_list(mirror: Mirror, answer: Answer) -> None:
    mirror.answers[QUERY] = answer
    with pytest.raises(FeedMalformed):
        granules()


@pytest.mark.parametrize(
    "refusal", [Answer(b"", 413), Answer(b"Error 400: 25000 matching events exceeds search limit of 20000", 400)]
)
def test_too_many_events_halve_the_window_until_all_are_there(mirror: Mirror, refusal: Answer) -> None:
    times = [DAY.start + timedelta(hours=3 * n) for n in range(8)]

    def answer(query: dict[str, str]) -> Answer:
        start, end = (datetime.fromisoformat(query[name]).replace(tzinfo=UTC) for name in ("starttime", "endtime"))
        inside = [t for t in times if start <= t <= end]
        rows = [line(f"gfz{times.index(t)}", t.strftime("%Y-%m-%dT%H:%M:%S")) for t in inside]
        return refusal if len(rows) > 2 else text(*rows)

    mirror.answers[QUERY] = answer
    found = {g.properties["eventid"] for g in granules()}
    assert found == {f"gfz{n}" for n in range(8)}


def test_too_many_without_end_and_a_wrong_query_are_refused(mirror: Mirror) -> None:
    mirror.answers[QUERY] = Answer(b"", 413)
    with pytest.raises(FeedRefused, match="413"):
        granules(window=Window(DAY.start, DAY.start + timedelta(minutes=2)))
    mirror.answers[QUERY] = Answer(b"Bad latitude", 400)
    with pytest.raises(FeedRefused, match="Bad latitude"):
        granules()
    assert len(mirror.queries) == 3


def test_where_the_service_can_tell_older_events_revised_in_the_window_are_asked_for(mirror: Mirror, payloads: Path) -> None:
    mirror.answers[QUERY] = lambda query: Answer(
        (payloads / "emsc.json").read_bytes() if "updatedafter" in query else b"", 200 if "updatedafter" in query else 204
    )
    later = Window(datetime(2024, 1, 22, 18, 20, 30, tzinfo=UTC), datetime(2024, 1, 22, 18, 30, tzinfo=UTC))
    feed = replace(FEED, format="json", agency="emsc", updatedafter=True)
    assert [g.id for g in granules(feed, later)] == ["emsc20240122_0000002"]
    assert mirror.queries[1]["updatedafter"] == "2024-01-22T18:20:30.000"
    assert mirror.queries[1]["endtime"] == "2024-01-22T18:20:30.000"


def test_deleted_events_are_asked_for_listed_and_fetched(mirror: Mirror, payloads: Path) -> None:
    collection = json.loads((payloads / "usgs_summary.geojson").read_bytes())
    deleted = next(f for f in collection["features"] if f["id"] == "us3333")

    def answer(query: dict[str, str]) -> Answer:
        if "eventid" in query:
            return Answer(json.dumps(deleted).encode()) if query.get("includedeleted") == "true" else Answer(b"deleted", 409)
        rows = [deleted] if query.get("includedeleted") == "only" else []
        return Answer(json.dumps({**collection, "features": rows}).encode())

    mirror.answers[QUERY] = answer
    feed = FdsnEvent("usgs_fdsn", URL, format="geojson", includedeleted=True)
    (granule,) = granules(feed)
    assert granule.deleted
    dataset = feed.decode(feed.fetch(granule).data, granule)
    assert (dataset.attrs["status"], dataset.attrs["ids"]) == ("deleted", ["us3333"])


def test_the_end_of_the_window_is_checked_again_but_for_the_clocks_difference(mirror: Mirror) -> None:
    mirror.answers[QUERY] = text(line("gfz1", "2024-01-23T00:10:00"), line("gfz2", "2024-01-23T00:20:00"))
    assert [g.properties["eventid"] for g in granules()] == ["gfz1"]


def test_fetch_asks_for_the_event_and_what_comes_is_decoded(mirror: Mirror) -> None:
    mirror.answers[QUERY] = text(line())
    (granule,) = granules()
    fetched = FEED.fetch(granule)
    assert mirror.queries[-1] == {"eventid": "gfz1", "format": "text"}
    assert float(FEED.decode(fetched.data, granule).magnitude[0]) == 6.1


def test_an_event_listed_and_then_gone_is_unavailable(mirror: Mirror) -> None:
    mirror.answers[QUERY] = text(line())
    (granule,) = granules()
    mirror.answers[QUERY] = Answer(status=204)
    with pytest.raises(FeedUnavailable, match="gfz1"):
        FEED.fetch(granule)


def test_an_answer_older_than_the_list_is_asked_for_again_later(mirror: Mirror, payloads: Path) -> None:
    feed = replace(FEED, format="json", agency="emsc")
    mirror.answers[QUERY] = Answer((payloads / "emsc.json").read_bytes())
    granule = granules(feed)[0]
    mirror.answers[QUERY] = Answer((payloads / "emsc.json").read_bytes().replace(b"18:20:00.102425Z", b"18:19:00Z"))
    with pytest.raises(FeedUnavailable, match="newer"):
        feed.fetch(granule)


def test_a_single_answer_under_another_id_is_the_same_event() -> None:
    dataset = FEED.decode(text(line("gfz2")).body, Granule("gfz", "gfz1.00000000"))
    assert dataset.attrs["ids"] == ["gfz2", "gfz1"]


def test_several_events_under_other_ids_are_malformed() -> None:
    data = text(line("gfz2"), line("gfz3")).body
    with pytest.raises(FeedMalformed, match="one event"):
        FEED.decode(data, Granule("gfz", "gfz1.00000000"))
    assert FEED.decode(data, Granule("gfz", "gfz3.00000000")).attrs["ids"] == ["gfz3"]


def test_text_is_read_by_its_header_however_spelled(payloads: Path) -> None:
    found, _, rejected = read(FEED, (payloads / "events.txt").read_bytes())
    assert [g.properties["eventid"] for g in found] == ["gfz2024aaaa", "gfz2024dddd"]
    assert "14 columns" in rejected[0].reason


def test_missing_depth_and_magnitude_are_nan_and_the_type_is_read(payloads: Path) -> None:
    _, (granule, raw) = [
        part for part in FEED.split((payloads / "events.txt").read_bytes(), "x") if not isinstance(part, Rejected)
    ]
    dataset = FEED.decode(raw, granule)
    assert np.isnan(dataset.depth[0])
    assert np.isnan(dataset.magnitude[0])
    assert (str(dataset.magnitude_type.values[0]), dataset.attrs["event_type"]) == ("", "quarry blast")


def test_text_has_no_revision_so_that_another_content_is_another_granule_and_the_same_is_the_same() -> None:
    def ids(*lines: str) -> list[str]:
        return [g.id for g in read(FEED, text(*lines).body)[0]]

    assert ids(line()) == ids(line()) == ids(line("gfz0"), line())[1:]
    assert ids(line()) != ids(line(magnitude="6.2"))
    crlf = text(line()).body.replace(b"\n", b"\r\n").replace(b"#EventID|", b"EventID|")
    assert [g.id for g in read(FEED, crlf)[0]] == ids(line())


def test_a_last_line_without_end_may_have_been_cut_and_is_rejected_unless_configured() -> None:
    data = text(line()).body.rstrip()
    found, _, rejected = read(FEED, data)
    assert (found, len(rejected)) == ([], 1)
    assert "UNTERMINATED" in rejected[0].reason
    assert len(read(replace(FEED, unterminated=True), data)[0]) == 1


@pytest.mark.parametrize(
    "row",
    [
        line(time="yesterday"),
        line(magnitude="large"),
        line(longitude=500.0),
        line(name=""),
        line().replace("|15|", "|15000|"),
        line() + "|more",
    ],
)
def test_a_broken_line_is_rejected_and_the_others_go_on(row: str) -> None:
    found, _, rejected = read(FEED, text(row, line("gfz2")).body)
    assert ([g.properties["eventid"] for g in found], len(rejected)) == (["gfz2"], 1)


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"#EventID|Time\n", b"Internal error\n", HEADER.encode()])
def test_text_without_a_whole_header_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        read(FEED, data)


def test_a_header_alone_is_an_empty_list() -> None:
    assert read(FEED, text().body) == ([], 0, [])


def test_emsc_s_depth_is_the_property_not_the_geometry(payloads: Path) -> None:
    feed = replace(FEED, agency="emsc")
    parts = [part for part in feed.split((payloads / "emsc.json").read_bytes(), "x") if not isinstance(part, Rejected)]
    datasets = [feed.decode(raw, granule) for granule, raw in parts]
    assert float(datasets[0].depth[0]) == 15.0
    assert [d.attrs["event_type"] for d in datasets] == ["earthquake", "explosion"]
    assert parts[0][0].revision == 1705947600102
    assert np.isnan(datasets[1].magnitude[0])


def test_emsc_s_websocket_messages_create_update_and_delete(payloads: Path) -> None:
    feature = json.loads((payloads / "emsc.json").read_bytes())["features"][0]
    for action, deleted in (("create", False), ("update", False), ("delete", True)):
        (granule,), _, _ = read(FEED, json.dumps({"action": action, "data": feature}).encode())
        assert granule.deleted is deleted


def test_emsc_features_without_unid_are_rejected(payloads: Path) -> None:
    collection = json.loads((payloads / "emsc.json").read_bytes())
    del collection["features"][1]["properties"]["unid"]
    found, _, rejected = read(FEED, json.dumps(collection).encode())
    assert (len(found), len(rejected)) == (1, 1)
    with pytest.raises(FeedMalformed):
        read(FEED, b'{"type":"FeatureCollection","features":[{"properties":{"unid":"x"}}')


def test_synthetic_payloads_cut_anywhere_never_pass_for_whole(payloads: Path) -> None:
    cut_everywhere(FEED, text(line("gfz1"), line("gfz2")).body, by_line=True)
    cut_everywhere(FEED, (payloads / "emsc.json").read_bytes())
    cut_everywhere(FEED, (payloads / "events.quakeml").read_bytes())


def test_geofon_s_real_text(reference: Path) -> None:
    data = (reference / "seismic" / "feeds" / "unverified_fixtures" / "geofon_fdsn_text.txt").read_bytes()
    found, origins, rejected = read(FEED, data)
    assert ([g.properties["eventid"] for g in found], origins, rejected) == (["gfz2026oyxe", "gfz2026nzqk"], 2, [])
    cut_everywhere(FEED, data, by_line=True)


def test_emsc_s_real_message(reference: Path) -> None:
    data = (reference / "seismic" / "feeds" / "emsc_websocket_official_example.json").read_bytes()
    (granule,), origins, rejected = read(FEED, data)
    assert (granule.properties["eventid"], granule.revision, origins, rejected) == ("20250305_0000090", 1741169216102, 1, [])
    cut_everywhere(FEED, data)

"""Products of USGS events: which are preferred, which are withdrawn, what they hold, and who may serve them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import config
from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import PROTOCOLS
from pipeline.feeds.protocol import Rejected
from pipeline.feeds.usgs_products import UsgsProducts, preferred
from pipeline.model import Granule, Window
from pipeline.observations.check import check
from pipeline.steps import discover, ingest, open_workspace
from tests.feeds.conftest import Answer, Mirror

ROOT = Path(__file__).parents[2]
HOST = "https://earthquake.usgs.gov"
FEED = UsgsProducts("usgs_products", f"{HOST}/earthquakes/feed/v1.0/summary/4.5_week.geojson")
SUMMARY = "/earthquake.usgs.gov/earthquakes/feed/v1.0/summary/4.5_week.geojson"
DETAIL = "/earthquake.usgs.gov/detail/us1111.geojson"
NOW = datetime(2024, 1, 22, 20, 0, tzinfo=UTC)
HOUR = Window(NOW - timedelta(hours=1), NOW)
DAY = Window(NOW - timedelta(days=1), NOW)
TIME, UPDATED = 1705946944418, 1705950000000
FILES = {
    "download/stationlist.json": "shakemap_stationlist.json",
    "download/rupture.json": "shakemap_rupture.json",
    "dyfi_geo_10km.geojson": "dyfi_geo_10km.geojson",
    "FFM.geojson": "finite_fault.geojson",
    "basic_inversion.param": "finite_fault.param",
    "download/some_fault.txt": "",
}
FAULT = b"> \n41.0 78.0 1\n41.2 78.0 1\n41.2 78.1 15\n41.0 78.1 15\n41.0 78.0 1\n"


def body(payloads: Path, name: str) -> bytes:
    return (payloads / FILES[name]).read_bytes() if FILES.get(name) else FAULT


def product(
    payloads: Path, kind: str, *names: str, source: str = "us", code: str = "us1111", updated: int = UPDATED, **more: Any
) -> dict[str, Any]:
    contents = {
        name: {
            "url": f"{HOST}/product/{kind}/{code}/{source}/{updated}/{name}",
            "length": len(body(payloads, name)),
            "sha256": base64.b64encode(hashlib.sha256(body(payloads, name)).digest()).decode(),
        }
        for name in names
    }
    said = {"source": source, "code": code, "updateTime": updated, "preferredWeight": 100, "status": "UPDATE"}
    return {**said, "type": kind, "contents": contents, **more}


def event(products: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "mag": 7.0,
        "time": TIME,
        "updated": UPDATED,
        "status": "reviewed",
        "net": "us",
        "ids": ",us1111,at1111,",
        "types": ",dyfi,origin,shakemap,",
        "type": "earthquake",
        "detail": f"{HOST}/detail/us1111.geojson",
        **more,
    }
    if products is not None:
        properties["products"] = products
    point = {"type": "Point", "coordinates": [78.66, 41.26, 13.0]}
    return {"type": "Feature", "id": "us1111", "properties": properties, "geometry": point}


def summary(*features: dict[str, Any]) -> Answer:
    return Answer(json.dumps({"type": "FeatureCollection", "features": features}).encode())


@pytest.fixture
def served(mirror: Mirror, payloads: Path) -> Iterator[Mirror]:
    products = {
        "shakemap": [product(payloads, "shakemap", "download/stationlist.json", "download/rupture.json")],
        "dyfi": [product(payloads, "dyfi", "dyfi_geo_10km.geojson", updated=UPDATED - 1000)],
        "finite-fault": [product(payloads, "finite-fault", "FFM.geojson", "basic_inversion.param", code="us1111_1")],
    }
    mirror.answers[SUMMARY] = summary(event())
    mirror.answers[DETAIL] = Answer(json.dumps(event(products)).encode())
    for listed in products.values():
        for entry in listed:
            for name, content in entry["contents"].items():
                mirror.answers["/" + content["url"].removeprefix("https://")] = Answer(body(payloads, name))
    yield mirror


def found(feed: UsgsProducts = FEED, window: Window = HOUR, bounds: Any = None) -> dict[str, Granule]:
    return {g.id: g for g in feed.discover(window, bounds) if not isinstance(g, Rejected)}


def of(products: dict[str, Any], feed: UsgsProducts = FEED) -> list[Granule | Rejected]:
    return list(feed.granules(json.dumps(event(products)).encode(), "detail"))


def names(parts: list[Granule | Rejected]) -> list[str]:
    return [part.name if isinstance(part, Rejected) else part.id for part in parts]


def test_the_registry_knows_it() -> None:
    assert PROTOCOLS["usgs_products"] is UsgsProducts


@pytest.mark.parametrize(
    "options",
    [
        {"kinds": ["losspager"]},
        {"kinds": "shakemap"},
        {"minimum_magnitude": "five"},
        {"margin": -1},
        {"days": 0},
        {"days": "30"},
        {"days": float("inf")},
        {"least_responses": 0},
        {"least_responses": 2.5},
        {"fine_cells": 1},
    ],
)
def test_a_wrong_option_is_a_configuration_error_naming_feed_and_option(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"usgs_products: option {next(iter(options))}"):
        replace(FEED, **options)


def test_each_wanted_content_is_a_granule_whose_revision_is_its_product_s_update(served: Mirror) -> None:
    granules = found()
    assert {id: granule.revision for id, granule in granules.items()} == {
        "shakemap.us.us1111.stationlist": UPDATED,
        "shakemap.us.us1111.rupture": UPDATED,
        "dyfi.us.us1111.cells": UPDATED - 1000,
        "finite-fault.us.us1111_1.model": UPDATED,
    }
    first = granules["shakemap.us.us1111.stationlist"]
    assert (first.start, first.bounds) == (datetime(2024, 1, 22, 18, 9, 4, 418000, tzinfo=UTC), (78.66, 41.26, 78.66, 41.26))
    assert first.issued == datetime(2024, 1, 22, 19, 0, tzinfo=UTC)
    assert served.asked == [SUMMARY, DETAIL]


def test_fetched_contents_decode_to_stations_and_ruptures_with_the_event_s_ids(served: Mirror) -> None:
    datasets = {id: FEED.decode(FEED.fetch(granule).data, granule) for id, granule in found().items()}
    for id, dataset in datasets.items():
        assert dataset.attrs["ids"] == ["us1111", "at1111"]
        assert (dataset.attrs["status"], dataset.attrs["weight"], f"{dataset.attrs['product']}.") == (
            "current",
            100,
            id[: id.rindex(".") + 1],
        )
        check(dataset, found()[id], NOW)
    stations = datasets["shakemap.us.us1111.stationlist"]
    assert stations.kind.values.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(stations.pga, [0.12, np.nan, np.nan])
    assert datasets["shakemap.us.us1111.rupture"].sizes == {"quad": 2, "corner": 4}
    assert datasets["dyfi.us.us1111.cells"].flag.values.tolist() == ["", "FewResponses"]
    assert datasets["finite-fault.us.us1111_1.model"].slip.values.tolist() == [0.2, 4.0]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, True),
        ({"mag": 4.9}, False),
        ({"types": ",origin,phase-data,"}, False),
        ({"types": None}, True),
        ({"status": "deleted"}, False),
        ({"time": TIME - 40 * 86_400_000}, False),
        ({"time": TIME - 20 * 86_400_000}, True),
        ({"updated": UPDATED - 2 * 3_600_000}, False),
        ({"detail": None}, False),
    ],
)
def test_only_large_recent_changed_events_with_products_are_asked_for(
    served: Mirror, more: dict[str, Any], wanted: bool
) -> None:
    served.answers[SUMMARY] = summary(event(**{"time": TIME - 3_600_000, **more}))
    assert bool(found()) == wanted
    assert (DETAIL in served.asked) == wanted


def test_a_box_chooses_events(served: Mirror) -> None:
    assert found(bounds=(70.0, 38.0, 80.0, 45.0))
    assert not found(bounds=(0.0, 38.0, 10.0, 45.0))


def test_the_heaviest_product_is_taken_then_the_newest(payloads: Path) -> None:
    def shakemap(**more: Any) -> dict[str, Any]:
        return product(payloads, "shakemap", "download/stationlist.json", **more)

    heavy = shakemap(source="atlas", updated=UPDATED - 9, preferredWeight=324)
    assert names(of({"shakemap": [shakemap(), heavy]})) == ["shakemap.atlas.us1111.stationlist"]
    newer = shakemap(source="AT", updated=UPDATED + 9)
    assert names(of({"shakemap": [shakemap(), newer]})) == ["shakemap.at.us1111.stationlist"]


def test_of_one_source_and_code_only_the_newest_counts_even_if_it_is_lighter(payloads: Path) -> None:
    versions = [
        product(payloads, "dyfi", "dyfi_geo_10km.geojson", updated=UPDATED - k, preferredWeight=weight)
        for k, weight in ((5, 999), (0, 50), (9, 300))
    ]
    (granule,) = of({"dyfi": versions})
    assert isinstance(granule, Granule)
    assert (granule.revision, granule.properties["weight"]) == (UPDATED, 50)


def test_a_deleted_product_withdraws_its_granules_and_the_next_one_takes_over(payloads: Path) -> None:
    shown = product(payloads, "dyfi", "dyfi_geo_10km.geojson")
    gone = product(payloads, "dyfi", source="at", updated=UPDATED + 5, status="DELETE", preferredWeight=900, contents=None)
    before = product(payloads, "dyfi", "dyfi_geo_10km.geojson", source="at")
    parts = [part for part in of({"dyfi": [shown, gone, before]}) if isinstance(part, Granule)]
    assert [(part.id, part.deleted, part.revision) for part in parts] == [
        ("dyfi.us.us1111.cells", False, UPDATED),
        ("dyfi.at.us1111.cells", True, UPDATED + 5),
    ]
    dataset = FEED.decode(FEED.fetch(parts[1]).data, parts[1])
    assert (dataset.attrs["status"], dataset.sizes["station"]) == ("deleted", 0)
    check(dataset, parts[1], NOW)
    with pytest.raises(FeedMalformed):
        FEED.decode(b'{"status":"UPDATE"}', parts[1])


def test_a_deleted_rupture_has_no_quadrilateral_left(payloads: Path) -> None:
    gone = product(payloads, "shakemap", status="DELETE")
    parts = [part for part in of({"shakemap": [gone]}) if isinstance(part, Granule)]
    assert [FEED.decode(FEED.fetch(part).data, part).sizes for part in parts] == [{"station": 0}, {"quad": 0, "corner": 4}]


def test_a_product_without_the_wanted_contents_is_passed_over_by_name(payloads: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "pipeline.feeds.usgs_products")
    old = product(payloads, "shakemap", "download/stationlist.json")
    assert names(of({"shakemap": [old], "dyfi": [product(payloads, "dyfi")]})) == ["shakemap.us.us1111.stationlist"]
    assert "shakemap.us.us1111 holds none of ('download/rupture.json', 'download/*_fault.txt')" in caplog.text
    assert "dyfi.us.us1111 holds none of" in caplog.text


def test_an_older_shakemap_s_fault_text_is_read_in_the_order_that_lies_near_the_hypocentre(payloads: Path) -> None:
    (granule,) = of({"shakemap": [product(payloads, "shakemap", "download/some_fault.txt")]})
    assert isinstance(granule, Granule)
    dataset = FEED.decode(FAULT, granule)
    assert (dataset.attrs["part"], float(dataset.longitude[0, 0])) == ("rupture", 78.0)


def test_finite_fault_falls_back_to_the_inversion_s_parameters(payloads: Path) -> None:
    (granule,) = of({"finite-fault": [product(payloads, "finite-fault", "basic_inversion.param")]})
    assert isinstance(granule, Granule)
    assert FEED.decode(body(payloads, "basic_inversion.param"), granule).slip.values.tolist() == [2.0]


def test_finer_cells_are_taken_when_asked_for_and_there(payloads: Path) -> None:
    fine = replace(FEED, fine_cells=True)
    both = product(payloads, "dyfi", "dyfi_geo_10km.geojson", "dyfi_geo_1km.geojson")
    contents = [
        part.properties["content"] for feed in (FEED, fine) for part in of({"dyfi": [both]}, feed) if isinstance(part, Granule)
    ]
    assert contents == ["dyfi_geo_10km.geojson", "dyfi_geo_1km.geojson"]


@pytest.mark.parametrize(
    "broken",
    [
        5,
        [5],
        [{"source": "us"}],
        [{"source": "us", "code": "a", "updateTime": "now", "preferredWeight": 1}],
        [{"source": "us", "code": "a", "updateTime": 10**30, "preferredWeight": 1, "contents": {}}],
        [{"source": "us", "code": "a", "updateTime": UPDATED, "preferredWeight": 1, "contents": []}],
        [{"source": "us", "code": "a", "updateTime": UPDATED, "preferredWeight": 1, "contents": {"FFM.geojson": 5}}],
        [{"source": "us", "code": "a", "updateTime": UPDATED, "preferredWeight": 1, "contents": {"FFM.geojson": {"url": 1}}}],
    ],
)
def test_a_kind_that_cannot_be_read_is_rejected_alone(payloads: Path, broken: Any) -> None:
    good = product(payloads, "dyfi", "dyfi_geo_10km.geojson")
    assert names(of({"finite-fault": broken, "dyfi": [good]})) == ["dyfi.us.us1111.cells", "detail#finite-fault"]


def test_products_that_are_no_list_are_refused() -> None:
    with pytest.raises(FeedMalformed, match=r"here.*found.*expected"):
        preferred({}, "dyfi", "here")


@pytest.mark.parametrize("status", [404, 409, 410])
def test_an_event_without_detail_is_passed_over_and_the_others_go_on(served: Mirror, status: int) -> None:
    other = event(detail=f"{HOST}/detail/us2222.geojson")
    served.answers[SUMMARY] = summary({**other, "id": "us2222"}, event())
    served.answers["/earthquake.usgs.gov/detail/us2222.geojson"] = Answer(b"<html>gone</html>", status)
    assert len(found()) == 4


def test_a_detail_that_cannot_be_read_is_rejected_and_one_that_does_not_answer_is_unavailable(served: Mirror) -> None:
    served.answers[DETAIL] = Answer(b'{"type":"Feature"}')
    (rejected,) = FEED.discover(HOUR, None)
    assert isinstance(rejected, Rejected)
    served.answers[DETAIL] = Answer(status=503)
    with pytest.raises(FeedUnavailable):
        list(FEED.discover(HOUR, None))


@pytest.mark.parametrize("href", ["https://evil.example.net/a.json", "file:///etc/passwd", "http://127.0.0.1:1/x", ""])
def test_details_and_contents_on_other_hosts_are_refused(served: Mirror, href: str) -> None:
    with pytest.raises(FeedRefused):
        FEED.fetch(replace(found()["dyfi.us.us1111.cells"], href=href))
    if href:
        served.answers[SUMMARY] = summary(event(detail=href))
        (rejected,) = FEED.discover(HOUR, None)
        assert isinstance(rejected, Rejected), "the other events go on"


def test_other_bytes_than_promised_are_not_taken(served: Mirror) -> None:
    granule = found()["dyfi.us.us1111.cells"]
    served.answers["/" + granule.href.removeprefix("https://")] = Answer(b'{"type":"FeatureCollection","features":[]}')
    with pytest.raises(FeedUnavailable, match="CHECKSUM"):
        FEED.fetch(granule)


def test_a_file_from_disk_is_told_by_its_bytes_and_named_after_them(payloads: Path) -> None:
    parts = {}
    for name in filter(None, FILES.values()):
        ((granule, raw),) = [
            part for part in FEED.split((payloads / name).read_bytes(), name) if not isinstance(part, Rejected)
        ]
        parts[name] = (granule.properties["part"], granule.properties["ids"])
        assert FEED.decode(raw, granule).attrs["part"] == granule.properties["part"]
    assert parts == {
        "shakemap_stationlist.json": ("stationlist", ["us1111"]),
        "shakemap_rupture.json": ("rupture", ["us1111"]),
        "dyfi_geo_10km.geojson": ("cells", []),
        "finite_fault.geojson": ("model", []),
        "finite_fault.param": ("model", []),
    }


def test_a_detail_on_disk_is_no_content(payloads: Path) -> None:
    with pytest.raises(FeedMalformed):
        list(FEED.split((payloads / "usgs_detail.geojson").read_bytes(), "detail"))


REAL = {
    "usgs_detail_ci3144585_northridge_atlas.geojson": [
        "shakemap.atlas.ci3144585.stationlist",
        "shakemap.atlas.ci3144585.rupture",
        "dyfi.us.cinorthrid.cells",
    ],
    "usgs_detail_superseded_nc72852151.geojson": ["shakemap.nc.nc72852151.stationlist", "dyfi.us.nc72852151.cells"],
    "usgs_detail_us1000778i_kaikoura.geojson": [
        "shakemap.atlas.us1000778i.stationlist",
        "shakemap.atlas.us1000778i.rupture",
        "dyfi.us.us1000778i.cells",
        "finite-fault.us.us1000778i.model",
    ],
    "usgs_detail_us2000ar20_mexico2017.geojson": [
        "shakemap.atlas.us2000ar20.stationlist",
        "shakemap.atlas.us2000ar20.rupture",
        "dyfi.us.us2000ar20.cells",
        "finite-fault.us.us2000ar20.model",
    ],
    "usgs_detail_us7000pn9s_myanmar2025.geojson": [
        "shakemap.us.us7000pn9s.stationlist",
        "shakemap.us.us7000pn9s.rupture",
        "dyfi.us.us7000pn9s.cells",
        "finite-fault.us.us7000pn9s_1.model",
    ],
}
"""Granules of each recorded detail."""


@pytest.mark.parametrize("name", REAL)
def test_recorded_details_hold_the_right_granules(reference: Path, name: str) -> None:
    parts = list(FEED.granules((reference / "seismic/feeds" / name).read_bytes(), name))
    assert names(parts) == REAL[name]
    assert all(isinstance(part, Granule) and part.href.startswith(f"{HOST}/product/") for part in parts)


def test_a_recorded_station_list_has_the_checksum_its_detail_promises(reference: Path, mirror: Mirror) -> None:
    folder = reference / "seismic/feeds"
    granule = next(FEED.granules((folder / "usgs_detail_superseded_nc72852151.geojson").read_bytes(), "detail"))
    assert isinstance(granule, Granule)
    recorded = (folder / "usgs_shakemap_stationlist_nc72852151_v3schema.json").read_bytes()
    mirror.answers["/" + granule.href.removeprefix("https://")] = Answer(recorded)
    assert FEED.decode(FEED.fetch(granule).data, granule).sizes["station"] == 398


def test_products_go_through_the_steps_once_and_a_new_revision_again(served: Mirror, tmp_path: Path, payloads: Path) -> None:
    work = open_workspace(str(tmp_path), config.load(ROOT / "config"))
    offered = discover(work, FEED.id, HOUR, NOW)
    assert (len(offered.granules), offered.rejected) == (4, ())
    refs = [ingest(work, granule, NOW) for granule in offered.granules]
    variables = {name for ref in refs for name in ref.variables}
    assert {"pga", "mmi", "slip", "depth"} <= variables
    assert discover(work, FEED.id, HOUR, NOW).granules == ()
    assert {ref.granule.id for ref in work.archive.find(FEED.id, DAY)} == {ref.granule.id for ref in refs}
    revised = product(payloads, "dyfi", "dyfi_geo_10km.geojson", updated=UPDATED + 1000)
    served.answers[DETAIL] = Answer(json.dumps(event({"dyfi": [revised]})).encode())
    (granule,) = discover(work, FEED.id, HOUR, NOW).granules
    assert (granule.id, granule.revision) == ("dyfi.us.us1111.cells", UPDATED + 1000)


def test_an_empty_station_list_is_archived_and_a_withdrawal_too(served: Mirror, tmp_path: Path, payloads: Path) -> None:
    work = open_workspace(str(tmp_path), config.load(ROOT / "config"))
    empty = product(payloads, "shakemap", "download/stationlist.json")
    content = empty["contents"]["download/stationlist.json"]
    del content["sha256"]
    gone = product(payloads, "dyfi", status="DELETE", contents={})
    served.answers["/" + content["url"].removeprefix("https://")] = Answer(b'{"type":"FeatureCollection","features":[]}')
    served.answers[DETAIL] = Answer(json.dumps(event({"shakemap": [empty], "dyfi": [gone]})).encode())
    granules = discover(work, FEED.id, HOUR, NOW).granules
    assert [ingest(work, granule, NOW).granule.deleted for granule in granules] == [False, True]

"""`event.xml`: an origin as every earthquake feed decodes one, with its mechanism."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import FeedMalformed
from pipeline.feeds.shakemap import event_xml
from tests.feeds.shakemap.cuts import cut_everywhere

EVENT = b"""<?xml version="1.0" encoding="US-ASCII" standalone="yes"?>
<!DOCTYPE earthquake [<!ELEMENT earthquake EMPTY><!ATTLIST earthquake id ID #REQUIRED>]>
<earthquake id="us7000lsze" netid="us" network="USGS" lat="41.2628" lon="78.6594" depth="13.0" mag="7.0"
 time="2024-01-22T18:09:04Z" locstring="128 km WNW of Aykol, China" mech="RS" reviewed="true" event_type="ACTUAL"/>
"""
OLD = b"""<shakemap-data><earthquake id="Northridge" lat="34.2" lon="-118.5" mag="6.7" year="1994" month="1" day="17"
 hour="12" minute="30" second="55.5" timezone="GMT" depth="18" network="ci" locstring="Northridge" type="SS"
 created="1489641910"/></shakemap-data>"""


def test_an_event_is_decoded_to_what_every_earthquake_feed_gives() -> None:
    dataset = event_xml.decode(EVENT, "event.xml")
    assert dataset.attrs == {
        "ids": ["us7000lsze"],
        "status": "reviewed",
        "event_type": "earthquake",
        "revision": 0,
        "synthetic": 0,
        "mechanism": "RS",
        "rake": 90.0,
    }
    assert dataset.time.values[0] == np.datetime64("2024-01-22T18:09:04")
    assert (float(dataset.magnitude[0]), float(dataset.depth[0]), str(dataset.agency.values[0])) == (7.0, 13.0, "us")


def test_the_parts_of_a_date_and_older_names_are_read() -> None:
    dataset = event_xml.decode(OLD, "event_dat.xml")
    assert dataset.time.values[0] == np.datetime64("1994-01-17T12:30:55.500")
    assert (dataset.attrs["ids"], dataset.attrs["revision"]) == (["ciNorthridge"], 1489641910000)
    assert (dataset.attrs["mechanism"], dataset.attrs["rake"]) == ("SS", 0.0)


def test_a_scenario_is_synthetic_and_an_unknown_mechanism_has_no_rake() -> None:
    scenario = EVENT.replace(b'"ACTUAL"', b'"SCENARIO"').replace(b'"RS"', b'""')
    dataset = event_xml.decode(scenario, "event.xml")
    assert (dataset.attrs["synthetic"], dataset.attrs["mechanism"]) == (1, "ALL")
    assert math.isnan(dataset.attrs["rake"])


def test_a_source_text_stands_in_for_attributes() -> None:
    source = b"# from the moment tensor\nmag = 7.1\nrake=200\n\nmech=NM\n"
    dataset = event_xml.decode(EVENT, "event.xml", source=source)
    assert (float(dataset.magnitude[0]), dataset.attrs["mechanism"], dataset.attrs["rake"]) == (7.1, "NM", -160.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'lat="41.2628"', b'lat="91"'),
        (b'lat="41.2628"', b""),
        (b'mag="7.0"', b'mag="large"'),
        (b'id="us7000lsze"', b'id=""'),
        (b'netid="us" network="USGS"', b""),
        (b'mech="RS"', b'mech="THRUST"'),
        (b"2024-01-22T18:09:04Z", b"yesterday"),
        (b"2024-01-22T18:09:04Z", b""),
        (b"<earthquake id=", b"<quake id="),
        (b"[<!ELEMENT", b'[<!ENTITY x "y"><!ELEMENT'),
        (b"DOCTYPE earthquake [", b'DOCTYPE earthquake SYSTEM "http://127.0.0.1:1/x" ['),
        (b"/>", b""),
    ],
)
def test_a_broken_event_is_malformed(old: bytes, new: bytes) -> None:
    with pytest.raises(FeedMalformed, match=r"event\.xml"):
        event_xml.decode(EVENT.replace(old, new, 1), "event.xml")


@pytest.mark.parametrize("source", [b"mag", b"= 7", b"\xff", b"rake=steep", b"rake=500", b"mag=9999"])
def test_a_broken_source_text_is_malformed(source: bytes) -> None:
    with pytest.raises(FeedMalformed, match=r"event\.xml"):
        event_xml.decode(EVENT, "event.xml", source=source)


@pytest.mark.parametrize("data", [EVENT, OLD])
def test_a_cut_never_passes_for_the_whole(data: bytes) -> None:
    cut_everywhere(lambda part: event_xml.decode(part, "event.xml"), data)


RECORDED = {
    "wushi/inputs/event.xml": ("us7000lsze", 7.0, 90.0),
    "northridge/inputs/event.xml": ("ciNorthridge", 6.7, 90.0),
    "norcia/inputs/event.xml": ("us1000731j", 6.6, math.nan),
    "published_norcia/event.xml": ("us1000731j", 6.6, math.nan),
    "napa/inputs/event.xml": ("ncSCENARIO", 6.0, math.nan),
    "napa/inputs/event_dat.xml": ("ncSCENARIO", 6.0, math.nan),
    "verification_inputs/verification_test_0006/current/event.xml": ("ncverification_test_0006", 6.0, math.nan),
    "verification_inputs/verification_test_0011/current/event.xml": ("civerification_test_0011", 6.7, 90.0),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_events_are_read(reference: Path, name: str) -> None:
    data = (reference / "seismic/shakemap_cases" / name).read_bytes()
    dataset = event_xml.decode(data, name)
    np.testing.assert_equal((dataset.attrs["ids"][0], float(dataset.magnitude[0]), dataset.attrs["rake"]), RECORDED[name])
    cut_everywhere(lambda part: event_xml.decode(part, name), data)

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipeline.alerts import cap
from pipeline.alerts.cap import CapAlert, CapArea, CapInfo, CapResource
from pipeline.alerts.rules import outline
from pipeline.errors import AlertError

SENT = datetime(2024, 1, 22, 18, 10, tzinfo=UTC)
SQUARE = outline.rings(shapely.box(78, 41, 79, 42))


def info(**changes):
    given = {
        "language": "en",
        "event": "Earthquake",
        "category": "Geo",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Observed",
        "headline": "Strong earthquake <7> & more",
        "description": "Line one.\nLine two.",
        "effective": SENT,
        "expires": SENT + timedelta(hours=1),
        "sender_name": "hazmon",
        "onset": SENT - timedelta(minutes=1),
        "instruction": "Be ready.",
        "response_types": ("Monitor",),
        "event_codes": (("OET:v1.2", "OET-068"),),
        "parameters": (("hazmon:item", "shaking-1"),),
        "resources": (CapResource("Map", "application/geo+json", "https://hazmon.example/item.json"),),
        "areas": (CapArea("Aqsu", SQUARE, (("ISO 3166-1", "CN"),)),),
        "web": "https://hazmon.example/",
        "contact": "duty officer",
    }
    return CapInfo(**{**given, **changes})


def alert(**changes):
    given = {
        "identifier": "hazmon-1",
        "sender": "alerts@hazmon.example",
        "sent": SENT,
        "status": "Exercise",
        "msg_type": "Update",
        "infos": (info(), info(language="zh", headline="地震")),
        "references": (("alerts@hazmon.example", "hazmon-0", SENT - timedelta(minutes=5)),),
        "incidents": ("event-eq1",),
        "note": "Exercise: uqturpan-2024",
    }
    return CapAlert(**{**given, **changes})


def test_a_message_is_valid_against_the_schema(schema):
    schema.assertValid(etree.fromstring(cap.build(alert())))


def test_a_message_comes_back_as_it_went():
    assert cap.parse(cap.build(alert())) == alert()


def test_the_same_message_is_the_same_bytes():
    assert cap.build(alert()) == cap.build(alert())


def test_utc_is_written_with_its_offset():
    text = cap.build(alert()).decode()
    assert "<sent>2024-01-22T18:10:00-00:00</sent>" in text
    assert "alerts@hazmon.example,hazmon-0,2024-01-22T18:05:00-00:00" in text
    assert "<polygon>41.0000,78.0000 41.0000,79.0000 42.0000,79.0000 42.0000,78.0000 41.0000,78.0000</polygon>" in text


CLOCKWISE = (tuple(reversed(SQUARE[0])),)
BOW_TIE = (((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (alert(identifier="a b"), "identifier"),
        (alert(sender="a,b"), "sender"),
        (alert(note=None), "note naming the drill"),
        (alert(references=()), "without references"),
        (alert(msg_type="Alert"), "Alert with references"),
        (alert(references=(("s", "hazmon-1", SENT - timedelta(minutes=5)),)), "earlier message"),
        (alert(references=(("s", "hazmon-0", SENT + timedelta(minutes=5)),)), "earlier message"),
        (alert(sent=SENT.replace(tzinfo=None)), "offset"),
        (alert(infos=()), "one block each"),
        (alert(infos=(info(), info())), "one block each"),
        (alert(infos=(info(expires=SENT),)), "expires"),
        (alert(infos=(info(severity="Red"),)), "severity"),
        (alert(infos=(info(response_types=("Run",)),)), "responseType"),
        (alert(infos=(info(language="e_n"),)), "language"),
        (alert(infos=(info(headline=" "),)), "headline"),
        (alert(infos=(info(web="file:///etc/passwd"),)), "link"),
        (alert(infos=(info(areas=()),)), "without area"),
        (alert(infos=(info(areas=(CapArea("nowhere"),)),)), "polygon or geocode"),
        (alert(infos=(info(areas=(CapArea("open", (SQUARE[0][:-1],)),)),)), "the last the first"),
        (alert(infos=(info(areas=(CapArea("clockwise", CLOCKWISE),)),)), "clockwise"),
        (alert(infos=(info(areas=(CapArea("crossing", BOW_TIE),)),)), "crosses"),
        (alert(infos=(info(areas=(CapArea("off", outline.rings(shapely.box(0, 95, 1, 96))),)),)), "latitude within 90"),
    ],
)
def test_what_cap_forbids_is_not_written(wrong, words):
    with pytest.raises(AlertError, match=words):
        cap.build(wrong)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not XML"),
        (b"<html></html>", "root"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "DTD"),
        (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "has no identifier"),
        (b" " * (cap.MAX_BYTES + 1), "bytes"),
    ],
)
def test_what_is_no_message_is_refused(data, words):
    with pytest.raises(AlertError, match=words):
        cap.parse(data)


def test_a_message_cut_anywhere_is_refused():
    data = cap.build(alert())
    for end in range(0, len(data) - 2, 97):
        with pytest.raises(AlertError):
            cap.parse(data[:end])


def test_a_message_of_others_that_lacks_what_ours_have_is_refused_by_name(reference):
    data = (reference / "cap" / "samples" / "ru-20250301222516-0086037.xml").read_bytes()
    with pytest.raises(AlertError, match="info has no senderName"):
        cap.parse(data)


def test_control_characters_never_reach_the_message():
    found = cap.parse(cap.build(alert(infos=(info(headline="A\x00B\tC"),))))
    assert found.infos[0].headline == "AB C"


def thousandths(low, high):
    return st.integers(low * 1000, high * 1000).map(lambda value: value / 1000)


coordinates = st.tuples(thousandths(-170, 170), thousandths(-80, 80), thousandths(0, 9), thousandths(0, 9))


@settings(max_examples=40, deadline=None)
@given(st.lists(coordinates, min_size=1, max_size=40))
def test_outlines_of_any_region_are_allowed_in_a_message(boxes):
    region = shapely.unary_union([shapely.box(x, y, x + width + 0.01, y + height + 0.01) for x, y, width, height in boxes])
    rings = outline.rings(region)
    assert 1 <= len(rings) <= outline.MAX_RINGS
    assert all(4 <= len(ring) <= outline.MAX_VERTICES for ring in rings)
    cap.check(replace(alert(), infos=(info(areas=(CapArea("region", rings),)),)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(thousandths(-3, 3), thousandths(-3, 3)), min_size=5, max_size=40))
def test_a_ragged_outline_becomes_a_simple_one(points):
    centre = shapely.Point(181, 0).buffer(1)
    ragged = shapely.unary_union([centre, *(shapely.Point(181 + x, y).buffer(0.2, quad_segs=4) for x, y in points)])
    rings = outline.rings(ragged)
    assert all(len(ring) <= outline.MAX_VERTICES for ring in rings)
    cap.check(alert(infos=(info(areas=(CapArea("region", rings),)),)))

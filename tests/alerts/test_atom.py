from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from pipeline.alerts import atom
from pipeline.alerts.atom import Entry, Frame
from pipeline.errors import AlertError

NS = {"a": atom.ATOM, "fh": atom.HISTORY}
FRAME = Frame(atom.urn("here"), "Hazard alerts", links=(("prev-archive", "archive/2024-01.xml"),))
SENT = datetime(2024, 1, 22, 18, 10, tzinfo=UTC)


def entry(number):
    return Entry(
        identifier=f"hazmon-{number}",
        sender="alerts@hazmon.example",
        author="hazmon",
        title=f"Alert {number} <&>",
        summary="What happened.",
        sent=SENT + timedelta(minutes=number),
        href=f"2024/hazmon-{number}.xml",
        categories=(("urn:oasis:names:tc:emergency:cap:1.2:status", "Test"),),
    )


def feed_of(*numbers, most=atom.MAX_ENTRIES):
    document = None
    for number in numbers:
        document = atom.insert(document, entry(number), FRAME, most=most)
    return document


def titles(document):
    return etree.fromstring(document).xpath("//a:entry/a:title/text()", namespaces=NS)


def test_the_newest_comes_first_in_whatever_order_they_came():
    assert titles(feed_of(2, 1, 3)) == ["Alert 3 <&>", "Alert 2 <&>", "Alert 1 <&>"]


def test_the_order_of_arrival_does_not_change_the_bytes():
    assert feed_of(1, 2, 3) == feed_of(3, 1, 2)


def test_an_entry_is_there_once():
    document = feed_of(1, 2)
    assert atom.insert(document, entry(1), FRAME) == document


def test_the_current_feed_is_bounded():
    assert titles(feed_of(1, 2, 3, most=2)) == ["Alert 3 <&>", "Alert 2 <&>"]
    full = feed_of(1, 2, 3, most=2)
    assert atom.insert(full, entry(1), FRAME, most=2) == full


def test_the_feed_has_what_rfc_4287_requires():
    root = etree.fromstring(feed_of(1, 2))
    for parent in (root, *root.iterfind("a:entry", NS)):
        for name in ("id", "title", "updated"):
            assert len(parent.findall(f"a:{name}", NS)) == 1
    assert root.findtext("a:updated", namespaces=NS) == "2024-01-22T18:12:00Z"
    for found in root.iterfind("a:entry", NS):
        assert found.findtext("a:author/a:name", namespaces=NS) == "hazmon"
        link = found.find("a:link", NS)
        assert (link.get("rel"), link.get("type")) == ("alternate", "application/cap+xml")
    assert root.xpath("a:link[@rel='prev-archive']/@href", namespaces=NS) == ["archive/2024-01.xml"]


def test_a_month_of_the_archive_says_so():
    document = atom.insert(None, entry(1), Frame(atom.urn("month"), "January", archive=True), most=None)
    assert etree.fromstring(document).find("fh:archive", NS) is not None


def test_a_broken_feed_is_an_error():
    with pytest.raises(AlertError, match="not XML"):
        atom.insert(b"<feed", entry(1), FRAME)
    with pytest.raises(AlertError, match="expected feed"):
        atom.insert(b"<html/>", entry(1), FRAME)

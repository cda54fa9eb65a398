"""QuakeML: every imperfection by name, hostile documents, real ones with the right counts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import FeedMalformed
from pipeline.feeds.fdsn import FdsnEvent
from pipeline.feeds.origins import Report
from pipeline.feeds.protocol import Rejected
from pipeline.feeds.quakeml import events
from tests.feeds.cuts import cut_everywhere, read

FEED = FdsnEvent("gfz", "https://geofon.gfz.de/fdsnws/event/1/query", agency="gfz")
ANY = FdsnEvent("any", "https://example.org/query")

EVENT = """<event publicID="smi:org.example/x/gfz1"><origin publicID="o1"><time><value>2024-01-22T18:09:04Z</value></time>
<latitude><value>41.0</value></latitude><longitude><value>79.0</value></longitude>{origin}</origin>{event}</event>"""


def document(
    origin: str = "", event: str = "", envelope: str = "<quakeml><eventParameters>{}</eventParameters></quakeml>"
) -> bytes:
    return envelope.format(EVENT.format(origin=origin, event=event)).encode()


def only(data: bytes, **options: str) -> Report:
    (found,) = events(data, "payload", **options)
    assert not isinstance(found, Rejected), found.reason
    return found[0]


def test_the_preferred_origin_and_magnitude_come_first_depth_in_kilometres(payloads: Path) -> None:
    report = next(iter(events((payloads / "events.quakeml").read_bytes(), "x", agency="gfz")))
    assert not isinstance(report, Rejected)
    own, other = report[0].origins
    assert (own.depth, own.magnitude, own.magnitude_type, own.agency, own.event_id) == (15.5, 6.1, "Mw", "gfz", "gfz2024aaaa")
    assert own.longitude == pytest.approx(78.65)
    assert (other.depth, other.magnitude, other.agency) == (10.0, 5.9, "nnc")
    assert (report[0].status, report[0].synthetic, own.place) == ("reviewed", True, "Synthetic Region")


def test_a_time_without_offset_is_utc(payloads: Path) -> None:
    report = next(iter(events((payloads / "events.quakeml").read_bytes(), "x")))
    assert not isinstance(report, Rejected)
    assert report[0].preferred.time == datetime(2024, 1, 22, 18, 9, 4, 250000, tzinfo=UTC)
    offset = document().replace(b"18:09:04Z", b"23:09:04+05:00")
    assert only(offset).preferred.time == datetime(2024, 1, 22, 18, 9, 4, tzinfo=UTC)


def test_a_broken_event_is_rejected_and_the_others_go_on(payloads: Path) -> None:
    granules, origins, rejected = read(FEED, (payloads / "events.quakeml").read_bytes())
    assert ([g.id.split(".")[0] for g in granules], origins) == (["gfz2024aaaa", "gfz2024bbbb"], 3)
    assert "yesterday" in rejected[0].reason
    assert rejected[0].data.startswith(b"<?xml")


def test_an_event_that_does_not_exist_is_deleted(payloads: Path) -> None:
    granules, _, _ = read(FEED, (payloads / "events.quakeml").read_bytes())
    assert [g.deleted for g in granules] == [False, True]
    assert only(document(origin="<evaluationStatus>rejected</evaluationStatus>")).status == "deleted"


@pytest.mark.parametrize(
    "envelope",
    [
        '<quakeml xmlns="http://quakeml.org/xmlns/quakeml/1.0"><eventParameters>{}</eventParameters></quakeml>',
        '<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">'
        "<eventParameters>{}</eventParameters></q:quakeml>",
        '<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml-rt/1.2" xmlns="http://quakeml.org/xmlns/bed-rt/1.2">'
        "<eventParameters>{}</eventParameters></q:quakeml>",
        '<eventParameters xmlns="http://example.org/wrong">{}</eventParameters>',
        "<quakeml><eventParameters><!-- comment -->{}<?target data?></eventParameters></quakeml>",
    ],
)
def test_namespaces_do_not_matter_and_each_event_gets_the_same_envelope(envelope: str) -> None:
    data = document(envelope=envelope)
    ((report, alone),) = [found for found in events(data, "x") if not isinstance(found, Rejected)]
    assert only(alone) == report


def test_without_preferred_ids_the_first_origin_and_its_magnitude_count() -> None:
    other = "<magnitude><mag><value>5</value></mag></magnitude>"
    own = "<magnitude><mag><value>6</value></mag><originID>o1</originID></magnitude>"
    assert only(document(event=other + own)).preferred.magnitude == 6.0
    assert only(document(event=other)).preferred.magnitude == 5.0
    assert only(document(event=own + "<preferredMagnitudeID>gone</preferredMagnitudeID>")).preferred.magnitude == 6.0
    assert only(document(event="<preferredOriginID>gone</preferredOriginID>")).preferred.magnitude is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "earthquake"), ("<type>null</type>", "earthquake"), ("<type>quarry_blast</type>", "quarry blast")],
)
def test_the_type_of_event_is_read_and_missing_means_earthquake(text: str, kind: str) -> None:
    assert only(document(event=text)).event_type == kind


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", "automatic"),
        ("<evaluationMode>automatic</evaluationMode>", "automatic"),
        ("<evaluationMode>manual</evaluationMode>", "reviewed"),
        ("<evaluationStatus>final</evaluationStatus>", "reviewed"),
        ("<evaluationStatus>preliminary</evaluationStatus>", "automatic"),
    ],
)
def test_evaluation_mode_and_status_make_the_status(text: str, status: str) -> None:
    assert only(document(origin=text)).status == status


def test_the_revision_is_the_newest_time_of_what_makes_the_solution() -> None:
    created = "<creationInfo><creationTime>{}</creationTime></creationInfo>"
    data = document(created.format("2024-01-22T18:10:00Z"), created.format("2024-01-22T19:00:00Z"))
    assert only(data).revision == 1705950000000
    assert only(data, updated="solution").revision == 1705947000000
    assert only(data, updated="none").revision == 0


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("quakeml:eu.emsc/event/20120404_0000041", "20120404_0000041"),
        ("smi:org.gfz-potsdam.de/geofon/gfz2024abcd", "gfz2024abcd"),
        ("smi:ISC/evid=636999", "636999"),
        ("quakeml:earthquake.usgs.gov/query?eventid=us7000lsze&amp;amp;format=quakeml", "us7000lsze"),
    ],
)
def test_the_agency_s_id_is_found_in_the_public_id(identifier: str, name: str) -> None:
    data = document().replace(b"smi:org.example/x/gfz1", identifier.encode())
    assert only(data).preferred.event_id == name


@pytest.mark.parametrize(
    "broken",
    [
        document().replace(b"<value>41.0</value>", b"<value>141.0</value>"),
        document().replace(b"<value>41.0</value>", b""),
        document().replace(b"<value>79.0</value>", b"<value>nan</value>"),
        document().replace(b"2024-01-22T18:09:04Z", b"0001-01-01T00:00:00+05:00"),
        document().replace(b"2024-01-22T18:09:04Z", b"9999-01-01T00:00:00Z"),
        document(origin="<depth><value>13e9</value></depth>"),
        document().replace(b"<origin ", b"<pick ").replace(b"</origin>", b"</pick>"),
        document().replace(b'publicID="smi:org.example/x/gfz1"', b""),
    ],
)
def test_an_event_with_a_broken_field_is_rejected(broken: bytes) -> None:
    (found,) = events(broken, "payload")
    assert isinstance(found, Rejected)


BOMB = (
    b"<!DOCTYPE q ["
    + b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"boom") for n in range(12))
    + b"]><quakeml><eventParameters>&e11;</eventParameters></quakeml>"
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>error</body></html>",
        b"<quakeml/>",
        b"<pager><event/></pager>",
        document()[:-1],
        b'<!DOCTYPE quakeml SYSTEM "http://127.0.0.1:1/x.dtd">' + document(),
        b'<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><quakeml><eventParameters>&x;</eventParameters></quakeml>',
        b"<!DOCTYPE quakeml>" + document(),
        BOMB,
        b"<a>" * 100_000,
        b'<?xml version="1.0" encoding="no-such"?>' + document(),
    ],
)
def test_what_is_not_quakeml_or_is_hostile_is_malformed(data: bytes) -> None:
    with pytest.raises(FeedMalformed):
        list(events(data, "payload"))


def test_a_document_without_events_is_empty_not_broken() -> None:
    assert list(events(b"<quakeml><eventParameters/></quakeml>", "payload")) == []


REAL = {
    "usgs_event_quakeml.xml": (2, 2),
    "emsc_neries_events_quakeml10.xml": (3, 3),
    "usgs_moment_tensor_quakeml_nc72852151.xml": (1, 2),
    "usgs_phase_data_quakeml_us1000778i.xml": (1, 2),
}
"""Events and origins in each recorded document."""


@pytest.mark.parametrize("name", REAL)
def test_real_documents_are_read_with_the_right_counts(reference: Path, name: str) -> None:
    granules, origins, rejected = read(ANY, (reference / "seismic" / "feeds" / name).read_bytes(), name)
    assert (len(granules), origins, rejected) == (*REAL[name], [])


@pytest.mark.parametrize("name", REAL)
def test_real_documents_cut_anywhere_never_pass_for_whole(reference: Path, name: str) -> None:
    cut_everywhere(ANY, (reference / "seismic" / "feeds" / name).read_bytes())


def test_a_real_document_of_another_kind_is_malformed(reference: Path) -> None:
    data = (reference / "seismic" / "feeds" / "usgs_losspager_us1000778i_pager.xml").read_bytes()
    with pytest.raises(FeedMalformed, match="pager"):
        list(ANY.split(data, "pager.xml"))


def test_the_emsc_s_kyrgyz_earthquake_of_2012_as_published(reference: Path) -> None:
    data = (reference / "seismic" / "feeds" / "emsc_neries_events_quakeml10.xml").read_bytes()
    granule, raw = next(part for part in FEED.split(data, "emsc") if not isinstance(part, Rejected))
    dataset = FEED.decode(raw, granule)
    assert (float(dataset.latitude[0]), float(dataset.longitude[0])) == (41.818, 79.689)
    assert (float(dataset.depth[0]), float(dataset.magnitude[0])) == (1.0, 4.4)
    assert str(dataset.place.values[0]) == "KYRGYZSTAN"

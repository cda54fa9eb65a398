"""CAP files and the Atom feed: bytes, links, archive, languages."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from lxml import etree

from pipeline.alerts import atom
from tests.alerts.samples import NOW as SENT
from tests.alerts.samples import area
from tests.service.alerts.rfc4287 import faults
from tests.service.events.serving import door_of, parts, warned

NS = {"atom": atom.ATOM, "fh": atom.HISTORY}


def feed(client, url="/alerts/atom.xml", **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml;charset=utf-8"
    return etree.fromstring(answer.content)


def links(root):
    return {link.get("rel"): link.get("href") for link in root.findall("atom:link", NS)}


def test_a_message_is_served_byte_for_byte(client, door, ids):
    answer = client.get(f"/alerts/2024/{ids['update']}.xml")
    assert answer.content == door.work.store.get(f"alerts/2024/{ids['update']}.xml")
    assert answer.headers["content-type"] == "application/cap+xml"
    again = client.get(f"/alerts/2024/{ids['update']}.xml", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["2024/none.xml", "2024/..%2Fatom.xml", "archive/2024-13.xml", "2023/x.xml", "2024/%2e%2e%2f%2e%2e%2fledger.xml"]
)
def test_what_is_no_message_is_not_found(client, path):
    assert client.get(f"/alerts/{path}").status_code in (400, 404)


def test_the_feed_lists_the_newest_first_with_absolute_links_to_the_messages(client, ids):
    root = feed(client)
    hrefs = [link.get("href") for link in root.findall("atom:entry/atom:link", NS)]
    assert hrefs == [f"http://localhost/alerts/2024/{ids[name]}.xml" for name in ("exercise", "update", "alert", "past")]
    for href in hrefs:
        assert client.get(href).status_code == 200


def test_the_feed_keeps_the_ids_of_the_one_in_the_store(client, door):
    stored = etree.fromstring(door.work.store.get("alerts/atom.xml"))
    served = feed(client)
    for path in ("atom:id", "atom:entry/atom:id", "atom:entry/atom:updated"):
        assert [node.text for node in served.findall(path, NS)] == [node.text for node in stored.findall(path, NS)]


def test_the_archive_is_walked_month_by_month(client, tmp_path):
    current = links(feed(client))
    assert current == {
        "self": "http://localhost/alerts/atom.xml",
        "prev-archive": "http://localhost/alerts/archive/2024-04.xml",
    }
    month = feed(client, current["prev-archive"])
    assert month.find("fh:archive", NS) is not None
    assert links(month)["current"] == "http://localhost/alerts/atom.xml"
    assert len(month.findall("atom:entry", NS)) == 4


def test_titles_come_in_the_language_asked_for(client):
    russian = feed(client, "/alerts/atom.xml?lang=ru")
    assert {entry.get("{http://www.w3.org/XML/1998/namespace}lang") for entry in russian.findall("atom:entry", NS)} == {"ru"}
    assert "наводнение" in russian.findtext("atom:entry/atom:title", namespaces=NS).lower()
    assert links(russian)["self"].endswith("?lang=ru")
    by_header = client.get("/alerts/atom.xml", headers={"Accept-Language": "ru"})
    assert by_header.headers["content-language"] == "ru"
    assert "Accept-Language" in by_header.headers["vary"]


def test_without_a_wish_titles_are_in_the_language_of_the_area(client):
    assert feed(client).find("atom:entry", NS).get("{http://www.w3.org/XML/1998/namespace}lang") == "kk"


def test_a_feed_the_client_has_is_not_sent_again(client):
    tag = client.get("/alerts/atom.xml").headers["etag"].removeprefix("W/")
    assert client.get("/alerts/atom.xml", headers={"If-None-Match": f'W/{tag}, "other"'}).status_code == 304


def test_a_home_without_messages_has_an_empty_feed(tmp_path):
    root = feed(TestClient(parts(door_of(tmp_path)), base_url="http://localhost"))
    assert root.findtext("atom:updated", namespaces=NS) == "1970-01-01T00:00:00Z"
    assert root.findall("atom:entry", NS) == []


# RFC 4287


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """A client of a home whose messages speak different languages, over four months; one says nothing."""
    door = door_of(tmp_path_factory.mktemp("spoken"))
    store = door.work.store
    for number, languages in enumerate([("kk", "ru", "en"), ("zh", "en"), ("ky", "ru"), ("uz", "tg", "en")]):
        now = SENT - timedelta(days=25 * number)
        data_time = now - timedelta(hours=1)
        warned(store, number, area(languages=languages), languages=languages, now=now, data_time=data_time)
    ref = warned(store, 9, now=SENT + timedelta(minutes=1))
    message = etree.fromstring(store.get(ref.key))
    for info in message.findall("{*}info"):
        message.remove(info)
    message.find("{*}identifier").text = "says-nothing"
    message.find("{*}msgType").text = "Cancel"
    store.put("alerts/2024/says-nothing.xml", etree.tostring(message))
    return TestClient(parts(door), base_url="http://localhost")


LANGS = ["", "?lang=ru", "?lang=zh-Hans-CN", "?lang=uz,ky", "?lang=de", "?lang=tg,kk"]


@pytest.mark.parametrize("query", LANGS)
def test_every_document_of_the_feed_is_what_rfc_4287_asks_for(spoken, query):
    url, walked = f"/alerts/atom.xml{query}", 0
    while url is not None:
        answer = spoken.get(url)
        assert faults(answer.content) == [], url
        root = etree.fromstring(answer.content)
        assert links(root)["self"] == f"http://localhost{url}"
        url = links(root).get("prev-archive", "").removeprefix("http://localhost") or None
        walked += 1
    assert walked == 5
    assert len(etree.fromstring(spoken.get(f"/alerts/atom.xml{query}").content).findall("atom:entry", NS)) == 6


def test_the_feed_in_the_store_and_one_without_messages_are_what_rfc_4287_asks_for(door, tmp_path):
    empty = TestClient(parts(door_of(tmp_path)), base_url="http://localhost").get("/alerts/atom.xml")
    assert faults(empty.content) == []
    stored = [fault for fault in faults(door.work.store.get("alerts/atom.xml")) if "link" not in fault]
    assert stored == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("ru", ["ru", "en", "ru", "en"]),
        ("zh-Hant-TW;q=0.9, ky;q=0.8", ["en", "zh", "ky", "en"]),
        ("uz-Cyrl-UZ, en;q=0.1", ["en", "en", "ky", "uz"]),
        ("*", ["kk", "zh", "ky", "uz"]),
        ("en;q=0, kk", ["kk", "en", "ky", "en"]),
    ],
)
def test_each_message_speaks_the_language_that_serves_best(spoken, header, expected):
    root = feed(spoken, **{"Accept-Language": header})
    found = [entry.get("{http://www.w3.org/XML/1998/namespace}lang") for entry in root.findall("atom:entry", NS)]
    assert found[2:] == expected

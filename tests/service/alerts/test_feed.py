"""CAP files and the Atom feed: bytes, links, archive, languages."""

import pytest
from fastapi.testclient import TestClient
from lxml import etree

from pipeline.alerts import atom
from tests.service.events.serving import door_of, parts

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

"""OGC API Features: what is found, in which language, and whether it stands."""

from itertools import pairwise

import jsonschema
import pytest
from openapi_spec_validator import validate

from pipeline.service.alerts import documents
from pipeline.service.alerts.asked import boxes, period

ITEMS = "/features/collections/alerts/items"


def found(client, **parameters):
    answer = client.get(ITEMS, params=parameters)
    assert answer.status_code == 200, answer.text
    return [feature["id"] for feature in answer.json()["features"]]


def test_the_landing_page_leads_to_all_documents(client):
    links = {link["rel"]: link["href"] for link in client.get("/features").json()["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(links)
    for href in (links["self"], links["conformance"], links["data"], links["service-desc"]):
        assert client.get(href).status_code == 200


def test_the_interface_is_valid_openapi_3_0_and_names_every_parameter_that_is_taken(client):
    answer = client.get("/features/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    validate(document)
    own = client.get("/openapi.json").json()["paths"][ITEMS]["get"]["parameters"]
    assert {entry["name"] for entry in own} == set(document["components"]["parameters"])


def test_the_collection_says_where_and_when_its_messages_hold(client):
    (collection,) = client.get("/features/collections").json()["collections"]
    assert collection == client.get("/features/collections/alerts").json()
    assert collection["extent"]["spatial"]["bbox"] == [[50.0, 48.0, 61.0, 49.0]]
    assert collection["extent"]["temporal"]["interval"] == [["2024-04-10T05:55:00Z", "2024-04-11T06:20:00Z"]]
    assert [link["href"] for link in collection["links"] if link["rel"] == "items"] == [f"http://localhost{ITEMS}"]


def test_a_feature_says_all_that_its_message_says(client, ids):
    answer = client.get(f"{ITEMS}/{ids['update']}", params={"lang": "en"})
    assert answer.headers["content-type"] == "application/geo+json"
    feature = answer.json()
    properties = feature["properties"]
    assert feature["id"] == properties["identifier"] == ids["update"]
    assert properties["references"] == [ids["alert"]]
    assert (properties["msgType"], properties["status"], properties["severity"]) == ("Update", "Test", "Severe")
    assert properties["cap"] == f"http://localhost/alerts/2024/{ids['update']}.xml"
    assert properties["geocodes"] == {"ISO 3166-2": ["KZ-27"]}
    assert (properties["hazard"], properties["product"]) == ("flood_extent", "flood_extent-scene-1b")
    assert {link["rel"] for link in feature["links"]} == {"self", "collection"}


def test_every_property_is_in_the_schema_and_of_its_type(client):
    answer = client.get("/features/collections/alerts/schema")
    assert answer.headers["content-type"] == documents.SCHEMA
    schema = answer.json()
    for feature in client.get(ITEMS).json()["features"]:
        said = {name: value for name, value in feature["properties"].items() if value is not None}
        assert set(feature["properties"]) == set(documents.PROPERTIES)
        jsonschema.validate(said, {**schema, "$id": None} | {"$id": "urn:schema"})


def test_outlines_are_counter_clockwise_with_longitude_first(client, ids):
    geometry = client.get(f"{ITEMS}/{ids['update']}").json()["geometry"]
    assert geometry["type"] == "Polygon"
    (ring,) = geometry["coordinates"]
    assert sorted({tuple(point) for point in ring}) == [(50.0, 48.0), (50.0, 49.0), (51.0, 48.0), (51.0, 49.0)]
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))
    assert area > 0


# What stands


def test_only_the_newest_of_a_chain_that_has_not_expired_is_active(client, ids):
    assert found(client, active="true") == [ids["exercise"], ids["update"]]
    assert found(client, active="false") == [ids["alert"], ids["past"]]


def test_a_superseded_message_names_its_successor(client, ids):
    properties = client.get(f"{ITEMS}/{ids['alert']}").json()["properties"]
    assert (properties["active"], properties["superseded_by"]) == (False, ids["update"])


def test_an_exercise_and_generated_data_are_marked(client, ids):
    marks = {
        feature["id"]: (feature["properties"]["exercise"], feature["properties"]["synthetic"])
        for feature in client.get(ITEMS).json()["features"]
    }
    assert marks[ids["exercise"]] == (True, False)
    assert marks[ids["past"]] == (False, True)
    assert marks[ids["update"]] == (False, False)


# Filters


def test_messages_are_found_by_place(client, ids):
    assert found(client, bbox="52.5,48,53.2,48.5") == [ids["exercise"]]
    assert found(client, bbox="49,47,50.5,48.5") == [ids["update"], ids["alert"]]
    assert found(client, bbox="170,40,-170,60") == []
    assert found(client, bbox="52,40,-170,60") == [ids["exercise"], ids["past"]]
    assert found(client, bbox="49,47,-10,50.5,48.5,9000") == [ids["update"], ids["alert"]]


def test_messages_are_found_by_the_time_they_hold(client, ids):
    assert found(client, datetime="2024-04-10T05:57:00Z") == [ids["past"]]
    assert found(client, datetime="../2024-04-10T06:05:00Z") == [ids["alert"], ids["past"]]
    assert found(client, datetime="2024-04-11T06:15:00Z/..") == [ids["exercise"]]
    assert found(client, datetime="2025-01-01") == []
    assert len(found(client, datetime="2024-04-10")) == 4


def test_messages_are_found_by_what_they_say(client, ids):
    assert found(client, status="Exercise") == [ids["exercise"]]
    assert found(client, severity="Moderate") == [ids["alert"]]
    assert found(client, incident="scene-3") == [ids["past"]]
    assert found(client, hazard="shaking") == []
    assert len(found(client, hazard="flood_extent")) == 4


def test_what_is_no_hazard_is_refused_by_name(client):
    answer = client.get("/features/collections/alerts/items?hazard=earthqake")
    assert answer.status_code == 400
    words = answer.json()["description"]
    assert "found hazard 'earthqake', expected one of [" in words
    assert "'shaking'" in words


@pytest.mark.parametrize(
    "query",
    [
        "hazard=",
        "hazard=shaking&hazard=flood_extent",
        "severity=Severe&severity=Extreme",
        "incident=",
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=0,50,10,40",
        "bbox=0,0,nan,1",
        "bbox=-200,0,10,10",
        "datetime=yesterday",
        "datetime=2024-05-01/2024-04-01",
        "datetime=2024-01-01/2024-01-02/2024-01-03",
        "datetime=2024-13-01",
        "limit=0",
        "limit=many",
        "active=perhaps",
        "severity=Purple",
        "lang=not%20a%20language",
        "token=nonsense",
        "crs=http://www.opengis.net/def/crs/EPSG/0/3857",
        "colour=red",
    ],
)
def test_what_cannot_be_understood_is_refused_in_words(client, query):
    answer = client.get(f"{ITEMS}?{query}")
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "description"}
    assert answer.json()["description"]


def test_a_message_that_is_not_there_is_404(client):
    answer = client.get(f"{ITEMS}/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


# Paging


def test_pages_follow_one_another_without_gap_or_repetition(client, ids):
    href, seen = f"{ITEMS}?limit=1&lang=ru", []
    while href:
        page = client.get(href).json()
        assert (page["numberMatched"], page["numberReturned"]) == (4, 1)
        seen += [feature["id"] for feature in page["features"]]
        href = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        assert href is None or "lang=ru" in href
    assert seen == [ids["exercise"], ids["update"], ids["alert"], ids["past"]]


def test_a_number_beyond_the_largest_page_gives_the_largest_page(client):
    assert client.get(f"{ITEMS}?limit=100000").json()["numberReturned"] == 4


# Languages


def test_texts_come_in_the_language_asked_for(client, ids):
    russian = client.get(f"{ITEMS}/{ids['update']}?lang=ru")
    assert russian.json()["properties"]["event"] == "Наводнение"
    assert russian.headers["content-language"] == "ru"
    assert "Accept-Language" in russian.headers["vary"]
    english = client.get(f"{ITEMS}/{ids['update']}", headers={"Accept-Language": "de, en;q=0.5"})
    assert english.headers["content-language"] == "en"
    assert english.json()["properties"]["languages"] == ["kk", "ru", "en"]


def test_an_answer_that_the_client_has_is_not_sent_again(client):
    first = client.get(ITEMS)
    again = client.get(ITEMS, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


# Words to values


def test_a_box_across_the_antimeridian_is_two():
    assert boxes("170,40,-170,60") == ((170.0, 40.0, 180.0, 60.0), (-180.0, 40.0, -170.0, 60.0))


def test_a_day_is_a_whole_day():
    start, end = period("2024-02-29")
    assert (str(start), str(end)) == ("2024-02-29 00:00:00+00:00", "2024-02-29 23:59:59+00:00")


def test_an_offset_whose_plus_became_a_blank_is_read():
    start, _ = period("2024-04-10T11:00:00 05:00/..")
    assert str(start) == "2024-04-10 06:00:00+00:00"

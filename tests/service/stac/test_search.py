"""Item search: what each parameter selects, by GET and by POST alike."""

import json
from typing import Any

import httpx
import pytest
from shapely.geometry import box, mapping

from tests.service.homes import rectangle


def by_get(api: httpx.Client, **asked: Any) -> httpx.Response:
    words = {
        name: ",".join(map(str, value))
        if isinstance(value, (list, tuple))
        else json.dumps(value)
        if isinstance(value, dict)
        else value
        for name, value in asked.items()
    }
    return api.get("/stac/search", params=words)


def by_post(api: httpx.Client, **asked: Any) -> httpx.Response:
    return api.post("/stac/search", json=asked)


METHODS = pytest.mark.parametrize("search", [by_get, by_post])


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["features"]]


@METHODS
@pytest.mark.parametrize(
    ("bbox", "found"),
    [
        ([175, -30, 179, -10], {"shaking-fiji"}),
        ([-179.5, -30, -178.5, -10], {"shaking-fiji"}),
        ([170, -30, -170, -10], {"shaking-fiji"}),
        ([0.5, 0.5, 1.5, 1.5], {"fire_weather-day"}),
        ([2, 2, 3, 3], {"fire_weather-day"}),
        ([2.001, 2.001, 3, 3], set()),
        ([0.5, 0.5, -100, 1.5, 1.5, 9000], {"fire_weather-day"}),
        ([101, 11, 102, 12], {"shaking-triangle"}),
        ([108, 18, 109, 19], set()),
        ([20, 20, 20, 20], {"shaking-century"}),
    ],
    ids=str,
)
def test_a_bbox_selects_footprints_not_their_boxes(api: httpx.Client, search: Any, bbox: list[float], found: set[str]) -> None:
    assert set(ids(search(api, bbox=bbox, limit=100))) == found


@METHODS
@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2024-02-01T18:09:04Z", {"fire_weather-day"}),
        ("2024-02-02T18:09:04Z", {"fire_weather-day"}),
        ("2024-02-02T18:09:05Z", set()),
        ("2024-02-01T00:00:00Z/..", {"fire_weather-day"}),
        ("2024-02-02T00:00:00+06:00/", {"fire_weather-day"}),
        ("../1950-01-01T00:00:00Z", {"shaking-century"}),
        ("/1950-01-01T00:00:00Z", {"shaking-century"}),
        ("1911-02-01T18:09:03.5Z/1911-02-01T18:09:04.5Z", {"shaking-century"}),
        ("1911-02-01T18:09:04.1Z/1911-02-01T18:09:05Z", set()),
    ],
)
def test_a_datetime_selects_what_it_touches_with_both_ends(
    api: httpx.Client, search: Any, moment: str, found: set[str]
) -> None:
    assert set(ids(search(api, datetime=moment, limit=100))) == found


@METHODS
@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Point", "coordinates": [101, 11]},
        {"type": "LineString", "coordinates": [[99, 9], [102, 12]]},
        {"type": "MultiPoint", "coordinates": [[101, 11], [0, 80]]},
        {"type": "MultiPolygon", "coordinates": [mapping(box(101, 11, 102, 12))["coordinates"]]},
        {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "Point", "coordinates": [101, 11]},
                {"type": "LineString", "coordinates": [[0, 80], [1, 80]]},
            ],
        },
        rectangle((99.0, 9.0, 120.0, 30.0)),
    ],
    ids=lambda shape: str(shape["type"]),
)
def test_intersects_takes_any_geometry(api: httpx.Client, search: Any, shape: dict[str, Any]) -> None:
    assert ids(search(api, intersects=shape)) == ["shaking-triangle"]
    beside = {"type": "Point", "coordinates": [109, 19]}
    assert ids(search(api, intersects=beside)) == []


@METHODS
def test_ids_and_collections_narrow_one_another(api: httpx.Client, search: Any) -> None:
    wanted = ["shaking-fiji", "fire_weather-day", "nothing"]
    assert set(ids(search(api, ids=wanted))) == {"shaking-fiji", "fire_weather-day"}
    assert ids(search(api, ids=wanted, collections=["shaking"])) == ["shaking-fiji"]
    assert ids(search(api, collections=["nothing"])) == []


@METHODS
def test_all_conditions_hold_together(api: httpx.Client, search: Any) -> None:
    asked = {"bbox": [60, 38, 82, 51], "datetime": "2024-01-23T00:00:00Z/2024-01-23T12:00:00Z", "collections": ["landslide"]}
    found = search(api, limit=100, **asked).json()["features"]
    assert len(found) == 4
    assert {item["collection"] for item in found} == {"landslide"}
    assert all("2024-01-23T00" <= item["properties"]["datetime"] <= "2024-01-23T12" for item in found)


def test_the_newest_comes_first(api: httpx.Client) -> None:
    times = [item["properties"]["datetime"] for item in by_get(api, limit=100).json()["features"]]
    assert len(times) == 40
    assert times == sorted(times, reverse=True)


@METHODS
def test_more_than_the_service_gives_is_cut(api: httpx.Client, search: Any) -> None:
    assert len(ids(search(api, limit=9999))) == 40


@METHODS
def test_items_are_sorted_by_any_property_the_unknown_last(api: httpx.Client, search: Any) -> None:
    wanted: Any = "hazmon:magnitude" if search is by_get else [{"field": "hazmon:magnitude", "direction": "asc"}]
    found = search(api, sortby=wanted, limit=100).json()["features"]
    values = [item["properties"].get("hazmon:magnitude") for item in found]
    assert values[-1] is None
    assert values[:-1] == sorted(values[:-1])


@METHODS
def test_several_sort_keys_are_taken_in_turn(api: httpx.Client, search: Any) -> None:
    keys = [("collection", "asc"), ("properties.hazmon:magnitude", "desc")]
    wanted: Any = "+collection,-properties.hazmon:magnitude"
    if search is by_post:
        wanted = [{"field": name, "direction": way} for name, way in keys]
    found = search(api, sortby=wanted, limit=100).json()["features"]
    order = [(item["collection"], -item["properties"].get("hazmon:magnitude", 0)) for item in found]
    assert order == sorted(order)


@METHODS
@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"hazmon:magnitude": {"gte": 7.0, "lt": 7.5}}, 5),
        ({"hazmon:magnitude": {"eq": 4.0}}, 1),
        ({"hazmon:review_status": {"neq": "reviewed"}, "hazmon:magnitude": {"lte": 4.35}}, 2),
        ({"hazmon:review_status": {"startsWith": "auto"}}, 18),
        ({"hazmon:review_status": {"endsWith": "viewed"}}, 18),
        ({"hazmon:review_status": {"contains": "mat"}}, 18),
        ({"hazmon:review_status": {"in": ["reviewed", "other"]}}, 18),
        ({"collection": {"eq": "landslide"}}, 12),
    ],
    ids=str,
)
def test_the_query_extension_compares_properties(api: httpx.Client, search: Any, query: dict[str, Any], count: int) -> None:
    assert len(ids(search(api, query=query, limit=100))) == count


@METHODS
def test_fields_leave_only_what_is_wanted(api: httpx.Client, search: Any) -> None:
    wanted: Any = "properties.hazmon:magnitude,-properties.datetime"
    if search is by_post:
        wanted = {"include": ["properties.hazmon:magnitude"], "exclude": ["properties.datetime"]}
    (item,) = search(api, fields=wanted, ids=["shaking-fiji"]).json()["features"]
    assert item["properties"] == {"hazmon:magnitude": 9.5}
    assert item["id"] == "shaking-fiji"
    assert "assets" not in item


@METHODS
def test_excluded_fields_are_left_out_of_the_whole(api: httpx.Client, search: Any) -> None:
    wanted: Any = "-assets,-properties.title" if search is by_get else {"exclude": ["assets", "properties.title"]}
    (item,) = search(api, fields=wanted, ids=["shaking-fiji"]).json()["features"]
    assert "assets" not in item
    assert "title" not in item["properties"]
    assert item["properties"]["hazmon:magnitude"] == 9.5


@METHODS
@pytest.mark.parametrize(
    "asked",
    [
        {"bbox": [1, 2, 3]},
        {"bbox": [0, 10, 1, 5]},
        {"bbox": [0, 0, 1, 999]},
        {"limit": 0},
        {"limit": -1},
        {"limit": "many"},
        {"datetime": "yesterday"},
        {"datetime": "2024-13-01T00:00:00Z"},
        {"datetime": "../.."},
        {"datetime": "2024-02-01T00:00:00Z/2024-01-01T00:00:00Z"},
        {"datetime": "2024-01-01T00:00:00Z/2024-02-01T00:00:00Z/2024-03-01T00:00:00Z"},
        {"intersects": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}},
        {"intersects": {"type": "Nothing"}},
        {"bbox": [0, 0, 1, 1], "intersects": {"type": "Point", "coordinates": [0, 0]}},
        {"query": {"hazmon:magnitude": {"about": 4}}},
        {"token": "nothing"},
        {"token": "bmV4dA"},
    ],
    ids=str,
)
def test_what_cannot_be_understood_is_refused_with_words(api: httpx.Client, search: Any, asked: dict[str, Any]) -> None:
    answer = search(api, **asked)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"code", "description"}


@pytest.mark.parametrize("name", ["bbox", "intersects", "query", "filter", "sortby", "fields", "datetime", "token"])
def test_an_empty_parameter_is_no_fault_of_the_service(api: httpx.Client, name: str) -> None:
    assert api.get(f"/stac/search?{name}=").status_code in (200, 400)


@pytest.mark.parametrize(
    "body",
    [
        '{"ids": ["\\ud800"]}',
        '{"query": {"id": {"eq": "\\udfff"}}}',
        '{"query": {"hazmon:magnitude": {"gt": 1' + "0" * 400 + "}}}",
        '{"query": {"hazmon:magnitude": {"gt": NaN}}}',
        '{"bbox": [NaN, 0, 1, 1]}',
        '{"bbox": [1' + "0" * 400 + ", 0, 1, 1]}",
        '{"intersects": {"type": "Point", "coordinates": [1' + "0" * 400 + ", 0]}}",
        '{"intersects": {"type": "LinearRing", "coordinates": [[0, 0], [1, 1], [1, 0], [0, 0]]}}',
        '{"intersects": {"type": ["Point"], "coordinates": [0, 0]}}',
        '{"intersects": {"type": "Point", "coordinates": [Infinity, 0]}}',
        '{"sortby": [' + ", ".join(['{"field": "id", "direction": "asc"}'] * 3000) + "]}",
        '{"sortby": [{"field": "geometry", "direction": "asc"}]}',
        '{"sortby": [{"field": "nothing\\u0000", "direction": "asc"}]}',
        '{"filter": {"op": "=", "args": [{"property": "id"}, "\\ud800"]}}',
        '{"filter": ' + '{"op": "not", "args": [' * 2000 + "true" + "]}" * 2000 + "}",
        '{"token": "WyJuZXh0IixbIlx1ZDgwMCIsMV0sW11d"}',
        '{"token": "WyJuZXh0IixbOTk5OTk5OTk5OTk5OTk5OTk5OTk5OSwxXSxbXV0"}',
        "[" * 100_000,
    ],
    ids=lambda body: body[:40],
)
def test_hostile_bodies_are_refused_with_words(api: httpx.Client, body: str) -> None:
    answer = api.post("/stac/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"code", "description"}


@pytest.mark.parametrize(
    "text",
    [
        "1" + "+1" * 4000 + " = 1",
        "id = '" + "x" * 20_000 + "'",
        "- " * 4000 + "1 = 1",
        "id IN (" + "'a'," * 2000 + "'b')",
        "\x00",
    ],
    ids=lambda text: text[:20],
)
def test_hostile_filters_are_no_fault_of_the_service(api: httpx.Client, text: str) -> None:
    assert api.get("/stac/search", params={"filter": text}).status_code in (200, 400, 414, 431)


def refused(answer: httpx.Response, *words: str) -> None:
    assert answer.status_code == 400, answer.text
    description = answer.json()["description"]
    assert all(word in description for word in words), description


@pytest.mark.parametrize(
    "path",
    [
        "/stac?unknown=1",
        "/stac/?unknown=1",
        "/stac/conformance?unknown=1",
        "/stac/collections?unknown=1",
        "/stac/collections/shaking?unknown=1",
        "/stac/collections/shaking/items?unknown=1",
        "/stac/collections/shaking/items/shaking-fiji?unknown=1",
        "/stac/collections/shaking/queryables?unknown=1",
        "/stac/queryables?unknown=1",
        "/stac/search?unknown=1",
    ],
)
def test_a_parameter_that_nobody_knows_is_refused_not_passed_over(api: httpx.Client, path: str) -> None:
    refused(api.get(path), "found query parameter 'unknown'", "expected some of")


def test_clients_may_name_a_format_and_a_number_of_collections(api: httpx.Client) -> None:
    assert api.get("/stac/search?f=json").status_code == 200
    assert len(api.get("/stac/collections?limit=1000").json()["collections"]) == 3


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"collection": "shaking"}, ["body: found field 'collection'", "'collections'"]),
        ({"filter_expr": {"op": "="}}, ["found field 'filter_expr'", "'filter'"]),
        ({"fields": {"includes": ["id"]}}, ["fields: found field 'includes'"]),
        ({"sortby": [{"field": "id", "dir": "asc"}]}, ["sortby: found field 'dir'"]),
        ({"filter": {}}, ["filter: found nothing in it"]),
        ({"query": {}}, ["query: found nothing in it"]),
        ({"bbox": []}, ["bbox: found nothing in it"]),
        ({"bbox": [1, 2, 3]}, ["bbox: found 3 numbers, expected 4 or 6"]),
        ({"bbox": "1,2,3,4"}, ["bbox: found '1,2,3,4'", "list"]),
        ({"datetime": ""}, ["datetime: found nothing"]),
        ({"intersects": {"type": "Nothing"}}, ["intersects: found type 'Nothing', expected one of Point"]),
        ({"limit": "many"}, ["body.limit: found 'many', expected it to be a valid integer"]),
    ],
    ids=str,
)
def test_a_body_that_says_nothing_known_is_refused_with_words(
    api: httpx.Client, body: dict[str, Any], words: list[str]
) -> None:
    refused(by_post(api, **body), *words)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("bbox=", ["bbox: found nothing, expected 4 or 6 numbers"]),
        ("bbox=a,b", ["bbox: found 'a,b', expected 4 or 6 numbers"]),
        ("filter=", ["filter: found nothing"]),
        ("intersects=", ["intersects: found nothing"]),
        ("query=", ["query: found nothing"]),
        ("ids=a&ids=b", ["'ids' 2 times, expected it once"]),
        ("limit=many", ["query.limit: found 'many', expected it to be a valid integer"]),
        ("sortby=nope", ["sortby: found property 'nope'"]),
        ("filter=nope=1", ["filter: found property 'nope'"]),
        ("filter-lang=sql&filter=id='a'", ["filter-lang: found 'sql', expected it to be 'cql2-json' or 'cql2-text'"]),
    ],
)
def test_a_parameter_that_says_nothing_is_refused_with_words(api: httpx.Client, query: str, words: list[str]) -> None:
    refused(api.get(f"/stac/search?{query}"), *words)


@METHODS
@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("yesterday", "'yesterday'"),
        ("2024-02-30T00:00:00Z", "2024-02-30"),
        ("2024-02-01T00:00:00Z/2024-01-01T00:00:00Z", "begins before it ends"),
        ("../..", "at least one end"),
    ],
)
def test_a_moment_that_cannot_be_is_refused_with_words(api: httpx.Client, search: Any, moment: str, words: str) -> None:
    refused(search(api, datetime=moment), "datetime: found", words, "expected")


@METHODS
@pytest.mark.parametrize("name", ["ids", "collections"])
def test_of_none_named_none_is_found(api: httpx.Client, search: Any, name: str) -> None:
    assert ids(search(api, **{name: []})) == []


@METHODS
@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Point", "coordinates": [438, 41]},
        {"type": "Point", "coordinates": [185, 0]},
        {"type": "Point", "coordinates": [78, 141]},
        rectangle((170.0, -20.0, 190.0, 20.0)),
    ],
    ids=str,
)
def test_a_place_beyond_the_earth_is_refused_not_answered_with_nothing(
    api: httpx.Client, search: Any, shape: dict[str, Any]
) -> None:
    refused(search(api, intersects=shape), "intersects: found one from", "expected longitudes of -180 to 180")
    condition = {"op": "s_intersects", "args": [{"property": "geometry"}, shape]}
    asked: dict[str, Any] = {"filter": condition} | ({"filter-lang": "cql2-json"} if search is by_get else {})
    refused(search(api, **asked), "filter: found one from")


def test_a_place_beyond_the_earth_is_refused_in_text_too(api: httpx.Client) -> None:
    refused(api.get("/stac/search", params={"filter": "S_INTERSECTS(geometry, POINT(185 0))"}), "filter: found one from 185")


def test_the_items_of_a_collection_may_be_named(api: httpx.Client) -> None:
    path = "/stac/collections/shaking/items"
    assert ids(api.get(f"{path}?ids=shaking-fiji,fire_weather-day&collections=shaking")) == ["shaking-fiji"]
    assert ids(api.get(f"{path}?ids=")) == []
    assert ids(api.get(f"{path}?collections=landslide")) == []

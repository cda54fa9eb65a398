"""The same searches find the same Items in both back-ends: filters and orders as Hypothesis makes them up."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.service.door import Door
from pipeline.service.stac import cql, filters
from pipeline.service.stac.asked import Asked
from pipeline.service.stac.embedded import Items
from pipeline.service.stac.mirror import Mirror
from pipeline.service.stac.pgstac import page, written
from pipeline.service.stac.sync import sync
from pipeline.steps import Workspace
from tests.service.postgres import Cluster

TEXTS = ["id", "collection", "hazmon:review_status", "hazmon:subject", "title", "properties.hazmon:hazard"]
NUMBERS = ["hazmon:magnitude", "hazmon:revision"]
INSTANTS = ["datetime", "created", "updated", "start_datetime", "end_datetime"]
TRUTHS = ["deprecated", "hazmon:exercise"]

WORDS = [
    "shaking",
    "landslide",
    "reviewed",
    "automatic",
    "REVIEWED",
    "shaking-fiji",
    "Shaking, M7.0",
    "",
    "%",
    "it's",
    "ж",
    "a_c",
]
MOMENTS = [
    "2024-01-22T18:09:04Z",
    "2024-01-22T20:09:04Z",
    "2024-01-23T06:09:04Z",
    "2024-02-01T18:09:04Z",
    "2024-02-02T18:09:04+00:00",
    "2024-01-23T02:19:04.5+06:00",
    "1911-02-01T18:09:04Z",
]
PATTERNS = [
    "%a%",
    "shak%",
    "_eviewed",
    "Re%",
    "re%",
    "%\\_%",
    "shaking-_iji",
    "%-fiji",
    "2024-01-22%",
    "%\\",
    "%[a]%",
    "*",
    "?%",
]


def named(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(names).map(lambda name: {"property": name})


def called(op: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*args).map(lambda found: {"op": op, "args": list(found)})


text = named(TEXTS) | st.sampled_from(WORDS)
folded = st.recursive(text, lambda inner: called("casei", inner), max_leaves=1)
amount = named(NUMBERS) | st.sampled_from([0, 1, 2, 4.5, 5, 5.7, 7.5, -1])
number = st.recursive(amount, lambda inner: st.sampled_from("+-*/").flatmap(lambda op: called(op, inner, inner)), max_leaves=4)
moment = st.sampled_from(MOMENTS).map(lambda found: {"timestamp": found}) | st.just({"date": "2024-01-23"})
instant = named(INSTANTS) | moment
end = st.sampled_from([*MOMENTS, ".."])
span = instant | st.tuples(end, end).filter(lambda pair: pair != ("..", "..")).map(lambda pair: {"interval": list(pair)})
truth = named(TRUTHS) | st.booleans()
comparison = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])

compared = comparison.flatmap(lambda op: st.one_of(*(called(op, each, each) for each in (folded, number, instant, truth))))
ranged = called("between", number, number, number) | called("between", instant, instant, instant)
listed = st.one_of(
    *(called("in", each, st.lists(each, min_size=1, max_size=3)) for each in (text, amount, moment | named(INSTANTS)))
)
likened = called("like", named([*TEXTS, *INSTANTS]), st.sampled_from(PATTERNS)) | called(
    "like",
    named(TEXTS).map(lambda node: {"op": "casei", "args": [node]}),
    st.sampled_from(PATTERNS).map(lambda found: {"op": "casei", "args": [found]}),
)
unknown = called("isNull", named([*TEXTS, *NUMBERS, *INSTANTS, *TRUTHS, "monty:country_codes", "geometry"]))
timed = st.sampled_from(sorted(cql.TEMPORAL)).flatmap(lambda op: called(op, span, span))
codes = st.lists(st.sampled_from(["KAZ", "KGZ", "CHN", "XXX"]), max_size=3)
several = st.sampled_from(["a_contains", "a_containedBy", "a_equals", "a_overlaps"]).flatmap(
    lambda op: called(op, st.just({"property": "monty:country_codes"}), codes)
)
SHAPES = [
    {"type": "Point", "coordinates": [61.0, 38.5]},
    {"type": "LineString", "coordinates": [[60.0, 38.0], [70.0, 45.0]]},
    {"type": "Polygon", "coordinates": [[[59, 37], [71, 37], [71, 44], [59, 44], [59, 37]]]},
    {"type": "Polygon", "coordinates": [[[60, 38], [62, 38], [62, 39], [60, 39], [60, 38]]]},
    {"type": "Polygon", "coordinates": [[[62, 38], [64, 38], [64, 39], [62, 39], [62, 38]]]},
    {"type": "Polygon", "coordinates": [[[104, 14], [106, 14], [106, 18], [104, 18], [104, 14]]]},
    {"type": "MultiPolygon", "coordinates": [[[[179, -19], [180, -19], [180, -18], [179, -18], [179, -19]]]]},
]
shape = st.sampled_from(SHAPES) | st.just({"bbox": [170, -30, -170, 0]}) | st.just({"bbox": [61, 38, 69, 40]})
placed = st.sampled_from(["intersects", "disjoint", "within", "contains", "crosses", "equals", "overlaps", "touches"]).flatmap(
    lambda name: (
        called(f"s_{name}", st.just({"property": "geometry"}), shape)
        | called(f"s_{name}", shape, st.just({"property": "geometry"}))
    )
)
simple = compared | ranged | listed | likened | unknown | timed | several | placed | named(TRUTHS)
condition = st.recursive(
    simple,
    lambda inner: (
        called("not", inner)
        | st.sampled_from(["and", "or"]).flatmap(
            lambda op: st.lists(inner, min_size=2, max_size=3).map(lambda found: {"op": op, "args": found})
        )
    ),
    max_leaves=4,
)
order = st.lists(st.tuples(st.sampled_from([*TEXTS, *NUMBERS, *INSTANTS, *TRUTHS]), st.booleans()), max_size=3).map(tuple)

QUIET = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class Pair:
    """Both back-ends over one home."""

    def __init__(self, work: Workspace, mirror: Mirror) -> None:
        self.items, self.mirror = Items(Door(work)), mirror

    def embedded(self, asked: Asked) -> tuple[list[str], str | None, str | None]:
        found, forward, back = self.items.find(asked)
        return [item["id"] for item in found], forward, back

    def pgstac(self, asked: Asked) -> tuple[list[str], str | None, str | None]:
        order, place, search = written(self.items, asked)
        row = self.mirror.connection.execute("SELECT search(%s::text::jsonb)", [json.dumps(search)]).fetchone()
        assert row is not None
        found, forward, back = page(row[0]["features"], asked, order, place)
        return [item["id"] for item in found], forward, back


@pytest.fixture(scope="session")
def pair(home: Workspace, postgres: Cluster, template: str) -> Iterator[Pair]:
    with postgres.database(template) as url:
        sync(home.store, url)
        with Mirror.open(url) as mirror:
            mirror.connection.execute("SET pgstac.readonly = on")
            yield Pair(home, mirror)


def condition_of(node: Any) -> Any:
    try:
        return filters.from_json(node)
    except InputError:
        return assume(False)


@QUIET
@given(node=condition)
def test_a_filter_finds_the_same_items(pair: Pair, node: Any) -> None:
    asked = Asked(condition=condition_of(node), limit=100)
    try:
        expected = pair.embedded(asked)
    except InputError:
        with pytest.raises(InputError):
            pair.pgstac(asked)
        return
    assert pair.pgstac(asked) == expected


@settings(QUIET, max_examples=60)
@given(order=order, limit=st.integers(1, 15), turns=st.lists(st.booleans(), max_size=6))
def test_pages_in_any_order_hold_the_same_items_forwards_and_backwards(
    pair: Pair, order: Any, limit: int, turns: list[bool]
) -> None:
    asked = Asked(sort=order, limit=limit)
    for turn in turns:
        page = pair.embedded(asked)
        assert pair.pgstac(asked) == page
        token = page[1] if turn else page[2]
        if token is None:
            return
        asked = Asked(sort=order, limit=limit, token=token)

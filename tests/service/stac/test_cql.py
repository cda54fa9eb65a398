"""Filters as SQL select what the cql2 package says they match."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import cql2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box, mapping

from pipeline.errors import InputError
from pipeline.products.index import Index
from pipeline.products.index_search import Query
from pipeline.service.stac import cql, filters

START = datetime(2024, 4, 5, tzinfo=UTC)
TEXTS = ("reviewed", "Reviewed", "re%d", "re_d", "a*b?[c]", "a\\b", "пересмотрено", "Пересмотрено", "", "O'Brien")
CODES = ("KAZ", "KGZ", "CHN", "UZB")


def item(number: int) -> dict[str, Any]:
    moment = START + timedelta(hours=number % 17, milliseconds=100 * (number % 3))
    west, south = (number * 7) % 40, (number * 11) % 30
    place = box(west, south, west + 5, south + 3)
    properties: dict[str, Any] = {
        "datetime": f"{START + timedelta(hours=number % 13):%Y-%m-%dT%H:%M:%SZ}",
        "created": moment.isoformat().replace("+00:00", "Z"),
        "deprecated": number % 3 == 0,
        "hazmon:exercise": number % 2 == 0,
        "hazmon:revision": number % 5,
        "hazmon:review_status": TEXTS[number % len(TEXTS)],
    }
    if number % 4:
        properties["hazmon:magnitude"] = (number % 9) / 2
    if number % 5:
        properties["monty:country_codes"] = [code for place, code in enumerate(CODES) if number >> place & 1] or ["MNG"]
    return {
        "type": "Feature",
        "id": f"shaking-{number:02d}",
        "collection": "shaking" if number % 2 else "landslide",
        "bbox": list(place.bounds),
        "geometry": json.loads(json.dumps(mapping(place))),
        "properties": properties,
    }


ITEMS = [item(number) for number in range(60)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    found = Index(tmp_path_factory.mktemp("index") / "index.sqlite")
    found.replace((each["id"], each) for each in ITEMS)
    return found


def selected(index: Index, node: Any) -> set[str]:
    term = cql.to_sql(filters.from_json(node), index.types())
    return {json.loads(found.document)["id"] for found in index.find(Query(terms=[term], limit=1000))}


def matched(node: Any) -> dict[str, bool | None]:
    """Return what the package says of each Item; None where it cannot say, since a value is not there."""
    expression = cql2.parse_json(json.dumps(node))
    found: dict[str, bool | None] = {}
    for each in ITEMS:
        try:
            found[each["id"]] = expression.matches(each)
        except Exception:  # noqa: BLE001  the package raises nothing narrower
            found[each["id"]] = None
    return found


def named(name: str) -> dict[str, str]:
    return {"property": name}


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


comparisons = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
numeric = st.sampled_from(["hazmon:magnitude", "hazmon:revision"]).map(named)
numbers = st.integers(-1, 10).map(lambda number: number / 2)
textual = st.sampled_from(["hazmon:review_status", "id", "collection"]).map(named)
texts = st.sampled_from([*TEXTS, "shaking", "landslide", "shaking-07", "x"])
moments = st.integers(-2, 40).map(lambda half: {"timestamp": f"{START + timedelta(minutes=30 * half):%Y-%m-%dT%H:%M:%SZ}"})
temporal = st.sampled_from(["created", "datetime"]).map(named)
spans = st.tuples(moments, moments).map(lambda ends: {"interval": sorted(each["timestamp"] for each in ends)})
shapes = st.tuples(st.integers(0, 45), st.integers(0, 35), st.integers(1, 9)).map(
    lambda place: json.loads(json.dumps(mapping(box(place[0], place[1], place[0] + place[2], place[1] + place[2]))))
)
patterns = st.lists(st.sampled_from([*"reabd*?[c]", "%", "_", "\\%", "\\_", "п", "П"]), max_size=6).map("".join)

atoms = st.one_of(
    st.builds(op, comparisons, numeric, numbers),
    st.builds(op, comparisons, textual, texts),
    st.builds(op, comparisons, temporal, moments),
    st.builds(op, comparisons, numeric, numeric),
    st.builds(op, st.sampled_from(["=", "<>"]), st.sampled_from(["deprecated", "hazmon:exercise"]).map(named), st.booleans()),
    st.builds(lambda own, low, high: op("between", own, low, high), numeric, numbers, numbers),
    st.builds(lambda own, values: op("in", own, values), textual, st.lists(texts, min_size=1, max_size=4)),
    st.builds(lambda own, values: op("in", own, values), numeric, st.lists(numbers, min_size=1, max_size=4)),
    st.builds(lambda pattern: op("like", named("hazmon:review_status"), pattern), patterns),
    st.builds(lambda name: op("isNull", named(name)), st.sampled_from(["hazmon:magnitude", "monty:country_codes", "id"])),
    st.builds(op, st.sampled_from(["s_intersects", "s_disjoint", "s_within", "s_contains", "s_touches", "s_overlaps"]),
              st.just(named("geometry")), shapes),
    st.builds(op, st.sampled_from(["t_after", "t_before", "t_equals", "t_disjoint", "t_intersects"]), temporal, moments),
    st.builds(op, st.sampled_from(["t_after", "t_before", "t_during", "t_disjoint", "t_intersects"]), temporal, spans),
    st.builds(op, st.sampled_from(["a_contains", "a_overlaps", "a_containedBy", "a_equals"]),
              st.just(named("monty:country_codes")), st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True)),
    st.builds(lambda sign, one, two: op(">", op(sign, named("hazmon:revision"), one), two),
              st.sampled_from("+-*"), numbers, numbers),
    st.builds(lambda text: op("=", op("casei", named("hazmon:review_status")), op("casei", text)), texts),
)  # fmt: skip
together = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(lambda args, name: op(name, *args), st.lists(inner, min_size=2, max_size=4), st.sampled_from(["and", "or"])),
        st.builds(lambda arg: op("not", arg), inner),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=atoms)
def test_one_condition_selects_what_the_package_matches(index: Index, node: Any) -> None:
    found = selected(index, node)
    for id, matches in matched(node).items():
        # What cannot be told is not selected.
        assert (id in found) == bool(matches), (id, node)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=together)
def test_conditions_together_select_what_the_package_matches(index: Index, node: Any) -> None:
    found = selected(index, node)
    for id, matches in matched(node).items():
        if matches is not None:
            assert (id in found) == matches, (id, node)


@pytest.mark.parametrize(
    "text",
    [
        "hazmon:magnitude + 1 > 3",
        "NOT deprecated AND hazmon:exercise",
        "CASEI(hazmon:review_status) = CASEI('REVIEWED')",
        "hazmon:review_status = 'O''Brien'",
        "S_INTERSECTS(geometry, POLYGON((0 0, 9 0, 9 9, 0 9, 0 0)))",
        "T_DURING(created, INTERVAL('2024-04-05T02:00:00Z', '2024-04-05T09:00:00Z'))",
    ],
)
def test_text_selects_what_the_package_matches(index: Index, text: str) -> None:
    node = filters.from_text(text)
    assert selected(index, node) == {id for id, matches in matched(node).items() if matches}
    assert selected(index, node)


def test_thousands_of_ids_are_one_condition(index: Index) -> None:
    node = op("in", named("id"), [f"shaking-{number:02d}" for number in range(600)])
    assert len(selected(index, node)) == 60


def test_a_long_chain_is_no_deep_one(index: Index) -> None:
    node = op("or", *(op("=", named("id"), f"shaking-{number:02d}") for number in range(250)))
    assert len(selected(index, node)) == 60


@pytest.mark.parametrize(
    "node",
    [
        op("=", named("nothing"), 1),
        op("=", named("hazmon:magnitude"), "large"),
        op("=", named("deprecated"), 1),
        op("<", named("monty:country_codes"), "KAZ"),
        op("like", named("hazmon:magnitude"), "4%"),
        op("between", named("id"), 1, 2),
        op("s_intersects", named("geometry"), {"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]}),
        op("s_intersects", named("id"), {"type": "Point", "coordinates": [0, 0]}),
        op("t_after", named("id"), {"timestamp": "2024-04-05T00:00:00Z"}),
        op("in", named("id"), []),
        op("and"),
        op("=", named("id")),
        op("=", None, None),
        op("launch", named("id")),
        {"op": "=", "args": [{"op": "pi", "args": []}, 3]},
        op("or", *(op("=", named("id"), "a") for _ in range(2000))),
    ],
)
def test_what_has_no_meaning_here_is_refused(index: Index, node: Any) -> None:
    with pytest.raises(InputError, match=r"(filter|geometry): found"):
        selected(index, node)

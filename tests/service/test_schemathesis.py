"""The whole service against its own description: no server error, and no answer that the description does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from pipeline import steps
from pipeline.config import Config
from pipeline.service.door import Door
from tests.drills import CONFIG

#: Examples of each operation; all of them together take about half a minute.
EXAMPLES = 10

#: Longest time for one operation, seconds.
LONGEST = 1.5

KEY = "k" * 24

#: Never ends by itself.
STREAM = "/events"

#: The library that reads geometries thinks little of some that are allowed all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*GeometryCollection.*:UserWarning")

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def url(played: Path, serve: Callable[[Door], AbstractContextManager[str]]) -> Iterator[str]:
    work = steps.open_workspace(str(played), Config(CONFIG, played / "config"), drill="EXERCISE test")
    with serve(Door(work, keys=(KEY,), now=lambda: datetime(2024, 1, 22, 19, tzinfo=UTC))) as found:
        yield found


@pytest.fixture(scope="module")
def sound(url: str) -> dict[str, str]:
    """A value that is right for each parameter of a path: chance would never find an Item."""
    item = httpx.get(f"{url}/stac/search?collections=shaking&limit=1", trust_env=False).json()["features"][0]
    alert = httpx.get(f"{url}/features/collections/alerts/items", trust_env=False).json()["features"][0]
    year, name = alert["properties"]["cap"].split("/")[-2:]
    return {
        **{
            "hazard": "shaking",
            "item": item["id"],
            "asset": "mmi",
            "matrix": "WebMercatorQuad",
            "z": "5",
            "x": "22",
            "y": "11",
        },
        **{"format": "png", "minx": "78", "miny": "41", "maxx": "79", "maxy": "42", "lon": "78.6", "lat": "41.3"},
        **{"identifier": alert["id"], "month": "2024-01", "year": year, "name": name, "key": "catalog/catalog.json"},
        **{"collection_id": "shaking", "item_id": item["id"]},
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=["as it is described", "otherwise"])
def test_every_operation_keeps_to_its_description(url: str, sound: dict[str, str], mode: GenerationMode) -> None:
    document = _without_tuples(httpx.get(f"{url}/openapi.json", trust_env=False).json())
    schema = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations()]
    asked = sum(_try(operation, url, mode, sound) for operation in operations if operation.path != STREAM)
    assert asked > 100


def _is_cut(case: schemathesis.Case) -> bool:
    """Whether Items are asked for in part (STAC's fields extension), which are then not whole ones."""
    body = case.body if isinstance(case.body, dict) else {}
    return "fields" in (case.query or {}) or "fields" in body


def _without_tuples(node: Any) -> Any:
    """A description in which tuples are lists of so many: schemathesis takes `prefixItems` for a fault of the schema."""
    if isinstance(node, list):
        return [_without_tuples(value) for value in node]
    if not isinstance(node, dict):
        return node
    found = {name: _without_tuples(value) for name, value in node.items()}
    kinds = found.pop("prefixItems", None)
    return found if kinds is None else found | {"items": {"anyOf": kinds}}


def _try(operation: schemathesis.APIOperation, url: str, mode: GenerationMode, sound: dict[str, str]) -> int:
    """Ask one operation for what its description allows, or does not; return how often."""
    count, began = 0, monotonic()

    @seed(20240122)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def ask(case: schemathesis.Case, there: bool) -> None:
        nonlocal count
        if monotonic() - began > LONGEST:
            return
        count += 1
        if there:
            case.path_parameters = {name: sound.get(name, value) for name, value in (case.path_parameters or {}).items()}
        checks = [check for check in CHECKS if check is not response_schema_conformance or not _is_cut(case)]
        case.call_and_validate(base_url=url, checks=checks, headers={"Authorization": f"Bearer {KEY}"}, timeout=20)

    try:
        ask()
    except Unsatisfiable:  # nothing can be said to this operation that it does not allow
        assert mode is GenerationMode.NEGATIVE
    return count

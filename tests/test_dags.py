"""DAG files as Airflow reads them: quickly, without what only workers have, and always the same."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from pipeline import config
from tests.airflow_fixtures import DAGS, ROOT, environment, start

#: What a task may call besides the one step: the way in and out of XCom, and the way to the home.
CONVERSIONS = {"to_json", "from_json", "open_workspace"}


@pytest.fixture(scope="session")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What two processes of different hash seeds saw in the DAG files."""
    homes = [tmp_path_factory.mktemp("home") for _ in range(2)]
    processes = [start("dags.py", environment(home, PYTHONHASHSEED=str(seed))) for seed, home in enumerate(homes, 1)]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    return [json.loads(out.splitlines()[-1]) for out, _ in said]


@pytest.fixture(scope="session")
def dags(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return answers[0]["dags"]


@pytest.fixture(scope="session")
def configured() -> config.Config:
    return config.Config(ROOT / "config")


def test_every_file_is_read_without_packages_that_only_workers_have(answers: list[dict[str, Any]]) -> None:
    assert answers[0]["errors"] == {}
    assert answers[0]["loaded"] == []


def test_every_file_defines_dags(dags: dict[str, Any]) -> None:
    assert {dag["file"] for dag in dags.values()} == {path.name for path in DAGS.glob("*.py")} - {"support.py"}


def test_each_file_is_read_within_a_fifth_of_a_second(answers: list[dict[str, Any]]) -> None:
    quickest = {name: min(answer["seconds"][name] for answer in answers) for name in answers[0]["seconds"]}
    assert {name: seconds for name, seconds in quickest.items() if seconds >= 0.2} == {}


def test_two_processes_with_different_hash_seeds_serialize_equally(answers: list[dict[str, Any]]) -> None:
    first, second = ({id: dag["hash"] for id, dag in answer["dags"].items()} for answer in answers)
    assert first == second


def test_there_is_one_dag_per_feed_and_per_hazard(dags: dict[str, Any], configured: config.Config) -> None:
    expected = {f"ingest_{feed}" for feed in configured.feeds}
    for id, hazard in configured.hazards.items():
        expected.add(f"event_{id}" if hazard.grid == "event" else f"hazard_{id}")
        if hazard.alert is not None and hazard.grid != "event":
            expected.add(f"alert_{id}")
    assert set(dags) == expected


def test_no_dag_catches_up(dags: dict[str, Any]) -> None:
    assert [id for id, dag in dags.items() if dag["catchup"]] == []


def test_feeds_are_polled_as_configured_and_all_else_follows_assets(dags: dict[str, Any], configured: config.Config) -> None:
    scheduled = {id.removeprefix("ingest_") for id, dag in dags.items() if dag["schedule"] == "CronTriggerTimetable"}
    assert scheduled == {id for id, feed in configured.feeds.items() if feed.schedule}
    assert {dag["schedule"] for id, dag in dags.items() if not id.startswith("ingest_")} == {"PartitionedAssetTimetable"}


def test_what_is_made_of_a_product_listens_to_it_and_its_maker_announces_it(
    dags: dict[str, Any], configured: config.Config
) -> None:
    for id, hazard in configured.hazards.items():
        kind = "event" if hazard.grid == "event" else "hazard"
        made_of = [f"product.{name}" for name in hazard.trigger if name in configured.hazards]
        assert dags[f"{kind}_{id}"]["listens"] == sorted([f"due.{id}", *made_of])
        assert f"product.{id}" in dags[f"{kind}_{id}"]["announces"]


def test_whatever_a_dag_listens_to_is_announced_by_another(dags: dict[str, Any]) -> None:
    announced = {name for dag in dags.values() for name in dag["announces"]}
    assert {name for dag in dags.values() for name in dag["listens"]} <= announced


def test_no_feed_has_a_schedule_in_an_exercise(answers: list[dict[str, Any]]) -> None:
    schedules = answers[0]["in exercises"]
    assert {schedule for id, schedule in schedules.items() if id.startswith("ingest_")} == {"NullTimetable"}


def test_every_task_tries_again_what_was_unavailable_and_nothing_else(dags: dict[str, Any]) -> None:
    wanted = {
        "FeedUnavailable": "retry",
        "StoreError": "retry",
        "FeedMalformed": "fail",
        "FeedRefused": "fail",
        "ValueError": "fail",
    }
    policies = [(id, task, policy) for id, dag in dags.items() for task, policy in dag["tasks"].items()]
    assert [(id, task) for id, task, policy in policies if policy != wanted] == []
    assert all(dag["retries"] and min(dag["retries"]) > 0 for dag in dags.values())


def test_at_most_three_tasks_follow_one_another_from_a_poll_to_its_warning(dags: dict[str, Any]) -> None:
    """Discovering is the poll; ingest, run and warn follow. Accounting stands beside them."""
    assert set(dags["ingest_usgs"]["tasks"]) == {"discover", "ingest", "account"}
    assert set(dags["event_shaking"]["tasks"]) == {"run", "warn"}


def _tasks() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(DAGS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("task" in _names(mark) for mark in node.decorator_list):
                yield f"{path.stem}.{node.name}", node


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _steps(task: ast.FunctionDef) -> list[str]:
    called = [node.func for node in ast.walk(task) if isinstance(node, ast.Call)]
    attributes = [call for call in called if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name)]
    return [call.attr for call in attributes if call.value.id == "steps" and call.attr not in CONVERSIONS]


@pytest.mark.parametrize(("name", "task"), [pytest.param(name, task, id=name) for name, task in _tasks()])
def test_a_task_is_one_call_into_the_steps(name: str, task: ast.FunctionDef) -> None:
    assert len(_steps(task)) == 1, name
    assert len(task.body) <= 10, f"{name} does more than to convert, call and hand on"


def test_dag_files_import_no_room() -> None:
    """They know the steps, the configuration, the model and the errors."""
    allowed = {"pipeline", "pipeline.config", "pipeline.model", "pipeline.errors", "pipeline.steps"}
    found = set()
    for path in DAGS.glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    assert {module for module in found if module.startswith("pipeline")} <= allowed


@pytest.mark.parametrize("run", ["scheduled", "by an asset", "of an exercise"])
def test_a_poll_decides_by_itself_how_far_it_looks_back(answers: list[dict[str, Any]], run: str) -> None:
    start, end, _, _ = answers[0]["windows"][run]
    assert (start, end) == (None, None)


def test_an_exercise_has_its_own_clock(answers: list[dict[str, Any]]) -> None:
    assert answers[0]["windows"]["of an exercise"][2] == "2024-01-22T18:15:30+00:00"


def test_a_run_with_a_window_of_its_own_keeps_to_it(answers: list[dict[str, Any]]) -> None:
    start, end, _, _ = answers[0]["windows"]["with a window"]
    assert (start, end) == ("2024-01-01T00:00:00+00:00", "2024-01-02T00:00:00+00:00")


def test_a_back_filled_run_looks_at_its_own_day_but_lives_now(answers: list[dict[str, Any]]) -> None:
    """So that its products are dated now, and its warnings are too old to be sent."""
    _, end, now, logical = answers[0]["windows"]["back-filled"]
    assert _seconds(logical, end) == 1
    assert _seconds(end, now) > 29 * 24 * 3600


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()

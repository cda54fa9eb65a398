"""The newest run of every DAG, as Airflow's REST interface tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import httpx
from pydantic import BaseModel, ValidationError

from pipeline.service.door import Door

#: Longest time that the board waits for Airflow, seconds.
PATIENCE = 2.0

#: So many newest runs are looked through: what Airflow tells at once unless it is set otherwise.
_LOOK = 100


@dataclass(frozen=True)
class Run:
    """One DAG on the board."""

    dag: str
    state: str
    started: datetime | None
    ended: datetime | None
    partition: str | None
    """The subject it is about."""


class _Found(BaseModel):
    dag_id: str
    state: str
    start_date: datetime | None = None
    end_date: datetime | None = None
    partition_key: str | None = None


class _Answer(BaseModel):
    dag_runs: list[_Found]


def runs(door: Door, known: dict[str, Run]) -> tuple[list[Run] | None, str | None]:
    """Return the newest run of every DAG, the latest first; or None and why there is none.

    Parameters
    ----------
    door
        Knows where Airflow is.
    known
        Runs by DAG as they were, brought up to date: what runs once a day is not among the newest of all for long.
    """
    if door.airflow is None:
        return None, None
    headers = {"Authorization": f"Bearer {door.airflow_token}"} if door.airflow_token else {}
    asked: dict[str, str | int] = {"limit": _LOOK, "order_by": "-run_after"}
    try:
        with httpx.Client(timeout=PATIENCE, trust_env=False, headers=headers) as client:
            answer = client.get(f"{door.airflow}/api/v2/dags/~/dagRuns", params=asked)
    except httpx.HTTPError as error:
        return None, f"Airflow does not answer: {type(error).__name__}"
    if answer.is_error:
        return None, f"Airflow answers HTTP {answer.status_code}"
    try:
        found = _Answer.model_validate_json(answer.content).dag_runs
    except ValidationError:
        return None, "Airflow answers something else than runs"
    newest: dict[str, Run] = {}
    for run in found:
        newest.setdefault(run.dag_id, Run(run.dag_id, run.state, run.start_date, run.end_date, run.partition_key))
    known |= newest
    return sorted(known.values(), key=lambda run: (run.started is None, run.started, run.dag), reverse=True), None

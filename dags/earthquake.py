"""Event-driven: one run per event and revision, two tasks from a solution to its product and its warnings."""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task

from pipeline.config import HazardConfig
from pipeline.errors import InputNotReady
from support import DEFAULTS, START, configuration, news, now, product, wait, workspace


def event_dag(id: str, hazard: HazardConfig) -> None:
    """Define the DAG of one hazard on events."""

    @dag(
        dag_id=f"event_{id}",
        description=f"{hazard.layer} of each event revision, and its warnings",
        schedule=PartitionedAssetTimetable(assets=news(id)),
        start_date=START,
        catchup=False,
        max_active_runs=8,
        default_args=DEFAULTS,
        tags=["hazard", "event"],
    )
    def compute_event() -> None:
        @task(outlets=[product(id)])
        def run() -> dict[str, Any]:
            from pipeline import steps

            context = get_current_context()
            try:
                return steps.to_json(steps.run(workspace(), id, context["dag_run"].partition_key, now(context)))
            except InputNotReady as error:
                raise wait(error) from error

        @task
        def warn(ref: dict[str, Any]) -> list[dict[str, Any]]:
            from pipeline import steps

            return [steps.to_json(alert) for alert in steps.warn(workspace(), id, ref["subject"], now(get_current_context()))]

        published = run()
        if hazard.alert is not None:
            warn(published)

    compute_event()


for _id, _hazard in configuration().hazards.items():
    if _hazard.grid == "event":
        event_dag(_id, _hazard)

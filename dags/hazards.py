"""One DAG per hazard on a scene or region: a partition is a subject; publish it, then make later days due again."""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from pipeline.config import HazardConfig
from pipeline.errors import InputNotReady
from support import DEFAULTS, START, configuration, due, news, now, product, wait, workspace


def hazard_dag(id: str, hazard: HazardConfig) -> None:
    """Define the DAG of one hazard."""

    @dag(
        dag_id=f"hazard_{id}",
        description=f"{hazard.layer} on {hazard.grid} grids",
        schedule=PartitionedAssetTimetable(assets=news(id)),
        start_date=START,
        catchup=False,
        max_active_runs=4,
        default_args=DEFAULTS,
        tags=["hazard", hazard.grid],
    )
    def compute_hazard() -> None:
        @task(outlets=[product(id)])
        def run() -> dict[str, Any]:
            from pipeline import steps

            context = get_current_context()
            try:
                return steps.to_json(steps.run(workspace(), id, context["dag_run"].partition_key, now(context)))
            except InputNotReady as error:
                raise wait(error) from error

        @task(outlets=[due(id)])
        def ripple(ref: dict[str, Any], outlet_events: Any = None) -> list[str]:
            from pipeline import steps

            followers = steps.followers(workspace(), steps.from_json(steps.ProductRef, ref))
            later = [trigger.subject for trigger in followers if trigger.hazard == id]
            if not later:
                raise AirflowSkipException("no later product was made from this one")
            outlet_events[due(id)].add_partitions(later)
            return later

        published = run()
        if any(binding.at == "previous" for binding in hazard.inputs.values()):
            ripple(published)

    compute_hazard()


for _id, _hazard in configuration().hazards.items():
    if _hazard.grid != "event":
        hazard_dag(_id, _hazard)

"""One DAG per hazard that warns: read what was published for a subject, and send what the rules say."""

from __future__ import annotations

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, dag, get_current_context, task

from support import DEFAULTS, START, configuration, now, product, workspace


def alert_dag(id: str) -> None:
    """Define the DAG that warns of one hazard."""

    @dag(
        dag_id=f"alert_{id}",
        description=f"CAP messages about {id}; gated on the age of the data, never on the fact that a run took place",
        schedule=PartitionedAssetTimetable(assets=product(id)),
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULTS,
        tags=["alert"],
    )
    def alert_hazard() -> None:
        @task
        def warn() -> list[dict[str, Any]]:
            from pipeline import steps

            context = get_current_context()
            alerts = steps.warn(workspace(), id, context["dag_run"].partition_key, now(context))
            return [steps.to_json(alert) for alert in alerts]

        warn()

    alert_hazard()


for _id, _hazard in configuration().hazards.items():
    if _hazard.alert is not None and _hazard.grid != "event":
        alert_dag(_id)

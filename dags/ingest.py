"""One DAG per feed: poll for what is new, ingest each granule, announce the subjects that are due, account for all."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from pipeline.config import FeedConfig
from pipeline.model import Trigger
from support import DEFAULTS, START, configuration, due, now, schedule, window, workspace

#: Key of the XCom that says which parts of a feed's answer could not be read.
REJECTED = "rejected"


def ingest_dag(id: str, feed: FeedConfig, hazards: list[str]) -> None:
    """Define the ingest DAG of one feed; `hazards` are those its news may start."""
    outlets = {hazard: due(hazard) for hazard in hazards}

    @dag(
        dag_id=f"ingest_{id}",
        description=feed.title,
        schedule=schedule(feed),
        start_date=START,
        catchup=False,
        max_active_runs=4,
        default_args=DEFAULTS,
        tags=["ingest", feed.protocol],
    )
    def ingest_feed() -> None:
        @task
        def discover() -> list[dict[str, Any]]:
            from pipeline import steps

            context = get_current_context()
            found = steps.poll(workspace(), id, now(context), window(context, feed))
            context["ti"].xcom_push(key=REJECTED, value=list(found.rejected))
            return [steps.to_json(granule) for granule in found.granules]

        @task(outlets=list(outlets.values()), map_index_template="{{ granule_key }}")
        def ingest(granule: dict[str, Any], outlet_events: Any = None) -> str:
            from pipeline import steps

            context = get_current_context()
            found = steps.from_json(steps.Granule, granule)
            context["granule_key"] = found.key  # type: ignore[typeddict-unknown-key]

            def announce(trigger: Trigger) -> None:
                outlet_events[outlets[trigger.hazard]].add_partitions(trigger.subject)

            ref, triggers = steps.take(workspace(), found, now(context), announce)
            if not triggers:
                raise AirflowSkipException(f"{found.key} is archived; nothing is due")
            return ref.payload.key

        @task(trigger_rule="all_done")
        def account(granules: list[dict[str, Any]]) -> str:
            from pipeline import steps

            rejected = get_current_context()["ti"].xcom_pull(task_ids="discover", key=REJECTED)
            return steps.account(workspace(), [steps.from_json(steps.Granule, g) for g in granules], rejected or [])

        granules = discover()
        ingest.expand(granule=granules) >> account(granules)

    ingest_feed()


_configuration = configuration()
for _id, _feed in _configuration.feeds.items():
    _hazards = _configuration.hazards
    _static = {h for h, c in _hazards.items() for b in c.inputs.values() if b.origin == _id and b.at == "static"}
    _started = _configuration.hazards_of(_id)
    _renewed = {h for h, c in _hazards.items() if c.reads_sequence and any(s.grid == "event" for s in _started.values())}
    ingest_dag(_id, _feed, sorted({*_started, *_static, *_renewed}))

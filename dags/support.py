"""What all DAGs share: the one place that maps a run to a window and a clock, and says what is retried."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowSkipException

from pipeline.config import Config, FeedConfig, load
from pipeline.errors import FeedUnavailable, InputNotReady, StoreError
from pipeline.model import Window, moment

if TYPE_CHECKING:
    from airflow.sdk.definitions.asset import BaseAsset

    from pipeline.steps import Workspace

#: First wait before a task is tried again; nobody waits that long for a source that an exercise plays.
RETRY_DELAY = timedelta(seconds=2 if os.environ.get("HAZMON_EXERCISE") else 30)

START = pendulum.datetime(2024, 1, 1, tz="UTC")

DEFAULTS: dict[str, Any] = {
    "retries": 5,
    "retry_delay": RETRY_DELAY,
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
    "execution_timeout": timedelta(hours=2),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(exception=FeedUnavailable, action=RetryAction.RETRY),
            RetryRule(exception=StoreError, action=RetryAction.RETRY),
            RetryRule(
                exception=Exception, action=RetryAction.FAIL, reason="only an unavailable source or store is tried again"
            ),
        ]
    ),
}


def configuration() -> Config:
    """Return the configuration; read at every parse, so without any array library."""
    return load()


def due(hazard: str) -> Asset:
    """Return the asset whose partitions are the subjects of a hazard that must be computed."""
    return Asset(name=f"due.{hazard}", uri=f"hazmon://due/{hazard}", group="due")


def product(hazard: str) -> Asset:
    """Return the asset whose partitions are the subjects of a hazard with a published product."""
    return Asset(name=f"product.{hazard}", uri=f"hazmon://product/{hazard}", group="product")


def news(id: str) -> BaseAsset:
    """Return what starts a run of a hazard: subjects that are due, or products of the hazard that triggers it."""
    before = [product(name) for name in configuration().hazards[id].trigger if name in configuration().hazards]
    return due(id) | before[0] if before else due(id)


def schedule(feed: FeedConfig) -> str | None:
    """Return a feed's cron schedule; none while an exercise is played, whose polls are triggered by its script."""
    return None if os.environ.get("HAZMON_EXERCISE") else feed.schedule


def now(context: Any) -> datetime:
    """Return the moment a run believes it is: `conf["now"]`, else the exercise's clock, else the wall clock."""
    conf = context["dag_run"].conf or {}
    if "now" in conf:
        return moment(conf["now"])
    clock = os.environ.get("HAZMON_CLOCK")
    if clock:
        import httpx

        return moment(httpx.get(clock, timeout=10).raise_for_status().json()["now"])
    return datetime.now(UTC)


def window(context: Any, feed: FeedConfig) -> Window | None:
    """Return the period a back-fill looks at, as its `conf` or its own logical date says; None: a poll decides by itself."""
    run = context["dag_run"]
    conf = run.conf or {}
    if "start" in conf:
        return Window(moment(conf["start"]), moment(conf["end"]))
    if run.run_type == "scheduled" or run.logical_date is None or "now" in conf:
        return None
    end = run.logical_date + timedelta(seconds=1)
    return Window(end - timedelta(hours=feed.lookback_hours), end)


def workspace() -> Workspace:
    """Return the workspace that the environment names; imports the numerical stack, so only inside tasks."""
    from pipeline import steps

    return steps.open_workspace()


def wait(error: InputNotReady) -> AirflowSkipException:
    """Return the skip that stands for "not ready": the missing input's own arrival makes the subject due again."""
    return AirflowSkipException(f"waiting: {error}")

"""Reads every DAG file where no worker-only package can be imported, and prints as JSON what it saw."""

from __future__ import annotations

import importlib.abc
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

#: Not needed to read a DAG file.
WORKER_ONLY = {
    *("dask", "distributed", "eccodes", "geopandas", "lxml", "numba", "numpy", "obstore", "odc", "pandas", "PIL", "pint"),
    *("pyarrow", "pyproj", "pystac", "pystac_client", "rasterio", "rio_cogeo", "scipy", "shapely", "xarray"),
}


class Blocked(importlib.abc.MetaPathFinder):
    """Refuses worker-only packages, as where they are not installed."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in WORKER_ONLY:
            raise ModuleNotFoundError(f"{fullname} is on workers only", name=fullname)


sys.meta_path.insert(0, Blocked())
folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
sys.path.append(str(folder))

from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from airflow.models.serialized_dag import SerializedDagModel  # noqa: E402
from airflow.serialization.serialized_objects import DagSerialization  # noqa: E402


def read() -> DagBag:
    """Read all files as a fresh process would: nothing of ours is loaded yet."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("pipeline", "support")]:
        del sys.modules[name]
    return DagBag(str(folder))


def described(dag) -> dict:
    """What the tests want to know of a DAG."""
    from pipeline.errors import FeedMalformed, FeedRefused, FeedUnavailable, StoreError

    condition = getattr(dag.timetable, "asset_condition", None)
    errors = (FeedUnavailable, StoreError, FeedMalformed, FeedRefused, ValueError)
    return {
        "file": Path(dag.fileloc).name,
        "hash": SerializedDagModel.hash(DagSerialization.to_dict(dag)),
        "catchup": dag.catchup,
        "schedule": type(dag.timetable).__name__,
        "listens": sorted(asset.name for asset in getattr(condition, "objects", [condition] if condition else [])),
        "announces": sorted(asset.name for task in dag.tasks for asset in task.outlets),
        "tasks": {
            task.task_id: {error.__name__: task.retry_policy.evaluate(error("x"), 1, 5).action.value for error in errors}
            for task in dag.tasks
        },
        "retries": sorted({task.retries for task in dag.tasks}),
    }


def windows() -> dict:
    """How runs map to a clock and a window."""
    import support

    feed = SimpleNamespace(lookback_hours=24)
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    conf = {"now": "2024-01-22T18:15:30Z"}
    span = {"start": "2024-01-01T00:00:00Z", "end": "2024-01-02T00:00:00Z"}
    runs = {
        "scheduled": SimpleNamespace(conf=None, logical_date=noon, run_type="scheduled"),
        "by an asset": SimpleNamespace(conf={}, logical_date=None, run_type="asset_triggered"),
        "of an exercise": SimpleNamespace(conf=conf, logical_date=None, run_type="manual"),
        "with a window": SimpleNamespace(conf=span, logical_date=None, run_type="manual"),
        "back-filled": SimpleNamespace(conf={}, logical_date=datetime.now(UTC) - timedelta(days=30), run_type="backfill"),
    }
    found = {}
    for name, run in runs.items():
        window, now = support.window({"dag_run": run}, feed), support.now({"dag_run": run})
        logical = run.logical_date.isoformat() if run.logical_date else None
        span = [moment.isoformat() for moment in (window.start, window.end)] if window else [None, None]
        found[name] = [*span, now.isoformat(), logical]
    return found


bags = [read() for _ in range(3)]
seconds: dict[str, list[float]] = {}
for stat in (stat for bag in bags for stat in bag.dagbag_stats):
    seconds.setdefault(Path(stat.file).name, []).append(stat.duration.total_seconds())
answer = {
    "errors": bags[-1].import_errors,
    "seconds": {name: min(times) for name, times in seconds.items()},
    "dags": {id: described(dag) for id, dag in bags[-1].dags.items()},
    "loaded": sorted({name.partition(".")[0] for name, module in sys.modules.items() if module is not None} & WORKER_ONLY),
    "windows": windows(),
}
os.environ["HAZMON_EXERCISE"] = "a drill"
answer["in exercises"] = {id: type(dag.timetable).__name__ for id, dag in read().dags.items()}
sys.stdout.write(json.dumps(answer))

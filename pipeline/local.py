"""The embedded deployment: Airflow's four processes on loopback, with SQLite and one folder, no login.

`airflow standalone` is not used: it listens on all interfaces.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx

from pipeline.errors import ConfigError, HazmonError

log = logging.getLogger(__name__)

#: Longest time Airflow may take until all four processes are healthy, seconds.
START_LIMIT = 180.0

#: Longest time it may take to stop, seconds; running tasks are given three.
STOP_LIMIT = 15.0


class AirflowFailed(HazmonError):
    """A process of Airflow ended or never became healthy; the message ends with the end of its log, or says where it is."""


@dataclass
class Airflow:
    """A running Airflow and the REST interface it answers on."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    """`pipeline.launch`, above all others."""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))

    @property
    def url(self) -> str:
        """Where the page and the REST interface are."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON answer of the REST interface, `path` below its root.

        Raises
        ------
        AirflowFailed
            Where it answers with an error.
        """
        answer = self.client.request(method, f"{self.url}/{path}", **options)
        if answer.is_error:
            raise AirflowFailed(f"{method} {path}: HTTP {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def watch(self) -> None:
        """Raise where a process has ended."""
        if self.process.poll() is None:
            return
        said = self.log_file("launch").read_text(errors="replace").splitlines()
        told = said[-1] if said else f"Airflow ended with exit code {self.process.returncode}"
        logs = [path for path in self.home.glob("logs/*.log") if path.stem in told]
        tail = [line for path in logs for line in path.read_text(errors="replace").splitlines()[-15:]]
        raise AirflowFailed("\n".join([told, *tail, f"(logs: {self.home / 'logs'})"]))

    def log_file(self, name: str) -> Path:
        """Return where a process writes."""
        return self.home / "logs" / f"{name}.log"


@contextmanager
def airflow(home: Path, dags: Path, port: int, environment: Mapping[str, str]) -> Iterator[Airflow]:
    """Start Airflow and yield it healthy; on leaving, every process it started is stopped.

    Parameters
    ----------
    home
        Folder of its database, settings and logs; made where missing.
    dags
        Folder of the DAG files.
    port
        Port of its page and REST interface on 127.0.0.1.
    environment
        Further variables for DAGs and tasks.

    Raises
    ------
    ConfigError
        Where the port is taken or Airflow is not installed.
    AirflowFailed
        Where it does not become healthy.
    """
    require_free(port)
    running = Airflow(home, port, _launch(home, {**_inherited(), **_settings(home, dags, port), **environment}))
    try:
        _wait_until_healthy(running)
        yield running
    finally:
        running.client.close()
        _stop(running.process)


def _inherited() -> dict[str, str]:
    """Return the environment without what would point Airflow at another database, or a live run at an exercise."""
    foreign = ("AIRFLOW_", "HAZMON_EXERCISE", "HAZMON_CLOCK", "HAZMON_FEEDS_VIA")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


def require_free(port: int, variable: str = "PORT") -> None:
    """Raise ConfigError where a port of 127.0.0.1 is taken, naming the variable of `make up` that changes it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} on 127.0.0.1 is taken ({error.strerror}); choose another: make up {variable}={port + 10}"
            ) from error


def _settings(home: Path, dags: Path, port: int) -> dict[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(home / "jwt-secret"),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        # A worker sees only at its next heartbeat that its task has ended, and takes no other before.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # What a killed deployment left behind is taken up soon after the next start.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "PYTHONWARNINGS": "ignore",
    }


def _secret(path: Path) -> str:
    """Return the secret kept in a file that only its owner may read; made once."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(64), encoding="ascii")
    return path.read_text(encoding="ascii")


def _launch(home: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start everything in a session of its own: Ctrl-C reaches this process only, which then ends it in order."""
    if find_spec("airflow") is None:
        raise ConfigError("Airflow is not installed here; run: pip install -c constraints.txt 'hazmon[airflow]'")
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "launch.log").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.launch", str(logs)],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def _wait_until_healthy(running: Airflow) -> None:
    began = monotonic()
    _wait(running, began, lambda: bool(running.call("GET", "api/v2/monitor/health")))
    # Built at the first request, which takes seconds: not to be waited for by the first task.
    _wait(running, began, lambda: bool(running.call("GET", "execution/health")))
    _wait(running, began, lambda: all(_is_healthy(part) for part in running.call("GET", "api/v2/monitor/health").values()))
    log.info("Airflow is healthy on %s after %.0f s", running.url, monotonic() - began)


def _is_healthy(part: Mapping[str, str | None]) -> bool:
    return part["status"] == "healthy"


def _wait(running: Airflow, began: float, reached: Callable[[], bool]) -> None:
    while monotonic() - began < START_LIMIT:
        running.watch()
        with suppress(httpx.TransportError, AirflowFailed):
            if reached():
                return
        sleep(0.2)
    raise AirflowFailed(f"Airflow was not healthy after {START_LIMIT:.0f} s; see {running.home / 'logs'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the launcher, which ends all others first."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        log.warning("Airflow did not stop within %.0f s; killed", STOP_LIMIT)
        process.kill()
        process.wait()

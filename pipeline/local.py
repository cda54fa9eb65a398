"""The embedded deployment: Airflow's four processes on loopback, with SQLite and one folder, no login.

`airflow standalone` is not used: it listens on all interfaces.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx

from pipeline.errors import ConfigError, HazmonError

log = logging.getLogger(__name__)

#: What runs, in the order it is started.
PROCESSES: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}

#: Loaded by Airflow at start: forked tasks then inherit the numerical stack instead of importing it each time.
_LOCAL_SETTINGS = """\
import sys

if "scheduler" in sys.argv:
    import pipeline.steps
"""

#: Longest time Airflow may take until all four processes are healthy, seconds.
START_LIMIT = 180.0


class AirflowFailed(HazmonError):
    """A process of Airflow ended or never became healthy; the message ends with the end of its log."""


@dataclass
class Airflow:
    """A running Airflow and the REST interface it answers on."""

    home: Path
    port: int
    environment: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the page and the REST interface are."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the JSON answer of the REST interface.

        Raises
        ------
        AirflowFailed
            Where it answers with an error.
        """
        answer = httpx.request(method, f"{self.url}/api/v2/{path}", timeout=60, **options)
        if answer.is_error:
            raise AirflowFailed(f"{method} {path}: HTTP {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def watch(self) -> None:
        """Raise where a process has ended."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                tail = "\n".join(self.log_file(name).read_text(errors="replace").splitlines()[-15:])
                raise AirflowFailed(f"airflow {name} ended with exit code {process.returncode}; its log ends with:\n{tail}")

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
    settings = {**os.environ, **_settings(home, dags, port), **environment}
    running = Airflow(home, port, settings)
    try:
        _migrate(running)
        for name, arguments in PROCESSES.items():
            running.processes[name] = _start(running, name, arguments)
        _wait_until_healthy(running)
        yield running
    finally:
        _stop(running)


def require_free(port: int) -> None:
    """Raise ConfigError where a port of 127.0.0.1 is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} on 127.0.0.1 is taken ({error.strerror}); choose another: make up PORT={port + 10}"
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
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
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


def _command(*arguments: str) -> list[str]:
    found = shutil.which("airflow", path=str(Path(sys.executable).parent)) or shutil.which("airflow")
    if found is None:
        raise ConfigError("Airflow is not installed here; run: pip install -c constraints.txt 'hazmon[airflow]'")
    return [found, *arguments]


def _migrate(running: Airflow) -> None:
    folder = running.home / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (running.home / "logs").mkdir(exist_ok=True)
    (folder / "airflow_local_settings.py").write_text(_LOCAL_SETTINGS, encoding="ascii")
    with running.log_file("migrate").open("wb") as out:
        code = subprocess.run(
            _command("db", "migrate"), env=dict(running.environment), stdout=out, stderr=out, check=False
        ).returncode
    if code:
        tail = running.log_file("migrate").read_text(errors="replace")[-2000:]
        raise AirflowFailed(f"airflow db migrate ended with exit code {code}:\n{tail}")


def _start(running: Airflow, name: str, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    with running.log_file(name).open("wb") as out:
        return subprocess.Popen(
            _command(*arguments),
            env=dict(running.environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def _wait_until_healthy(running: Airflow) -> None:
    began = monotonic()
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    while monotonic() - began < START_LIMIT:
        running.watch()
        try:
            health = running.call("GET", "monitor/health")
        except (httpx.TransportError, AirflowFailed):
            health = {}
        if all(health.get(part, {}).get("status") == "healthy" for part in parts):
            log.info("Airflow is healthy on %s after %.0f s", running.url, monotonic() - began)
            return
        sleep(0.5)
    raise AirflowFailed(f"Airflow was not healthy after {START_LIMIT:.0f} s; see {running.home / 'logs'}")


def _stop(running: Airflow) -> None:
    """End every process group: asked first, then told."""
    for process in running.processes.values():
        _signal(process, signal.SIGTERM)
    deadline = monotonic() + 20
    for process in running.processes.values():
        try:
            process.wait(max(deadline - monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            log.warning("airflow process %d did not stop; killed", process.pid)
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return

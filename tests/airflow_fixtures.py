"""What the tests of DAGs share: where they are, an environment for other processes, and free ports.

Airflow is never imported here: the process of the tests must not pay for it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
DAGS = ROOT / "dags"
PROBES = ROOT / "tests" / "probes"


def environment(home: Path, **more: str) -> dict[str, str]:
    """Variables for a process that uses Airflow in a home of its own and this source tree."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HAZMON", "PYTEST"))}
    own = {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "HAZMON_HOME": str(home),
        "HAZMON_CONFIG": str(ROOT / "config"),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    return {**inherited, **own, **more}


def start(script: str, variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start one of the scripts in tests/probes."""
    command = [sys.executable, str(PROBES / script), *arguments]
    return subprocess.Popen(command, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[str]:
    """Ports of loopback that nobody listens on, each another one, as a command line wants them."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [str(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()

"""The service beside an exercise: `hazmon serve` in a process of its own, which ends with the one that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import httpx

from pipeline import local
from pipeline.errors import HazmonError

#: Longest time until it answers, seconds.
START_LIMIT = 120.0

#: Longest time it may take to stop, seconds; its own limit for answers under way is shorter.
STOP_LIMIT = 15.0


class ServiceFailed(HazmonError):
    """The service ended, never answered, or answers what it should not; the message says where its log is."""


@dataclass
class Service:
    """A running service."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Where the map is."""
        return f"http://127.0.0.1:{self.port}/"

    def watch(self) -> None:
        """Raise where the process has ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace").splitlines()[-5:]
            raise ServiceFailed("\n".join([f"the service ended with exit code {self.process.returncode}", *tail]))

    def wait(self) -> None:
        """Return once it answers.

        Raises
        ------
        ServiceFailed
            Where it ends, or does not answer within START_LIMIT.
        """
        began = monotonic()
        while monotonic() - began < START_LIMIT:
            self.watch()
            if self._status("health/live") == 200:
                return
            sleep(0.2)
        raise ServiceFailed(f"the service did not answer within {START_LIMIT:.0f} s; see {self.log}")

    def check(self) -> None:
        """Raise ServiceFailed where its health or its page is not answered as it should be."""
        for path in ("health", ""):
            status = self._status(path)
            if status != 200:
                raise ServiceFailed(f"{self.url}{path} answers {status or 'nothing'}, expected 200; see {self.log}")

    def _status(self, path: str) -> int | None:
        try:
            return httpx.get(f"{self.url}{path}", timeout=30, trust_env=False).status_code
        except httpx.TransportError:
            return None


@contextmanager
def service(home: Path, port: int, environment: Mapping[str, str]) -> Iterator[Service]:
    """Start the service over a home on loopback; it need not answer yet. On leaving it is stopped.

    Parameters
    ----------
    home
        Folder that it reads; its log is kept there, in `logs/`.
    port
        Port on 127.0.0.1.
    environment
        Further variables: what is played, by which clock, where Airflow is.

    Raises
    ------
    ConfigError
        Where the port is taken.
    """
    local.require_free(port, "SERVICE_PORT")
    log = home / "logs" / "service.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "serve", "--port", str(port), "--with-parent"],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            # Ctrl-C reaches the process that started it only, which then ends it in order.
            start_new_session=True,
        )
    try:
        yield Service(port, log, process)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

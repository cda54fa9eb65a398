"""How the service is run: from the environment to a door, and from the door to a server with limits.

| variable             | what                                                                     |
|----------------------|--------------------------------------------------------------------------|
| HAZMON_KEYS          | keys that allow writing, separated by commas, at least 24 characters     |
| HAZMON_AIRFLOW       | address of Airflow's REST interface, for the runs on the status board    |
| HAZMON_AIRFLOW_TOKEN | what that interface wants to see, where it asks for a token              |
| HAZMON_CLOCK         | address of an exercise's clock, or a moment (ISO 8601): what time it is  |
| HAZMON_LISTENING     | further names that are answered to; set by `hazmon serve`                |
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx
from fastapi import FastAPI

from pipeline import steps
from pipeline.errors import ConfigError, FeedUnavailable, InputError
from pipeline.model import moment
from pipeline.service.app import application
from pipeline.service.door import Door
from pipeline.service.guard.connection import Settings, most
from pipeline.service.guard.keys import read_keys

#: Seconds that a clock's answer is believed.
FRESH = 1.0

#: Seconds that an open connection may be idle between two requests.
_IDLE = 15

#: Seconds after which a stop no longer waits for answers; event streams end at once.
GRACE = 10


def door() -> Door:
    """Return the door that the environment describes.

    Raises
    ------
    ConfigError
        Where a variable holds what it cannot.
    """
    keys = read_keys(os.environ.get("HAZMON_KEYS", ""))
    airflow = os.environ.get("HAZMON_AIRFLOW", "").rstrip("/") or None
    if airflow and not airflow.startswith(("http://", "https://")):
        raise ConfigError(f"HAZMON_AIRFLOW: found {airflow!r}, expected an address such as http://127.0.0.1:8080")
    listening = tuple(name for name in os.environ.get("HAZMON_LISTENING", "").split(",") if name)
    token = os.environ.get("HAZMON_AIRFLOW_TOKEN") or None
    now = _clock(os.environ.get("HAZMON_CLOCK", ""))
    plain = Door(steps.open_workspace(), keys, airflow=airflow, airflow_token=token, listening=listening)
    return plain if now is None else replace(plain, now=now)


def create() -> FastAPI:
    """Return the application that the environment describes: what every worker process makes for itself."""
    return application(door())


def settings(door: Door, host: str, port: int, workers: int = 1) -> Settings:
    """Return how uvicorn is to run the service."""
    limits, proxies = door.settings.limits, door.settings.proxies
    return Settings(
        "pipeline.service.serve:create",
        limits,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        ws="none",
        lifespan="on",
        h11_max_incomplete_event_size=limits.header_bytes,
        limit_concurrency=most(limits),
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=GRACE,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        access_log=False,
        log_config=_logging(),
    )


def _clock(text: str) -> Callable[[], datetime] | None:
    """Return the clock of a door: an exercise's, one that stands still, or None: the wall clock."""
    if not text:
        return None
    if text.startswith(("http://", "https://")):
        return _Remote(text)
    try:
        standing = moment(text)
    except InputError as error:
        raise ConfigError(f"HAZMON_CLOCK: found {text!r}, expected an address or a moment (ISO 8601)") from error
    return lambda: standing


class _Remote:
    """The clock of an exercise, asked at most once a second; while it does not answer, it is what it was."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=2, trust_env=False)
        self._lock = threading.Lock()
        self._known: datetime | None = None
        self._asked = float("-inf")

    def __call__(self) -> datetime:
        """Return the moment it is.

        Raises
        ------
        FeedUnavailable
            Where the clock has never answered.
        """
        with self._lock:
            if monotonic() - self._asked > FRESH:
                self._ask()
                self._asked = monotonic()
            if self._known is None:
                raise FeedUnavailable(f"{self._url}: the exercise's clock does not answer")
            return self._known

    def _ask(self) -> None:
        try:
            self._known = moment(self._client.get(self._url).raise_for_status().json()["now"]).astimezone(UTC)
        except httpx.HTTPError:
            return


def _logging() -> dict[str, Any]:
    """Return where log lines go: one JSON line a request to standard output, everything else to standard error."""
    handlers = {
        "access": {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stdout"},
        "words": {"class": "logging.StreamHandler", "formatter": "words", "stream": "ext://sys.stderr"},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "bare": {"format": "%(message)s"},
            "words": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        },
        "handlers": handlers,
        "root": {"handlers": ["words"], "level": "WARNING"},
        "loggers": {
            "hazmon.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
            "uvicorn": {"level": "ERROR"},
            **{chatty: {"level": "ERROR"} for chatty in ("httpx", "pint.util", "numexpr")},
        },
    }

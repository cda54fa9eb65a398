"""Shared by all tests: where reference data lies, and no network beyond loopback."""

import os
import socket
from pathlib import Path

import pytest

_CONNECT = socket.socket.connect

#: Files that take minutes, begun first so that two workers end together.
LONG = (
    "test_airflow.py",
    "test_end_to_end.py",
    "test_map_page.py",
    "test_docs.py",
    "test_kill.py",
    "test_faults.py",
    "test_distributed.py",
    "test_docker.py",
    "test_security.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; the order within a file stays."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def _loopback_only(self: socket.socket, address: object) -> None:
    host = address[0] if isinstance(address, tuple) else ""
    if isinstance(address, tuple) and not str(host).startswith("127.") and host not in ("localhost", "::1"):
        raise AssertionError(f"a test tried to reach {address}; only loopback is allowed")
    _CONNECT(self, address)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of recorded payloads and published tables, named by HAZMON_REFERENCE_DATA."""
    folder = os.environ.get("HAZMON_REFERENCE_DATA")
    if not folder:
        pytest.skip("HAZMON_REFERENCE_DATA is not set: recorded payloads and published tables are not here")
    return Path(folder)

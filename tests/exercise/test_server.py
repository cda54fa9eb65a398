import socket
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from pipeline.errors import ConfigError
from pipeline.exercise.scenario import load
from pipeline.exercise.server import LOOPBACK, Server, listen
from tests.exercise.conftest import Ask


def test_the_clock_is_read_and_set_over_http(server: Server, ask: Ask) -> None:
    answer = ask("_clock", method="POST", json={"now": "2024-04-07T00:00:00Z", "scenario": "zhaiyk-2024"}).json()
    assert answer["scenarios"]["zhaiyk-2024"] == "2024-04-07T00:00:00+00:00"
    assert answer["scenarios"]["uqturpan-2024"] == "2024-01-22T20:00:00+00:00"
    assert ask("_clock", method="POST", json={"now": "2024-05-01T00:00:00Z"}).json()["now"] == "2024-05-01T00:00:00+00:00"
    assert ask("_clock").json() == {
        "now": "2024-05-01T00:00:00+00:00",
        "scenarios": dict.fromkeys(("uqturpan-2024", "zhaiyk-2024"), "2024-05-01T00:00:00+00:00"),
    }


@pytest.mark.parametrize("body", [{"now": "soon"}, {}, {"now": "2024-01-01T00:00:00Z", "scenario": "other"}])
def test_a_wrong_clock_is_refused(ask: Ask, body: dict[str, str]) -> None:
    assert ask("_clock", method="POST", json=body).status_code == 422


def test_requests_are_kept(ask: Ask) -> None:
    ask("example.org/a")
    assert ask("_requests").json() == [{"method": "GET", "target": "example.org/a", "status": 404, "fault": None}]


def test_it_listens_on_loopback_alone(server: Server) -> None:
    port = int(server.origin.rsplit(":", 1)[1])
    found = [c.laddr.ip for c in psutil.Process().net_connections("inet") if c.status == "LISTEN" and c.laddr.port == port]
    assert found == [LOOPBACK]


def test_a_busy_port_is_refused_with_a_clear_message() -> None:
    with listen(0) as taken:
        taken.listen()
        with pytest.raises(ConfigError, match="choose another"):
            listen(taken.getsockname()[1])


def test_a_server_stops_and_frees_its_port(tmp_path: Path) -> None:
    scenario = load("uqturpan-2024").model_copy(update={"terrain": None})
    with Server([scenario], tmp_path) as server:
        server.set_clock(datetime(2024, 1, 22, 19, tzinfo=UTC))
        port = int(server.origin.rsplit(":", 1)[1])
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect((LOOPBACK, port))

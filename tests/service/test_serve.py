"""`hazmon serve` as a process: how it starts, what it refuses to start with, how it stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest

from tests.airflow_fixtures import PROBES, ROOT
from tests.service.running import Running, folder, received, running, until, variables

LIMITS = """
limits: {head_seconds: 1, request_seconds: 2}
"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with short limits and with routes that last."""
    root = tmp_path_factory.mktemp("lasting")
    environment = variables(root / "home", folder(root / "config", LIMITS))
    with running(environment, root / "log", script=PROBES / "serving.py") as found:
        yield found


def _refused(*arguments: str, **more: str) -> tuple[int, str]:
    """The exit code and the words of a start that is refused."""
    environment = variables(Path(more.pop("home", ".")), **more)
    command = [sys.executable, "-m", "pipeline.cli", "serve", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    return ended.returncode, ended.stderr


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    code, words = _refused(home=str(tmp_path), HAZMON_KEYS="secret")
    assert code == 2
    assert "HAZMON_KEYS: key 1 has 6 characters, expected at least 24" in words


def test_a_taken_port_is_said_and_how_to_choose_another(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, words = _refused("--port", str(taken.getsockname()[1]), home=str(tmp_path))
    assert code == 2
    assert "hazmon serve --port N" in words


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    code, words = _refused("--host", "192.0.2.1", home=str(tmp_path))
    assert code == 2
    assert "192.0.2.1" in words
    assert "put a proxy with TLS before it" in words


def test_a_clock_that_is_none_is_refused(tmp_path: Path) -> None:
    code, words = _refused(home=str(tmp_path), HAZMON_CLOCK="noon")
    assert code == 2
    assert "HAZMON_CLOCK: found 'noon'" in words


def test_it_listens_on_loopback_only(lasting: Running) -> None:
    connections = psutil.Process(lasting.process.pid).net_connections("inet")
    listening = {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", lasting.port)}


def test_it_does_not_say_what_it_runs_on(lasting: Running) -> None:
    with lasting.client() as client:
        assert "server" not in client.get("/health/live").headers


def test_a_client_that_never_finishes_its_head_is_told_so_and_closed(lasting: Running) -> None:
    with lasting.raw() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        began = monotonic()
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert monotonic() - began < 5


def test_drops_of_a_head_win_no_time(lasting: Running) -> None:
    with lasting.raw() as connection:
        connection.settimeout(0.1)
        began, answer = monotonic(), b""
        connection.sendall(b"GET /health/live HTTP/1.1\r\n")
        while not answer and monotonic() - began < 10:
            try:
                connection.sendall(b"X-A: b\r\n")
                answer = connection.recv(100)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert monotonic() - began < 5


def test_a_client_that_says_nothing_is_closed(lasting: Running) -> None:
    with lasting.raw() as connection:
        assert received(connection).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_never_finishes_its_body_is_told_so_and_closed(lasting: Running) -> None:
    head = b"POST /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n"
    answer = lasting.says(head + b"x" * 10)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"no end of the body" in answer


def test_a_connection_that_is_kept_may_be_used_again(lasting: Running) -> None:
    with lasting.client() as client:
        for _ in range(3):
            assert client.get("/health/live").status_code == 200


def test_a_client_that_takes_nothing_of_its_answer_is_dropped(lasting: Running) -> None:
    with lasting.client() as client, lasting.raw() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        until(lambda: _in_flight(client) == 2)
        until(lambda: _in_flight(client) == 1)


def _in_flight(client: httpx.Client) -> float:
    """How many requests are being answered, this one too."""
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("hazmon_requests_in_flight ")).split()[1])


def test_a_stop_lets_an_answer_finish_and_ends_streams(tmp_path: Path) -> None:
    environment = variables(tmp_path / "home")
    with running(environment, tmp_path / "log", script=PROBES / "serving.py") as server, server.client() as client:
        answers: list[httpx.Response] = []
        with client.stream("GET", "/ticks") as ticks:
            lines = ticks.iter_lines()
            assert next(lines) == ": tick"
            asking = threading.Thread(
                target=lambda: answers.append(httpx.get(f"{server.url}/slow?seconds=1.5", trust_env=False))
            )
            asking.start()
            until(lambda: _in_flight(client) == 2)
            began = monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert set(lines) <= {": tick", ""}
        asking.join()
        assert server.process.wait(20) == 0
        assert monotonic() - began < 8
    assert [answer.json() for answer in answers] == [{"slept": 1.5}]


def test_several_processes_answer_as_one_and_stop_as_one(tmp_path: Path, played: Path) -> None:
    environment = variables(played)
    with running(environment, tmp_path / "log", more=("--workers", "2")) as server, server.client() as client:
        children = psutil.Process(server.process.pid).children(recursive=True)
        for _ in range(20):
            client.get("/health/live", headers={"Connection": "close"})
        until(lambda: 'hazmon_requests_total{method="GET",route="/health/live",status="200"}' in client.get("/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))


def test_a_home_that_a_drill_was_played_into_says_so_at_the_moment_it_ended(tmp_path: Path, played: Path) -> None:
    with running(variables(played), tmp_path / "log") as server, server.client() as client:
        status = client.get("/status").json()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    assert status["clock"] == "exercise"
    assert "EXERCISE uqturpan-2024" in status["exercise"]
    assert status["at"].startswith("2024-")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert "/status" in {line["path"] for line in lines}

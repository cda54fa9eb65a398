"""What the page for warning services says to type, typed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.store import Store
from tests.airflow_fixtures import ROOT, free_port
from tests.service.events.serving import warned
from tests.service.running import Running, folder, running, variables

PAGE = (ROOT / "docs" / "warning-services.md").read_text(encoding="utf-8")
KEY = "a-key-that-only-the-tests-know"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def commands(word: str) -> list[str]:
    """Every command of the page that begins so, continued lines joined."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith(word)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("page")
    store, now = Store.open(root / "home"), datetime.now(UTC)
    for number in range(3):
        drill = {"status": "Exercise", "drill": "a drill"} if number == 1 else {}
        warned(store, number, now=now - timedelta(minutes=3 - number), data_time=now - timedelta(hours=1), **drill)
    configured = folder(root / "config", "webhook_hosts: [127.0.0.1]\n")
    with running(variables(root / "home", configured, HAZMON_KEYS=KEY), root / "log") as found:
        yield found


@pytest.fixture(scope="module")
def hook() -> int:
    return free_port()


def here(text: str, server: Running, hook: int) -> str:
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}").replace("9000", str(hook))


def typed(command: str, server: Running, hook: int, tmp_path: Path, **given: str) -> str:
    """What a shell prints for a command; a stream is left after a moment."""
    (tmp_path / ".curlrc").write_text("max-time = 4\nfail\n")
    environment = {**os.environ, "CURL_HOME": str(tmp_path), "KEY": KEY, **given}
    found = subprocess.run(
        ["bash", "-c", here(command, server, hook)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == (28 if "/events" in command else 0), (command, found.stdout, found.stderr)
    return found.stdout


@contextmanager
def script(name: str, server: Running, hook: int, tmp_path: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script of the page, its output at hand."""
    (text,) = [block for block in blocks("python") if block.startswith(f"# {name}")]
    (tmp_path / name).write_text(here(text, server, hook))
    process = subprocess.Popen(
        [sys.executable, name, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_every_question_is_answered(server: Running, hook: int, tmp_path: Path) -> None:
    asked = [command for command in commands("curl") if "/webhooks" not in command]
    assert len(asked) >= 7
    for command in asked:
        assert typed(command, server, hook, tmp_path)


def test_the_answers_are_what_the_page_says(server: Running, hook: int, tmp_path: Path) -> None:
    stream, news, _, atom, _, active, *_ = [command for command in commands("curl") if "/webhooks" not in command]
    assert "event: alert\ndata: {" in typed(stream, server, hook, tmp_path)
    assert [entry["number"] for entry in json.loads(typed(news, server, hook, tmp_path))["entries"]] == [1, 2]
    assert 'xml:lang="ru"' in typed(atom, server, hook, tmp_path)
    assert len(json.loads(typed(active, server, hook, tmp_path))["features"]) == 3


def test_the_listener_keeps_its_place(server: Running, hook: int, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{server.port}"
    with script("listen.py", server, hook, tmp_path, address) as listener:
        lines = [listener.stdout.readline() for _ in range(3)]
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert [("EXERCISE " in line) for line in lines] == [False, True, False]
    (tmp_path / "last-number").write_text("2")
    with script("listen.py", server, hook, tmp_path, address) as listener:
        assert listener.stdout.readline().startswith("3 ")


def test_a_receiver_is_subscribed_told_and_removed(server: Running, hook: int, tmp_path: Path) -> None:
    subscribe, look, leave = [command for command in commands("curl") if "/webhooks" in command]
    made = json.loads(typed(subscribe, server, hook, tmp_path))
    with script("receive.py", server, hook, tmp_path, made["secret"]) as receiver:
        lines = [receiver.stdout.readline() for _ in range(6)]
    assert [line.split()[0] for line in lines if line[0] in "123" and "hazmon-" in line][:3] == ["1", "2", "3"]
    (shown,) = json.loads(typed(look, server, hook, tmp_path))["webhooks"]
    assert shown["id"] == made["id"]
    typed(leave, server, hook, tmp_path, ID=made["id"])
    assert json.loads(typed(look, server, hook, tmp_path)) == {"webhooks": []}


def test_geopandas_reads_the_collection(server: Running, hook: int, tmp_path: Path) -> None:
    with script("features.py", server, hook, tmp_path) as reader:
        printed, _ = reader.communicate(timeout=100)
    assert reader.returncode == 0, printed
    assert "Severe" in printed

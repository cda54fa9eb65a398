"""What README and docs say: links lead somewhere, commands exist, and the walk that adds a hazard works word by word."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from pipeline.cli import app
from pipeline.config import load
from pipeline.exercise import scenario
from pipeline.hazards import HAZARDS

ROOT = Path(__file__).parents[1]
PAGES = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
PAGE = pytest.mark.parametrize("name", PAGES)
WALK = PAGES["add-a-hazard.md"]


def folder(name):
    return ROOT if name == "README.md" else ROOT / "docs"


def calls(text):
    """Yield the words after `hazmon` of every call in code, up to what a shell would split at."""
    code = "\n".join(
        [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"(?m)^    (.+)$", text), *re.findall(r"```sh\n(.*?)```", text, re.S)]
    )
    for found in re.findall(r"(?:^|[\s/|])hazmon +([^|#;\n]*)", code):
        yield found.split()


# Pages


@PAGE
def test_every_link_leads_to_a_file(name):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[name])
    missing = [link for link in links if "://" not in link and not (folder(name) / link).is_file()]
    assert missing == []


@PAGE
def test_every_command_named_exists_with_its_options(name):
    root = typer.main.get_command(app)
    for words in calls(PAGES[name]):
        command, said = root, " ".join(words)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert command is not root or not words or words[0].startswith(("-", "SUB")) or words[0].isupper(), f"hazmon {said}"
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert [word for word in words if word.startswith("--") and word not in known] == [], f"hazmon {said}"


@PAGE
def test_every_file_of_the_repository_that_is_named_exists(name):
    paths = re.findall(r"`((?:pipeline|config|docs|docker|dags|tests)/[\w./-]+\.\w+)`", PAGES[name])
    made = re.findall(r"Save this as `([^`]+)`", PAGES[name])
    assert [path for path in paths if path not in made and not (ROOT / path).exists()] == []


@PAGE
def test_every_make_target_named_exists(name):
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    assert set(re.findall(r"`make ([a-z]+)|^    make ([a-z]+)", PAGES[name], re.M)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }


def test_the_readme_names_every_layer_and_exercise():
    readme = PAGES["README.md"]
    assert [id for id in HAZARDS if f"`{id}`" not in readme] == []
    assert any(id in readme for id in scenario.names())


def test_the_analysts_page_describes_every_layer():
    assert [id for id in HAZARDS if f"### {id}" not in PAGES["gis-analysts.md"]] == []


def test_every_dependency_is_on_its_page_with_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *(entry for extra in project["optional-dependencies"].values() for entry in extra)]
    names = [re.split(r"[\[=<>~]", entry)[0].lower() for entry in listed]
    page = PAGES["dependencies.md"].lower()
    grouped = re.compile(r"apache-airflow-providers-.*|.*-stubs|types-.*")  # "its providers", "type stubs"
    assert [name for name in names if not grouped.fullmatch(name) and name not in page] == []


# The walk


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", WALK, re.S)


def saved():
    """Return the files the walk saves, with their text: the block after `Save this as`."""
    return re.findall(r"Save this as `([^`]+)`.*?```\w+\n(.*?)```", WALK, re.S)


def patched(text, diff):
    """Return a file with each added line of a diff put after the line before it."""
    lines, before = text.splitlines(), None
    for line in diff.splitlines():
        if line.startswith("+"):
            lines.insert(lines.index(before) + 1, line[1:])
        else:
            assert lines.count(line[1:]) == 1, f"{line[1:]!r} is not in the file any more"
        before = line[1:]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository to which steps 1 to 3 and 5 of the walk were done."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("pipeline", "config", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, text in saved():
        assert not (copy / path).exists(), f"{path} is there already"
        (copy / path).write_text(text)
    registry = copy / "pipeline/hazards/__init__.py"
    (diff,) = blocks("diff")
    registry.write_text(patched(registry.read_text(), diff))
    script = next(text for text in blocks("python") if text.startswith("# wind.py"))
    (copy / "wind.py").write_text(script)
    return copy


#: Runs lines of commands one after another in one process (starting Python for each would take most of the time).
DRIVER = """
import json, os, re, runpy, shlex, sys
from typer.testing import CliRunner
from pipeline.cli import app

for line in json.load(sys.stdin):
    words, given = shlex.split(line), {}
    while re.match(r"\\w+=", words[0]):
        key, _, given[key] = words.pop(0).partition("=")
    if words[0] == "python":
        runpy.run_path(words[1])
        continue
    assert words[0] == "hazmon", line
    found = CliRunner().invoke(app, words[1:], env=given)
    print(json.dumps([line, found.exit_code, found.stdout, found.stderr, repr(found.exception)]))
"""


def python(copy, *words, lines=""):
    environment = {**os.environ, "PYTHONPATH": str(copy), "HAZMON_CONFIG": "config"}
    found = subprocess.run([sys.executable, *words], cwd=copy, env=environment, input=lines, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    return found.stdout


def test_the_walk_saves_one_layer_one_yaml_and_one_test_and_adds_one_line():
    assert [path for path, _ in saved()] == [
        "pipeline/hazards/strong_wind.py",
        "config/hazards/strong_wind.yaml",
        "tests/hazards/test_strong_wind.py",
    ]
    added = [line for line in blocks("diff")[0].splitlines() if line.startswith("+")]
    assert [line.startswith("+from ") for line in added] == [True, False]


def test_a_reader_of_the_walk_has_a_new_hazard_in_the_catalogue(copy):
    check, run, _ = (block.splitlines() for block in blocks("sh"))
    found = [json.loads(row) for row in python(copy, "-c", DRIVER, lines=json.dumps([*check, *run])).splitlines()]
    printed = {line: text for line, _, text, _, _ in found}
    assert [row for row in found if row[1]] == []
    assert "hazard strong_wind: Strong wind (Beaufort force)" in printed["hazmon check"]
    assert '"id": "strong_wind"' in printed["hazmon layers"]
    (item,) = (json.loads(line) for line in printed["HAZMON_HOME=trial hazmon catalog list"].splitlines())
    assert (item["hazard"], item["current"]) == ("strong_wind", True)
    folder = (copy / item["href"]).parent
    assert {path.name for path in folder.iterdir()} >= {"force.tif", "gale.tif", "exclusion.tif"}
    assert json.loads((copy / item["href"]).read_text())["properties"]["hazmon:parameters"]["wind_std"] == 2.5


def test_the_tests_of_the_walk_pass_and_the_contracts_cover_the_new_layer(copy):
    (line,) = blocks("sh")[2].splitlines()
    printed = python(copy, *shlex.split(line)[1:], "-vvv", "-p", "no:cacheprovider")
    assert "test_a_layer_is_lazy_and_equal_to_numpy[strong_wind] PASSED" in printed
    assert "test_a_force_begins_at_its_lower_edge" in printed


def test_the_new_hazard_is_due_when_its_feed_has_news(copy):
    assert "strong_wind" in load(copy / "config").hazards_of("gfs")


def test_the_layer_of_the_walk_is_clean_to_the_linter(copy):
    for words in (["check"], ["format", "--check"]):
        command = [Path(sys.executable).with_name("ruff"), *words, "pipeline/hazards/strong_wind.py"]
        found = subprocess.run(command, cwd=copy, capture_output=True, text=True)
        assert found.returncode == 0, found.stdout + found.stderr

"""The built page belongs to the sources beside it, whoever changed either."""

import hashlib
import json
from pathlib import Path

import pytest

from pipeline.service.page.files import DIST

SOURCES = DIST.parent

#: What a build reads but nobody wrote, and what it makes.
OTHER = ("node_modules", "dist")


def sums(folder: Path, *without: str) -> dict[str, str]:
    """Return the checksum of every file below a folder, by its path."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).parts[0] not in without]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((DIST / "manifest.json").read_text())
    return found


def test_the_page_was_built_from_these_sources(manifest: dict[str, dict[str, str]]) -> None:
    assert sums(SOURCES, *OTHER) == manifest["sources"], "the sources of the page changed: run `make web` and commit dist/"


def test_nothing_was_changed_after_the_build(manifest: dict[str, dict[str, str]]) -> None:
    assert sums(DIST, "manifest.json") == manifest["files"]


def test_the_page_names_no_server_of_others() -> None:
    page = (DIST / "index.html").read_text()
    assert "http:" not in page and "https:" not in page and "//" not in page.replace("<!doctype html>", "")


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_every_version_is_pinned() -> None:
    package = json.loads((SOURCES / "package.json").read_text())
    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]
    assert all(version[0].isdigit() for version in versions)

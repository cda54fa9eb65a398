"""The service over pgstac alone: it fills the database by itself, follows the news, and lives without it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pipeline.errors import ConfigError
from pipeline.service.app import application
from pipeline.service.door import Door
from pipeline.steps import Workspace
from tests.service.homes import Publisher, open_home
from tests.service.postgres import Cluster
from tests.service.running import until
from tests.service.stac.conftest import With

Serve = Callable[[Door], AbstractContextManager[str]]


@contextmanager
def over(work: Workspace, url: str, serve: Serve) -> Iterator[httpx.Client]:
    """Ask the service over a home and a database, neither of which was prepared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAZMON_PGSTAC", url)
        with serve(Door(replace(work, config=With("pgstac")))) as base, httpx.Client(base_url=base, timeout=30) as client:
            yield client


def found(client: httpx.Client, name: str) -> bool:
    answer = client.get("/stac/search", params={"ids": name})
    return answer.status_code == 200 and [item["id"] for item in answer.json()["features"]] == [name]


def test_the_service_makes_and_fills_its_database_and_follows_the_news(
    tmp_path: Path, workshop: Path, postgres: Cluster, serve: Serve
) -> None:
    work = open_home(tmp_path / "home")
    publisher = Publisher(work.catalog, workshop)
    first = publisher.publish()
    with over(work, postgres.url("made_by_service"), serve) as client:
        until(lambda: found(client, first["id"]))
        second = publisher.publish()
        until(lambda: found(client, second["id"]), limit=10)
        item = client.get(f"/stac/collections/shaking/items/{second['id']}").json()
        assert item["properties"] == second["properties"]
    postgres.run("DROP DATABASE made_by_service WITH (FORCE)")


def test_while_the_database_is_away_searches_say_so_and_all_else_goes_on(home: Workspace, serve: Serve) -> None:
    with over(home, "postgresql://nobody@127.0.0.1:1/hazmon", serve) as client:
        answer = client.get("/stac/search")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert client.get("/stac/collections/shaking/items/shaking-fiji").status_code == 503
        for path in ("/stac", "/stac/collections", "/stac/collections/shaking", "/stac/queryables", "/stac/latest"):
            assert client.get(path).status_code == 200, path


def test_the_health_of_a_service_tells_of_the_copy_that_it_searches(
    tmp_path: Path, workshop: Path, pgstac_url: str, serve: Serve
) -> None:
    work = open_home(tmp_path / "home")
    item = Publisher(work.catalog, workshop).publish()
    with over(work, pgstac_url, serve) as client:
        until(lambda: found(client, item["id"]))
        assert _copy(client) == {"name": "copy", "good": True, "detail": "keeps up with the news"}
    with over(work, "postgresql://nobody@127.0.0.1:1/hazmon", serve) as client:
        assert _copy(client) == {"name": "copy", "good": False, "detail": "cannot be read"}
        assert client.get("/health").json()["state"] != "ok"
        assert "copy" not in {check["name"] for check in client.get("/health/ready").json()["checks"]}
        assert "hazmon_news_number 1.0" in client.get("/metrics").text


def _copy(client: httpx.Client) -> dict[str, object]:
    (check,) = (check for check in client.get("/health").json()["checks"] if check["name"] == "copy")
    return dict(check)


def test_searches_leave_no_trace_in_the_database(home: Workspace, pgstac_url: str, serve: Serve, postgres: Cluster) -> None:
    import psycopg

    with over(home, pgstac_url, serve) as client:
        until(lambda: found(client, "shaking-fiji"))
    with psycopg.connect(pgstac_url) as connection:
        assert connection.execute("SELECT count(*) FROM pgstac.searches").fetchone() == (0,)


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"op": "=", "args": [{"property": "title"}, "a\u0000b"]}},
        {"filter": {"op": ">", "args": [{"op": "*", "args": [{"property": "hazmon:magnitude"}, 1e308]}, 1]}},
        {"ids": ["a\u0000b"]},
    ],
    ids=["text that cannot be held", "a number out of range", "an id that cannot be held"],
)
def test_what_the_database_refuses_is_the_askers_fault(
    home: Workspace, pgstac_url: str, serve: Serve, body: dict[str, object]
) -> None:
    with over(home, pgstac_url, serve) as client:
        until(lambda: found(client, "shaking-fiji"))
        answer = client.post("/stac/search", json=body)
        assert answer.status_code == 400
        assert "description" in answer.json()


def test_without_an_address_the_service_says_what_to_set(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAZMON_PGSTAC", raising=False)
    with pytest.raises(ConfigError, match="HAZMON_PGSTAC"):
        application(Door(replace(home, config=With("pgstac"))))

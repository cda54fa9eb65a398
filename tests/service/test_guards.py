"""The guards, each before an application that does one thing."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pipeline import steps
from pipeline.config import Config, ServiceConfig
from pipeline.errors import ConfigError, Conflict, InputError, KeyMissing, StoreError
from pipeline.service.door import Door
from pipeline.service.guard import faults, guarded
from pipeline.service.guard.keys import read_keys, require_key
from pipeline.service.guard.tally import REGISTRY
from pipeline.service.tags import matches
from tests.drills import CONFIG

KEY = "a-key-that-nobody-can-guess"


def _app() -> FastAPI:
    """An application that answers with what it was asked."""
    app = FastAPI()
    faults.told(app)

    @app.api_route("/echo", methods=["GET", "POST"])
    async def echo(request: Request) -> dict[str, Any]:
        return {"size": len(await request.body()), "host": request.headers["host"]}

    @app.get("/long")
    def long() -> dict[str, str]:
        return {"text": "x" * 10_000}

    @app.get("/picture")
    def picture() -> Response:
        return Response(b"x" * 10_000, media_type="image/png")

    @app.get("/items/{id}")
    def item(id: str) -> dict[str, str]:
        return {"id": id}

    @app.get("/count")
    def count(number: int) -> int:
        return number

    return app


def _client(app: FastAPI | None = None, host: str = "127.0.0.1", **settings: Any) -> TestClient:
    found = guarded(app or _app(), ServiceConfig.model_validate(settings))
    return TestClient(found, base_url=f"http://{host}", raise_server_exceptions=False)


def _refused(answer: httpx.Response, status: int) -> str:
    """The words of a refusal, which has the form of all."""
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert set(found) == {"code", "description"}
    return str(found["description"])


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:80", "[::1]:8000", "maps.example.kz"])
def test_the_services_own_names_are_answered_to(host: str) -> None:
    with _client(url="https://maps.example.kz/hazmon") as client:
        assert client.get("/echo", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:127", "", "127.0.0.1:80:80", "[::2]"])
def test_any_other_name_is_refused_so_that_no_page_reads_through_a_name_of_its_own(host: str) -> None:
    with _client() as client:
        assert "Host" in _refused(client.get("/echo", headers={"Host": host}), 421)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({"url": "http://[2001:db8::1]:8000"}, "[2001:db8::1]:8000"),
        ({"url": "http://[2001:DB8:0::1]"}, "[2001:db8::1]"),
        ({"hosts": ["2001:db8::2"]}, "[2001:db8::2]"),
        ({"hosts": ["[2001:db8::2]"]}, "[2001:db8::2]:80"),
        ({"url": "https://Map.Example./x"}, "map.example"),
        ({}, "127.0.0.1:"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(settings: dict[str, Any], host: str) -> None:
    with _client(**settings) as client:
        assert client.get("/echo", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", [b"127.0.0.1:\xb2", b"[127.0.0.1]", b"[::1", b"::1", b"127.0.0.1]:80", b"[::1]x"])
def test_what_is_no_name_is_refused(host: bytes) -> None:
    with _client() as client:
        assert "Host" in _refused(client.get("/echo", headers=[(b"Host", host)]), 421)


def test_a_configured_name_is_answered_to() -> None:
    with _client(host="hazmon.intranet", hosts=["hazmon.intranet"]) as client:
        assert client.get("/echo").json()["host"] == "hazmon.intranet"


def test_a_long_address_is_refused() -> None:
    with _client() as client:
        assert "address" in _refused(client.get("/echo?x=" + "a" * 9000), 414)


def test_many_headers_are_refused() -> None:
    with _client() as client:
        assert "headers" in _refused(client.get("/echo", headers={f"x-{n}": "1" for n in range(200)}), 431)


def test_large_headers_are_refused() -> None:
    with _client() as client:
        assert "bytes" in _refused(client.get("/echo", headers={"x-large": "a" * 20_000}), 431)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "A" * 50])
def test_methods_that_no_part_knows_are_refused(method: str) -> None:
    with _client() as client:
        assert "method" in _refused(client.request(method, "/echo"), 501)


@pytest.mark.parametrize("path", ["/items/a%00b", "/count?number=1%00"])
def test_null_characters_are_refused(path: str) -> None:
    with _client() as client:
        assert "null" in _refused(client.get(path), 400)


def test_a_body_within_the_limit_reaches_its_route() -> None:
    with _client() as client:
        assert client.post("/echo", content=b"x" * 1_000_000).json()["size"] == 1_000_000


def test_a_larger_body_is_refused() -> None:
    with _client() as client:
        assert "1000001 bytes" in _refused(client.post("/echo", content=b"x" * 1_000_001), 413)


def test_a_larger_body_that_does_not_say_its_length_is_refused() -> None:
    with _client() as client:
        assert "more than" in _refused(client.post("/echo", content=(b"x" * 100_000 for _ in range(11))), 413)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip"])
def test_a_compressed_body_is_refused_before_anything_is_inflated(encoding: str) -> None:
    with _client() as client:
        bomb = gzip.compress(b"0" * 1_000_000)
        assert "Content-Encoding" in _refused(client.post("/echo", content=bomb, headers={"content-encoding": encoding}), 415)


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    with _client() as client:
        sent = b"[" * 10_000 + b"]" * 10_000
        assert "10000 levels" in _refused(client.post("/echo", content=sent, headers={"content-type": "application/json"}), 400)


def test_wide_json_and_brackets_in_text_are_no_nesting() -> None:
    with _client() as client:
        sent = json.dumps([{"text": '[[{{"\\' * 100}, [[1, 2]] * 1000]).encode()
        assert client.post("/echo", content=sent, headers={"content-type": "application/geo+json"}).status_code == 200


def test_every_answer_says_what_a_browser_may_do_with_it() -> None:
    with _client() as client:
        for path in ("/echo", "/nothing"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in headers


def test_what_came_from_elsewhere_is_never_run() -> None:
    with _client() as client:
        assert "sandbox" in client.get("/files/raw/feed/page.html").headers["content-security-policy"]


def test_a_browser_may_search_from_another_site_but_not_with_a_key() -> None:
    with _client() as client:
        asked = {"origin": "https://other.example", "access-control-request-method": "POST"}
        answer = client.options("/echo", headers=asked)
        assert answer.status_code == 204
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "authorization" not in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", ["/echo", "/long", "/picture", "/nothing", "/count?number=x"])
def test_head_is_answered_as_get_without_the_body(path: str) -> None:
    with _client() as client:
        asked, found = client.get(path), client.head(path)
    assert found.content == b""
    assert (found.status_code, _lasting(found)) == (asked.status_code, _lasting(asked))


def _lasting(answer: httpx.Response) -> dict[str, str]:
    """The headers of an answer that are the same each time."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


def test_head_of_what_can_only_be_posted_is_refused() -> None:
    app = _app()

    @app.post("/write")
    def write() -> bool:
        return True

    with _client(app) as client:
        assert client.head("/write").status_code == 405


def test_an_answer_in_pieces_to_head_ends_without_any() -> None:
    app = _app()

    @app.get("/pieces")
    def pieces() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b", b"c"]), media_type="text/plain")

    with _client(app) as client:
        assert client.head("/pieces").content == b""


@pytest.mark.parametrize("path", ["/files/raw/x", "/events"])
def test_head_of_files_is_their_own_and_streams_have_none(path: str) -> None:
    app = _app()

    @app.get("/events")
    @app.get("/files/{key:path}")
    def unasked() -> None:
        raise AssertionError("asked for")

    with _client(app) as client:
        assert client.head(path).status_code == 405


def test_head_is_counted_by_its_route(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hazmon.access"), _client() as client:
        client.head("/items/head")
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "hazmon.access"]
    assert (line["method"], line["status"], line["bytes"]) == ("HEAD", 200, 0)
    counted = {tuple(sample.labels.values()) for metric in REGISTRY.collect() for sample in metric.samples}
    assert any({"HEAD", "/items/{id}"} <= set(labels) for labels in counted)


def test_long_texts_are_compressed_for_who_can_read_it() -> None:
    with _client() as client:
        answer = client.get("/long", headers={"accept-encoding": "gzip"})
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert "content-encoding" not in client.get("/long", headers={"accept-encoding": "identity"}).headers


def test_a_compressed_answer_has_a_weak_tag_that_is_still_recognised() -> None:
    app = _app()

    @app.get("/tagged")
    def tagged(request: Request) -> Response:
        headers = {"ETag": '"abc"', "Cache-Control": "no-cache"}
        unchanged = matches(request.headers.get("if-none-match"), '"abc"')
        return Response(status_code=304, headers=headers) if unchanged else Response("x" * 9000, 200, headers, "text/plain")

    with _client(app) as client:
        plain, packed = (client.get("/tagged", headers={"accept-encoding": each}) for each in ("identity", "gzip"))
        assert (plain.headers["etag"], packed.headers["etag"]) == ('"abc"', 'W/"abc"')
        for tag in ('"abc"', 'W/"abc"'):
            again = client.get("/tagged", headers={"accept-encoding": "gzip", "if-none-match": tag})
            assert (again.status_code, again.headers["etag"]) == (304, tag)


def test_what_may_be_asked_of_a_path_is_said_of_all_its_routes() -> None:
    app = _app()

    @app.get("/both")
    def read() -> bool:
        return True

    @app.post("/both")
    def write() -> bool:
        return True

    with _client(app) as client:
        answer = client.delete("/both")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_pictures_are_sent_as_they_are() -> None:
    with _client() as client:
        assert "content-encoding" not in client.get("/picture", headers={"accept-encoding": "gzip"}).headers


def test_every_request_is_one_line_with_the_number_that_its_answer_names(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hazmon.access"), _client() as client:
        answer = client.get("/items/a%0Ab?x=1")
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "hazmon.access"]
    assert (line["method"], line["path"], line["query"], line["status"]) == ("GET", "/items/a%0Ab", "x=1", 200)
    assert line["request"] == answer.headers["x-request-id"]
    assert line["bytes"] == len(answer.content)
    assert line["ms"] >= 0


def test_the_number_of_a_proxy_is_kept_where_it_is_one() -> None:
    with _client() as client:
        assert client.get("/echo", headers={"x-request-id": "proxy-7"}).headers["x-request-id"] == "proxy-7"
        assert client.get("/echo", headers={"x-request-id": "a b\\"}).headers["x-request-id"] != "a b\\"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyMissing("/srv/secret: nothing is stored under x"), 404),
        (Conflict("/srv/secret: changed"), 409),
        (StoreError("/srv/secret: disk full"), 503),
        (ConfigError("/srv/secret/service.yaml: wrong"), 500),
        (RuntimeError("/srv/secret"), 500),
    ],
)
def test_an_error_becomes_a_status_and_tells_nothing_of_the_machine(error: Exception, status: int) -> None:
    app = _app()

    @app.get("/fails")
    def fails() -> None:
        raise error

    with _client(app) as client:
        assert "secret" not in _refused(client.get("/fails"), status)


def test_what_is_wrong_with_a_question_is_said_in_its_own_words() -> None:
    app = _app()

    @app.get("/fails")
    def fails() -> None:
        raise InputError("found bbox of 3 numbers, expected 4 or 6")

    with _client(app) as client:
        assert _refused(client.get("/fails"), 400) == "found bbox of 3 numbers, expected 4 or 6"
        assert "number" in _refused(client.get("/count?number=x"), 400)


def test_more_requests_than_a_process_can_answer_are_told_to_come_again() -> None:
    app, gate, inside = _app(), threading.Event(), threading.Semaphore(0)

    @app.get("/waits")
    def waits() -> bool:
        inside.release()
        return gate.wait(20)

    @app.get("/health/live")
    def live() -> bool:
        return True

    with _client(app, limits={"concurrency": 2}) as client:
        held = [threading.Thread(target=client.get, args=("/waits",)) for _ in range(2)]
        for thread in held:
            thread.start()
        for _ in held:
            assert inside.acquire(timeout=20)
        answer = client.get("/echo")
        live_answer = client.get("/health/live")
        gate.set()
        for thread in held:
            thread.join()
        assert "2 requests" in _refused(answer, 503)
        assert answer.headers["retry-after"] == "1"
        assert live_answer.status_code == 200
        assert client.get("/echo").status_code == 200


def test_an_answer_that_does_not_come_in_time_is_given_up() -> None:
    app = _app()

    @app.get("/never")
    async def never() -> None:
        await asyncio.Event().wait()

    with _client(app, limits={"request_seconds": 0.05}) as client:
        answer = client.get("/never")
        assert "no answer" in _refused(answer, 503)
        assert answer.headers["retry-after"] == "10"


def test_a_stream_of_events_is_not_given_up_and_takes_nobodys_place() -> None:
    app = _app()

    @app.get("/ticks")
    async def ticks() -> StreamingResponse:
        async def each() -> AsyncIterator[bytes]:
            for _ in range(3):
                await asyncio.sleep(0.05)
                yield b": tick\n\n"

        return StreamingResponse(each(), media_type="text/event-stream")

    with _client(app, limits={"request_seconds": 0.02, "concurrency": 1}) as client:
        assert client.get("/ticks").text == ": tick\n\n" * 3


def _keyed(tmp_path: Path, *keys: str) -> FastAPI:
    app = _app()
    door = Door(steps.open_workspace(str(tmp_path), Config(CONFIG)), keys)

    @app.post("/write", dependencies=[Depends(require_key(door))])
    def write() -> bool:
        return True

    return app


def test_nothing_can_be_written_where_there_is_no_key(tmp_path: Path) -> None:
    with _client(_keyed(tmp_path)) as client:
        assert "switched off" in _refused(client.post("/write", headers={"Authorization": "Bearer "}), 403)


def test_who_gives_no_key_is_asked_for_one(tmp_path: Path) -> None:
    with _client(_keyed(tmp_path, KEY)) as client:
        answer = client.post("/write")
        assert "no key" in _refused(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("given", ["x", KEY[:-1], KEY + "x", KEY.upper(), "ключ"])
def test_a_wrong_key_is_refused(tmp_path: Path, given: str) -> None:
    with _client(_keyed(tmp_path, KEY)) as client:
        answer = client.post("/write", headers={"Authorization": f"Bearer {given}".encode()})
        assert "none of this service's" in _refused(answer, 403)


def test_each_of_several_keys_opens(tmp_path: Path) -> None:
    with _client(_keyed(tmp_path, "x" * 24, KEY)) as client:
        assert client.post("/write", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200


def test_keys_are_read_from_a_list_and_short_ones_refused_without_being_shown() -> None:
    assert read_keys(f" {KEY} ,{'y' * 24},") == (KEY, "y" * 24)
    with pytest.raises(ConfigError, match="key 2 has 5 characters, expected at least 24") as refused:
        read_keys(f"{KEY},short")
    assert "short" not in str(refused.value).replace("has 5", "")


def test_what_works_on_after_its_time_keeps_its_place() -> None:
    app, go_on = _app(), threading.Event()

    @app.get("/stuck")
    def stuck() -> str:
        go_on.wait(30)
        return "at last"

    with _client(app, limits={"concurrency": 1, "request_seconds": 0.2}) as client:
        assert client.get("/stuck").status_code == 503
        assert "fewer than 1" in client.get("/long").json()["description"]
        go_on.set()
        for _ in range(100):
            if client.get("/long").status_code == 200:
                break
        else:
            pytest.fail("the place was never given back")


def test_invented_methods_are_counted_as_one() -> None:
    client = _client()
    for number in range(20):
        client.request(f"M{number}", "/echo")
    names = {sample.labels["method"] for metric in REGISTRY.collect() for sample in metric.samples if "method" in sample.labels}
    assert names <= {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "other"}

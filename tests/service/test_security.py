"""The whole service as a real process under hostile requests: refused with a clear 4xx, alive afterwards, memory flat."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.service.running import Running, folder, received, running, until, variables

KEY = "a-key-that-nobody-can-guess"

#: Ways out of a folder, as they are met in the wild.
OUT = (
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "..%252f..%252f..%252fetc%252fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..\\..\\..\\etc\\passwd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "....//....//....//etc/passwd",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "catalog/../../../../../../etc/passwd",
    "catalog/..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "~root/.ssh/id_rsa",
)

#: What GDAL would open if it were asked to.
URLS = (
    "http://127.0.0.1:{port}/secret.tif",
    "/vsicurl/http://127.0.0.1:{port}/secret.tif",
    "/vsizip//vsicurl/http://127.0.0.1:{port}/secret.zip",
    "s3://bucket/secret.tif",
    "/etc/passwd",
    "<VRTDataset><SourceFilename>/etc/passwd</SourceFilename></VRTDataset>",
)

#: Text that is none.
NOT_TEXT = ("%ff%fe", "%c3%28", "%ed%a0%80", "%f0%9f%98", "a%00b", "%00")

#: Memory that a server of this size may take up for good under any of this, bytes.
FLAT = 48_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, played: Path) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("attacked")
    environment = variables(played, folder(root / "config", "limits: {head_seconds: 4, request_seconds: 10}\n"))
    with running(environment | {"HAZMON_KEYS": KEY}, root / "log") as found:
        yield found


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


@pytest.fixture(scope="module")
def sound(client: httpx.Client) -> dict[str, str]:
    """A value that is right for each parameter of a path."""
    item = client.get("/stac/search", params={"collections": "shaking", "limit": 1}).json()["features"][0]
    alert = client.get("/features/collections/alerts/items").json()["features"][0]
    year, name = re.findall(r"/alerts/(\d{4})/([^/]+)$", alert["properties"]["cap"])[0]
    west, south, east, north = item["bbox"]
    return {
        **{
            "hazard": "shaking",
            "item": item["id"],
            "asset": "mmi",
            "matrix": "WebMercatorQuad",
            "z": "5",
            "x": "22",
            "y": "11",
        },
        **{"format": "png", "minx": str(west), "miny": str(south), "maxx": str(east), "maxy": str(north)},
        **{"lon": "78.6", "lat": "41.3", "identifier": alert["id"], "month": "2024-01", "year": year, "name": name},
        **{"key": "catalog/catalog.json", "collection_id": "shaking", "item_id": item["id"]},
    }


def _paths(document: dict[str, Any], sound: dict[str, str], bad: str) -> Iterator[str]:
    """Every path that takes something, each of its parameters bad in turn."""
    for template in document["paths"]:
        names = re.findall(r"{(\w+)}", template)
        for name in names:
            values = {one: quote(sound.get(one, "x"), safe="") for one in names} | {name: bad}
            yield re.sub(r"{(\w+)}", lambda found, values=values: values[found.group(1)], template)


def _raw(server: Running, method: str, path: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
    """The status and body of an answer to a path exactly as it is written."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close", *headers]
    answer = server.says("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


def _alive(server: Running) -> None:
    assert server.process.poll() is None, server.log.read_text()[-3000:]
    with server.client() as client:
        assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("bad", OUT)
def test_no_path_leads_out_of_the_store(server: Running, document: dict[str, Any], sound: dict[str, str], bad: str) -> None:
    for path in _paths(document, sound, bad):
        status, body = _raw(server, "GET", path)
        assert b"root:" not in body
        assert 400 <= status < 500, f"{path}: {status} {body[:200]!r}"


@pytest.mark.parametrize(
    "key", ["ledger", "journal/usgs", "events/2024-01.json", "index.sqlite", "exercise/uqturpan-2024", "config"]
)
def test_what_is_not_public_is_not_served(server: Running, client: httpx.Client, key: str) -> None:
    for prefix in ("", "catalog/../", "raw/..%2f", "./", "catalog//../"):
        assert _raw(server, "GET", f"/files/{prefix}{key}")[0] in (400, 404)


@pytest.mark.parametrize("url", URLS)
def test_no_address_that_a_client_names_is_ever_opened(server: Running, sound: dict[str, str], url: str) -> None:
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.05)
        named = quote(url.format(port=trap.getsockname()[1]), safe="")
        base = f"/raster/shaking/{sound['item']}/mmi"
        asked = [
            f"/raster/shaking/{named}/mmi/preview.png",
            f"/raster/shaking/{sound['item']}/{named}/preview.png",
            f"/raster/{named}/{sound['item']}/mmi/preview.png",
            f"/explain/{named}?lon=78&lat=41",
            f"/files/{named}",
            f"/raster/{named}/info",
        ]
        for path in asked:
            status, body = _raw(server, "GET", path)
            assert 400 <= status < 500, f"{path}: {status} {body[:200]!r}"
        for name in ("url", "href", "asset", "colormap", "dataset"):
            assert _raw(server, "GET", f"{base}/preview.png?{name}={named}")[0] < 500
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    "asked",
    [
        "/stac/search?limit=100000000",
        "/stac/search?limit=-1",
        "/stac/search?bbox=-1e308,-1e308,1e308,1e308",
        "/stac/search?bbox=nan,nan,nan,nan",
        "/stac/search?bbox=" + ",".join(["1"] * 400),
        "/stac/latest?limit=100000000",
        "/features/collections/alerts/items?limit=100000000",
        "/features/collections/alerts/items?limit=-5",
        "/features/collections/alerts/items?bbox=1e400,0,0,0",
        "/news?after=-1",
        "/news?after=99999999999999999999999999",
        "/news?limit=100000000",
        "/events?after=x",
        "/raster/shaking/ITEM/mmi/preview.png?max_size=1000000",
        "/raster/shaking/ITEM/mmi/preview.png?width=100000&height=100000",
        "/raster/shaking/ITEM/mmi/bbox/-1e9,-1e9,1e9,1e9.png",
        "/raster/shaking/ITEM/mmi/bbox/nan,nan,nan,nan.png",
        "/raster/shaking/ITEM/mmi/tiles/WebMercatorQuad/99/0/0.png",
        "/raster/shaking/ITEM/mmi/tiles/WebMercatorQuad/5/-1/999999999999999999999.png",
        "/raster/shaking/ITEM/mmi/point/1e308,1e308",
        "/explain/ITEM?lon=nan&lat=inf",
    ],
)
def test_what_is_too_much_is_cut_or_refused_and_never_breaks_anything(
    server: Running, client: httpx.Client, sound: dict[str, str], asked: str
) -> None:
    answer = client.get(asked.replace("ITEM", sound["item"]))
    assert answer.status_code < 500, answer.text[:300]
    if answer.status_code >= 400:
        assert set(answer.json()) >= {"code", "description"}
    assert len(answer.content) < 20_000_000
    _alive(server)


@pytest.mark.parametrize("bad", NOT_TEXT)
def test_bytes_that_are_no_text_are_refused_wherever_they_come(
    server: Running, document: dict[str, Any], sound: dict[str, str], bad: str
) -> None:
    for path in _paths(document, sound, bad):
        status, body = _raw(server, "GET", path)
        assert 400 <= status < 500, f"{path}: {status} {body[:200]!r}"
    for path in document["paths"]:
        if "{" not in path and path != "/events" and not path.startswith("/health"):
            assert _raw(server, "GET", f"{path}?bbox={bad}&datetime={bad}&token={bad}&lang={bad}")[0] < 500


@pytest.mark.parametrize(
    "filter",
    ["(" * 3000 + "1=1" + ")" * 3000, "NOT " * 1900 + "1=1", " AND ".join(["a=1"] * 1200), "a=" + "-" * 4000 + "1"],
    ids=["parentheses", "nots", "ands", "signs"],
)
def test_a_filter_that_goes_deep_does_not_end_the_process(server: Running, client: httpx.Client, filter: str) -> None:
    answer = client.get("/stac/search", params={"filter": filter, "filter-lang": "cql2-text"})
    assert answer.status_code < 500, answer.text[:300]
    _alive(server)


@pytest.mark.parametrize("depth", [50, 100, 10_000, 400_000])
def test_json_that_goes_deep_does_not_end_the_process(server: Running, client: httpx.Client, depth: int) -> None:
    for open, close in (('{"filter":', "}"), ("[", "]"), ('{"op":"not","args":[', "]}")):
        sent = open * depth + "1" + close * depth
        answer = client.post("/stac/search", content=sent[:999_000], headers={"content-type": "application/json"})
        assert 400 <= answer.status_code < 500, answer.text[:300]
    _alive(server)


@pytest.mark.parametrize("path", ["/stac/search", "/webhooks", "/health", "/files/catalog/catalog.json"])
def test_ten_megabytes_are_refused_and_their_sender_told(client: httpx.Client, path: str) -> None:
    answer = client.post(path, content=b"[" + b"1," * 5_000_000 + b"1]", headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["code"]


def test_many_large_bodies_at_once_leave_memory_flat(server: Running) -> None:
    def send(_: int) -> int:
        with server.client() as client:
            return client.post("/stac/search", content=b"x" * 10_000_000).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send, range(8))) == {413}
        before = server.memory
        assert set(pool.map(send, range(48))) <= {413, 503}
    assert server.memory - before < FLAT


def test_a_body_without_end_is_cut_off(server: Running) -> None:
    head = f"POST /stac/search HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with server.raw() as connection:
        connection.sendall(head)
        sent, began = 0, monotonic()
        try:
            while monotonic() - began < 15:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert sent < 200_000_000
    _alive(server)


def test_a_compressed_bomb_is_not_inflated(client: httpx.Client) -> None:
    answer = client.post("/stac/search", content=b"\x1f\x8b" + b"\0" * 1000, headers={"content-encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254"])
def test_a_name_of_somebody_else_is_refused_on_every_path(server: Running, document: dict[str, Any], host: str) -> None:
    for path in ("/", *document["paths"]):
        status, _ = _raw_as(server, host, path.replace("{", "").replace("}", ""))
        assert status == 421, path


def _raw_as(server: Running, host: str, path: str) -> tuple[int, bytes]:
    answer = server.says(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return int(answer.split(b" ", 2)[1]), answer


def test_a_host_in_the_request_line_or_a_forwarded_one_changes_no_link(server: Running) -> None:
    said = ("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher", "Forwarded: host=evil.example")
    status, body = _raw(server, "GET", "/stac", *said)
    assert status == 200
    assert b"evil.example" not in body
    status, body = _raw(server, "GET", "http://evil.example/stac")
    assert b"evil.example" not in body or status >= 400


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 1000,
        b"A" * 100_000,
    ],
    ids=["tls", "no-host", "two-hosts", "version", "null", "negative", "lengths", "http2", "empty", "noise"],
)
def test_what_is_no_request_is_refused(server: Running, sent: bytes) -> None:
    answer = server.says(sent)
    assert re.match(rb"HTTP/1\.1 (4\d\d|505)", answer), answer[:200]
    _alive(server)


def test_two_ways_to_say_a_length_are_not_taken_for_two_requests(server: Running) -> None:
    smuggled = (
        b"POST /stac/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    answer = server.says(smuggled)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"hazmon_requests" not in answer


def test_a_flood_of_headers_is_refused_before_it_is_kept(server: Running) -> None:
    before = server.memory
    for _ in range(20):
        with server.raw() as connection:
            try:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
                for number in range(5000):
                    connection.sendall(b"X-%d: %s\r\n" % (number, b"a" * 200))
                connection.sendall(b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            else:
                answer = received(connection)
                assert not answer or answer.startswith(b"HTTP/1.1 431")
    assert server.memory - before < FLAT
    _alive(server)


def test_many_slow_clients_at_once_are_ended_and_others_answered_meanwhile(server: Running) -> None:
    slow = [server.raw() for _ in range(200)]
    try:
        for number, connection in enumerate(slow):
            head = b"GET /stac HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
            body = b"POST /stac/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000\r\n\r\n[1,"
            connection.sendall(head if number % 2 else body)
        with server.client() as client:
            assert client.get("/stac/collections").status_code == 200
        assert _peek(slow[-1]) == b"", "it was answered while the others were still waited for"
        for connection in slow:
            connection.settimeout(30)
        answers = [received(connection)[:12] for connection in slow]
    finally:
        for connection in slow:
            connection.close()
    assert set(answers) <= {b"HTTP/1.1 408", b"HTTP/1.1 503"}
    assert answers.count(b"HTTP/1.1 408") >= 150
    _alive(server)


def test_more_connections_than_it_can_hold_are_refused_not_queued(server: Running) -> None:
    opened = [server.raw() for _ in range(600)]
    try:
        until(lambda: b"503" in _peek(opened[-1]))
    finally:
        for connection in opened:
            connection.close()
    until(lambda: _answers(server))


def _peek(connection: socket.socket) -> bytes:
    connection.setblocking(False)
    try:
        return connection.recv(20, socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def _answers(server: Running) -> bool:
    with server.client() as client:
        return client.get("/health/live").status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "DEBUG"])
def test_unknown_methods_are_refused_on_every_path(server: Running, document: dict[str, Any], method: str) -> None:
    for path in ("/", *document["paths"]):
        status, _ = _raw(server, method, re.sub(r"[{}]", "", path))
        assert status in (400, 404, 405, 501), path


def test_a_flood_of_requests_is_answered_or_told_to_come_again_and_memory_stays_flat(server: Running) -> None:
    def ask(number: int) -> set[int]:
        with server.client() as client:
            paths = ("/stac/search?limit=3", "/status", "/news", "/nothing", "/features/collections/alerts/items")
            return {client.request(("GET", "OPTIONS", "POST", "DELETE")[n % 4], paths[n % 5]).status_code for n in range(30)}

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(ask, range(16)))
        before = server.memory
        statuses = set().union(*pool.map(ask, range(32)))
    assert statuses <= {200, 204, 400, 404, 405, 503}
    assert server.memory - before < FLAT
    _alive(server)


def test_nothing_is_written_without_a_key_and_no_wrong_key_opens(client: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {KEY}"}, {"Cookie": f"key={KEY}"}):
        status = client.post("/webhooks", json={"url": "http://127.0.0.1/"}, headers=headers).status_code
        assert status in (401, 403)


def test_no_answer_of_all_this_told_where_the_home_lies(server: Running, played: Path) -> None:
    with server.client() as client:
        for path in ("/stac/collections/x/items/y", "/files/catalog/x", "/explain/x?lon=1&lat=1", "/alerts/2024/x.xml"):
            assert str(played) not in client.get(path).text


def test_the_log_of_all_this_is_one_line_a_request_and_holds_no_traceback(server: Running) -> None:
    lines = server.log.read_text(errors="replace").splitlines()
    assert not [line for line in lines if line.startswith("Traceback")]
    for line in (line for line in lines if line.startswith("{")):
        assert json.loads(line)["status"] < 500 or json.loads(line)["status"] in (501, 503, 505)

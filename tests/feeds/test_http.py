"""The one way out: what is opened, what is refused, what each answer becomes. A fake transport, no network."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import httpx
import pytest

from pipeline.errors import ConfigError, FeedError, FeedMalformed, FeedRefused, FeedUnavailable
from pipeline.feeds import http
from tests.feeds.conftest import Answer, Mirror

URL = "https://data.example.org/list"
ALLOWED = ("data.example.org",)


def ask(
    answer: httpx.Response | Callable[[httpx.Request], httpx.Response], url: str = URL, **options: object
) -> httpx.Response:
    transport = httpx.MockTransport(answer if callable(answer) else lambda request: answer)
    return http.get(url, transport=transport, **{"allowed": ALLOWED, **options})  # type: ignore[arg-type]


def test_a_good_answer_comes_back_whole() -> None:
    response = ask(httpx.Response(200, content=b"payload", headers={"ETag": "x"}), params={"a": "1"})
    assert (response.content, response.headers["etag"]) == (b"payload", "x")


def test_parameters_are_added_to_those_in_the_url() -> None:
    response = ask(lambda request: httpx.Response(200, json=dict(request.url.params)), URL + "?b=2", params={"a": "1 2"})
    assert response.json() == {"a": "1 2", "b": "2"}


@pytest.mark.parametrize("status", [404, 408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_unavailable(status: int) -> None:
    with pytest.raises(FeedUnavailable, match=str(status)):
        ask(httpx.Response(status))


@pytest.mark.parametrize("status", [400, 401, 403, 409, 410, 413])
def test_what_will_not_pass_is_refused(status: int) -> None:
    with pytest.raises(FeedRefused, match=str(status)):
        ask(httpx.Response(status, text="why"))


def test_a_status_that_the_protocol_knows_is_an_answer() -> None:
    assert ask(httpx.Response(409, text="deleted"), accept={409}).status_code == 409


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "Mon, 22 Jan 2024 18:10:00 GMT", "Date": "Mon, 22 Jan 2024 18:09:00 GMT"}, 60.0),
        ({"Retry-After": "Mon, 22 Jan 2024 18:08:00 GMT", "Date": "Mon, 22 Jan 2024 18:09:00 GMT"}, 0.0),
        ({"Retry-After": "Mon, 22 Jan 2024 18:10:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_against_the_source_s_own_clock(headers: dict[str, str], seconds: float | None) -> None:
    with pytest.raises(FeedUnavailable) as caught:
        ask(httpx.Response(429, headers=headers))
    assert caught.value.retry_after == seconds


def _fails(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    return answer


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_broken_connection_is_unavailable(error: type[httpx.TransportError]) -> None:
    with pytest.raises(FeedUnavailable, match=error.__name__):
        ask(_fails(error))


def test_a_body_shorter_than_promised_is_unavailable() -> None:
    with pytest.raises(FeedUnavailable, match="4 of 10 bytes"):
        ask(httpx.Response(200, content=b"half", headers={"Content-Length": "10"}))


def test_a_compressed_body_is_read_and_a_broken_one_is_unavailable() -> None:
    packed = gzip.compress(b"payload" * 100)
    headers = {"Content-Encoding": "gzip"}
    assert ask(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(packed))).content == b"payload" * 100
    with pytest.raises(FeedUnavailable, match="DecodingError"):
        ask(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"not gzip")))


def test_a_body_too_large_is_malformed_also_when_it_grows_by_unpacking() -> None:
    with pytest.raises(FeedMalformed, match="larger than 100"):
        ask(httpx.Response(200, content=b"x" * 101), largest=100)
    packed = httpx.ByteStream(gzip.compress(b"\0" * 100_000))
    with pytest.raises(FeedMalformed, match="larger than"):
        ask(lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=packed), largest=10_000)


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>", b"\xef\xbb\xbf \n<HTML lang='en'>"])
def test_html_with_200_is_malformed(body: bytes) -> None:
    with pytest.raises(FeedMalformed, match="HTML"):
        ask(httpx.Response(200, content=body, headers={"Content-Type": "application/json"}))
    with pytest.raises(FeedMalformed, match="HTML"):
        ask(httpx.Response(200, content=b"error", headers={"Content-Type": "text/html; charset=utf-8"}))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://data.example.org/x",
        "https:///x",
        "https://user:word@data.example.org/x",
        "https://other.example.org/x",
        "https://data.example.org.evil.net/x",
        "https://evildata.example.org/x",
        "http://127.0.0.1/x",
        "http://localhost:8080/x",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://100.64.0.1/x",
        "http://service.internal/x",
        "https://[broken/x",
        "https://data.example.org:99999/x",
        "not a url",
    ],
)
def test_what_may_not_be_opened_is_refused_before_anything_opens(url: str) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"opened {request.url}")

    with pytest.raises(FeedRefused):
        ask(never, url)
    with pytest.raises(FeedRefused):
        http.check_url(url, ALLOWED)


@pytest.mark.parametrize("suffix", [".1", ".0.0.1", ".internal", ".localhost"])
def test_a_suffix_never_opens_an_address_that_is_not_public(suffix: str) -> None:
    for host in ("127.0.0.1", "a.internal", "a.localhost"):
        with pytest.raises(FeedRefused):
            http.check_url(f"http://{host}/x", (suffix,))


def test_a_suffix_opens_the_hosts_below_it_and_case_does_not_matter() -> None:
    http.check_url("https://Tiles.Blob.example.NET/x", (".blob.example.net",))
    with pytest.raises(FeedRefused):
        http.check_url("https://blob.example.net.evil.org/x", (".blob.example.net",))


def test_a_suffix_s_name_that_resolves_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.1.2.3", 0))])
    with pytest.raises(FeedRefused, match=r"10\.1\.2\.3"):
        http.get("https://tiles.blob.example.net/x", allowed=(".blob.example.net",))


def test_a_feed_configured_on_a_private_host_may_open_that_host() -> None:
    url = "http://127.0.0.1:8000/query"
    assert ask(httpx.Response(200, content=b"x"), url, allowed=http.hosts(url)).content == b"x"


def _redirect(target: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/list":
            return httpx.Response(302, headers={"Location": target})
        return httpx.Response(200, content=b"there")

    return answer


def test_a_redirect_on_the_host_is_followed() -> None:
    assert ask(_redirect("/elsewhere?a=1")).content == b"there"


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "http://data.example.org/x",
        "https://127.0.0.1/x",
        "https://evil.example.net/x",
        "//10.0.0.1/x",
        "http://[::1]:80/",
    ],
)
def test_a_redirect_to_what_may_not_be_opened_is_refused(target: str) -> None:
    with pytest.raises(FeedRefused):
        ask(_redirect(target))


def test_redirects_without_end_or_target_are_refused() -> None:
    with pytest.raises(FeedRefused, match="redirects"):
        ask(lambda request: httpx.Response(302, headers={"Location": str(request.url)}))
    with pytest.raises(FeedMalformed, match="Location"):
        ask(httpx.Response(301))


def test_a_byte_range_is_exactly_the_bytes_asked_for() -> None:
    data = bytes(range(100))

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        first, last = request.headers["range"].removeprefix("bytes=").split("-")
        end = min(int(last or 99), 99)
        found = data[int(first) : end + 1]
        return httpx.Response(206, content=found, headers={"Content-Range": f"bytes {first}-{end}/100"})

    assert ask(answer, byte_range=(10, 20)).content == data[10:20]
    assert ask(answer, byte_range=(90, None)).content == data[90:]
    assert ask(answer, byte_range=(90, 200)).content == data[90:]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (206, {}),
        (206, {"Content-Range": "bytes 0-9/100"}),
        (206, {"Content-Range": "bytes 10-12/100"}),
        (206, {"Content-Range": "bytes 10-15/100"}),
        (206, {"Content-Range": "pages 10-19/100"}),
    ],
)
def test_an_ignored_or_wrong_byte_range_is_malformed(status: int, headers: dict[str, str]) -> None:
    with pytest.raises(FeedMalformed, match="bytes"):
        ask(httpx.Response(status, content=b"0123456789", headers=headers), byte_range=(10, 20))


def test_an_empty_byte_range_is_refused() -> None:
    with pytest.raises(FeedRefused, match="byte range"):
        ask(httpx.Response(206), byte_range=(20, 20))


def test_a_real_server_that_cuts_the_body_short_is_unavailable(mirror: Mirror) -> None:
    mirror.answers["/data.example.org/list"] = Answer(b"half", promised=100)
    with pytest.raises(FeedUnavailable):
        http.get(URL, allowed=ALLOWED)


def test_a_server_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(http.MIRROR, raising=False)
    with pytest.raises(FeedUnavailable):
        http.get("http://127.0.0.1:9/x", allowed=("127.0.0.1",))


def test_a_silent_server_is_unavailable(mirror: Mirror) -> None:
    mirror.answers["/data.example.org/list"] = Answer(b"", promised=100)
    with pytest.raises(FeedUnavailable):
        http.get(URL, allowed=ALLOWED, timeout=0.05)


def test_through_the_mirror_the_host_becomes_the_first_folder(mirror: Mirror) -> None:
    mirror.answers["/data.example.org/list"] = Answer(b"mirrored")
    assert http.get(URL, allowed=ALLOWED, params={"q": "1"}).content == b"mirrored"
    assert mirror.queries == [{"q": "1"}]
    assert http.via("https://data.example.org/a?b=c") == f"{mirror.origin}/data.example.org/a?b=c"
    for same in ("/data/vs30.tif", mirror.origin + "/x/y", "http://127.0.0.1:1/x"):
        assert http.via(same) == same


def test_through_the_mirror_the_rules_are_those_of_the_real_hosts(mirror: Mirror) -> None:
    mirror.answers["/data.example.org/list"] = Answer(status=302, headers={"Location": f"{mirror.origin}/evil.example.net/x"})
    with pytest.raises(FeedRefused, match=r"evil\.example\.net"):
        http.get(URL, allowed=ALLOWED)
    mirror.answers["/data.example.org/list"] = Answer(status=302, headers={"Location": f"{mirror.origin}/data.example.org/x"})
    mirror.answers["/data.example.org/x"] = Answer(b"there")
    assert http.get(URL, allowed=ALLOWED).content == b"there"
    with pytest.raises(FeedRefused):
        http.get("https://evil.example.net/x", allowed=ALLOWED)


@pytest.mark.parametrize("text", ["127.0.0.1:80", "http://127.0.0.1:80/path", "file:///x"])
def test_a_mirror_that_is_no_origin_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(http.MIRROR, text)
    with pytest.raises(ConfigError, match="HAZMON_FEEDS_VIA"):
        http.via(URL)


def test_every_failure_is_an_error_of_the_feed() -> None:
    assert all(issubclass(kind, FeedError) for kind in (FeedUnavailable, FeedMalformed, FeedRefused))

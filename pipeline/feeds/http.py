"""The one way out to the network: which hosts may be opened, how long, how much, and what each answer means.

Nothing is retried here; a retry lives in one place, the caller of the step.

| the source                                             | becomes                              |
|--------------------------------------------------------|--------------------------------------|
| time-out, no connection, broken or short body          | `FeedUnavailable`                    |
| 404, 408, 425, 429, 5xx                                | `FeedUnavailable`, with Retry-After  |
| any other 4xx                                          | `FeedRefused`                        |
| 200 with HTML, a body too large, an ignored byte range | `FeedMalformed`                      |
| host not allowed, private address, `file:`, bad scheme | `FeedRefused`, before anything opens |

A protocol to which a status means something else (404: deleted; 400: ask for less) names it in `accept` and gets the
response.
"""

from __future__ import annotations

import atexit
import ipaddress
import json
import os
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from pipeline.errors import ConfigError, FeedMalformed, FeedRefused, FeedUnavailable

#: Environment variable naming a mirror: `https://HOST/PATH` is then requested as `{mirror}/HOST/PATH`.
MIRROR = "HAZMON_FEEDS_VIA"
#: Time to connect, and longest silence while reading, seconds.
SILENCE = 20.0
#: Longest time for a whole response, seconds; a source that drips for ever is not answering.
DEADLINE = 120.0
#: Largest body, bytes, after decompression.
LARGEST = 64 * 2**20
#: Redirects followed; each target is checked like the first URL.
REDIRECTS = 5

_REDIRECT = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({404, 408, 425, 429})
_HTML = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass
class Answer:
    """The newest answer of a source: what to keep where it turns out to be unreadable."""

    url: str = ""
    body: bytes = b""


_WITNESS: ContextVar[Answer | None] = ContextVar("witness", default=None)


@contextmanager
def witness() -> Iterator[Answer]:
    """Remember the newest answer that any source gives within the block, whatever is made of it."""
    answer = Answer()
    token = _WITNESS.set(answer)
    try:
        yield answer
    finally:
        _WITNESS.reset(token)


def hosts(url: str, allowed_hosts: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the hosts a feed may open: the one of its own URL and those its configuration allows besides."""
    own = urlsplit(url).hostname
    return (own, *allowed_hosts) if own else allowed_hosts


def check_url(url: str, allowed: tuple[str, ...]) -> None:
    """Refuse a URL that a feed may not open; looks at the text only, nothing is resolved or opened.

    Parameters
    ----------
    url
        Any text a payload or a redirect may hold.
    allowed
        Host names, exact (`data.example.org`) or as suffix (`.example.org`). The mirror, where one is set, is
        allowed besides. An address that is not public must be named exactly: a suffix never opens it.

    Raises
    ------
    FeedRefused
        Naming what was found and what was expected.
    """
    parts = _split(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https"):
        raise FeedRefused(f"{url}: found scheme {parts.scheme!r}, expected http or https")
    if not host or parts.username is not None or parts.password is not None:
        raise FeedRefused(f"{url}: expected a host without user name or password")
    allowed = tuple(entry.lower() for entry in allowed)
    if host in allowed or _is_mirror(parts):
        return
    if _is_private_name(host):
        raise FeedRefused(f"{url}: {host} is not a public address")
    if not any(entry.startswith(".") and host.endswith(entry) for entry in allowed):
        raise FeedRefused(f"{url}: host {host} is not allowed, expected one of {sorted(allowed)}")


def addresses(url: str, allowed: tuple[str, ...]) -> list[str]:
    """Return the addresses that the host of a URL has now, for a connection to none but these.

    Whoever connects by the name would ask again, and may be told another address than was looked at here. No mirror
    stands in between.

    Raises
    ------
    FeedRefused
        As `check_url` does, and where a host allowed by suffix has an address that is not public.
    FeedUnavailable
        Where it has none.
    """
    check_url(url, allowed)
    host = _split(url).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FeedUnavailable(f"{url}: {host} has no address: {error}") from error
    every = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if host not in (entry.lower() for entry in allowed):
        _refuse_private(url, host, every)
    return every


def via(url: str) -> str:
    """Return where a URL is really requested: unchanged, or under the mirror that HAZMON_FEEDS_VIA names.

    Paths of local files, loopback URLs and URLs of the mirror itself stay as they are.
    """
    mirror = _mirror()
    parts = _split(url)
    if mirror is None or parts.scheme not in ("http", "https") or _is_mirror(parts) or _is_loopback(parts.hostname or ""):
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{mirror}/{parts.netloc}{parts.path or '/'}{query}"


def get(
    url: str,
    *,
    allowed: tuple[str, ...],
    byte_range: tuple[int, int | None] | None = None,
    params: Mapping[str, str | int | float] | None = None,
    accept: Collection[int] = (),
    timeout: float = SILENCE,
    largest: int = LARGEST,
    transport: httpx.BaseTransport | None = None,
) -> httpx.Response:
    """Return the response to a GET, its body read in full: status 200, 204, 206 or one of `accept`.

    Parameters
    ----------
    url
        Public address; requested through the mirror where one is set.
    allowed
        Every host that may be opened, the one of `url` included (see `hosts`); redirect targets too.
    byte_range
        First byte and the byte after the last, or None for the end; the answer must be exactly these bytes.
    params
        Query parameters, added to those in the URL.
    accept
        Further statuses that are an answer to this caller and not an error.
    timeout
        Time to connect and longest silence, seconds.
    largest
        Largest body, bytes.
    transport
        Another transport in place of the network, for tests.

    Raises
    ------
    FeedUnavailable, FeedMalformed, FeedRefused
        As the module's table says.
    """
    if byte_range is not None and byte_range[1] is not None and not 0 <= byte_range[0] < byte_range[1]:
        raise FeedRefused(f"{url}: byte range {byte_range}: expected 0 <= first < end")
    headers = _range_headers(byte_range)
    target = _with_parameters(url, params)
    client = _client(os.getpid()) if transport is None else httpx.Client(transport=transport)
    try:
        for _ in range(REDIRECTS + 1):
            _check(target, allowed, resolve=transport is None)
            response = _request(client, target, headers, timeout=timeout, largest=largest)
            if response.status_code not in _REDIRECT:
                return _judge(response, target, byte_range, accept)
            target = _redirect(target, response)
    finally:
        if transport is not None:
            client.close()
    raise FeedRefused(f"{url}: more than {REDIRECTS} redirects")


def post(
    url: str,
    *,
    body: Mapping[str, object],
    allowed: tuple[str, ...],
    timeout: float = SILENCE,
    largest: int = LARGEST,
) -> httpx.Response:
    """Return the response to a POST of a JSON object, as `get` does; a redirect is not followed.

    Raises
    ------
    FeedUnavailable, FeedMalformed, FeedRefused
        As the module's table says.
    """
    _check(url, allowed, resolve=True)
    headers = {"Content-Type": "application/json"}
    content = json.dumps(body).encode()
    response = _request(_client(os.getpid()), url, headers, timeout=timeout, largest=largest, content=content)
    return _judge(response, url, None, ())


def _with_parameters(url: str, params: Mapping[str, str | int | float] | None) -> str:
    if not params:
        return url
    try:
        return str(httpx.URL(url).copy_merge_params(params))
    except httpx.InvalidURL as error:
        raise FeedRefused(f"{url}: not a URL: {error}") from error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a source asks to wait, or None; a date is read against the source's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    until, since = _date(text), _date(headers.get("date", ""))
    if until is None or since is None:
        return None
    return max((until - since).total_seconds(), 0.0)


@cache
def _client(process: int) -> httpx.Client:
    """Return this process's client; a forked child must not share its parent's sockets."""
    client = httpx.Client(headers={"User-Agent": "hazmon"}, follow_redirects=False)
    atexit.register(client.close)
    return client


def _request(
    client: httpx.Client,
    url: str,
    headers: Mapping[str, str],
    *,
    timeout: float,
    largest: int,
    content: bytes | None = None,
) -> httpx.Response:
    began = monotonic()
    method = "GET" if content is None else "POST"
    body = bytearray()
    answer = _WITNESS.get() or Answer()
    try:
        with client.stream(method, via(url), headers=headers, content=content, timeout=timeout) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > largest:
                    answer.url, answer.body = url, bytes(body)
                    raise FeedMalformed(f"{url}: larger than {largest} bytes")
                if monotonic() - began > DEADLINE:
                    raise FeedUnavailable(f"{url}: not complete after {DEADLINE:.0f} s")
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise FeedUnavailable(f"{url}: {type(error).__name__}: {error}") from error
    except httpx.InvalidURL as error:
        raise FeedRefused(f"{url}: not a URL: {error}") from error
    answer.url, answer.body = url, bytes(body)
    promised = response.headers.get("content-length", "")
    if "content-encoding" not in response.headers and promised.isdecimal() and int(promised) != len(body):
        raise FeedUnavailable(f"{url}: {len(body)} of {promised} bytes arrived")
    kept = [(name, value) for name, value in response.headers.items() if name not in ("content-encoding", "content-length")]
    return httpx.Response(response.status_code, headers=kept, content=answer.body, request=response.request)


def _judge(
    response: httpx.Response, url: str, byte_range: tuple[int, int | None] | None, accept: Collection[int]
) -> httpx.Response:
    status = response.status_code
    if status in accept:
        return response
    if status >= 500 or status in _LATER:
        raise FeedUnavailable(f"{url}: HTTP {status}", retry_after(response.headers))
    if status not in (200, 204, 206):
        raise FeedRefused(f"{url}: HTTP {status}: {response.text[:200].strip()!r}")
    if _HTML.match(response.content) or "text/html" in response.headers.get("content-type", ""):
        raise FeedMalformed(f"{url}: HTTP {status} with an HTML page, expected data")
    if byte_range is not None:
        _check_range(response, url, byte_range)
    return response


def _range_headers(byte_range: tuple[int, int | None] | None) -> dict[str, str]:
    """Return the headers that ask for bytes; a compressed range would be a range of something else."""
    if byte_range is None:
        return {}
    first, end = byte_range
    return {"Range": f"bytes={first}-{'' if end is None else end - 1}", "Accept-Encoding": "identity"}


def _check_range(response: httpx.Response, url: str, byte_range: tuple[int, int | None]) -> None:
    """Refuse an answer that is not exactly the bytes asked for; only the end of the file may cut it short."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if response.status_code != 206 or found is None:
        raise FeedMalformed(f"{url}: HTTP {response.status_code} without Content-Range, expected bytes {byte_range}")
    first, last = int(found[1]), int(found[2])
    whole = byte_range[1] is None or last == byte_range[1] - 1 or found[3] == str(last + 1)
    if first != byte_range[0] or not whole or len(response.content) != last - first + 1:
        raise FeedMalformed(f"{url}: {len(response.content)} bytes as {found[0]!r}, expected bytes {byte_range}")


def _redirect(url: str, response: httpx.Response) -> str:
    """Return the public URL a redirect points to; one into the mirror is read back as what it mirrors."""
    location: str = response.headers.get("location", "")
    if not location:
        raise FeedMalformed(f"{url}: HTTP {response.status_code} without Location")
    target = urljoin(url, location)
    parts = _split(target)
    if _is_mirror(parts):
        target = f"https:/{parts.path}" + (f"?{parts.query}" if parts.query else "")
    if urlsplit(url).scheme == "https" and _split(target).scheme == "http":
        raise FeedRefused(f"{url}: redirected to {target}, expected https to stay https")
    return target


def _check(url: str, allowed: tuple[str, ...], *, resolve: bool) -> None:
    """Refuse as `check_url` does, and a host allowed by suffix whose name resolves to an address that is not public."""
    check_url(url, allowed)
    host = _split(url).hostname or ""
    if not resolve or host in (entry.lower() for entry in allowed) or _mirror() is not None:
        return
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return  # behind a proxy names need not resolve here; without one the connection itself will say so
    _refuse_private(url, host, [str(entry[4][0]) for entry in found])


def _refuse_private(url: str, host: str, found: Collection[str]) -> None:
    private = [address for address in found if _is_private(address)]
    if private:
        raise FeedRefused(f"{url}: {host} resolves to {private[0]}, which is not a public address")


def _mirror() -> str | None:
    text = os.environ.get(MIRROR, "").rstrip("/")
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise ConfigError(f"{MIRROR}={text!r}: expected an origin such as http://127.0.0.1:8900")
    return text


def _is_mirror(parts: SplitResult) -> bool:
    mirror = _mirror()
    return mirror is not None and f"{parts.scheme}://{parts.netloc}" == mirror


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (reading it checks it)
    except ValueError as error:
        raise FeedRefused(f"{url!r}: not a URL: {error}") from error
    return parts


def _is_private_name(host: str) -> bool:
    return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or _is_private(host)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(address: str) -> bool:
    """Whether text is an IP address that is not public; a name is not."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return not found.is_global or found.is_multicast


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None

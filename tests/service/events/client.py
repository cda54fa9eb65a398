"""A client of server-sent events as WHATWG HTML describes one: it knows where it was when it comes back."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

#: One for all tests: a client of one's own reads certificates each time. Nothing stays open when a stream is left.
_HTTP = httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=1000, max_keepalive_connections=0))


@dataclass
class Event:
    id: str
    name: str
    data: str


@dataclass
class Client:
    """Reads a stream; `last` is the id it comes back with."""

    address: str
    last: str = ""
    retry: int | None = None
    comments: list[str] = field(default_factory=list)
    connections: int = 0

    def read(self, query: str = "", seconds: float = 20) -> Iterator[Event]:
        """Yield events of one connection until the other side ends it."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": self.last} if self.last else {})}
        self.connections += 1
        with _HTTP.stream("GET", f"{self.address}/events{query}", headers=headers, timeout=seconds) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream"
            name, data = "", []
            for line in response.iter_lines():
                if line == "":
                    if data:
                        yield Event(self.last, name or "message", "\n".join(data))
                    name, data = "", []
                    continue
                key, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if key == "":
                    self.comments.append(value)
                elif key == "id":
                    self.last = value
                elif key == "event":
                    name = value
                elif key == "data":
                    data.append(value)
                elif key == "retry":
                    self.retry = int(value)

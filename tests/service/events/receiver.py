"""A receiver of webhooks on loopback that does what it is told to: fail, hang up, dawdle, redirect, be gone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic


@dataclass
class Receiver:
    """What came, and what to do next: a status, `drop` or `hang`; 204 where nothing is left to do."""

    todo: list[int | str] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    url: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)
    over: threading.Event = field(default_factory=threading.Event)

    def numbers(self) -> list[int]:
        return [int(headers["webhook-id"].split("_")[1]) for headers, _ in self.taken]

    def wait(self, count: int, seconds: float = 30) -> None:
        """Wait until so many were taken."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.taken) >= count, seconds), (count, self.tried)

    def wait_tried(self, count: int, seconds: float = 30) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.tried) >= count, seconds), (count, self.tried)


@contextmanager
def receiving(*todo: int | str) -> Iterator[Receiver]:
    """Give a receiver until the end of the block."""
    receiver = Receiver(list(todo))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with receiver.changed:
                act = receiver.todo.pop(0) if receiver.todo else 204
                receiver.tried.append(headers["webhook-id"].rsplit("_", 1)[0])
                if isinstance(act, int) and act < 300:
                    receiver.taken.append((headers, body))
                receiver.changed.notify_all()
            if act == "hang":
                receiver.over.wait(20)
            if isinstance(act, str):
                self.close_connection = True
                return
            self.send_response(act)
            self.send_header("Content-Length", "0")
            if act == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def until(reached, seconds: float = 20):
    """Return what is reached, asking again and again."""
    end = monotonic() + seconds
    while not (found := reached()):
        assert monotonic() < end, f"not reached within {seconds} s"
        threading.Event().wait(0.02)
    return found

"""One connection: uvicorn's, which also ends clients that do not finish their head, do not read, or are too many.

Uvicorn waits for ever for the rest of a request's head, and for a client that takes no byte of its answer; a few hundred
such connections would leave none for others.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from pipeline.config import ServiceLimits
from pipeline.service.guard.limits import STREAMS
from pipeline.service.guard.refusal import describe

#: Seconds that a client is given to take the rest of an answer once its connection is closed.
LINGER = 5.0


class Settings(uvicorn.Config):
    """How uvicorn runs the service, and the limits of its connections."""

    def __init__(self, app: str, limits: ServiceLimits, **options: Any) -> None:
        super().__init__(app, http=Connection, **options)
        self.limits = limits


class Connection(H11Protocol):
    """A connection with limits of its own: those of its settings."""

    def __init__(
        self,
        config: Settings,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limits = config.limits
        self._waiting: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; refuse what is more than this process can hold open."""
        super().connection_made(transport)
        if len(self.connections) > most(self.limits):
            self._end(503, "found too many connections; try again soon")
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; the time of a head runs from its first byte to its last."""
        if self.transport.is_closing():
            return
        if self._waiting is None and self.conn.their_state is h11.IDLE:
            self._wait()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all that was to be ended."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for a client that takes nothing."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.request_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on sending."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def shutdown(self) -> None:
        """End in order: an answer under way is finished, a stream of events, which has no end, after its last event."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.scope["state"].get(STREAMS):
            # Whoever sends it hears that nobody listens any more; the end is sent here, so that it is one for the client.
            cycle.disconnected = True
            cycle.message_event.set()
            if self.conn.our_state is h11.SEND_BODY:
                self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
            self.transport.close()
            self.loop.call_later(LINGER, self.transport.abort)
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing more comes, whether or not its client reads."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(LINGER, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, or a head that is too large."""
        if len(self.conn.trailing_data[0]) > self.limits.header_bytes:
            self._end(431, f"found a head of more than {self.limits.header_bytes} bytes, expected at most that")
        else:
            self._end(400, "found bytes that are no HTTP request")

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.limits.head_seconds, self._late)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _late(self) -> None:
        self._waiting = None
        if not self.transport.is_closing() and self.conn.their_state is h11.IDLE:
            self._end(408, f"found no end of the head after {self.limits.head_seconds:g} s")

    def _end(self, status: int, description: str) -> None:
        """Answer with an error and close; a client that does not take even that is dropped."""
        self._stop_waiting()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_answer(status, description))
        self.transport.close()
        self.loop.call_later(LINGER, self.transport.abort)


def most(limits: ServiceLimits) -> int:
    """Return how many connections one process holds open: idle ones beside requests and streams."""
    return 4 * limits.concurrency + limits.streams


@lru_cache(maxsize=32)
def _answer(status: int, description: str) -> bytes:
    body = describe(status, description)
    head = f"HTTP/1.1 {status} \r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode("ascii") + body

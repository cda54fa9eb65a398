"""How much one process does at the same time and how long one answer may take."""

from __future__ import annotations

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.config import ServiceLimits
from pipeline.service.guard.refusal import refusal

log = logging.getLogger(__name__)

#: Answered however busy the process is: a supervisor must not end a process that works.
_PROBE = "/health/live"

_STREAM = b"text/event-stream"

#: Set in the state of a request whose answer is a stream of events.
STREAMS = "streams"


class Concurrency:
    """Answers 503 with Retry-After where too many requests are being answered; event streams count for themselves."""

    def __init__(self, app: ASGIApp, limits: ServiceLimits) -> None:
        self._app = app
        self._most = limits.concurrency
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on while there is room."""
        if scope["type"] != "http" or scope["path"] == _PROBE:
            await self._app(scope, receive, send)
        elif self._running >= self._most:
            found = f"found {self._running} requests under way, expected fewer than {self._most}; try again soon"
            await refusal(503, found, {"Retry-After": "1"})(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = True
        self._running += 1

        def release() -> None:
            nonlocal held
            self._running -= held
            held = False

        async def watched(message: Message) -> None:
            if begins_stream(message):
                release()
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            release()


class Deadline:
    """Answers 503 where an answer does not begin in time, and ends one that stops in the middle.

    What worked on the answer cannot be stopped in its thread: it goes on unheard, and keeps its place among those under
    way until it ends. Sending is not counted: a slow line may take as long as it needs while anything is taken (see
    `Connection`).
    """

    def __init__(self, app: ASGIApp, limits: ServiceLimits) -> None:
        self._app = app
        self._seconds = limits.request_seconds
        self._unheard: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer in its place when its time is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(receive, send, self._seconds)
        task = asyncio.create_task(_run(self._app, scope, answer))
        try:
            await answer.ended(task)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            task.result()
            return
        self._unheard.add(task)
        task.add_done_callback(self._forget)
        found = f"found no answer after {self._seconds:g} s; ask for less, or try again later"
        if answer.begun:
            raise TimeoutError(found)
        await refusal(503, found, {"Retry-After": "10"})(scope, receive, send)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._unheard.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("an answer that nobody waited for any more failed: %s", task.exception())


class _Answer:
    """An answer under way: what has been sent of it, and until when more has to come."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._seconds = seconds
        self._due: float | None = asyncio.get_running_loop().time() + seconds
        self._stream = False
        self._over = False
        self.begun = False

    async def ended(self, task: asyncio.Task[None]) -> None:
        """Return when the task is done or the time for the next part of the answer is over; nothing is heard after that."""
        loop = asyncio.get_running_loop()
        while not task.done():
            left = None if self._stream else self._seconds if self._due is None else self._due - loop.time()
            if left is not None and left <= 0:
                self._over = True
                return
            await asyncio.wait({task}, timeout=left)

    async def receive(self) -> Message:
        """Return the next part of the request."""
        return {"type": "http.disconnect"} if self._over else await self._receive()

    async def send(self, message: Message) -> None:
        """Send a part of the answer while anybody waits for it."""
        if self._over:
            return
        self.begun, self._stream = True, self._stream or begins_stream(message)
        self._due = None
        await self._send(message)
        self._due = asyncio.get_running_loop().time() + self._seconds


async def _run(app: ASGIApp, scope: Scope, answer: _Answer) -> None:
    await app(scope, answer.receive, answer.send)


def begins_stream(message: Message) -> bool:
    """Whether a message opens a stream of events, which has no end of its own."""
    if message["type"] != "http.response.start":
        return False
    return any(name.lower() == b"content-type" and value.startswith(_STREAM) for name, value in message["headers"])

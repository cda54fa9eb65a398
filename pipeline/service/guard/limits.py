"""How much one process does at the same time and how long one answer may take."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.config import ServiceLimits
from pipeline.service.guard.refusal import refuse

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
            await refuse(scope, receive, send, 503, found, {"Retry-After": "1"})
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

    Sending is not counted: a slow line may take as long as it needs while anything is taken (see `Connection`).
    """

    def __init__(self, app: ASGIApp, limits: ServiceLimits) -> None:
        self._app = app
        self._seconds = limits.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and end it when its time is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        begun = stream = False

        async def timed(message: Message) -> None:
            nonlocal begun, stream
            begun, stream = True, stream or begins_stream(message)
            deadline.reschedule(None)
            await send(message)
            deadline.reschedule(None if stream else loop.time() + self._seconds)

        try:
            async with asyncio.timeout(self._seconds) as deadline:
                await self._app(scope, receive, timed)
        except TimeoutError:
            if begun or not deadline.expired():
                raise
            found = f"found no answer after {self._seconds:g} s; ask for less, or try again later"
            await refuse(scope, receive, send, 503, found, {"Retry-After": "10"})


def begins_stream(message: Message) -> bool:
    """Whether a message opens a stream of events, which has no end of its own."""
    if message["type"] != "http.response.start":
        return False
    return any(name.lower() == b"content-type" and value.startswith(_STREAM) for name, value in message["headers"])

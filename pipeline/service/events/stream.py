"""One stream of server-sent events (WHATWG HTML, 9.2): replay from a place in the log, then what comes.

retry: 3000
id: 41

id: 42
event: alert
data: {"number":42,"kind":"alert",...}

: still here
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pipeline.errors import HazmonError
from pipeline.news import Entry
from pipeline.service.events.sent import Teller, to_text
from pipeline.service.events.watcher import Watcher

_log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
#: How long a client waits before it comes back, milliseconds.
RETRY_MS = 3000
#: How often a comment says that the stream is alive, seconds: below the patience of common proxies.
BEAT_S = 15.0
#: How long a client may leave what it was sent unread, seconds; then it is dropped, and comes back for it.
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which entries a client wants; empty wants all."""

    kinds: frozenset[str] = frozenset()
    hazards: frozenset[str] = frozenset()

    def __contains__(self, entry: Entry) -> bool:
        """Tell whether an entry is wanted."""
        return (not self.kinds or entry.kind in self.kinds) and (not self.hazards or entry.hazard in self.hazards)

    @property
    def all(self) -> bool:
        """Whether every entry is wanted."""
        return not self.kinds and not self.hazards


class EventStream(Response):
    """The answer that does not end until the client or the service does.

    Parameters
    ----------
    watcher
        Who wakes it.
    teller
        Who puts entries into words.
    choice
        Which entries.
    place
        Number of the last entry the client has.
    base
        Public address of the service.
    beyond
        Number the client came with, where the log does not reach that far.
    """

    def __init__(
        self, watcher: Watcher, teller: Teller, choice: Choice, *, place: int, base: str, beyond: int | None = None
    ) -> None:
        super().__init__(headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self.watcher, self.teller, self.choice = watcher, teller, choice
        self.place, self.base, self.beyond = place, base, beyond
        self.turn = watcher.turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client is gone, does not read, or the service stops."""
        self.watcher.streams += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._send(send))
                leaving = tasks.create_task(_left(receive))
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
                sending.cancel()
                leaving.cancel()
        finally:
            self.watcher.streams -= 1

    async def _send(self, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for block in self.blocks():
                async with asyncio.timeout(PATIENCE_S):
                    await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            _log.info("a stream at entry %d was dropped: its client did not read for %.0f s", self.place, PATIENCE_S)
        except OSError:
            _log.debug("a stream at entry %d ended: its client is gone", self.place)

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the stream piece by piece; it ends when the service stops, or cannot read its store."""
        # With its place, so that a client whose line breaks before its first event comes back for that one.
        yield f"retry: {RETRY_MS}\nid: {self.place}\n\n".encode() + self._reset()
        while not self.watcher.stopped:
            if self.place > self.watcher.head or self.turn != self.watcher.turn:
                self.beyond, self.place, self.turn = self.place, self.watcher.head, self.watcher.turn
                yield self._reset()
            try:
                entries = await self.watcher.page(self.place)
                block = await run_in_threadpool(self._told, entries) if entries else b""
            except HazmonError as error:
                _log.warning("a stream at entry %d ended: %s", self.place, error)
                return
            if entries:
                self.place = entries[-1].number
                if block:
                    yield block
            elif not await self.watcher.wait(self.place, BEAT_S):
                yield self._beat()

    def _told(self, entries: list[Entry]) -> bytes:
        told = self.teller.page([entry for entry in entries if entry in self.choice], self.base)
        return b"".join(event(str(each["number"]), each["kind"], to_text(each)) for each in told)

    def _beat(self) -> bytes:
        """Return a sign of life; where some entries are not wanted, with the place, which a client then comes back with."""
        return b": still here\n\n" if self.choice.all else f": still here\nid: {self.place}\n\n".encode()

    def _reset(self) -> bytes:
        if self.beyond is None:
            return b""
        return event(str(self.place), "reset", json.dumps({"found": self.beyond, "head": self.place}))


def event(id: str, name: str, line: str) -> bytes:
    """Return one event; JSON on one line needs no splitting (other line ends than CR and LF do not end a line here)."""
    return f"id: {id}\nevent: {name}\ndata: {line}\n\n".encode()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

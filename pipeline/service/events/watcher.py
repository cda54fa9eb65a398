"""The watcher: the one reader of the log of news in a process, who wakes every stream when something is new.

A stream never has a queue of its own: it asks for what comes after its place, and waits to be woken where that is
nothing. A slow client therefore costs one page of entries, however far behind it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from starlette.concurrency import run_in_threadpool

from pipeline import news
from pipeline.errors import HazmonError
from pipeline.news import Entry, EntryBroken
from pipeline.store import Store

_log = logging.getLogger(__name__)

#: How often the log is looked at, seconds: what is new is with every client well within a second.
LOOK_S = 0.25
#: How often it is looked whether the newest entry is still there, in looks.
_LOOKS_BETWEEN_CHECKS = 40
#: Waits after a store that cannot be read, seconds; the longest.
_PATIENCE_S = 10.0
#: Newest entries kept in memory, for the streams that are up to date.
_KEPT = 2000
#: Entries read at once by a stream that is behind.
PAGE = 100


class Watcher:
    """Follows the log from where it stands when it is started.

    No stream is ever at a place beyond `head`, unless the store was set back (restored from a copy).
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.head = 0
        self.turn = 0
        """How often the log was set back."""
        self.broken: str | None = None
        """What is wrong with the entry after the head; nobody is told of anything beyond it."""
        self.streams = 0
        """Streams that are open."""
        self._newest: Entry | None = None
        self._recent: deque[Entry] = deque(maxlen=_KEPT)
        self._waiting: set[asyncio.Event] = set()
        self._looking = asyncio.Lock()
        self._looks = 0
        self.stopped = False

    async def start(self) -> None:
        """Find the head of the log."""
        self.head = await run_in_threadpool(news.head, self.store)
        self._newest = await run_in_threadpool(self._at_head)

    async def watch(self) -> None:
        """Look for news until cancelled; a store that cannot be read is tried again, ever more patiently."""
        pause = LOOK_S
        while True:
            await asyncio.sleep(pause)
            try:
                await self.look()
                pause = LOOK_S
            except HazmonError as error:
                pause = min(pause * 2, _PATIENCE_S)
                level = logging.ERROR if isinstance(error, EntryBroken) else logging.WARNING
                _log.log(level, "the log of news cannot be read, trying again in %.1f s: %s", pause, error)

    async def look(self) -> None:
        """Take in what is new, and wake all streams if anything is, if the log was set back or cannot be read further.

        Raises
        ------
        EntryBroken
            Where the next entry cannot be read.
        """
        async with self._looking:
            self._looks += 1
            known = self.turn, self.head, self.broken
            try:
                if self._looks % _LOOKS_BETWEEN_CHECKS == 0:
                    await self._check()
                await self._take()
                self.broken = None
            except EntryBroken as error:
                self.broken = str(error)
                raise
            finally:
                if (self.turn, self.head, self.broken) != known:
                    self.wake()

    async def _take(self) -> None:
        found = await run_in_threadpool(lambda: list(news.after(self.store, self.head, limit=_KEPT)))
        if found:
            self._recent.extend(found)
            self._newest, self.head = found[-1], found[-1].number

    async def _check(self) -> None:
        """Begin anew at the head of the log where the newest entry known is no longer there, or another."""
        if await run_in_threadpool(self._stands):
            return
        known, self.turn = self.head, self.turn + 1
        self._recent.clear()
        await self.start()
        _log.error("entry %d of the news is another or gone, the log ends at %d: the store was set back", known, self.head)

    def _stands(self) -> bool:
        if self._newest is None:
            return news.is_there(self.store, self.head)
        try:
            return next(news.after(self.store, self.head - 1, 1), None) == self._newest
        except EntryBroken:
            return True

    def _at_head(self) -> Entry | None:
        try:
            return next(news.after(self.store, self.head - 1, 1), None) if self.head else None
        except EntryBroken:
            return None

    async def page(self, place: int, limit: int = PAGE) -> list[Entry]:
        """Return the entries after a place, a page at most; empty where a stream is up to date.

        Raises
        ------
        EntryBroken
            Where there is a next one that cannot be read.
        """
        if place >= self.head:
            if self.broken is not None:
                raise EntryBroken(self.broken)
            return []
        if self._recent and place >= self._recent[0].number - 1:
            first = place + 1 - self._recent[0].number
            return [self._recent[index] for index in range(first, min(first + limit, len(self._recent)))]
        return await run_in_threadpool(lambda: list(news.after(self.store, place, limit=limit)))

    async def wait(self, place: int, seconds: float) -> bool:
        """Wait until there is something after a place, or the service stops; False where neither came in time."""
        bell = asyncio.Event()
        self._waiting.add(bell)
        try:
            if self.head != place or self.stopped:
                return True
            async with asyncio.timeout(seconds):
                await bell.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(bell)

    def stop(self) -> None:
        """End all streams; called when the service begins to stop, since a server waits for them."""
        self.stopped = True
        self.wake()

    def wake(self) -> None:
        """Wake all streams that wait."""
        for bell in tuple(self._waiting):
            bell.set()

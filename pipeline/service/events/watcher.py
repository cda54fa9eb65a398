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
#: Newest entries that are read at the start, to find one among them that cannot be read.
_READ_FIRST = 100


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
        self._met: EntryBroken | None = None
        self._mark = ""
        self._end = 0
        self._recent: deque[Entry] = deque(maxlen=_KEPT)
        self._waiting: set[asyncio.Event] = set()
        self._looking = asyncio.Lock()
        self._looks = 0
        self.stopped = False

    async def start(self) -> None:
        """Begin at the head of the log, or before an entry among the newest that cannot be read: as before a restart."""
        self.head, self._mark, self._end = await run_in_threadpool(self._begin)
        try:
            await self._take()
            self.broken = None
        except EntryBroken as error:
            self.broken = str(error)
            _log.error("nobody is told of news from entry %d on: %s", error.number, error)

    def _begin(self) -> tuple[int, str, int]:
        """Return the number and mark of the last entry that is taken as told, and where the log ends."""
        head = news.head(self.store)
        first = max(head - _READ_FIRST, 0)
        try:
            found = list(news.after(self.store, first, head=head))
        except EntryBroken:
            found = []
        last, mark = (found[-1].number, found[-1].mark) if found else (first, news.mark_at(self.store, first))
        return last, mark, head

    @property
    def trouble(self) -> str | None:
        """What cannot be read of the log: the entry after the head, or one that somebody who is behind came to."""
        return self.broken or (None if self._met is None else str(self._met))

    def note(self, error: EntryBroken) -> None:
        """Remember an entry that cannot be read, until it can."""
        self._met = error

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
        found = await run_in_threadpool(self._found)
        if found:
            self._recent.extend(found)
            self._mark, self.head = found[-1].mark, found[-1].number

    def _found(self) -> list[Entry]:
        """Return what is new; where the log went further at the start, what is missing is not its end."""
        end = self._end if self._end > self.head and news.is_there(self.store, self._end) else 0
        return list(news.after(self.store, self.head, limit=_KEPT, head=end))

    async def _check(self) -> None:
        """Begin anew at the head of the log where the newest entry known is no longer there, or another."""
        if self._met is not None and await run_in_threadpool(self._is_mended, self._met.number):
            self._met = None
        if await run_in_threadpool(news.stands, self.store, self.head, self._mark):
            return
        known, self.turn = self.head, self.turn + 1
        self._recent.clear()
        self._met = None
        await self.start()
        _log.error("entry %d of the news is another or gone, the log ends at %d: the store was set back", known, self.head)

    def _is_mended(self, number: int) -> bool:
        try:
            list(news.after(self.store, number - 1, 1, head=self.head))
        except EntryBroken:
            return False
        return True

    async def page(self, place: int, limit: int = PAGE) -> list[Entry]:
        """Return the entries after a place, a page at most; empty where a stream is up to date, or the log was set back.

        Raises
        ------
        EntryBroken
            Where there is a next one that cannot be read.
        """
        if place >= self.head:
            if self.broken is not None:
                raise EntryBroken(self.broken, self.head + 1)
            return []
        if self._recent and place >= self._recent[0].number - 1:
            first = place + 1 - self._recent[0].number
            return [self._recent[index] for index in range(first, min(first + limit, len(self._recent)))]
        turn, head = self.turn, self.head
        try:
            return await run_in_threadpool(lambda: list(news.after(self.store, place, limit=limit, head=head)))
        except EntryBroken as error:
            if await self._is_set_back(turn):
                return []
            self.note(error)
            raise

    async def _is_set_back(self, turn: int) -> bool:
        """Whether the log was set back since a turn, looked at now: then what is missing is no gap."""
        async with self._looking:
            if self.turn == turn:
                await self._check()
        if self.turn != turn:
            self.wake()
        return self.turn != turn

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

"""How the search index keeps up with the store: by the news, or anew from all Items where the news do not tell enough."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from pipeline import news
from pipeline.errors import KeyMissing, StoreError, Unreadable
from pipeline.model import moment
from pipeline.products.cache import PATIENCE_S
from pipeline.products.index import Index, Reached
from pipeline.products.index_row import facts
from pipeline.products.stored import entry, read_all, read_item
from pipeline.store import Store

_log = logging.getLogger(__name__)

#: How many entries of the news are read before the index takes them.
_BATCH = 100

#: How often Items that cannot be read are looked at again, seconds.
_LOOK_AGAIN_S = 60.0


class Follower:
    """Lets an index follow one store."""

    def __init__(self, store: Store, index: Index) -> None:
        self._store = store
        self._index = index
        self._looked = monotonic()

    def begin(self) -> None:
        """Fill an index that is empty, or that followed other news: of a store that was emptied, set back, or another one."""
        reached = self._index.reached
        if not self._is_ours(reached):
            self._fill_after(reached, PATIENCE_S)

    def rebuild(self) -> tuple[int, list[news.Entry]]:
        """Return the number of Items and what the news should have told of each, after filling the index anew."""
        return self._fill()

    def tell_untold(self, entries: list[news.Entry], *, past_broken: bool = True) -> None:
        """Tell the news of Items that a writer was killed before telling of, in the order of their last change.

        Parameters
        ----------
        entries
            What should have been told.
        past_broken
            Whether to tell again what an entry told that cannot be read; EntryBroken where not.
        """
        told = self._told(past_broken) if entries else set()
        for each in sorted(entries, key=lambda each: (each.at, each.id)):
            if (each.id, each.state) not in told:
                news.tell(self._store, each)

    def follow(self, patience_s: float = PATIENCE_S) -> int:
        """Return how many Items the index was told of since the last time; one look where there are none.

        Raises
        ------
        Busy
            Where another process writes for longer than the patience; the index can be read meanwhile.
        """
        count = 0
        while True:
            reached = self._index.reached
            if reached is None or not self._is_ours(reached):
                return count + self._fill_after(reached, patience_s)
            try:
                batch = list(news.after(self._store, reached.number, _BATCH))
            except news.EntryBroken as error:
                return count + self._fill_past(reached, error, patience_s)
            if not batch:
                self._look_again(patience_s)
                return count
            # Of two writers the later one may have been told of first: what is known must be every state that was told.
            changed = {each.key for each in batch if each.kind == "item" and not self.knows(each)}
            last = Reached(batch[-1].number, batch[-1].mark)
            self._index.follow(sorted(changed), self._read, reached=last, patience_s=patience_s)
            count += len(changed)

    def knows(self, told: news.Entry) -> bool:
        """Whether the index has an Item in the state that is told of."""
        row = self._index.row(told.id)
        return row is not None and row.state == told.state

    def _read(self, key: str) -> dict[str, Any]:
        return read_item(self._store, key)

    def _is_ours(self, reached: Reached | None) -> bool:
        """Whether the log is the one that was followed: it tells the same under the same number."""
        return reached is not None and news.mark_at(self._store, reached.number) == reached.mark

    def _look_again(self, patience_s: float) -> None:
        """Take in Items that could not be read and now can, or are gone; nothing is told of those that a person mends."""
        if monotonic() - self._looked < _LOOK_AGAIN_S:
            return
        self._looked = monotonic()
        mended = [key for key in self._index.unreadable() if not self._is_unreadable(key)]
        if mended:
            self._index.follow(mended, self._read, patience_s=patience_s)

    def _is_unreadable(self, key: str) -> bool:
        """Whether an Item cannot be read, or the index cannot hold it."""
        try:
            facts(self._read(key), key)
        except Unreadable:
            return True
        except KeyMissing:
            return False
        return False

    def _fill_after(self, reached: Reached | None, patience_s: float) -> int:
        """Return the number of Items after filling the index anew, unless another process has done so meanwhile."""
        if reached is not None:
            _log.error("%s: the news are not what the index followed to %d: filled anew", self._store.root, reached.number)
        count, entries = self._fill(lambda found: found == reached, patience_s)
        try:
            self.tell_untold(entries, past_broken=False)
        except StoreError as error:
            # The index is complete all the same; a home that is only read is no less for it.
            _log.error("%s: Items that the news lack were not told of: %s", self._store.root, error)
        return count

    def _fill_past(self, reached: Reached, error: news.EntryBroken, patience_s: float) -> int:
        """Return the number of Items after filling the index anew: what entries that cannot be read told is in the files."""
        _log.error("%s: %s; the index is filled anew from the files", self._store.root, error)
        count, _ = self._fill(lambda found: found == reached, patience_s)
        return count

    def _fill(
        self, only_if: Callable[[Reached | None], bool] = lambda _: True, patience_s: float = PATIENCE_S
    ) -> tuple[int, list[news.Entry]]:
        """Return the number of Items and what the news should have told of each after filling the index anew."""
        entries: list[news.Entry] = []

        def found() -> Iterator[tuple[str, dict[str, Any] | Unreadable]]:
            for key, item in read_all(self._store):
                if not isinstance(item, Unreadable):
                    entries.append(entry(item, key, moment(item["properties"]["updated"])))
                yield key, item

        return self._index.replace(found(), reached=self._head, only_if=only_if, patience_s=patience_s), entries

    def _head(self) -> Reached:
        number = news.head(self._store)
        return Reached(number, news.mark_at(self._store, number))

    def _told(self, past_broken: bool) -> set[tuple[str, str]]:
        """Return (id, state) of all that the news told; what an entry told that cannot be read nobody knows."""
        told: set[tuple[str, str]] = set()
        number = 0
        while True:
            try:
                some = list(news.after(self._store, number, _BATCH))
            except news.EntryBroken as error:
                if not past_broken:
                    raise
                _log.error("%s: %s; what it told of is told again", self._store.root, error)
                number += 1
                continue
            if not some:
                return told
            told |= {(each.id, each.state) for each in some}
            number = some[-1].number

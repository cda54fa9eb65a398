"""Whether the copy of the catalogue in PostgreSQL keeps up with the news."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from pipeline import news
from pipeline.service.stac.mirror import Mirror
from pipeline.store import Store

#: How long the copy may lack what the news tell of, seconds.
_LATE_S = 60.0


class Copy:
    """The copy as one process sees it each time it looks.

    Parameters
    ----------
    store
        The truth.
    url
        Address of the database.
    clock
        Seconds that only go on.
    """

    def __init__(self, store: Store, url: str, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._url = url
        self._clock = clock
        self._awaited: tuple[int, float] | None = None
        """Number that the copy had not reached yet, and since when it is waited for."""

    def number(self) -> int:
        """Return up to which entry of the news everything is in the copy.

        Raises
        ------
        StoreError
            Where the database does not answer.
        """
        return Mirror.number(self._url)

    def keeps_up(self) -> bool:
        """Whether the copy has what the news told of a minute ago, as far as this process has looked.

        Raises
        ------
        StoreError
            Where the store or the database does not answer.
        """
        number, now = self.number(), self._clock()
        if self._awaited is None or number >= self._awaited[0]:
            head = news.head(self._store, number if news.is_there(self._store, number) else 0)
            self._awaited = (head, now) if head > number else None
        return self._awaited is None or now - self._awaited[1] <= _LATE_S

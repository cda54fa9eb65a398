"""Answers kept in memory, bounded by their bytes; the least lately used go first."""

from __future__ import annotations

import threading
from collections import OrderedDict


class Cache:
    """Bytes by the names of answers that never change, safe for many threads.

    Parameters
    ----------
    limit
        Most bytes kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes kept now."""
        return self._size

    def get(self, name: str) -> bytes | None:
        """Return what is kept under a name."""
        with self._lock:
            found = self._held.get(name)
            if found is not None:
                self._held.move_to_end(name)
            return found

    def put(self, name: str, data: bytes) -> None:
        """Keep an answer; one that is larger than an eighth of the whole would push out too many others."""
        if len(data) > self._limit // 8:
            return
        with self._lock:
            self._size += len(data) - len(self._held.pop(name, b""))
            self._held[name] = data
            while self._size > self._limit:
                self._size -= len(self._held.popitem(last=False)[1])

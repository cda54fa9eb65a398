"""How the service keeps up with publishers elsewhere: its index follows the news, looked at once a second at most."""

from __future__ import annotations

import threading
import time

from pipeline.products.catalog import Catalog

#: How often a process looks for news that others published, seconds.
_LOOK_S = 1.0


class Fresh:
    """Lets the index of a catalogue follow the news, however many requests ask for it at once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._looking = threading.Lock()
        self._looked = float("-inf")

    def look(self, *, now: bool = False) -> None:
        """Take in the news, at most once a second or `now`; whoever comes meanwhile does not wait for it."""
        if now:
            self._catalog.refresh()
            return
        if time.monotonic() - self._looked < _LOOK_S or not self._looking.acquire(blocking=False):
            return
        try:
            self._catalog.refresh()
            self._looked = time.monotonic()
        finally:
            self._looking.release()

"""How the service keeps up with publishers elsewhere: its index follows the news, looked at once a second at most."""

from __future__ import annotations

import logging
import threading
import time

from pipeline.errors import Busy
from pipeline.products.catalog import Catalog

_log = logging.getLogger(__name__)

#: How often a process looks for news that others published, seconds.
_LOOK_S = 1.0

#: How long a request waits for another process that writes to the index, seconds.
_WAIT_S = 1.0


class Fresh:
    """Lets the index of a catalogue follow the news, however many requests ask for it at once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._looking = threading.Lock()
        self._looked = float("-inf")

    def look(self, *, now: bool = False) -> None:
        """Take in the news, at most once a second or `now`; whoever comes meanwhile does not wait for it.

        While another process writes to the index, answers are given from what is in it.

        Raises
        ------
        Busy
            Where another process writes, and what is asked for `now` is not in the index.
        """
        if now:
            self._catalog.refresh(_WAIT_S)
            return
        if time.monotonic() - self._looked < _LOOK_S or not self._looking.acquire(blocking=False):
            return
        try:
            self._catalog.refresh(_WAIT_S)
            self._looked = time.monotonic()
        except Busy as error:
            self._looked = time.monotonic()
            _log.warning("%s; answers are given from what is there", error)
        finally:
            self._looking.release()

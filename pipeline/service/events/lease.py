"""The lease: which of several processes delivers webhooks; it runs out when its holder dies."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from time import monotonic

from pipeline.errors import KeyMissing
from pipeline.store import Store, to_bytes

_log = logging.getLogger(__name__)

#: How long a lease lasts, seconds. Clocks of machines that serve one home must agree to a few seconds.
LENGTH_S = 15.0
#: What is left of it when it is renewed, seconds.
RENEW_S = 8.0
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Lease:
    """One process's claim, written by compare-and-swap."""

    def __init__(self, store: Store, key: str) -> None:
        self.store = store
        self.key = key
        self.holder = uuid.uuid4().hex
        self._until = 0.0

    @property
    def held(self) -> bool:
        """Whether this process holds it for certain; looks at no clock but its own."""
        return monotonic() < self._until

    def hold(self) -> bool:
        """Take or renew the lease where nobody else holds it; return whether this process has it."""
        if monotonic() < self._until - (LENGTH_S - RENEW_S):
            return True
        asked, now = monotonic(), datetime.now(UTC)
        before, holder, until = self._read()
        if holder != self.holder and until > now:
            self._until = 0.0
            return False
        written = self._write(before, now + timedelta(seconds=LENGTH_S))
        # Reckoned from before it was asked for, and a little short: nobody else can take it while it counts as held here.
        self._until = asked + LENGTH_S - 2.0 if written else 0.0
        return written

    def release(self) -> None:
        """Give the lease up, so that another process need not wait for its end."""
        self._until = 0.0
        before, holder, _ = self._read()
        if holder == self.holder:
            self._write(before, datetime.now(UTC))

    def _read(self) -> tuple[bytes | None, str | None, datetime]:
        try:
            data = self.store.get(self.key)
        except KeyMissing:
            return None, None, _LONG_AGO
        try:
            held = json.loads(data)
            return data, str(held["holder"]), datetime.fromisoformat(held["until"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            # Nobody's: else no process would ever deliver again.
            _log.error("%s is no lease and is written anew: %s", self.key, error)
            return data, None, _LONG_AGO

    def _write(self, before: bytes | None, until: datetime) -> bool:
        return self.store.swap(self.key, before, to_bytes({"holder": self.holder, "until": until.isoformat()}))

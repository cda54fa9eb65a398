"""The archive of raw payloads: what was received, when, with which checksum; found again by feed, window and place.

The raw bytes are the truth: a decoded dataset is a pure function of them and is never stored. Keys are

    raw/FEED/GRANULE/REVISION-SHA8            the bytes as they came
    observations/FEED/YYYYMM/GRANULE/REVISION-SHA8.json    the record, written last
    reached/FEED.json                         how far the feed has come
    quarantine/FEED/SHA12-NAME                bytes that could not be read, with `.json` saying why
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.errors import KeyMissing, StoreError
from pipeline.model import Granule, ObservationRef, Payload, Window, from_json, moment, slug, to_json
from pipeline.store import Store, sha256, to_bytes

#: Month folder of granules that are about no moment (static maps).
_TIMELESS = "static"


@dataclass(frozen=True, slots=True)
class Archive:
    """Raw payloads and their records in one store."""

    store: Store

    def keep(self, granule: Granule, data: bytes, received: datetime, headers: Mapping[str, str] | None = None) -> Payload:
        """Store raw bytes once and return where they lie; the same bytes again change nothing."""
        digest = sha256(data)
        key = f"raw/{granule.key}-{digest[:8]}"
        self.store.create(key, data)
        return Payload(key=key, sha256=digest, size=len(data), received=received, headers=dict(headers or {}))

    def record(self, ref: ObservationRef) -> ObservationRef:
        """Write the record that makes an observation findable; return the one that stands.

        A redelivery of bytes already recorded returns the first record, with its first time of receipt.
        """
        key = _record_key(ref.granule, ref.payload.sha256)
        if self.store.create(key, to_bytes(to_json(ref))):
            self._reach(ref.granule)
            return ref
        return from_json(ObservationRef, self.store.get_json(key))

    def reached(self, feed: str) -> datetime | None:
        """Return the start of the newest granule of a feed, or None where there is none yet: where a gap began."""
        try:
            return moment(self.store.get_json(_reached_key(feed))["start"])
        except KeyMissing:
            return None

    def _reach(self, granule: Granule) -> None:
        """Note how far a feed has come; never backwards, whoever else writes."""
        while granule.start is not None:
            try:
                held: bytes | None = self.store.get(_reached_key(granule.feed))
            except KeyMissing:
                held = None
            if held is not None and moment(json.loads(held)["start"]) >= granule.start:
                return
            if self.store.swap(_reached_key(granule.feed), held, to_bytes({"start": granule.start.isoformat()})):
                return

    def known(self, granule: Granule) -> ObservationRef | None:
        """Return the newest record of exactly this revision of a granule, or None."""
        prefix = f"{_folder(granule)}/{granule.revision}-"
        found = [ref for ref in self._read(_folder(granule)) if _record_key(ref.granule, ref.payload.sha256).startswith(prefix)]
        return max(found, key=lambda ref: ref.payload.received, default=None)

    def read(self, ref: ObservationRef) -> bytes:
        """Return the raw bytes of an observation.

        Raises
        ------
        StoreError
            Where other bytes lie under its key than were received.
        """
        data = self.store.get(ref.payload.key)
        digest = sha256(data)
        if digest != ref.payload.sha256:
            raise StoreError(f"{ref.payload.key}: SHA-256 {digest}, expected {ref.payload.sha256}")
        return data

    def find(self, feed: str, window: Window | None = None) -> list[ObservationRef]:
        """Return the newest revision of each granule of a feed that touches a window, oldest first.

        Parameters
        ----------
        feed
            Id of the feed.
        window
            Granules whose [start, end] meets it; None for granules that are about no moment.
        """
        newest: dict[str, ObservationRef] = {}
        for month in _months(window):
            for ref in self._read(f"observations/{feed}/{month}"):
                if window is not None and not _touches(ref.granule, window):
                    continue
                held = newest.get(ref.granule.id)
                if held is None or _order(ref) > _order(held):
                    newest[ref.granule.id] = ref
        return sorted(newest.values(), key=lambda ref: (ref.granule.start or datetime.min.replace(tzinfo=UTC), ref.granule.id))

    def newest(self, feed: str, id: str, start: datetime | None) -> ObservationRef | None:
        """Return the newest revision of one granule, or None; `start` is the granule's own (None: static)."""
        folder = _folder(Granule(feed, id, start=start))
        return max(self._read(folder), key=_order, default=None)

    def origin(self, feed: str, key: str, start: datetime | None) -> ObservationRef:
        """Return the record of the raw bytes under a key; `start` is the granule's own (None: static).

        Raises
        ------
        KeyMissing
            Where there is no such record.
        """
        _, _, id, name = key.split("/")
        month = start.astimezone(UTC).strftime("%Y%m") if start else _TIMELESS
        return from_json(ObservationRef, self.store.get_json(f"observations/{feed}/{month}/{id}/{name}.json"))

    def quarantine(self, feed: str, name: str, data: bytes, reason: str, now: datetime) -> str:
        """Keep bytes that could not be read, with the reason beside them; return their key."""
        digest = sha256(data)
        key = f"quarantine/{feed}/{digest[:12]}-{slug(name)[:80]}"
        self.store.create(key, data)
        note = {"feed": feed, "name": name, "reason": reason, "sha256": digest, "size": len(data), "received": now.isoformat()}
        self.store.create(f"{key}.json", to_bytes(note))
        return key

    def _read(self, prefix: str) -> Iterator[ObservationRef]:
        for key in self.store.list(prefix):
            yield from_json(ObservationRef, self.store.get_json(key))


def _reached_key(feed: str) -> str:
    return f"reached/{feed}.json"


def _order(ref: ObservationRef) -> tuple[int, datetime]:
    return ref.granule.revision, ref.payload.received


def _touches(granule: Granule, window: Window) -> bool:
    start = granule.start or datetime.min.replace(tzinfo=UTC)
    end = granule.end or start
    return start < window.end and end >= window.start


def _folder(granule: Granule) -> str:
    month = granule.start.astimezone(UTC).strftime("%Y%m") if granule.start else _TIMELESS
    return f"observations/{granule.feed}/{month}/{slug(granule.id)}"


def _record_key(granule: Granule, digest: str) -> str:
    return f"{_folder(granule)}/{granule.revision}-{digest[:8]}.json"


def _months(window: Window | None) -> Iterable[str]:
    """Return the month folders to look in; a granule that began last month may reach into the window."""
    if window is None:
        return [_TIMELESS]
    month = _first(window.start - timedelta(days=31))
    months = []
    while month < window.end:
        months.append(month.strftime("%Y%m"))
        month = _first(month + timedelta(days=32))
    return months


def _first(moment: datetime) -> datetime:
    """Return the first moment of the month, UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)

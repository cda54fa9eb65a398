"""Subscriptions to webhooks as they lie in the store, and how far each has come.

webhooks/subscriptions/ID.json    who is told of what: never changed
webhooks/secrets/ID.json          what its messages are signed with: under no public address
webhooks/progress/ID.json         the last entry it has taken, and what went wrong since; changed by compare-and-swap

How far one has come is a number and a mark of the entry told under it: a store set back to a copy may tell of something
else under the same number, and then a subscription is set back too, to the last entry that it knows of both.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pipeline import news
from pipeline.errors import Conflict, InputError, KeyMissing, StoreError
from pipeline.model import from_json, to_json
from pipeline.news import Entry
from pipeline.service.events.stream import Choice
from pipeline.store import Store, to_bytes

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Prefix of a secret by the Standard Webhooks scheme.
SECRET = "whsec_"
#: First wait after a failure, seconds; it doubles with every further one.
FIRST_WAIT_S = 5.0
#: Longest wait between two attempts, seconds.
LONGEST_WAIT_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told of what."""

    id: str
    url: str
    created: datetime
    base: str
    """Public address of the service as the subscriber knew it."""
    kinds: tuple[str, ...] = ()
    """Empty: all."""
    hazards: tuple[str, ...] = ()
    secret: str = ""
    """Store key of what its messages are signed with."""

    @property
    def choice(self) -> Choice:
        """Which entries it wants."""
        return Choice(frozenset(self.kinds), frozenset(self.hazards))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a subscription has come."""

    position: int
    """Number of the last entry that it has taken or does not want."""
    delivered: int = 0
    """Entries it has taken."""
    last_success: datetime | None = None
    failures: int = 0
    """Failed attempts since the last success."""
    last_error: str | None = None
    next_attempt: datetime | None = None
    """Not before; None: as soon as there is something to tell."""
    ended: datetime | None = None
    """When the receiver said that it is gone for good."""
    trail: tuple[tuple[int, str], ...] = ()
    """Numbers and marks of entries up to `position`: the last few, and ever fewer of those before."""

    def passed(self, entry: Entry) -> Progress:
        """Return it after an entry that is not wanted."""
        return Progress(entry.number, self.delivered, self.last_success, trail=_longer(self.trail, entry))

    def taken(self, entry: Entry, now: datetime) -> Progress:
        """Return it after the receiver took an entry."""
        return Progress(entry.number, self.delivered + 1, now, trail=_longer(self.trail, entry))

    def failed(self, error: str, now: datetime, wait: float | None = None) -> Progress:
        """Return it after an attempt failed; the wait doubles, and is as long as the receiver asks for at least."""
        seconds = min(max(FIRST_WAIT_S * 2.0 ** min(self.failures, 30), wait or 0.0), LONGEST_WAIT_S)
        later = now + timedelta(seconds=seconds)
        return replace(self, failures=self.failures + 1, last_error=error, next_attempt=later)

    def gone(self, error: str, now: datetime) -> Progress:
        """Return it after the receiver said that it will take nothing any more."""
        return replace(self, failures=self.failures + 1, last_error=error, next_attempt=None, ended=now)

    def due(self, now: datetime) -> bool:
        """Whether an attempt may be made."""
        return self.ended is None and (self.next_attempt is None or self.next_attempt <= now)


class Subscriptions:
    """All subscriptions of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def add(self, subscription: Subscription, position: int) -> tuple[Subscription, str]:
        """Return a subscription as stored, which begins after a number, and its secret, which is never shown again."""
        secret = SECRET + base64.b64encode(secrets.token_bytes(32)).decode()
        kept = replace(subscription, secret=_secret_key(subscription.id))
        self.store.put(kept.secret, to_bytes({"secret": secret}))
        last = news.mark_at(self.store, position)
        begun = Progress(position, trail=() if last in ("", news.BROKEN) else ((position, news.checksum(last)),))
        self.store.put(_progress_key(kept.id), to_bytes(to_json(begun)))
        self.store.put(_key(kept.id), to_bytes(to_json(kept)))
        return kept, secret

    def all(self) -> list[Subscription]:
        """Return all subscriptions, the oldest first."""
        found = []
        for key in self.store.list("webhooks/subscriptions"):
            try:
                data = self.store.get(key)
            except KeyMissing:
                continue  # removed meanwhile
            try:
                found.append(_parsed(Subscription, key, data))
            except StoreError as error:
                _log.error("%s", error)
        return sorted(found, key=lambda subscription: (subscription.created, subscription.id))

    def get(self, id: str) -> Subscription:
        """Return one subscription.

        Raises
        ------
        KeyMissing
            Where there is none of this id.
        """
        return _parsed(Subscription, _key(id), self.store.get(_key(id)))

    def secret(self, subscription: Subscription) -> str:
        """Return what its messages are signed with."""
        return _parsed(_Secret, subscription.secret, self.store.get(subscription.secret)).secret

    def progress(self, id: str) -> tuple[bytes, Progress]:
        """Return how far a subscription has come, and the bytes that say so.

        Raises
        ------
        KeyMissing
            Where it was removed.
        """
        data = self.store.get(_progress_key(id))
        return data, _parsed(Progress, _progress_key(id), data)

    def set_back(self, id: str, data: bytes, progress: Progress) -> tuple[bytes, Progress]:
        """Return how far a subscription has come in the log as it is now: less far where the log was set back.

        Raises
        ------
        Conflict
            As `advance` does.
        """
        place = _shared(self.store, progress)
        if place == progress.position:
            return data, progress
        trail = tuple(step for step in progress.trail if step[0] <= place)
        back = Progress(place, progress.delivered, progress.last_success, trail=trail)
        data = self.advance(id, data, back)
        words = "webhook %s was at entry %d, which is another or gone: the log was set back, and it goes on after %d"
        _log.error(words, id, progress.position, place)
        return data, back

    def advance(self, id: str, expected: bytes, progress: Progress) -> bytes:
        """Return the bytes of how far it has come now, after storing them where nobody else changed it.

        Raises
        ------
        Conflict
            Where somebody else did.
        """
        data = to_bytes(to_json(progress))
        if data != expected and not self.store.swap(_progress_key(id), expected, data):
            raise Conflict(f"{_progress_key(id)}: changed by another process while an entry was delivered")
        return data

    def remove(self, id: str) -> None:
        """Forget a subscription; one that is not there is no error."""
        for key in (_key(id), _progress_key(id), _secret_key(id)):
            self.store.delete(key)


def told(subscription: Subscription, progress: Progress, head: int) -> dict[str, Any]:
    """Return a subscription and how far it has come, as its owner is shown it; never its secret."""
    shown = to_json(subscription)
    state = to_json(progress)
    return {
        **{name: shown[name] for name in ("id", "url", "kinds", "hazards", "created")},
        **{name: value for name, value in state.items() if name != "trail"},
        "lag": max(head - progress.position, 0),
    }


@dataclass(frozen=True, slots=True)
class _Secret:
    secret: str


def _parsed(kind: type[T], key: str, data: bytes) -> T:
    """Return what lies under a key; StoreError where it is no such thing."""
    try:
        return from_json(kind, json.loads(data))
    except (InputError, ValueError) as error:
        raise StoreError(f"{key} is no {kind.__name__.strip('_').lower()}: {error}") from error


def _longer(trail: tuple[tuple[int, str], ...], entry: Entry) -> tuple[tuple[int, str], ...]:
    """Return a trail that ends with an entry; of what is n entries back, every (n / 4)th is kept, so that it stays short."""

    def stays(number: int) -> bool:
        back = entry.number - number
        return back > 0 and number % (1 << max(back.bit_length() - 2, 0)) == 0

    return (*(step for step in trail if stays(step[0])), (entry.number, news.checksum(entry.mark)))


def _shared(store: Store, progress: Progress) -> int:
    """Return the last number up to which the log is known to be the one that a subscription has followed."""
    if not progress.trail:
        return progress.position if news.is_there(store, progress.position) else 0
    return next((number for number, known in reversed(progress.trail) if _tells(store, number, known)), 0)


def _tells(store: Store, number: int, known: str) -> bool:
    """Whether an entry is the one known; one that cannot be read was dealt with, and is looked at again once it is mended."""
    found = news.mark_at(store, number)
    return found == news.BROKEN or news.checksum(found) == known


def _key(id: str) -> str:
    return f"webhooks/subscriptions/{id}.json"


def _secret_key(id: str) -> str:
    return f"webhooks/secrets/{id}.json"


def _progress_key(id: str) -> str:
    return f"webhooks/progress/{id}.json"

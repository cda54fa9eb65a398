"""The log of what became public: Items and alerts in one order, numbered without gaps, for readers that must miss nothing.

    news/000000000042.json      one entry; its number is its name
    news/told/KEY.json          under which number a thing was told

A number is taken by creating its file, which only one writer can: entries are in one order on every store, for every
reader. An entry is written after what it tells of can be read, and once, however often a writer is killed and run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline.errors import InputError, KeyMissing, Unreadable
from pipeline.model import from_json, slug, to_json
from pipeline.store import Store, sha256, to_bytes

Kind = Literal["item", "alert"]
What = Literal["published", "superseded", "withdrawn", "sent"]


#: The mark of an entry that cannot be read: no other has it.
BROKEN = "broken"


class EntryBroken(Unreadable):
    """An entry of the log cannot be read, or is missing while the log goes on: who comes from before is told of nothing after.

    The index and the shelf of alerts are filled from the files instead, and go on after it.
    """

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        self.number = number


@dataclass(frozen=True, slots=True)
class Entry:
    """What became public, or changed; what it is now is told by the file under `key`."""

    kind: Kind
    what: What
    """How an Item stood when it was told; a message is "sent"."""
    id: str
    """Item id, or CAP identifier."""
    hazard: str
    at: datetime
    key: str
    """Store key of the Item or the CAP file."""
    state: str
    """Text that differs where the same thing is told anew: a checksum of what is told."""
    number: int = 0
    """Its place in the log, from 1; 0 before it is told."""

    @property
    def mark(self) -> str:
        """What tells it from every other entry that could be told under its number."""
        return f"{self.kind} {self.what} {self.id} {self.state}"


def tell(store: Store, entry: Entry) -> int:
    """Return the number of an entry after writing it, or of the same entry told before.

    The note says after which number to look; from there every number is tried for, and whoever holds one is looked at,
    so that of two writers of the same entry the second finds the first.
    """
    mark = _mark(entry)
    if not store.exists(mark):
        store.create(mark, to_bytes({"after": head(store)}))
    number = _noted(store, mark)
    data = to_bytes({name: value for name, value in to_json(entry).items() if name != "number"})
    while True:
        number += 1
        if store.create(_key(number), data) or _is(store, number, mark):
            store.put(mark, to_bytes({"after": number - 1}))
            return number


def after(store: Store, number: int, limit: int | None = None, *, head: int = 0) -> Iterator[Entry]:
    """Yield the entries after a number (0: all), in order, at most `limit`; it ends before one that cannot be read.

    One that is missing cannot be read where the log reaches further: as far as `head`, or where the next one is there.

    Raises
    ------
    EntryBroken
        Where the first of them cannot be read: what came before it is taken, and nothing is passed over unseen.
    """
    first, last = number + 1, number + limit if limit is not None else None
    while last is None or number < last:
        number += 1
        try:
            yield _read_to(store, number, head)
        except KeyMissing:
            return
        except EntryBroken:
            if number == first:
                raise
            return


def is_there(store: Store, number: int) -> bool:
    """Whether the log reaches as far as a number."""
    return number == 0 or store.exists(_key(number))


def mark_at(store: Store, number: int) -> str:
    """Return the mark of the entry of a number; empty for 0 and where the log does not reach as far, `BROKEN` of a broken one.

    Whoever follows the log keeps it beside the number: where it differs, the log was set back or is another one.
    """
    try:
        entry = next(after(store, number - 1, 1), None) if number else None
    except EntryBroken:
        return BROKEN
    return entry.mark if entry else ""


def stands(store: Store, number: int, mark: str) -> bool:
    """Whether the log still has the entry of a mark under a number, as far as either can be read."""
    found = mark_at(store, number)
    return found == mark or (found != "" and BROKEN in (found, mark))


def checksum(mark: str) -> str:
    """Return what is kept of a mark where it may be seen, or has to be short."""
    return sha256(mark.encode())[:16]


def head(store: Store, known: int = 0) -> int:
    """Return the number of the newest entry, 0 where there is none; `known` is one that is there for sure.

    It is looked for past an entry that is missing, so that its number is not given anew.
    """
    known = _end(store, known)
    while store.exists(_key(known + 2)):
        known = _end(store, known + 2)
    return known


def _end(store: Store, known: int) -> int:
    """Return a number from `known` on that no entry follows."""
    step = 1
    while store.exists(_key(known + step)):
        known += step
        step *= 2
    while step > 1:
        step //= 2
        if store.exists(_key(known + step)):
            known += step
    return known


def _read_to(store: Store, number: int, head: int) -> Entry:
    """Return an entry; KeyMissing where the log ends before it, looked for twice as it may have been told meanwhile."""
    try:
        return _read(store, number)
    except KeyMissing:
        if number > head and not store.exists(_key(number + 1)):
            raise
    try:
        return _read(store, number)
    except KeyMissing as error:
        text = f"{_key(number)}: found no entry of the news, expected one, for the log goes on after it"
        raise EntryBroken(text, number) from error


def _read(store: Store, number: int) -> Entry:
    key = _key(number)
    try:
        found = store.get_json(key)
        if not isinstance(found, dict):
            raise InputError(f"found a JSON {type(found).__name__}, expected an object")
        return from_json(Entry, {**found, "number": number})
    except (Unreadable, InputError) as error:
        raise EntryBroken(f"{key}: expected an entry of the news: {error}", number) from error


def _noted(store: Store, mark: str) -> int:
    """Return the number that a note names; where it cannot be read, 0: then every entry is looked at."""
    try:
        return int(store.get_json(mark)["after"])
    except (Unreadable, ValueError, KeyError, TypeError):
        return 0


def _is(store: Store, number: int, mark: str) -> bool:
    """Whether an entry is the one of a mark; of one that cannot be read nobody knows: told twice is better than not at all."""
    try:
        return _mark(_read(store, number)) == mark
    except EntryBroken:
        return False


def _key(number: int) -> str:
    return f"news/{number:012d}.json"


def _mark(entry: Entry) -> str:
    return f"news/told/{slug(entry.id)[:80]}-{checksum(entry.mark)}.json"

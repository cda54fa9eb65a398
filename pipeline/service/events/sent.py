"""A news entry as it is sent: what became public, told so that a reader can decide whether to fetch it.

`what` is as it was written, the same for ever and in every process. Of two writers of one Item the later may come first in
the log, so that "published" may follow "withdrawn"; therefore `standing` says how the Item stands when it is told, read
after the entry: as the last entry about an Item comes after its last change, it is told with how the Item stands for good.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import quote

from pipeline.errors import AlertError, KeyMissing, ProductError
from pipeline.news import Entry
from pipeline.products.lineage import standing
from pipeline.service.alerts import record
from pipeline.service.alerts.record import moment
from pipeline.service.door import item_url
from pipeline.store import Store

#: Entries whose telling is remembered; a page of the log and the streams that follow it need no more.
_MOST = 4000
#: How old the standing of an Item may be when it is told, seconds; so all that tell an entry at once share one reading.
FRESH_S = 1.0
#: Files read at once.
_AT_ONCE = 16

_UNKNOWN = {"title": None, "bbox": None, "exercise": None, "synthetic": None}


#: What is told of an Item or message, and until when that may be told again.
_Reading = tuple[float, dict[str, Any]]


class Teller:
    """Puts entries into words; what was read for one is remembered, of an Item for a moment, of a message for good.

    No reading is told with an entry that was not known when it began: it might be of before what the entry tells.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        # By the whole entry: after the store was set back, the same number may tell of something else.
        self._told: OrderedDict[Entry, Future[_Reading]] = OrderedDict()
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(_AT_ONCE, "telling")

    def tell(self, entry: Entry, base: str) -> dict[str, Any]:
        """Return an entry with the address of what it tells of."""
        (told,) = self.page([entry], base)
        return told

    def page(self, entries: Sequence[Entry], base: str) -> list[dict[str, Any]]:
        """Return entries as `tell` does; what several of them tell of is read once."""
        readings = self._readings(entries)
        return [_said(entry, reading.result()[1], base) for entry, reading in zip(entries, readings, strict=True)]

    def _readings(self, entries: Sequence[Entry]) -> list[Future[_Reading]]:
        """Return what was read a moment ago, or is being read, for each entry."""
        now, found = monotonic(), []
        begun: dict[str, Future[_Reading]] = {}
        with self._lock:
            for entry in entries:
                reading = self._told.get(entry)
                if reading is None or _is_old(reading, now):
                    reading = begun.get(entry.key) or self._pool.submit(self._look, entry)
                    begun[entry.key] = self._told[entry] = reading
                found.append(reading)
            while len(self._told) > _MOST:
                self._told.popitem(last=False)
        return found

    def _look(self, entry: Entry) -> _Reading:
        now = monotonic()
        try:
            data = self.store.get(entry.key)
            if entry.kind == "alert":
                return float("inf"), _alert(entry.key, data)
            return now + FRESH_S, _item(data)
        except (KeyMissing, AlertError, ProductError):
            # What it tells of was taken away, or cannot be read: the number is told all the same, so that none is missed.
            return now + FRESH_S, _UNKNOWN if entry.kind == "alert" else {**_UNKNOWN, "standing": None}


def _is_old(reading: Future[_Reading], now: float) -> bool:
    """Whether it has to be read again; not while it is being read."""
    return reading.done() and (reading.exception() is not None or reading.result()[0] < now)


def _said(entry: Entry, told: Mapping[str, Any], base: str) -> dict[str, Any]:
    said = {
        "number": entry.number,
        "kind": entry.kind,
        "what": entry.what,
        "id": entry.id,
        "hazard": entry.hazard,
        "at": moment(entry.at),
    }
    return {**said, **told, "href": address(entry, base)}


def address(entry: Entry, base: str) -> str:
    """Return the public address of an Item (STAC) or a CAP file."""
    if entry.kind == "alert":
        return f"{base}/{quote(entry.key)}"
    return item_url(base, entry.hazard, entry.id)


def to_text(told: Mapping[str, Any]) -> str:
    """Return an entry as one line of JSON."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _item(data: bytes) -> dict[str, Any]:
    try:
        item = json.loads(data, parse_constant=_no_number)
        properties = item["properties"]
        return {
            "standing": standing(item),
            "title": properties.get("title"),
            "bbox": item.get("bbox"),
            "datetime": properties.get("datetime"),
            "subject": properties.get("hazmon:subject"),
            "revision": properties.get("hazmon:revision"),
            "exercise": bool(properties.get("hazmon:exercise")),
            "synthetic": bool(properties.get("hazmon:synthetic")),
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ProductError(f"found no STAC Item: {type(error).__name__}: {error}") from error


def _no_number(text: str) -> float:
    raise ValueError(f"found {text}, expected a number")


def _alert(key: str, data: bytes) -> dict[str, Any]:
    found = record.read(key, data)
    properties = found.properties
    names = ("status", "msgType", "severity", "urgency", "certainty", "incident", "references", "expires")
    headlines = {language: text["headline"] for language, text in found.texts.items()}
    title = headlines.get("en") or next(iter(headlines.values()), None)
    return {
        "title": title,
        "headline": title,
        "headlines": headlines,
        "bbox": None if found.shape is None else [round(value, 7) for value in found.shape.bounds],
        **{name: properties[name] for name in names},
        "product": properties["product"],
        "exercise": properties["exercise"],
        "synthetic": properties["synthetic"],
    }

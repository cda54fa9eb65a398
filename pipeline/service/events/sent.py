"""A news entry as it is sent: what became public, told so that a reader can decide whether to fetch it."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote

from pipeline.errors import AlertError, KeyMissing
from pipeline.news import Entry
from pipeline.products.lineage import standing
from pipeline.service.alerts import record
from pipeline.service.alerts.record import moment
from pipeline.service.door import item_url
from pipeline.store import Store

#: Entries whose telling is remembered; a page of the log and the streams that follow it need no more.
_MOST = 4000


class Teller:
    """Puts entries into words; what was told is remembered, since an entry never changes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._told: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._lock = Lock()

    def tell(self, entry: Entry, base: str) -> dict[str, Any]:
        """Return an entry with the address of what it tells of."""
        with self._lock:
            told = self._told.get(entry.number)
        if told is None:
            told = self._look(entry)
            with self._lock:
                self._told[entry.number] = told
                while len(self._told) > _MOST:
                    self._told.popitem(last=False)
        return {**told, "href": address(entry, base)}

    def _look(self, entry: Entry) -> dict[str, Any]:
        said = {
            "number": entry.number,
            "kind": entry.kind,
            "what": entry.what,
            "id": entry.id,
            "hazard": entry.hazard,
            "at": moment(entry.at),
        }
        try:
            data = self.store.get(entry.key)
            # An Item's standing goes before what was told of it: of two writers at once the later one may be told of first.
            return said | (_alert(entry.key, data) if entry.kind == "alert" else _item(json.loads(data)))
        except (KeyMissing, AlertError, json.JSONDecodeError):
            # What it tells of was taken away, or cannot be read: the number is told all the same, so that none is missed.
            return said | {"title": None, "bbox": None, "exercise": None, "synthetic": None}


def address(entry: Entry, base: str) -> str:
    """Return the public address of an Item (STAC) or a CAP file."""
    if entry.kind == "alert":
        return f"{base}/{quote(entry.key)}"
    return item_url(base, entry.hazard, entry.id)


def to_text(told: Mapping[str, Any]) -> str:
    """Return an entry as one line of JSON."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item.get("properties", {})
    return {
        "what": standing(item),
        "title": properties.get("title"),
        "bbox": item.get("bbox"),
        "datetime": properties.get("datetime"),
        "subject": properties.get("hazmon:subject"),
        "revision": properties.get("hazmon:revision"),
        "exercise": bool(properties.get("hazmon:exercise")),
        "synthetic": bool(properties.get("hazmon:synthetic")),
    }


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

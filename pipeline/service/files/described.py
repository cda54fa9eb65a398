"""What a public object is: its media type, how long a copy stays good, and the tag that names its content."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import KeyMissing
from pipeline.products.bands import COG_TYPE
from pipeline.products.read import asset_key
from pipeline.products.stored import is_item_key
from pipeline.service.door import Door, find_item

_FOREVER = "public, max-age=31536000, immutable"

#: What may be linked, revised or withdrawn: asked for again soon.
SHORT = "public, max-age=10"

_CAP = "application/cap+xml"
_ATOM = "application/atom+xml"

#: Alerts by year lie there; everything else under alerts/ is a feed of them.
_MESSAGE = re.compile(r"alerts/\d{4}/[^/]+\.xml")

_TYPES: Mapping[str, str] = {
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".tif": COG_TYPE,
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv; charset=utf-8",
    ".png": "image/png",
    ".xml": "application/xml",
    ".qml": "application/xml",
}

#: Items whose assets are remembered.
_REMEMBERED = 1024

_BINARY = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Described:
    """How an object is sent."""

    media_type: str
    cache: str
    tag: str | None = None
    """Names the content, where that is recorded."""
    is_foreign: bool = False
    """Whether it came from elsewhere and may hold anything."""


class Register:
    """Says how public objects are sent; remembers the assets of Items, which never change."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: OrderedDict[str, Mapping[str, Mapping[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def described(self, key: str) -> Described:
        """Return how a public object is sent.

        Raises
        ------
        KeyMissing
            Where the key is of an Item that is not public: its assets lie there before it does.
        """
        top, name = key.split("/", 1)[0], key.rsplit("/", 1)[-1]
        suffix = f".{name.rsplit('.', 1)[-1]}" if "." in name else ""
        if top == "raw":
            # The bytes as they came; the windows kept of a scene are the only ones that we wrote.
            return Described(COG_TYPE if suffix == ".tif" else _BINARY, _FOREVER, is_foreign=True)
        if top == "alerts":
            feed = _ATOM if suffix == ".xml" else _TYPES.get(suffix, _BINARY)
            return Described(_CAP if _MESSAGE.fullmatch(key) else feed, SHORT)
        if is_item_key(key):
            return Described("application/geo+json", SHORT)
        parts = key.split("/")
        asset = self._assets(parts[2]).get(key) if len(parts) == 4 else None
        if asset is not None:
            return Described(str(asset.get("type", _BINARY)), _FOREVER, asset.get("file:checksum"))
        return Described(_TYPES.get(suffix, _BINARY), SHORT)

    def _assets(self, id: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the assets of a public Item by key."""
        held = self._known.get(id)
        if held is not None:
            return held
        item = find_item(self._door, id)
        if item is None:
            raise KeyMissing(f"found no public item {id!r}")
        assets = {asset_key(item, name): asset for name, asset in item["assets"].items()}
        with self._lock:
            self._known[id] = assets
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return assets

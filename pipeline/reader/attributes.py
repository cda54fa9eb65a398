"""What a layer says of itself in attributes: which Items it is, whose data, on what terms and how far to be trusted.

Text and whole numbers only, so that every file format of xarray can keep them; yes and no are 1 and 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.model import Event
from pipeline.reader.listing import state
from pipeline.reader.source import Item, Source
from pipeline.reader.wanted import region_of, subject_of

#: What is said of several Items together where it is true of any of them.
_CLAIMS = {"synthetic": "hazmon:synthetic", "exercise": "hazmon:exercise", "forecast": "hazmon:forecast"}


def attributes(items: Sequence[Item], source: Source) -> dict[str, Any]:
    """Return the attributes of one Item, or what holds for several: equal values, all terms and credits, any warning."""
    every = [_of(item) for item in items]
    found = {name: list(dict.fromkeys(given[name] for given in every if name in given)) for name in every[0]}
    said = {name: _joined(values) for name, values in found.items() if len(values) == 1 or name in _ALL}
    claims = {name: int(any(item["properties"].get(key, False) for item in items)) for name, key in _CLAIMS.items()}
    if len(items) == 1:
        said |= {"item": items[0]["id"], "provenance": provenance(items[0], source)}
    return {"Conventions": "CF-1.11", **said, **claims, "catalogue": source.place}


#: What is said of several Items together where they differ: terms, credits, methods, and whether they stand.
_ALL = ("license", "attribution", "layer", "references", "state")


def provenance(item: Item, source: Source) -> str:
    """Return one line per input: what it is, where it lies and its checksum."""
    links = (link for link in item["links"] if link["rel"] == "derived_from")
    return "\n".join(f"{link.get('title', '')} {_place(link, source)} sha256:{_checksum(link)}" for link in links)


def _of(item: Item) -> dict[str, str | int]:
    properties = item["properties"]
    about, region = subject_of(item), region_of(item)
    said: dict[str, str | int] = {
        "title": properties["title"],
        "hazard": item["collection"],
        "layer": f"{properties['hazmon:layer']} {properties['hazmon:layer_version']}",
        "version": properties["version"],
        "revision": properties["hazmon:revision"],
        "state": state(properties),
        "source": properties["processing:lineage"],
        "references": properties["sci:citation"],
        "license": properties["license"],
        "attribution": properties["hazmon:attribution"],
        "created": properties["created"],
    }
    optional = {"data_time": properties.get("hazmon:data_time"), "region": region}
    if isinstance(about, Event):
        optional |= {"event": about.id, "aliases": " ".join(properties.get("hazmon:aliases", []))}
    return said | {name: value for name, value in optional.items() if value is not None}


def _joined(values: Sequence[str | int]) -> str | int:
    """Return the one value, or several as text."""
    return values[0] if len(values) == 1 else "; ".join(str(value) for value in values)


def _place(link: Mapping[str, Any], source: Source) -> str:
    """Return where an input lies; on disk hrefs count from the Item's folder, three below the home."""
    href = str(link["href"])
    return f"{source.place}/{href.removeprefix('../../../')}" if href.startswith("../../../") else href


def _checksum(link: Mapping[str, Any]) -> str:
    """Return a payload's SHA-256, or of another product its digest."""
    return str(link.get("hazmon:digest") or str(link.get("file:checksum", "")).removeprefix("1220"))

"""Earthquake bulletins in the formats of the services: USGS GeoJSON, EMSC's GeoJSON, QuakeML 1.2, FDSN text.

What a bulletin says comes from the scenario. The timing of revisions is the exercise's own even where the numbers are
of record, so every bulletin says that it is synthetic; the text format has no place to say it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree

from pipeline.exercise.scenario import Quake, Service

#: What a bulletin of the exercise says of itself.
NOTE = "Exercise: not an observation; the timing of revisions is invented, the numbers are those of the scenario"
#: Public origin of each service's query interface.
HOSTS: Mapping[Service, str] = {
    "usgs": "earthquake.usgs.gov",
    "emsc": "www.seismicportal.eu",
    "gfz": "geofon.gfz.de",
    "isc": "www.isc.ac.uk",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BED = "http://quakeml.org/xmlns/bed/1.2"
_ROOT = "http://quakeml.org/xmlns/quakeml/1.2"
_CATALOG = "http://anss.org/xmlns/catalog/0.1"


@dataclass(frozen=True)
class Bulletin:
    """An event as one service has it at some moment: its newest version, and whether it was deleted since."""

    quake: Quake
    updated: datetime
    """Of the version, or of the deletion."""
    deleted: bool = False
    earlier: tuple[Quake, ...] = ()
    """Older versions under other ids, which a detail lists as contributed."""
    products: tuple[Mapping[str, Any], ...] = ()
    """Products beside origins, as a detail lists them."""


def summary(bulletins: Sequence[Bulletin], now: datetime, url: str, *, deleted: bool = True) -> dict[str, Any]:
    """Return a USGS GeoJSON FeatureCollection, the newest event first.

    Parameters
    ----------
    bulletins
        The events.
    now
        When it is generated.
    url
        What was asked.
    deleted
        Whether deleted events are listed, with `status: deleted`.
    """
    kept = sorted((b for b in bulletins if deleted or not b.deleted), key=lambda b: b.quake.time, reverse=True)
    metadata = {
        "generated": milliseconds(now),
        "url": url,
        "title": "USGS Earthquakes",
        "status": 200,
        "api": "1.14.1",
        "count": len(kept),
    }
    found: dict[str, Any] = {"type": "FeatureCollection", "metadata": metadata, "features": [feature(b) for b in kept]}
    if kept:
        boxes = [(b.quake.longitude, b.quake.latitude, b.quake.depth or 0.0) for b in kept]
        found["bbox"] = [*(min(axis) for axis in zip(*boxes, strict=True)), *(max(axis) for axis in zip(*boxes, strict=True))]
    return found


def feature(bulletin: Bulletin, *, query: bool = False) -> dict[str, Any]:
    """Return a USGS GeoJSON Feature; `query`: with the `detail` link of the query interface, not of the feed."""
    quake = bulletin.quake
    base = f"https://{HOSTS['usgs']}"
    detail = f"{base}/fdsnws/event/1/query?eventid={quake.id}&format=geojson"
    ids = quake.every_id
    properties: dict[str, Any] = {
        "mag": quake.magnitude,
        "place": quake.place,
        "time": milliseconds(quake.time),
        "updated": milliseconds(bulletin.updated),
        "tz": None,
        "url": f"{base}/earthquakes/eventpage/{quake.id}",
        "detail": detail if query else f"{base}/earthquakes/feed/v1.0/detail/{quake.id}.geojson",
        "felt": None,
        "cdi": None,
        "mmi": None,
        "alert": None,
        "status": "deleted" if bulletin.deleted else quake.status,
        "tsunami": 0,
        "sig": 0 if quake.magnitude is None else round(quake.magnitude**2 * 15.385),
        "net": quake.net,
        "code": quake.id.removeprefix(quake.net),
        "ids": f",{','.join(ids)},",
        "sources": f",{','.join(_network(name) for name in ids)},",
        "types": f",{','.join(sorted({'origin', 'phase-data', *(product['type'] for product in bulletin.products)}))},",
        "nst": None,
        "dmin": None,
        "rms": None,
        "gap": None,
        "magType": quake.magnitude_type,
        "type": "earthquake",
        "title": f"M {'?' if quake.magnitude is None else f'{quake.magnitude:.1f}'} - {quake.place}",
        "synthetic": True,
        "hazmon:synthetic": True,
        "hazmon:note": f"{NOTE}; source: {quake.source}",
    }
    point = {"type": "Point", "coordinates": [quake.longitude, quake.latitude, quake.depth]}
    return {"type": "Feature", "properties": properties, "geometry": point, "id": quake.id}


def detail(bulletin: Bulletin) -> dict[str, Any]:
    """Return a USGS event detail: the feature with the origins that were contributed."""
    found = feature(bulletin)
    weight = 158
    origins = [_origin_product(bulletin.quake, bulletin.updated, weight)]
    for place, earlier in enumerate(reversed(bulletin.earlier), start=1):
        origins.append(_origin_product(earlier, earlier.at, weight - 10 * place))
    properties = {name: value for name, value in found["properties"].items() if name != "detail"}
    products: dict[str, list[Any]] = {"origin": origins}
    for product in bulletin.products:
        products.setdefault(product["type"], []).append(dict(product))
    return {**found, "properties": {**properties, "products": products}}


def _origin_product(quake: Quake, sent: datetime, weight: int) -> dict[str, Any]:
    said: dict[str, str | None] = {
        "depth": None if quake.depth is None else str(quake.depth),
        "event-type": "earthquake",
        "eventsource": quake.net,
        "eventsourcecode": quake.id.removeprefix(quake.net),
        "eventtime": iso(quake.time),
        "latitude": str(quake.latitude),
        "longitude": str(quake.longitude),
        "magnitude": None if quake.magnitude is None else str(quake.magnitude),
        "magnitude-type": quake.magnitude_type,
        "origin-source": quake.net,
        "review-status": quake.status,
        "title": quake.place,
    }
    return {
        "indexid": str(milliseconds(sent)),
        "id": f"urn:usgs-product:{quake.net}:origin:{quake.id}:{milliseconds(sent)}",
        "type": "origin",
        "code": quake.id,
        "source": quake.net,
        "updateTime": milliseconds(sent),
        "status": "UPDATE",
        "properties": {name: value for name, value in said.items() if value is not None},
        "preferredWeight": weight,
        "contents": {},
    }


def product(quake: Quake, kind: str, sent: datetime, contents: Mapping[str, bytes]) -> dict[str, Any]:
    """Return a product of an event as a detail lists it, its contents with address, size and SHA-256 in base64."""
    return {
        "indexid": str(milliseconds(sent)),
        "id": f"urn:usgs-product:us:{kind}:{quake.id}:{milliseconds(sent)}",
        "type": kind,
        "code": quake.id,
        "source": "us",
        "updateTime": milliseconds(sent),
        "status": "UPDATE",
        "properties": {
            "eventsource": quake.net,
            "eventsourcecode": quake.id.removeprefix(quake.net),
            "eventtime": iso(quake.time),
            "hazmon:note": NOTE,
        },
        "preferredWeight": 158,
        "contents": {
            name: {
                "contentType": "application/json",
                "lastModified": milliseconds(sent),
                "length": len(data),
                "url": f"https://{content_path(quake, kind, sent, name)}",
                "sha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
            }
            for name, data in contents.items()
        },
    }


def content_path(quake: Quake, kind: str, sent: datetime, name: str) -> str:
    """Return HOST/PATH of a content of a product."""
    return f"{HOSTS['usgs']}/product/{kind}/{quake.id}/us/{milliseconds(sent)}/{name}"


def emsc(bulletins: Sequence[Bulletin]) -> dict[str, Any]:
    """Return EMSC's GeoJSON: depth negative in the geometry and positive in the properties."""
    features = [_emsc_feature(bulletin) for bulletin in bulletins if not bulletin.deleted]
    return {"type": "FeatureCollection", "metadata": {"count": len(features)}, "features": features}


def _emsc_feature(bulletin: Bulletin) -> dict[str, Any]:
    quake = bulletin.quake
    properties = {
        "source_id": str(milliseconds(bulletin.updated) // 1000 % 10_000_000),
        "source_catalog": "EMSC-RTS",
        "lastupdate": iso(bulletin.updated),
        "time": iso(quake.time),
        "flynn_region": quake.place,
        "lat": quake.latitude,
        "lon": quake.longitude,
        "depth": quake.depth,
        "evtype": "ke",
        "auth": "EMSC",
        "mag": quake.magnitude,
        "magtype": quake.magnitude_type,
        "unid": quake.id,
        "synthetic": True,
        "hazmon:synthetic": True,
        "hazmon:note": NOTE,
    }
    point = [quake.longitude, quake.latitude, None if quake.depth is None else -quake.depth]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": point},
        "id": quake.id,
        "properties": properties,
    }


def text(bulletins: Sequence[Bulletin]) -> bytes:
    """Return the FDSN text format, the newest event first."""
    lines = [
        "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|MagAuthor"
        "|EventLocationName|EventType"
    ]
    for bulletin in bulletins:
        quake = bulletin.quake
        agency = quake.service.upper() if quake.service != "usgs" else quake.net
        fields = [quake.id, iso(quake.time)[:-1], quake.latitude, quake.longitude, _blank(quake.depth), agency, agency, agency]
        fields += [quake.id, quake.magnitude_type, _blank(quake.magnitude), agency, quake.place, "earthquake"]
        lines.append("|".join(str(value) for value in fields))
    return "\n".join([*lines, ""]).encode()


def quakeml(bulletins: Sequence[Bulletin], now: datetime) -> bytes:
    """Return QuakeML 1.2 with depths in metres; a deleted event's type is "not existing"."""
    root = etree.Element(f"{{{_ROOT}}}quakeml", nsmap={"q": _ROOT, None: _BED, "catalog": _CATALOG})  # type: ignore[dict-item]
    parameters = _child(root, "eventParameters", publicID="smi:hazmon/exercise")
    for bulletin in bulletins:
        _event(parameters, bulletin)
    _creation(parameters, "exercise", now)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _event(parameters: etree._Element, bulletin: Bulletin) -> None:
    quake = bulletin.quake
    name = public_id(quake)
    event = _child(parameters, "event", publicID=name)
    if quake.service == "usgs":
        event.set(f"{{{_CATALOG}}}eventsource", quake.net)
        event.set(f"{{{_CATALOG}}}eventid", quake.id.removeprefix(quake.net))
    place = _child(event, "description")
    _child(place, "text", quake.place)
    _child(place, "type", "earthquake name" if quake.service == "usgs" else "region name")
    for words in ("synthetic", NOTE):
        _child(_child(event, "comment"), "text", words)
    origin, magnitude = f"{name}#origin", f"{name}#magnitude"
    _origin(event, bulletin, origin)
    if quake.magnitude is not None:
        element = _child(event, "magnitude", publicID=magnitude)
        _child(_child(element, "mag"), "value", f"{quake.magnitude}")
        _child(element, "type", quake.magnitude_type)
        _child(element, "originID", origin)
        _creation(element, quake.service, bulletin.updated)
        _child(event, "preferredMagnitudeID", magnitude)
    _child(event, "preferredOriginID", origin)
    _child(event, "type", "not existing" if bulletin.deleted else "earthquake")
    _creation(event, quake.net if quake.service == "usgs" else quake.service, bulletin.updated)


def _origin(event: etree._Element, bulletin: Bulletin, name: str) -> None:
    quake = bulletin.quake
    origin = _child(event, "origin", publicID=name)
    _child(_child(origin, "time"), "value", iso(quake.time))
    _child(_child(origin, "longitude"), "value", f"{quake.longitude}")
    _child(_child(origin, "latitude"), "value", f"{quake.latitude}")
    if quake.depth is not None:
        _child(_child(origin, "depth"), "value", f"{quake.depth * 1000:.0f}")
    _child(origin, "evaluationMode", "manual" if quake.status == "reviewed" else "automatic")
    _creation(origin, quake.service, bulletin.updated)


def public_id(quake: Quake) -> str:
    """Return the publicID that a service gives an event."""
    match quake.service:
        case "usgs":
            return f"quakeml:{HOSTS['usgs']}/fdsnws/event/1/query?eventid={quake.id}&format=quakeml"
        case "emsc":
            return f"quakeml:eu.emsc/event/{quake.id}"
        case "gfz":
            return f"smi:org.gfz-potsdam.de/geofon/{quake.id}"
    return f"smi:ISC/evid={quake.id}"


def iso(moment: datetime) -> str:
    """Return a UTC moment as the services write it: milliseconds and Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _creation(parent: etree._Element, agency: str, moment: datetime) -> None:
    element = _child(parent, "creationInfo")
    _child(element, "agencyID", agency)
    _child(element, "creationTime", iso(moment))


def _child(parent: etree._Element, name: str, words: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_BED}}}{name}", attributes)
    element.text = words
    return element


def _network(name: str) -> str:
    return name[: len(name) - len(name.lstrip("abcdefghijklmnopqrstuvwxyz"))]


def _blank(value: float | None) -> str:
    return "" if value is None else str(value)

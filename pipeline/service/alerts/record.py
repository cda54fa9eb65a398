"""What the service keeps of one CAP message: the fields by which it is found, and its feature in every language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from pipeline.alerts import cap
from pipeline.alerts.cap import CapAlert, CapInfo
from pipeline.errors import AlertError
from pipeline.service.alerts.geometry import outline
from pipeline.store import sha256

_CLOSING = "AllClear"


@dataclass(frozen=True, slots=True)
class Record:
    """One message, read."""

    key: str
    """Store key of its file."""
    sha256: str
    alert: CapAlert
    hazard: str | None
    shape: BaseGeometry | None
    properties: Mapping[str, Any]
    """Of the feature, in no language; without what depends on the moment or on other messages."""
    texts: Mapping[str, Mapping[str, Any]]
    """By language, in the order of the message."""

    @property
    def closes(self) -> bool:
        """Whether nothing is warned of by it: the warning was wrong, or the hazard is over."""
        alert = self.alert
        return alert.msg_type == "Cancel" or any(_CLOSING in info.response_types for info in alert.infos)

    @property
    def begins(self) -> datetime:
        """From when it holds: the onset where it names one."""
        first = next(iter(self.alert.infos), None)
        return self.alert.sent if first is None else first.onset or first.effective

    @property
    def expires(self) -> datetime:
        """Until when it holds; the moment it was sent where it has nothing to say."""
        return max((info.expires for info in self.alert.infos), default=self.alert.sent)


def read(key: str, data: bytes) -> Record:
    """Return the record of a CAP file.

    Raises
    ------
    AlertError
        Where the bytes are no message, a point is not on the earth, or the file is not named after its message.
    """
    alert = cap.parse(data)
    if key.rsplit("/", 1)[-1] != f"{alert.identifier}.xml":
        raise AlertError(f"{key}: found message {alert.identifier}, expected the one that the file is named after")
    first = next(iter(alert.infos), None)
    circles = cap.circles(data)
    _check_points(key, alert, circles)
    parameters = dict(first.parameters) if first else {}
    product = parameters.get("hazmon:item")
    return Record(
        key=key,
        sha256=sha256(data),
        alert=alert,
        hazard=product.split("-", 1)[0] if product else None,
        shape=outline(first, circles) if first else None,
        properties=_properties(alert, first, parameters) | {"circles": [_circle(circle) for circle in circles]},
        texts={info.language: _text(info) for info in alert.infos},
    )


def _properties(alert: CapAlert, first: CapInfo | None, parameters: Mapping[str, str]) -> dict[str, Any]:
    product = parameters.get("hazmon:item")
    return {
        "identifier": alert.identifier,
        "sender": alert.sender,
        "sent": moment(alert.sent),
        "status": alert.status,
        "msgType": alert.msg_type,
        "scope": "Public",
        "note": alert.note,
        "references": [identifier for _, identifier, _ in alert.references],
        "incident": " ".join(alert.incidents) or None,
        "hazard": product.split("-", 1)[0] if product else None,
        "category": first.category if first else None,
        "urgency": first.urgency if first else None,
        "severity": first.severity if first else None,
        "certainty": first.certainty if first else None,
        "responseType": list(first.response_types) if first else [],
        "eventCode": [value for _, value in first.event_codes] if first else [],
        "onset": moment(first.onset) if first and first.onset else None,
        "effective": moment(first.effective) if first else None,
        "expires": moment(first.expires) if first else None,
        "geocodes": _geocodes(first),
        "exercise": alert.status == "Exercise",
        "synthetic": parameters.get("hazmon:synthetic") == "yes",
        "product": product,
    }


def _text(info: CapInfo) -> dict[str, Any]:
    return {
        "language": info.language,
        "event": info.event,
        "headline": info.headline,
        "description": info.description,
        "instruction": info.instruction,
        "areaDesc": "; ".join(area.description for area in info.areas),
        "senderName": info.sender_name,
        "web": info.web,
        "contact": info.contact,
        "translation_reviewed": dict(info.parameters).get("translation-reviewed") != "no",
    }


def moment(when: datetime) -> str:
    """Return a time as RFC 3339 writes it, UTC; such texts sort."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _geocodes(first: CapInfo | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for area in first.areas if first else ():
        for name, value in area.geocodes:
            if value not in found.setdefault(name, []):
                found[name].append(value)
    return found


def _circle(circle: cap.Circle) -> str:
    return f"{circle.latitude},{circle.longitude} {circle.radius_km}"


def _check_points(key: str, alert: CapAlert, circles: tuple[cap.Circle, ...]) -> None:
    points = [point for info in alert.infos for area in info.areas for ring in area.polygons for point in ring]
    points += [(circle.longitude, circle.latitude) for circle in circles]
    for longitude, latitude in points:
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise AlertError(f"{key}: found point {latitude},{longitude}, expected latitude within 90, longitude within 180")
    for circle in circles:
        if not (math.isfinite(circle.radius_km) and 0 <= circle.radius_km < 20_000):
            raise AlertError(f"{key}: found a circle of radius {circle.radius_km} km, expected 0 to 20000")


def to_geojson(shape: BaseGeometry | None) -> Any:
    """Return a geometry as GeoJSON coordinates to about 1 cm; None stays None."""
    return None if shape is None else shapely.geometry.mapping(shapely.transform(shape, lambda xy: xy.round(7)))

"""CAP 1.2 messages (OASIS, 2010): plain values to XML bytes and back, checked before they are written.

The bytes are a pure function of the values: the same message is the same file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import shapely
from lxml import etree

from pipeline.alerts.assessment import Point, Ring
from pipeline.errors import AlertError

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

Status = Literal["Actual", "Exercise", "System", "Test", "Draft"]
MsgType = Literal["Alert", "Update", "Cancel"]

#: Largest message that is read, bytes.
MAX_BYTES = 4_000_000

_SEVERITIES = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
_URGENCIES = ("Immediate", "Expected", "Future", "Past", "Unknown")
_CERTAINTIES = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
_CATEGORIES = ("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other")
_RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
_STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
#: CAP 1.2, 3.2.1: no spaces, commas, `<` or `&` in identifier and sender.
_TOKEN = re.compile(r"[^\s,<&]+")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_SPACES = re.compile(r"[ \t\r]+")
#: Characters XML 1.0 cannot carry.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class CapResource:
    """A file that belongs to the message: the product behind it."""

    description: str
    mime_type: str
    uri: str


@dataclass(frozen=True, slots=True)
class Circle:
    """A circular area, as messages of others draw it; this house draws polygons only."""

    longitude: float
    latitude: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class CapArea:
    """Where the message holds, named in the language of its info block."""

    description: str
    polygons: tuple[Ring, ...] = ()
    """Closed, counter-clockwise rings of (longitude, latitude); written as `latitude,longitude`."""
    geocodes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CapInfo:
    """The message in one language."""

    language: str
    event: str
    category: str
    urgency: str
    severity: str
    certainty: str
    headline: str
    description: str
    effective: datetime
    expires: datetime
    sender_name: str
    onset: datetime | None = None
    instruction: str | None = None
    response_types: tuple[str, ...] = ()
    event_codes: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    resources: tuple[CapResource, ...] = ()
    areas: tuple[CapArea, ...] = ()
    web: str | None = None
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class CapAlert:
    """One CAP message."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    infos: tuple[CapInfo, ...]
    references: tuple[tuple[str, str, datetime], ...] = ()
    """(sender, identifier, sent) of every message that this one supersedes."""
    incidents: tuple[str, ...] = ()
    note: str | None = None


def build(alert: CapAlert) -> bytes:
    """Return the message as UTF-8 XML.

    Raises
    ------
    AlertError
        Where `check` refuses the message.
    """
    check(alert)
    root = etree.Element(_tag("alert"), nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", time_text(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "scope", "Public")
    _add(root, "note", alert.note)
    references = (f"{sender},{identifier},{time_text(sent)}" for sender, identifier, sent in alert.references)
    _add(root, "references", " ".join(references) or None)
    _add(root, "incidents", " ".join(_quoted(incident) for incident in alert.incidents) or None)
    for info in alert.infos:
        _add_info(root, info)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def parse(data: bytes) -> CapAlert:
    """Return the message that `build` wrote; a message with a DTD, entities or a foreign shape is refused.

    Raises
    ------
    AlertError
        Where the bytes are no such message.
    """
    root = _root(data)
    return CapAlert(
        identifier=_need(root, "identifier"),
        sender=_need(root, "sender"),
        sent=_time(_need(root, "sent")),
        status=_need(root, "status"),  # type: ignore[arg-type]
        msg_type=_need(root, "msgType"),  # type: ignore[arg-type]
        infos=tuple(_read_info(info) for info in root.iterfind(_tag("info"))),
        references=tuple(_reference(text) for text in (_text(root, "references") or "").split()),
        incidents=tuple(_unquoted(_text(root, "incidents") or "")),
        note=_text(root, "note"),
    )


def circles(data: bytes) -> tuple[Circle, ...]:
    """Return the circles of a message's first info block, which `parse` leaves out.

    Raises
    ------
    AlertError
        Where the bytes are no message, or a circle is none.
    """
    first = _root(data).find(_tag("info"))
    return () if first is None else tuple(_read_circle(element.text or "") for element in first.iter(_tag("circle")))


def check(alert: CapAlert) -> None:
    """Raise AlertError at the first thing that CAP 1.2 or this house forbids in a message."""
    for name, token in (("identifier", alert.identifier), ("sender", alert.sender)):
        _expect(bool(_TOKEN.fullmatch(token)), alert, f"{name} {token!r}", "text without spaces, commas, < or &")
    _expect(alert.status in _STATUSES, alert, f"status {alert.status}", f"one of {_STATUSES}")
    _expect(alert.status != "Exercise" or bool(alert.note), alert, "status Exercise without note", "a note naming the drill")
    _expect(alert.sent.tzinfo is not None, alert, "sent without offset", "a UTC time")
    if alert.msg_type == "Alert":
        _expect(not alert.references, alert, "an Alert with references", "none")
    else:
        _expect(bool(alert.references), alert, f"msgType {alert.msg_type} without references", "what it supersedes")
    for sender, identifier, sent in alert.references:
        _expect(bool(_TOKEN.fullmatch(sender) and _TOKEN.fullmatch(identifier)), alert, f"reference {identifier!r}", "tokens")
        _expect(identifier != alert.identifier and sent < alert.sent, alert, f"reference to {identifier}", "an earlier message")
    languages = [info.language for info in alert.infos]
    _expect(bool(languages) and len(set(languages)) == len(languages), alert, f"info languages {languages}", "one block each")
    for info in alert.infos:
        _check_info(alert, info)


def time_text(moment: datetime) -> str:
    """Return a moment as CAP writes UTC: `2024-01-22T18:09:04-00:00`, never `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00")


def _check_info(alert: CapAlert, info: CapInfo) -> None:
    allowed = (
        ("category", info.category, _CATEGORIES),
        ("urgency", info.urgency, _URGENCIES),
        ("severity", info.severity, _SEVERITIES),
        ("certainty", info.certainty, _CERTAINTIES),
        *(("responseType", response, _RESPONSES) for response in info.response_types),
    )
    for name, found, values in allowed:
        _expect(found in values, alert, f"{name} {found!r}", f"one of {values}")
    _expect(bool(_LANGUAGE.fullmatch(info.language)), alert, f"language {info.language!r}", "a BCP 47 tag")
    _expect(info.expires > alert.sent, alert, f"expires {time_text(info.expires)}", f"after sent {time_text(alert.sent)}")
    for name, text in (("event", info.event), ("headline", info.headline), ("description", info.description)):
        _expect(bool(text.strip()), alert, f"empty {name} in {info.language}", "text")
    for uri in (info.web, *(resource.uri for resource in info.resources)):
        _expect(uri is None or urlsplit(uri).scheme in ("http", "https"), alert, f"link {uri!r}", "an absolute http(s) address")
    _expect(bool(info.areas), alert, f"info {info.language} without area", "one at least")
    for area in info.areas:
        _expect(bool(area.description.strip()), alert, "an area without description", "its name")
        _expect(bool(area.polygons or area.geocodes), alert, f"area {area.description!r} without polygon or geocode", "either")
        for ring in area.polygons:
            _check_ring(alert, ring)


def _check_ring(alert: CapAlert, ring: Ring) -> None:
    _expect(len(ring) >= 4 and ring[0] == ring[-1], alert, f"polygon of {len(ring)} points", "four or more, the last the first")
    for longitude, latitude in ring:
        on_earth = -180 <= longitude <= 180 and -90 <= latitude <= 90
        _expect(on_earth, alert, f"polygon point {longitude}, {latitude}", "longitude within 180, latitude within 90")
    outline = shapely.LinearRing(ring)
    _expect(outline.is_simple and outline.is_valid, alert, "a polygon that crosses or touches itself", "a simple outline")
    _expect(bool(outline.is_ccw), alert, "a clockwise polygon", "counter-clockwise")


def _expect(claim: bool, alert: CapAlert, found: str, expected: str) -> None:
    if not claim:
        raise AlertError(f"alert {alert.identifier}: found {found}; expected {expected}")


def _add_info(root: etree._Element, info: CapInfo) -> None:
    element = etree.SubElement(root, _tag("info"))
    _add(element, "language", info.language)
    _add(element, "category", info.category)
    _add(element, "event", info.event)
    for response in info.response_types:
        _add(element, "responseType", response)
    _add(element, "urgency", info.urgency)
    _add(element, "severity", info.severity)
    _add(element, "certainty", info.certainty)
    _add_pairs(element, "eventCode", info.event_codes)
    _add(element, "effective", time_text(info.effective))
    _add(element, "onset", time_text(info.onset) if info.onset else None)
    _add(element, "expires", time_text(info.expires))
    _add(element, "senderName", info.sender_name)
    _add(element, "headline", info.headline)
    _add(element, "description", info.description)
    _add(element, "instruction", info.instruction)
    _add(element, "web", info.web)
    _add(element, "contact", info.contact)
    _add_pairs(element, "parameter", info.parameters)
    for resource in info.resources:
        part = etree.SubElement(element, _tag("resource"))
        _add(part, "resourceDesc", resource.description)
        _add(part, "mimeType", resource.mime_type)
        _add(part, "uri", resource.uri)
    for area in info.areas:
        part = etree.SubElement(element, _tag("area"))
        _add(part, "areaDesc", area.description)
        for ring in area.polygons:
            _add(part, "polygon", " ".join(f"{latitude:.4f},{longitude:.4f}" for longitude, latitude in ring))
        _add_pairs(part, "geocode", area.geocodes)


def _root(data: bytes) -> etree._Element:
    if len(data) > MAX_BYTES:
        raise AlertError(f"CAP message of {len(data)} bytes; expected at most {MAX_BYTES}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise AlertError(f"CAP message is not XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise AlertError("CAP message carries a DTD; expected none")
    if root.tag != _tag("alert"):
        raise AlertError(f"CAP message: found root {root.tag}, expected {_tag('alert')}")
    return root


def _read_info(info: etree._Element) -> CapInfo:
    onset = _text(info, "onset")
    return CapInfo(
        language=_need(info, "language"),
        event=_need(info, "event"),
        category=_need(info, "category"),
        urgency=_need(info, "urgency"),
        severity=_need(info, "severity"),
        certainty=_need(info, "certainty"),
        headline=_need(info, "headline"),
        description=_need(info, "description"),
        effective=_time(_need(info, "effective")),
        expires=_time(_need(info, "expires")),
        sender_name=_need(info, "senderName"),
        onset=_time(onset) if onset else None,
        instruction=_text(info, "instruction"),
        response_types=tuple(element.text or "" for element in info.iterfind(_tag("responseType"))),
        event_codes=tuple(_pairs(info, "eventCode")),
        parameters=tuple(_pairs(info, "parameter")),
        resources=tuple(
            CapResource(_need(part, "resourceDesc"), _need(part, "mimeType"), _need(part, "uri"))
            for part in info.iterfind(_tag("resource"))
        ),
        areas=tuple(_read_area(part) for part in info.iterfind(_tag("area"))),
        web=_text(info, "web"),
        contact=_text(info, "contact"),
    )


def _read_area(part: etree._Element) -> CapArea:
    rings = tuple(_read_ring(element.text or "") for element in part.iterfind(_tag("polygon")))
    return CapArea(_need(part, "areaDesc"), rings, tuple(_pairs(part, "geocode")))


def _read_ring(text: str) -> Ring:
    return tuple(_read_point(pair) for pair in text.split())


def _read_point(pair: str) -> Point:
    latitude, _, longitude = pair.partition(",")
    try:
        return float(longitude), float(latitude)
    except ValueError as error:
        raise AlertError(f"CAP polygon: found {pair!r}, expected latitude,longitude") from error


def _read_circle(text: str) -> Circle:
    """Return `latitude,longitude radius`, radius in km."""
    centre, _, radius = text.strip().partition(" ")
    longitude, latitude = _read_point(centre)
    try:
        return Circle(longitude, latitude, float(radius))
    except ValueError as error:
        raise AlertError(f"CAP circle: found {text!r}, expected latitude,longitude radius") from error


def _reference(text: str) -> tuple[str, str, datetime]:
    parts = text.split(",")
    if len(parts) != 3:
        raise AlertError(f"CAP references: found {text!r}, expected sender,identifier,sent")
    return parts[0], parts[1], _time(parts[2])


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise AlertError(f"CAP time: found {text!r}, expected 2024-01-22T18:09:04-00:00") from error
    if found.tzinfo is None:
        raise AlertError(f"CAP time: found {text!r} without an offset")
    return found.astimezone(UTC)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: etree._Element, name: str, text: str | None) -> None:
    if text:
        etree.SubElement(parent, _tag(name)).text = _SPACES.sub(" ", _CONTROL.sub("", text)).strip()


def _add_pairs(parent: etree._Element, name: str, pairs: tuple[tuple[str, str], ...]) -> None:
    for value_name, value in pairs:
        element = etree.SubElement(parent, _tag(name))
        _add(element, "valueName", value_name)
        _add(element, "value", value)


def _pairs(parent: etree._Element, name: str) -> Iterator[tuple[str, str]]:
    for element in parent.iterfind(_tag(name)):
        yield _need(element, "valueName"), _need(element, "value")


def _text(parent: etree._Element, name: str) -> str | None:
    return parent.findtext(_tag(name))


def _need(parent: etree._Element, name: str) -> str:
    text = parent.findtext(_tag(name))
    if not text:
        raise AlertError(f"CAP message: {etree.QName(parent).localname} has no {name}")
    return text


def _quoted(incident: str) -> str:
    return f'"{incident}"' if " " in incident else incident


def _unquoted(text: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', text)]

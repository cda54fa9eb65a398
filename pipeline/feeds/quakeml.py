"""QuakeML: the events of a document, read by local names because namespaces are wrong in the wild.

Schema: QuakeML-BED 1.2, https://quake.ethz.ch/quakeml (Schorlemmer et al. 2011, doi:10.4401/ag-4874). Its
imperfections have names here:

- NAMESPACES        1.0, 1.2, BED-RT and none at all; the root may be `quakeml` or `eventParameters` itself.
- METRES            depth is in metres (in text and GeoJSON it is kilometres).
- NO_PREFERRED      `preferredOriginID` or `preferredMagnitudeID` missing or dangling: the first origin, and the first
                    magnitude that names it (else the first of all).
- NAIVE_TIME        a time without offset is UTC.
- NOT_EXISTING      `type` "not existing" (SeisComP) or a preferred origin whose `evaluationStatus` is "rejected"
                    withdraws the event.
- TYPE_NULL         `type` missing or the word "null": an earthquake, which is what these services are asked for.
- RESPONSE_TIME     some services write the time of the answer into the event's creationInfo (see `FdsnEvent.updated`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from typing import cast

from lxml import etree

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import (
    DEPTHS,
    MAGNITUDES,
    Origin,
    Report,
    Status,
    epoch_milliseconds,
    key_of,
    latitude,
    longitude,
    malformed,
    optional,
    utc,
)
from pipeline.feeds.protocol import Rejected

#: Metres in a kilometre (METRES).
METRES = 1000.0
_ROOTS = ("quakeml", "eventParameters")
_EVENT_ID = re.compile(r"(?:eventid=|evid=)([A-Za-z0-9_.-]+)|([A-Za-z0-9_.-]+)\W*\Z")

Element = etree._Element


def events(data: bytes, where: str, *, agency: str = "", updated: str = "newest") -> Iterator[tuple[Report, bytes] | Rejected]:
    """Yield the events of a document, each with a document of its own.

    Parameters
    ----------
    data
        The document.
    where
        Its name, for messages.
    agency
        Short name of the agency that publishes it; empty: what the document says.
    updated
        Where the revision comes from: "newest" of the creation times of event, preferred origin and preferred
        magnitude, "solution" (leaves out the event's own, RESPONSE_TIME), or "none".

    Raises
    ------
    FeedMalformed
        Where the whole is not QuakeML, is not well-formed or declares entities.
    """
    root = _parse(data, where)
    parameters = root if _name(root) == "eventParameters" else next(iter(_children(root, "eventParameters")), None)
    if _name(root) not in _ROOTS or parameters is None:
        malformed(where, etree.QName(root).text, "QuakeML with eventParameters")
    for place, event in enumerate(_children(parameters, "event")):
        name = f"{where}#{event.get('publicID', place)}"
        alone = _alone(root, parameters, event)
        try:
            yield _report(event, name, agency, updated), alone
        except FeedMalformed as error:
            yield Rejected(alone, str(error), name)


def _parse(data: bytes, where: str) -> Element:
    """Return the root; no DTD is loaded, no entity resolved, nothing fetched, nothing of that kind accepted."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedMalformed(f"{where}: {len(data)} bytes are not well-formed XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise FeedMalformed(f"{where}: found a document type declaration, expected none")
    return root


def _report(event: Element, where: str, agency: str, updated: str) -> Report:
    origins, magnitudes = _children(event, "origin"), _children(event, "magnitude")
    if not origins:
        malformed(where, "no origin", "at least one")
    preferred = _preferred(event, "preferredOriginID", origins)
    origin = origins[0] if preferred is None else preferred
    named = _preferred(event, "preferredMagnitudeID", magnitudes)
    magnitude = _magnitude_of(origin, magnitudes, first=True) if named is None else named
    created = _created(event, origin, magnitude, where, updated)
    source = agency or _agency(event)
    name = _event_id(event, where)
    place = _place(event)
    own = _origin(origin, magnitude, (source, name, place, created), where)
    others = [
        _origin(other, _magnitude_of(other, magnitudes), (_agency(other) or source, name, place, _time(other, where)), where)
        for other in origins
        if other is not origin and _text(other, "time", "value")
    ]
    return Report(
        origins=(own, *others),
        ids=(key_of(source, name),),
        status=_status(event, origin),
        event_type=_type(event),
        revision=epoch_milliseconds(created),
        synthetic=any(_text(comment, "text") == "synthetic" for comment in _children(event, "comment")),
    )


def _origin(origin: Element, magnitude: Element | None, said: tuple[str, str, str, datetime | None], where: str) -> Origin:
    agency, name, place, created = said
    depth = optional(_text(origin, "depth", "value"), f"{where}: depth", (DEPTHS[0] * METRES, DEPTHS[1] * METRES))
    size = None if magnitude is None else optional(_text(magnitude, "mag", "value"), f"{where}: mag", MAGNITUDES)
    return Origin(
        time=utc(_text(origin, "time", "value"), where),
        latitude=latitude(_text(origin, "latitude", "value"), where),
        longitude=longitude(_text(origin, "longitude", "value"), where),
        depth=None if depth is None else depth / METRES,
        magnitude=size,
        magnitude_type="" if magnitude is None else _text(magnitude, "type"),
        agency=agency,
        event_id=name,
        updated=created,
        place=place,
    )


def _preferred(event: Element, reference: str, among: list[Element]) -> Element | None:
    wanted = _text(event, reference)
    return next((element for element in among if wanted and element.get("publicID") == wanted), None)


def _magnitude_of(origin: Element, magnitudes: list[Element], *, first: bool = False) -> Element | None:
    """Return the first magnitude that names an origin; `first`: else the first of all (NO_PREFERRED)."""
    named = [m for m in magnitudes if _text(m, "originID") and _text(m, "originID") == origin.get("publicID")]
    return next(iter(named or (magnitudes if first else [])), None)


def _created(event: Element, origin: Element, magnitude: Element | None, where: str, updated: str) -> datetime | None:
    """Return the newest creation time of what makes the solution, or None where none is given or wanted."""
    parts = {"newest": [event, origin, magnitude], "solution": [origin, magnitude], "none": []}[updated]
    times = [_time(part, where) for part in parts if part is not None]
    return max((time for time in times if time is not None), default=None)


def _time(element: Element, where: str) -> datetime | None:
    text = _text(element, "creationInfo", "creationTime")
    return utc(text, f"{where}: creationTime") if text else None


def _status(event: Element, origin: Element) -> Status:
    mode, status = _text(origin, "evaluationMode"), _text(origin, "evaluationStatus")
    if status == "rejected" or _type(event) == "not existing":
        return "deleted"
    return "reviewed" if mode == "manual" or status in ("reviewed", "confirmed", "final") else "automatic"


def _type(event: Element) -> str:
    text = _text(event, "type").replace("_", " ")
    return text if text not in ("", "null") else "earthquake"


def _place(event: Element) -> str:
    descriptions = {_text(child, "type"): _text(child, "text") for child in _children(event, "description")}
    for kind in ("region name", "Flinn-Engdahl region", "earthquake name"):
        if descriptions.get(kind):
            return descriptions[kind]
    return next(iter(descriptions.values()), "")


def _event_id(event: Element, where: str) -> str:
    """Return the agency's id: the ANSS catalogue attributes where given, else the end of the publicID."""
    attributes = {etree.QName(key).localname: value for key, value in event.attrib.items()}
    source, number = attributes.get("eventsource", ""), attributes.get("eventid", "")
    if source and number:
        return key_of(str(source).lower(), str(number))
    found = _EVENT_ID.search(event.get("publicID", ""))
    if found is None:
        malformed(where, event.get("publicID"), "an event with a publicID")
    return found[1] or found[2]


def _agency(element: Element) -> str:
    """Return the short lower-case name of who made an element."""
    attributes = {etree.QName(key).localname: value for key, value in element.attrib.items()}
    said = str(attributes.get("eventsource", "")) if _name(element) == "event" else ""
    for field in ("agencyID", "authorURI", "agencyURI", "author"):
        said = said or _text(element, "creationInfo", field)
    return said.rsplit("/", 1)[-1].lower()


def _alone(root: Element, parameters: Element, event: Element) -> bytes:
    """Return a document with one event and the same envelope."""
    top = _shell(root)
    inner = top
    if parameters is not root:
        inner = _shell(parameters)
        top.append(inner)
    inner.append(deepcopy(event))
    return etree.tostring(top, xml_declaration=True, encoding="UTF-8")


def _shell(element: Element) -> Element:
    """Return an element like this one, without its children."""
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    return etree.Element(element.tag, attributes, nsmap=cast(dict[str, str], element.nsmap))


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _name(child) == name]


def _text(element: Element, *path: str) -> str:
    """Return the text at the end of a path of local names, or "" where there is none."""
    for name in path:
        found = _children(element, name)
        if not found:
            return ""
        element = found[0]
    return (element.text or "").strip()


def _name(element: Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""

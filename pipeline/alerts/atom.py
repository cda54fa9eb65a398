"""The Atom feed of the alerts (RFC 4287), newest first, with an archive by month (RFC 5005): pure, bytes to bytes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from pipeline.errors import AlertError

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"

#: Entries of the current feed; older ones are in the archive.
MAX_ENTRIES = 100

_NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message in the feed."""

    identifier: str
    """CAP identifier."""
    sender: str
    author: str
    title: str
    summary: str
    sent: datetime
    href: str
    """Address of the CAP file, absolute or relative to the feed."""
    categories: tuple[tuple[str, str], ...] = ()
    """(scheme, term) pairs: status, msgType, severity, event code."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds the entries."""

    id: str
    """A permanent IRI."""
    title: str
    href: str | None = None
    """Public address of this document."""
    archive: bool = False
    """Whether this is a month of the archive, complete once the month is over."""
    links: tuple[tuple[str, str], ...] = ()
    """(rel, href): prev-archive, current."""


def insert(document: bytes | None, entry: Entry, frame: Frame, *, most: int | None = MAX_ENTRIES) -> bytes:
    """Return the feed with an entry in its place; the same bytes where it holds the entry already.

    Raises
    ------
    AlertError
        Where the document is no Atom feed.
    """
    entries = _entries(document) if document else []
    element = _element(entry)
    id = element.findtext(_tag("id"))
    if document and any(old.findtext(_tag("id")) == id for old in entries):
        return document
    ordered = sorted([*entries, element], key=_order, reverse=True)
    return _feed(ordered[:most], frame)


def document(entries: Sequence[Entry], frame: Frame) -> bytes:
    """Return a feed of these entries in this order; without any it was never changed, which Atom writes as 1970."""
    return _feed([_element(entry) for entry in entries], frame)


def read_id(document: bytes) -> str:
    """Return the id of a feed.

    Raises
    ------
    AlertError
        Where the document is no Atom feed, or has none.
    """
    found = _root(document).findtext(_tag("id"))
    if not found:
        raise AlertError("Atom feed: found no id, expected a permanent IRI")
    return found


def urn(*names: str) -> str:
    """Return a permanent IRI made of names: the same names, the same IRI."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, '/'.join(names))}"


def _feed(entries: Sequence[etree._Element], frame: Frame) -> bytes:
    feed = etree.Element(_tag("feed"), nsmap={None: ATOM, "fh": HISTORY})  # type: ignore[dict-item]
    _text(feed, "id", frame.id)
    _text(feed, "title", frame.title)
    _text(feed, "updated", max((entry.findtext(_tag("updated")) or "" for entry in entries), default=_NEVER))
    _text(feed, "generator", "hazmon")
    links = [("self", frame.href), *frame.links]
    for rel, href in links:
        if href is not None:
            etree.SubElement(feed, _tag("link"), rel=rel, href=href, type="application/atom+xml")
    if frame.archive:
        etree.SubElement(feed, f"{{{HISTORY}}}archive")
    feed.extend(entries)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _element(entry: Entry) -> etree._Element:
    element = etree.Element(_tag("entry"))
    element.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
    sent = entry.sent.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _text(element, "id", urn(entry.sender, entry.identifier))
    _text(element, "title", entry.title)
    _text(element, "updated", sent)
    _text(element, "published", sent)
    author = etree.SubElement(element, _tag("author"))
    _text(author, "name", entry.author)
    for scheme, term in entry.categories:
        etree.SubElement(element, _tag("category"), scheme=scheme, term=term)
    etree.SubElement(element, _tag("link"), rel="alternate", type="application/cap+xml", href=entry.href)
    _text(element, "summary", entry.summary)
    return element


def _entries(document: bytes) -> list[etree._Element]:
    return list(_root(document).iterfind(_tag("entry")))


def _root(document: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise AlertError(f"Atom feed is not XML: {error}") from error
    if root.tag != _tag("feed"):
        raise AlertError(f"Atom feed: found root {root.tag}, expected feed")
    return root


def _order(entry: etree._Element) -> tuple[str, str]:
    return entry.findtext(_tag("updated")) or "", entry.findtext(_tag("id")) or ""


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, _tag(name)).text = text


def _tag(name: str) -> str:
    return f"{{{ATOM}}}{name}"

"""The root of an XML document of ShakeMap, which declares its elements inside itself and nothing else.

- INTERNAL_SUBSET  ShakeMap 3 writes a document type with element and attribute declarations into every file: those are
                   passed over (defaults of attributes too). An entity, or a declaration that lies elsewhere, is refused.
"""

from __future__ import annotations

from typing import Any

from lxml import etree

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import malformed

Element = etree._Element


def root(data: bytes, where: str) -> Element:
    """Return the root element; no entity is resolved, nothing is loaded or fetched.

    Raises
    ------
    FeedMalformed
        Where the bytes are not well-formed XML, or declare an entity or an external document type.
    """
    if b"<!ENTITY" in data.replace(b"\0", b""):
        raise FeedMalformed(f"{where}: found an entity declaration, expected none")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True, attribute_defaults=False
    )
    try:
        found = etree.fromstring(data, parser)
        declared: Any = found.getroottree().docinfo.internalDTD
        entities = [] if declared is None else list(declared.iterentities())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedMalformed(f"{where}: {len(data)} bytes are not well-formed XML: {error}") from error
    if declared is not None and (entities or declared.external_id or declared.system_url):
        malformed(f"{where}: document type", declared.system_url or entities, "declarations of elements and attributes alone")
    return found


def local(element: Element) -> str:
    """Return an element's name without its namespace, or "" for a comment."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def attributes(element: Element) -> dict[str, str]:
    """Return an element's attributes without namespaces."""
    return {etree.QName(name).localname: str(value) for name, value in element.attrib.items()}


def inside(element: Element, name: str) -> list[Element]:
    """Return the elements of a local name, the element itself or anywhere below it, in document order."""
    return [found for found in element.iter() if local(found) == name]

"""What RFC 4287 (Atom) and RFC 5005 (its archives) ask of a feed, held against a document."""

import re
from collections import Counter

from lxml import etree

from pipeline.alerts import atom

NS = {"a": atom.ATOM, "fh": atom.HISTORY}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
#: 4.2.7.2: a registered name, or an IRI.
RELATIONS = {"alternate", "self", "related", "enclosure", "via", "current", "prev-archive", "next-archive"}

_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]+(;.+)?")


def faults(document: bytes) -> list[str]:
    """Return what is wrong with a feed; empty where nothing is."""
    root = etree.fromstring(document)
    if root.tag != f"{{{atom.ATOM}}}feed":
        return [f"root {root.tag}"]
    entries = root.findall("a:entry", NS)
    found = [
        *_common(root, "feed"),
        *_counts(root, "feed", {"id": (1, 1), "title": (1, 1), "updated": (1, 1), "generator": (0, 1)}),
    ]
    if not all(entry.find("a:author", NS) is not None for entry in entries):
        found += _counts(root, "feed", {"author": (1, 99)})
    for number, entry in enumerate(entries):
        found += _entry(entry, f"entry {number}")
    updated = [entry.findtext("a:updated", namespaces=NS) for entry in entries]
    if updated != sorted(updated, reverse=True):
        found.append("entries are not the newest first")
    if updated and root.findtext("a:updated", namespaces=NS) != max(updated):
        found.append("the feed is not as new as its newest entry")
    ids = [entry.findtext("a:id", namespaces=NS) for entry in entries]
    if len(set(ids)) != len(ids):
        found.append("an id is there twice")
    return found + _archive(root)


def _entry(entry, where):
    counts = dict.fromkeys(("id", "title", "updated", "author"), (1, 1))
    counts |= dict.fromkeys(("published", "summary", "content", "rights", "source"), (0, 1))
    found = [*_common(entry, where), *_counts(entry, where, counts)]
    if entry.find("a:content", NS) is None and entry.find("a:link[@rel='alternate']", NS) is None:
        found.append(f"{where}: neither content nor a link to it")
    if not _TAG.fullmatch(entry.get(LANG, "")):
        found.append(f"{where}: xml:lang {entry.get(LANG)!r}")
    for name in entry.findall("a:author/a:name", NS):
        if not (name.text or "").strip():
            found.append(f"{where}: an author without a name")
    return found


def _common(element, where):
    """What holds for a feed and an entry alike: the form of ids, dates, links and categories."""
    found = []
    for id in element.findall("a:id", NS):
        if not _IRI.fullmatch(id.text or ""):
            found.append(f"{where}: id {id.text!r}")
    for date in (*element.findall("a:updated", NS), *element.findall("a:published", NS)):
        if not _DATE.fullmatch(date.text or ""):
            found.append(f"{where}: date {date.text!r}")
    if not (element.findtext("a:title", namespaces=NS) or "").strip():
        found.append(f"{where}: an empty title")
    for link in element.findall("a:link", NS):
        rel, kind = link.get("rel", "alternate"), link.get("type", "x/y")
        if (
            not _IRI.fullmatch(link.get("href", ""))
            or not (rel in RELATIONS or _IRI.fullmatch(rel))
            or not _TYPE.fullmatch(kind)
        ):
            found.append(f"{where}: link {dict(link.attrib)}")
    alternates = Counter((link.get("type"), link.get("hreflang")) for link in element.findall("a:link[@rel='alternate']", NS))
    found += [f"{where}: {count} alternates {kind}" for kind, count in alternates.items() if count > 1]
    for category in element.findall("a:category", NS):
        if not category.get("term") or not _IRI.fullmatch(category.get("scheme", "x:y")):
            found.append(f"{where}: category {dict(category.attrib)}")
    return found


def _counts(element, where, expected):
    for name, (least, most) in expected.items():
        count = len(element.findall(f"a:{name}", NS))
        if not least <= count <= most:
            yield f"{where}: {count} {name}, expected {least} to {most}"


def _archive(root):
    """RFC 5005, 4: an archive names the current feed; one link of a kind, and each to somewhere else."""
    links = Counter(link.get("rel") for link in root.findall("a:link", NS))
    hrefs = Counter(link.get("href") for link in root.findall("a:link", NS))
    found = [f"{count} links {rel}" for rel, count in links.items() if count > 1]
    found += [f"{count} links to {href}" for href, count in hrefs.items() if count > 1]
    if links["self"] != 1:
        found.append("no link self")
    if (root.find("fh:archive", NS) is not None) != (links["current"] == 1):
        found.append("an archive without the current feed, or the reverse")
    return found

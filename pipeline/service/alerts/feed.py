"""CAP files as they lie in the store, and the Atom feed of them with its archive by month (RFC 4287, RFC 5005).

The feed is made from the messages, not from the feed in the store: its links are absolute whatever address the writer
knew, and its titles and summaries are in the language that is asked for. Ids are those of the feed in the store.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from pipeline.alerts import atom, cap
from pipeline.errors import AlertError, KeyMissing
from pipeline.service.alerts.answer import kept
from pipeline.service.alerts.asked import Lang
from pipeline.service.alerts.find import Found, months, sent_in
from pipeline.service.alerts.languages import asked, choose
from pipeline.service.alerts.shelf import Shelf
from pipeline.service.door import Door
from pipeline.service.refused import only_known, refused

ATOM = "application/atom+xml"
CAP = "application/cap+xml"

#: How long the newest messages may be used without asking again, seconds: a warning must not wait.
_FRESH_S = 5
#: How long a message may be used, seconds: it never changes, but a mistaken cache should not hold it for ever.
_SETTLED_S = 3600
#: Bound of what one month's document holds.
_MOST = 100_000

_NAME = re.compile(r"[A-Za-z0-9._~@+:-]{1,200}\.xml")


def router(door: Door, shelf: Shelf) -> APIRouter:
    """Return the routes under /alerts."""
    routes = APIRouter(prefix="/alerts", tags=["Alerts"], dependencies=[Depends(only_known)])

    @routes.get("/atom.xml", responses={200: {"content": {ATOM: {}}}}, response_class=Response)
    def newest(request: Request, lang: Lang = None) -> Response:
        """Return the newest messages."""
        return _feed(request, door, shelf, None, lang)

    @routes.get("/archive/{month}.xml", responses={200: {"content": {ATOM: {}}}}, response_class=Response)
    def archive(
        request: Request, month: Annotated[str, Path(pattern=r"^\d{4}-\d\d$", description="YYYY-MM")], lang: Lang = None
    ) -> Response:
        """Return all messages of a month."""
        return _feed(request, door, shelf, month, lang)

    @routes.get("/{year}/{name}", responses={200: {"content": {CAP: {}}}}, response_class=Response)
    def message(
        request: Request,
        year: Annotated[str, Path(pattern=r"^\d{4}$", description="Year it was sent in")],
        name: Annotated[str, Path(description="CAP identifier and .xml")],
    ) -> Response:
        """Return one message in all its languages, byte for byte as it was sent."""
        try:
            if not _NAME.fullmatch(name):
                raise KeyMissing(name)
            data = door.work.store.get(f"alerts/{year}/{name}")
        except KeyMissing as error:
            raise refused(404, f"found no message {year}/{name}, expected one that a feed links to") from error
        return kept(request, data, CAP, seconds=_SETTLED_S)

    return routes


def _feed(request: Request, door: Door, shelf: Shelf, month: str | None, lang: str | None) -> Response:
    languages = asked(request, lang)
    shelf.refresh()
    there = months(shelf)
    if month is not None and month not in there:
        raise refused(404, f"found no messages of {month}, expected one of {there[-12:]}")
    found = sent_in(shelf, month, door.now(), _MOST if month else atom.MAX_ENTRIES)
    base = door.url(request)
    entries = [_entry(message, languages, base) for message in found]
    frame = _frame(door, base, month, there, languages)
    spoken = ", ".join(dict.fromkeys(entry.language for entry in entries))
    headers = {"Vary": "Accept-Language", **({"Content-Language": spoken} if spoken else {})}
    return kept(request, atom.document(entries, frame), f"{ATOM};charset=utf-8", seconds=_FRESH_S, headers=headers)


def _entry(message: Found, languages: tuple[str, ...], base: str) -> atom.Entry:
    properties: dict[str, Any] = message.body["properties"]
    texts: dict[str, Any] = message.body["texts"]
    language = choose(languages, list(texts)) if texts else "en"
    said = texts.get(language, {})
    named = (("status", properties["status"]), ("msgType", properties["msgType"]), ("severity", properties["severity"]))
    codes = (("eventCode", code) for code in properties["eventCode"])
    return atom.Entry(
        identifier=message.identifier,
        sender=properties["sender"],
        author=said.get("senderName") or properties["sender"],
        title=said.get("headline") or f"{properties['msgType']} {message.identifier}",
        summary=said.get("description") or "",
        sent=datetime.fromisoformat(properties["sent"]),
        href=f"{base}/{message.key}",
        categories=tuple((f"{cap.NAMESPACE}:{name}", term) for name, term in (*named, *codes) if term),
        language=language,
    )


def _frame(door: Door, base: str, month: str | None, there: list[str], languages: tuple[str, ...]) -> atom.Frame:
    """Return what surrounds the entries; a document in one language names itself with that language."""
    key = f"alerts/archive/{month}.xml" if month else "alerts/atom.xml"
    asked_for = f"?lang={','.join(languages)}" if languages else ""
    earlier = [other for other in there if month is None or other < month]
    later = [other for other in there if month is not None and other > month]
    links = [("current", f"{base}/alerts/atom.xml{asked_for}")] if month else []
    links += [("prev-archive", f"{base}/alerts/archive/{other}.xml{asked_for}") for other in earlier[-1:]]
    links += [("next-archive", f"{base}/alerts/archive/{other}.xml{asked_for}") for other in later[:1]]
    title = f"{door.settings.title}: alerts" + (f", {month}" if month else "")
    return atom.Frame(_id(door, key), title, f"{base}/{key}{asked_for}", archive=month is not None, links=tuple(links))


def _id(door: Door, key: str) -> str:
    """Return the permanent id of a feed: that of the document in the store, where it can be read."""
    try:
        return atom.read_id(door.work.store.get(key))
    except (KeyMissing, AlertError):
        return atom.urn(door.settings.url or door.settings.title, key)

"""Sending: a row of the ledger becomes a public CAP file and an entry of the Atom feed, once however often it is tried.

alerts/YYYY/IDENTIFIER.xml    the message, whole or not at all
alerts/atom.xml               the newest messages
alerts/archive/YYYY-MM.xml    all messages of a month
"""

from __future__ import annotations

from pipeline import news
from pipeline.alerts import atom, cap
from pipeline.alerts.ledger import Row
from pipeline.errors import AlertError, Conflict, KeyMissing
from pipeline.store import Store, sha256

FEED = "alerts/atom.xml"

#: Compare-and-swap attempts before giving up: writers are few and each attempt takes milliseconds.
ATTEMPTS = 50

_TITLE = "Hazard alerts"


def dispatch(store: Store, row: Row, hazard: str, base_url: str | None) -> bool:
    """Make a row's message public and tell of it; return whether this call did, False where it was public already.

    Raises
    ------
    AlertError
        Where other bytes lie under the message's name, or the row has none left and no file exists.
    Conflict
        Where the feed is changed by others at every attempt.
    """
    data = _bytes(store, row)
    created = store.create(row.key, data)
    if not created and sha256(store.get(row.key)) != row.sha256:
        raise AlertError(f"{row.key}: holds other bytes than the ledger's row; expected SHA-256 {row.sha256}")
    month = f"alerts/archive/{row.sent:%Y-%m}.xml"
    _insert(store, month, _entry(row, data, base_url, "../"), _month_frame(store, month, row, base_url), most=None)
    _insert(store, FEED, _entry(row, data, base_url, ""), _frame(month, row, base_url), most=atom.MAX_ENTRIES)
    news.tell(store, news.Entry("alert", "sent", row.identifier, hazard, row.sent, row.key, row.sha256))
    return created


def _bytes(store: Store, row: Row) -> bytes:
    if row.cap is not None:
        return row.cap.encode()
    try:
        return store.get(row.key)
    except KeyMissing as error:
        raise AlertError(f"{row.key}: the public file is missing and the ledger's row holds no bytes") from error


def _insert(store: Store, key: str, entry: atom.Entry, frame: atom.Frame, *, most: int | None) -> None:
    for _ in range(ATTEMPTS):
        before = _current(store, key)
        after = atom.insert(before, entry, frame, most=most)
        if after == before or store.swap(key, before, after):
            return
    raise Conflict(f"{key}: changed by others at each of {ATTEMPTS} attempts")


def _current(store: Store, key: str) -> bytes | None:
    try:
        return store.get(key)
    except KeyMissing:
        return None


def _entry(row: Row, data: bytes, base_url: str | None, up: str) -> atom.Entry:
    message = cap.parse(data)
    first = message.infos[0]
    relative = row.key.removeprefix("alerts/")
    return atom.Entry(
        identifier=row.identifier,
        sender=row.sender,
        author=row.sender_name,
        title=first.headline,
        summary=first.description,
        sent=row.sent,
        href=f"{base_url.rstrip('/')}/{row.key}" if base_url else up + relative,
        categories=(
            (f"{cap.NAMESPACE}:status", row.status),
            (f"{cap.NAMESPACE}:msgType", row.msg_type),
            (f"{cap.NAMESPACE}:severity", first.severity),
            *((f"{cap.NAMESPACE}:eventCode", value) for _, value in first.event_codes),
        ),
        language=first.language,
    )


def _frame(month: str, row: Row, base_url: str | None) -> atom.Frame:
    archive = _href(base_url, month) or month.removeprefix("alerts/")
    return atom.Frame(
        id=atom.urn(base_url or row.sender, FEED),
        title=_TITLE,
        href=_href(base_url, FEED),
        links=(("prev-archive", archive),),
    )


def _month_frame(store: Store, month: str, row: Row, base_url: str | None) -> atom.Frame:
    earlier = [key for key in store.list("alerts/archive") if key < month]
    previous = [("prev-archive", _href(base_url, key) or key.rsplit("/", 1)[1]) for key in earlier[-1:]]
    return atom.Frame(
        id=atom.urn(base_url or row.sender, month),
        title=f"{_TITLE}, {row.sent:%Y-%m}",
        href=_href(base_url, month),
        archive=True,
        links=(("current", _href(base_url, FEED) or "../atom.xml"), *previous),
    )


def _href(base_url: str | None, key: str) -> str | None:
    return f"{base_url.rstrip('/')}/{key}" if base_url else None

"""The ledger: per incident what was assessed and what was sent, changed by compare-and-swap only.

    ledger/STATUS/HAZARD/INCIDENT.json

A row holds the complete bytes of its message and is written before the message becomes visible, so a retry after a
crash sends the same bytes. Only the last row can be unsent: before a row is added, the one before it is dispatched;
its bytes then live in the public file alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.alerts.assessment import AreaImpact, Level
from pipeline.alerts.cap import MsgType, Status
from pipeline.alerts.decide import About, Decision, Kind, Memory, Standing
from pipeline.errors import KeyMissing
from pipeline.model import from_json, slug, to_json
from pipeline.store import Store, to_bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One message."""

    identifier: str
    sender: str
    sender_name: str
    sent: datetime
    expires: datetime
    msg_type: MsgType
    status: Status
    kind: Kind
    level: Level | None
    headline: str
    languages: tuple[str, ...]
    about: About
    reason: str
    sha256: str
    """Checksum of the message's bytes."""
    cap: str | None
    """The message itself, until the next row is added."""

    @property
    def key(self) -> str:
        """Store key of the public file."""
        return f"alerts/{self.sent:%Y}/{self.identifier}.xml"

    @property
    def closes(self) -> bool:
        """Whether nothing is warned of after it."""
        return self.kind in ("cancel", "all_clear")


@dataclass(frozen=True, slots=True)
class Incident:
    """The rows of one incident and what is remembered of it."""

    status: Status
    """Drills and earnest never share a chain."""
    hazard: str
    incident: str
    rows: tuple[Row, ...] = ()
    warned: tuple[AreaImpact, ...] = ()
    """Areas under warning after the last row."""
    told_by: Mapping[str, str] = field(default_factory=dict)
    """Area id: subject of the message that first warned it."""
    seen: Mapping[str, About] = field(default_factory=dict)
    withdrawn: About | None = None

    @property
    def key(self) -> str:
        """Store key of the ledger file."""
        return key_of(self.status, self.hazard, self.incident)

    @property
    def chain(self) -> tuple[Row, ...]:
        """The rows of the standing warning, from its Alert on; none where nothing stands."""
        if not self.rows or self.rows[-1].closes:
            return ()
        first = max(number for number, row in enumerate(self.rows) if row.kind == "alert")
        return self.rows[first:]

    @property
    def memory(self) -> Memory:
        """What a decision needs to know."""
        chain = self.chain
        standing = None
        if chain:
            subjects = tuple(row.about.subject for row in chain)
            standing = Standing(self.warned, chain[-1].sent, chain[-1].expires, subjects, self.told_by)
        return Memory(self.seen, standing, self.withdrawn)

    def added(self, row: Row, decision: Decision) -> Incident:
        """Return the incident with one more message; the earlier ones, public by now, give up their bytes."""
        before = tuple(replace(old, cap=None) for old in self.rows)
        warned = () if row.closes else decision.areas
        told_by = {area.id: self.told_by.get(area.id, row.about.subject) for area in warned}
        return replace(self, rows=(*before, row), warned=warned, told_by=told_by, seen=decision.seen)


def key_of(status: Status, hazard: str, incident: str) -> str:
    """Return the store key of an incident's ledger."""
    return f"ledger/{status.lower()}/{slug(hazard)}/{slug(incident)}.json"


def read(store: Store, status: Status, hazard: str, incident: str) -> tuple[bytes | None, Incident]:
    """Return an incident as bytes (None where it is new) and as values."""
    try:
        data = store.get(key_of(status, hazard, incident))
    except KeyMissing:
        return None, Incident(status, hazard, incident)
    return data, from_json(Incident, json.loads(data))


def write(store: Store, expected: bytes | None, incident: Incident) -> bool:
    """Store an incident where it still is what was read; return whether it was."""
    data = to_bytes(to_json(incident))
    return data == expected or store.swap(incident.key, expected, data)

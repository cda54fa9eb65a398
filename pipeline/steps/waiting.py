"""Subjects that could not be computed yet, because an input was not there: whoever brings the input makes them due.

News of a trigger feed makes its subjects due by itself; a static map or another hazard's product does not know who
waited for it. The note says it, until the subject is computed:

    waiting/HAZARD/SUBJECT.json
"""

from __future__ import annotations

from datetime import datetime

from pipeline.model import Trigger, slug
from pipeline.steps.workspace import Workspace
from pipeline.store import to_bytes


def note(work: Workspace, hazard: str, subject: str, reason: str, now: datetime) -> None:
    """Note that a subject waits, and for what."""
    value = {"hazard": hazard, "subject": subject, "reason": reason, "since": now.isoformat()}
    work.store.create(_key(hazard, subject), to_bytes(value))


def of(work: Workspace, hazard: str | None = None) -> list[Trigger]:
    """Return the subjects that wait, of one hazard or of all that are configured."""
    found = [work.store.get_json(key) for key in work.store.list(f"waiting/{hazard}" if hazard else "waiting")]
    triggers = [Trigger(entry["hazard"], entry["subject"]) for entry in found]
    return [trigger for trigger in triggers if trigger.hazard in work.config.hazards]


def end(work: Workspace, hazard: str, subject: str) -> None:
    """Remove the note of a subject that waits no longer."""
    work.store.delete(_key(hazard, subject))


def _key(hazard: str, subject: str) -> str:
    return f"waiting/{hazard}/{slug(subject)}.json"

"""Subjects that could not be computed yet, because an input was not there: whoever brings the input makes them due.

News of a trigger feed, and another hazard's product, make their subjects due by themselves; a static map or table does
not know who waited for it. The note says it, until the subject is computed, withdrawn or beyond hope; of all revisions of
an event there is one:

    waiting/HAZARD/LINEAGE.json
"""

from __future__ import annotations

from datetime import datetime

from pipeline.model import Subject, Trigger, slug
from pipeline.products.product import lineage
from pipeline.steps.workspace import Workspace
from pipeline.store import to_bytes


def note(work: Workspace, hazard: str, subject: Subject, reason: str, now: datetime) -> None:
    """Note that a subject waits, and for what; a newer revision takes the place of the older."""
    value = {"hazard": hazard, "subject": subject.key, "reason": reason, "since": now.isoformat()}
    work.store.put(_key(hazard, subject), to_bytes(value))


def of(work: Workspace) -> list[Trigger]:
    """Return the subjects that wait, of every hazard that is configured."""
    found = [work.store.get_json(key) for key in work.store.list("waiting")]
    triggers = [Trigger(entry["hazard"], entry["subject"]) for entry in found]
    return [trigger for trigger in triggers if trigger.hazard in work.config.hazards]


def end(work: Workspace, hazard: str, subject: Subject) -> None:
    """Remove the note of a subject that waits no longer."""
    work.store.delete(_key(hazard, subject))


def _key(hazard: str, subject: Subject) -> str:
    return f"waiting/{hazard}/{slug(lineage(subject))}.json"

"""What to say, given what was said: a pure decision from the standing warning and a new assessment.

Every area is judged by itself. An area keeps what was last told about it until a newer assessment has observed it, so
a scene that does not show a district never clears it. A rise is told at once; a fall is told when it is beyond the
rule's hysteresis and, unless it corrects the same data, not within `hold` of the last message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from pipeline.alerts.assessment import AreaImpact, Assessment, Level, highest, rank
from pipeline.alerts.rules.outline import likeness

Kind = Literal["none", "alert", "update", "cancel", "all_clear"]

#: Outlines that overlap by less than this (intersection over union) are worth a new message.
SAME_OUTLINE = 0.8


@dataclass(frozen=True, slots=True)
class About:
    """What an assessment is about: orders assessments of the same area."""

    subject: str
    """The same for all revisions of one event, scene or day."""
    revision: int
    data_time: datetime
    product: str
    """Id of the Item it was made from."""

    def newer_than(self, other: About | None) -> bool:
        """Tell whether this replaces what was known: a later revision of one subject, or later data of another."""
        if other is None:
            return True
        if self.subject == other.subject:
            return (self.revision, self.product != other.product) > (other.revision, False)
        return self.data_time >= other.data_time


@dataclass(frozen=True, slots=True)
class Standing:
    """The warning the public has been given and that was neither cancelled nor cleared."""

    areas: tuple[AreaImpact, ...]
    sent: datetime
    expires: datetime
    subjects: tuple[str, ...]
    """Subjects of all its messages, from the Alert on."""
    told_by: Mapping[str, str] = field(default_factory=dict)
    """Area id: subject of the message that first warned it."""


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of an incident."""

    seen: Mapping[str, About] = field(default_factory=dict)
    """Area id: what the last assessment that observed it was about."""
    standing: Standing | None = None
    withdrawn: About | None = None
    """The subject and revision at which the source withdrew the event."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and the patience of a decision."""

    now: datetime
    max_age: timedelta
    """Data older than this never alert: a back-fill."""
    hold: timedelta = timedelta(hours=3)
    """Least time between a message and one that says less."""
    extend: timedelta = timedelta(hours=6)
    """A warning that expires within this and still holds is extended."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to send and why; `areas` are those warned from now on (of the old warning for cancel and all_clear)."""

    kind: Kind
    reason: str
    areas: tuple[AreaImpact, ...] = ()
    seen: Mapping[str, About] = field(default_factory=dict)
    """Area id: what the area was last assessed by, after this decision."""

    @property
    def level(self) -> Level | None:
        """The highest level of the areas."""
        return highest(area.level for area in self.areas)


def decide(memory: Memory, assessment: Assessment, about: About, timing: Timing) -> Decision:
    """Return what to send after an assessment."""
    if timing.now - about.data_time > timing.max_age:
        return Decision(
            "none", f"data of {about.data_time:%Y-%m-%d %H:%M} UTC are older than {timing.max_age}", seen=memory.seen
        )
    gone = memory.withdrawn
    if gone is not None and gone.subject == about.subject and about.revision <= gone.revision:
        return Decision("none", "the event was withdrawn", seen=memory.seen)
    fresh = [area for area in assessment.areas if area.observed and about.newer_than(memory.seen.get(area.id))]
    if not fresh:
        return Decision("none", "nothing newer was observed", seen=memory.seen)
    seen = {**memory.seen, **{area.id: about for area in fresh}}
    told = {area.id: area for area in memory.standing.areas} if memory.standing else {}
    after = _after(told, fresh)
    if memory.standing is None:
        if not after:
            return Decision("none", "below every threshold", seen=seen)
        return Decision("alert", "a level is reached", _sorted(after), seen)
    if not after:
        return _ended(memory, memory.standing, about, timing, seen)
    reason = _change(told, after)
    raised = any(rank(area.level) > rank(told[id].level if id in told else None) for id, area in after.items())
    if reason is None:
        near_end = memory.standing.expires - timing.now <= timing.extend
        confirmed = any(area.id in after for area in fresh) and about.subject not in memory.standing.subjects[-1:]
        if not (near_end and confirmed):
            return Decision("none", "nothing changed", seen=seen)
        return Decision("update", "the warning would expire and still holds", _sorted(after), seen)
    if not raised and _held(memory.standing, about, timing):
        return Decision("none", f"{reason}, held back so soon after the last message", seen=memory.seen)
    return Decision("update", reason, _sorted(after), seen)


def withdraw(memory: Memory, about: About) -> Decision:
    """Return what to send after a source withdrew a subject: the message was wrong where it rested on it."""
    if memory.standing is None:
        return Decision("none", "nothing was sent", seen=memory.seen)
    told = {id for id, subject in memory.standing.told_by.items() if subject == about.subject}
    confirmed = {id for id, seen in memory.seen.items() if seen.subject != about.subject}
    after = tuple(area for area in memory.standing.areas if area.id not in told - confirmed)
    if len(after) == len(memory.standing.areas):
        return Decision("none", "no warning rests on it", seen=memory.seen)
    if after:
        return Decision("update", "part of the data was withdrawn", after, memory.seen)
    return Decision("cancel", "the source withdrew it", memory.standing.areas, memory.seen)


def _after(told: Mapping[str, AreaImpact], fresh: Iterable[AreaImpact]) -> dict[str, AreaImpact]:
    """Return the areas warned after an assessment, each at the level reached, or held by hysteresis."""
    after = dict(told)
    for area in fresh:
        before = told.get(area.id)
        level = area.level
        if before is not None:
            kept = min(before.level, area.held, key=rank)
            level = highest((level, kept))
        if level is None:
            after.pop(area.id, None)
        else:
            polygons = area.polygons or (before.polygons if before else ())
            after[area.id] = replace(area, level=level, polygons=polygons)
    return after


def _change(told: Mapping[str, AreaImpact], after: Mapping[str, AreaImpact]) -> str | None:
    if {id: area.level for id, area in told.items()} != {id: area.level for id, area in after.items()}:
        return "level or areas changed"
    if any(likeness(told[id].polygons, area.polygons) < SAME_OUTLINE for id, area in after.items()):
        return "the affected area moved"
    return None


def _ended(memory: Memory, standing: Standing, about: About, timing: Timing, seen: Mapping[str, About]) -> Decision:
    """Return the end of a warning: wrong where only the same data, revised, speak; else the hazard is over."""
    if set(standing.subjects) == {about.subject}:
        return Decision("cancel", "revised data do not reach a level", standing.areas, seen)
    if _held(standing, about, timing):
        return Decision("none", "below every threshold, held back so soon after the last message", seen=memory.seen)
    return Decision("all_clear", "the hazard is over", standing.areas, seen)


def _held(standing: Standing, about: About, timing: Timing) -> bool:
    return about.subject not in standing.subjects and timing.now - standing.sent < timing.hold


def _sorted(areas: Mapping[str, AreaImpact]) -> tuple[AreaImpact, ...]:
    return tuple(sorted(areas.values(), key=lambda area: (-rank(area.level), -(area.value or 0.0), area.id)))

"""The one way an alert comes about: decide, compose, write the row, send.

    refs = warn(store, assessment, context)
    refs = cancel(store, context)             # the source withdrew the event or scene

Both are idempotent. The same assessment again returns the message it gave, with `new=False`; after a crash between
row and file the same call sends the row's bytes. Of two processes at once, one writes the row, the other finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta

from pipeline.alerts import cap, ledger
from pipeline.alerts.assessment import Assessment
from pipeline.alerts.compose import Chain, compose
from pipeline.alerts.context import WarnContext
from pipeline.alerts.decide import Decision, decide, withdraw
from pipeline.alerts.dispatch import ATTEMPTS, dispatch
from pipeline.alerts.ledger import Incident, Row
from pipeline.errors import Conflict
from pipeline.model import AlertRef
from pipeline.store import Store, sha256

_log = logging.getLogger(__name__)


def warn(store: Store, assessment: Assessment, context: WarnContext) -> list[AlertRef]:
    """Return the message that an assessment gives rise to: one, or none where there is nothing (new) to say.

    Raises
    ------
    AlertError
        Where the message may not be sent as it stands.
    Conflict
        Where other processes change the incident at every attempt.
    """
    return _issue(store, assessment, context, lambda incident: _assessed(incident, assessment, context))


def cancel(store: Store, context: WarnContext) -> list[AlertRef]:
    """Return the message that takes back what was said about a withdrawn subject; none where nothing was said.

    `context.revision` is the revision of the withdrawal: assessments of the subject up to it are ignored from now on.
    """
    return _issue(store, Assessment(None, complete=True), context, lambda incident: _withdrawn(incident, context))


Change = Callable[[Incident], tuple[Decision, Incident]]


def _assessed(incident: Incident, assessment: Assessment, context: WarnContext) -> tuple[Decision, Incident]:
    decision = decide(incident.memory, assessment, context.about, context.timing)
    return decision, replace(incident, seen=decision.seen)


def _withdrawn(incident: Incident, context: WarnContext) -> tuple[Decision, Incident]:
    decision = withdraw(incident.memory, context.about)
    return decision, replace(incident, withdrawn=context.about)


def _issue(store: Store, assessment: Assessment, context: WarnContext, change: Change) -> list[AlertRef]:
    for _ in range(ATTEMPTS):
        before, incident = ledger.read(store, context.status, context.hazard, context.incident)
        sent_now = bool(incident.rows) and dispatch(store, incident.rows[-1], context.hazard, context.base_url)
        decision, after = change(incident)
        _log.debug("%s %s: %s, %s", context.hazard, context.incident, decision.kind, decision.reason)
        if decision.kind == "none":
            if ledger.write(store, before, after):
                return _said(incident, context, new=sent_now)
            continue
        row = _row(incident, decision, assessment, context)
        if ledger.write(store, before, after.added(row, decision)):
            return [_ref(context, row, new=dispatch(store, row, context.hazard, context.base_url))]
    raise Conflict(f"incident {context.incident}: changed by others at each of {ATTEMPTS} attempts")


def _row(incident: Incident, decision: Decision, assessment: Assessment, context: WarnContext) -> Row:
    """Return the row of a new message; its `sent` is later than that of the message before, whatever the clock says."""
    sent = context.now.astimezone(UTC).replace(microsecond=0)
    if incident.rows:
        sent = max(sent, incident.rows[-1].sent + timedelta(seconds=1))
    chain = Chain(
        number=len(incident.rows) + 1,
        references=tuple((row.sender, row.identifier, row.sent) for row in incident.chain),
        languages=incident.chain[-1].languages if incident.chain else (),
    )
    alert = compose(decision, assessment, context, chain, sent)
    data = cap.build(alert)
    return Row(
        identifier=alert.identifier,
        sender=alert.sender,
        sender_name=context.sender_name,
        sent=sent,
        expires=alert.infos[0].expires,
        msg_type=alert.msg_type,
        status=alert.status,
        kind=decision.kind,
        level=decision.level,
        headline=alert.infos[0].headline,
        languages=tuple(info.language for info in alert.infos),
        about=context.about,
        reason=decision.reason,
        sha256=sha256(data),
        cap=data.decode(),
    )


def _said(incident: Incident, context: WarnContext, *, new: bool) -> list[AlertRef]:
    """Return the last message where it came from this very assessment."""
    return [_ref(context, row, new=new) for row in incident.rows[-1:] if row.about == context.about]


def _ref(context: WarnContext, row: Row, *, new: bool) -> AlertRef:
    return AlertRef(
        identifier=row.identifier,
        msg_type=row.msg_type,
        status=row.status,
        sent=row.sent,
        hazard=context.hazard,
        incident=context.incident,
        key=row.key,
        headline=row.headline,
        new=new,
    )

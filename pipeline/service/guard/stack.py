"""The order of the guards: what is cheap to refuse is refused first, and every refusal is recorded and dressed alike."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp

from pipeline.config import ServiceConfig
from pipeline.service.guard.access import Access
from pipeline.service.guard.answers import Answers, compressed
from pipeline.service.guard.bare import Bare
from pipeline.service.guard.bodies import Bodies
from pipeline.service.guard.heads import Heads
from pipeline.service.guard.limits import Concurrency, Deadline


def guarded(app: ASGIApp, settings: ServiceConfig, listening: Iterable[str] = ()) -> ASGIApp:
    """Return an application behind all guards.

    Parameters
    ----------
    app
        What answers.
    settings
        Names and limits.
    listening
        Further names that it answers to: the address that it listens on.
    """
    limits = settings.limits
    # Inside the deadline: what is no longer waited for still holds its place until its thread ends.
    app = Deadline(Concurrency(compressed(app), limits), limits)
    return Access(Answers(Heads(Bodies(Bare(app), limits), settings, listening)))

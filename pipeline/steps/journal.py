"""What was found and is not brought to its end yet: whoever goes on after a crash finds it here.

An archived granule is never discovered again, so without a note a run that was killed between archive and product
would leave the product unmade for good. The note is written before the fetch and removed after the warning:

    journal/FEED/GRANULE/REVISION.json
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pipeline.model import Granule, from_json, moment, to_json
from pipeline.steps.workspace import Workspace
from pipeline.store import to_bytes


def begin(work: Workspace, granules: Iterable[Granule], now: datetime) -> None:
    """Note granules that are about to be worked on; one that is noted already stays as it is."""
    for granule in granules:
        work.store.create(_key(granule), to_bytes({"at": now.isoformat(), "granule": to_json(granule)}))


def left(work: Workspace, feed: str, now: datetime) -> list[Granule]:
    """Return the granules of a feed that were noted up to `now` and never ended, in the order of their keys."""
    notes = [work.store.get_json(key) for key in work.store.list(f"journal/{feed}")]
    return [from_json(Granule, note["granule"]) for note in notes if moment(note["at"]) <= now]


def drop(work: Workspace, feed: str, before: datetime) -> list[Granule]:
    """Remove and return what there is no hope for: noted before a moment, or overtaken by a newer revision in the archive."""
    hopeless = []
    for key in work.store.list(f"journal/{feed}"):
        note = work.store.get_json(key)
        granule = from_json(Granule, note["granule"])
        newest = work.archive.newest(feed, granule.id, granule.start)
        if moment(note["at"]) < before or (newest is not None and newest.granule.revision > granule.revision):
            hopeless.append(granule)
    end(work, hopeless)
    return hopeless


def end(work: Workspace, granules: Iterable[Granule]) -> None:
    """Remove the notes of granules with which nothing is left to do."""
    for granule in granules:
        work.store.delete(_key(granule))


def _key(granule: Granule) -> str:
    return f"journal/{granule.key}.json"

"""One earthquake from files: `hazmon run shaking --event event.xml --stations stationlist.json --rupture rupture.json`.

The files go the way of every observation, through their feed into the archive and to the event they are about, so that
the product is one like any other: with its lineage, reproducible, and superseded when the files change. What is given
in one run is the whole of what is known by hand: a file that is not given again no longer counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError, HazmonError, InputError
from pipeline.hazards import HAZARDS
from pipeline.model import Granule, ObservationRef, ProductRef, Window, slug
from pipeline.observations import events
from pipeline.steps.compute import run
from pipeline.steps.due import is_about
from pipeline.steps.ingest import archive
from pipeline.steps.workspace import Workspace, open_workspace
from pipeline.store import sha256

#: The feed that such files belong to.
OWN_FILES = "own_files"


@dataclass(frozen=True, slots=True)
class EventFiles:
    """What a person gave on the command line."""

    event: Path
    """event.xml."""
    stations: tuple[Path, ...] = ()
    """Station lists and felt reports, in any of the known formats."""
    rupture: Path | None = None


def run_on_event(work: Workspace, hazard: str, files: EventFiles, now: datetime) -> Iterator[ProductRef]:
    """Yield the published product of an event given as files, after those of the hazards it is made from.

    Raises
    ------
    FeedMalformed
        Where a file cannot be read; it is in quarantine.
    InputError
        Where the hazard is not one of events, or the home prefers another agency's solution to the one given.
    InputNotReady
        As `run` does.
    """
    if work.hazard(hazard)[0].grid != "event":
        raise InputError(f"{hazard}: is not computed for events; --event needs one of those hazards")
    record = _announced(work, files.event, now)
    _keep(work, record, files, now)
    for one in _chain(work, hazard):
        yield run(work, one, events.event(record).key, now, asked=True)


def _chain(work: Workspace, hazard: str) -> list[str]:
    """Return the hazards that a hazard is made from, the first one first, and itself."""
    chain = [hazard]
    while (before := work.config.hazards[chain[0]].trigger[0]) in work.config.hazards:
        chain.insert(0, before)
    return chain


def _announced(work: Workspace, path: Path, now: datetime) -> events.EventRecord:
    """Return the event that an event.xml is a solution of, made from it."""
    source, data = work.feed(OWN_FILES), path.read_bytes()
    granule = next(found[0] for found in source.split(data, path.name) if isinstance(found, tuple))
    granule = _revised(work, granule, data, now)
    given = events.solution(source.decode(data, granule), archive(work, source, granule, data, now))
    given = replace(given, revision=granule.revision)
    record, _ = events.update(work.store, given, order=work.config.agencies, now=now)
    if record.basis.parameters != given.parameters:
        raise InputError(
            f"{path}: this home knows the event as {record.basis.agency} has it, and prefers that; give another --out"
        )
    return record


def _keep(work: Workspace, record: events.EventRecord, files: EventFiles, now: datetime) -> None:
    """Archive what is known of an event besides its solution, and withdraw what was given earlier and now is not."""
    given = [("stations", path) for path in files.stations] + ([("rupture", files.rupture)] if files.rupture else [])
    granules = [_about(record, part, path) for part, path in given]
    for ref in _kept(work, record):
        if ref.granule.id not in {granule.id for granule in granules}:
            _withdraw(work, ref, now)
    for granule, (_, path) in zip(granules, given, strict=True):
        data = path.read_bytes()
        archive(work, work.feed(OWN_FILES), _revised(work, granule, data, now), data, now)


def _kept(work: Workspace, record: events.EventRecord) -> list[ObservationRef]:
    around = Window(record.basis.time - events.MARGIN, record.basis.time + events.MARGIN)
    found = work.archive.find(OWN_FILES, around)
    return [ref for ref in found if is_about(ref, record) and not ref.granule.deleted]


def _withdraw(work: Workspace, ref: ObservationRef, now: datetime) -> None:
    granule = replace(ref.granule, revision=_next(ref, now), deleted=True)
    work.archive.record(ObservationRef(granule, work.archive.keep(granule, b"", received=now)))


def _about(record: events.EventRecord, part: str, path: Path) -> Granule:
    """Return the granule of a file about an event."""
    basis = record.basis
    return Granule(
        OWN_FILES,
        f"{part}.{slug(path.name)}",
        start=basis.time,
        end=basis.time,
        properties={"part": part, "ids": list(record.aliases), "near": [basis.longitude, basis.latitude]},
    )


def _revised(work: Workspace, granule: Granule, data: bytes, now: datetime) -> Granule:
    """Return the granule at the revision that stands for the same bytes, else at a new one."""
    newest = work.archive.newest(granule.feed, granule.id, granule.start)
    if newest is not None and newest.payload.sha256 == sha256(data) and not newest.granule.deleted:
        return replace(granule, revision=newest.granule.revision)
    return replace(granule, revision=_next(newest, now))


def _next(newest: ObservationRef | None, now: datetime) -> int:
    moment = int(now.timestamp() * 1000)
    return moment if newest is None else max(moment, newest.granule.revision + 1)


@contextmanager
def parameters_set(home: str, hazard: str, parameters: Mapping[str, Any]) -> Iterator[Workspace]:
    """Open a home with parameters of a hazard kept in its own configuration; not kept where the block fails.

    Its products are made again with them; later runs may change some and leave the others.

    Raises
    ------
    ConfigError
        Where there is no such hazard or parameter, or the home has no configuration of its own (a bucket).
    """
    work = open_workspace(home)
    if not parameters:
        yield work
        return
    path, before = _own_file(work, hazard, parameters)
    try:
        yield open_workspace(home)
    except HazmonError:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
        raise


def _own_file(work: Workspace, hazard: str, parameters: Mapping[str, Any]) -> tuple[Path, str | None]:
    """Write a hazard's file of the home's own configuration; return it and what it said before."""
    if hazard not in work.config.hazards:
        raise ConfigError(f"hazard {hazard!r}: expected one of {sorted(work.config.hazards)}")
    known = HAZARDS[work.config.hazards[hazard].layer].parameters
    if not set(parameters) <= set(known):
        raise ConfigError(f"{hazard}: found parameters {sorted(parameters)}, expected some of {sorted(known)}")
    if not work.store.is_local:
        raise ConfigError(f"{work.store.root}: a home in a bucket keeps no configuration; set it in HAZMON_CONFIG")
    found = yaml.safe_load(work.config.path("hazards", hazard).read_text(encoding="utf-8"))
    path = Path(work.store.root) / "config" / "hazards" / f"{hazard}.yaml"
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    changed = {**found, "parameters": {**found.get("parameters", {}), **parameters}}
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
    return path, before

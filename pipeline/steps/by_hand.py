"""One earthquake from files: `hazmon run shaking --event event.xml --stations stationlist.json --rupture rupture.json`.

The files go the way of every observation, through their feed into the archive and to the event they are about, so that
the product is one like any other: with its lineage, reproducible, and superseded when the files change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline.config import Config
from pipeline.errors import ConfigError, InputError
from pipeline.hazards import HAZARDS
from pipeline.model import Granule, ProductRef, Trigger, slug
from pipeline.observations import events
from pipeline.steps.compute import run_all
from pipeline.steps.ingest import archive
from pipeline.steps.workspace import Workspace
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
    """Yield the published product of an event given as files, and those of the hazards that follow from it.

    Raises
    ------
    FeedMalformed
        Where a file cannot be read; it is in quarantine.
    InputError
        Where the hazard is not one of events.
    InputNotReady
        As `run` does.
    """
    if work.hazard(hazard)[0].grid != "event":
        raise InputError(f"{hazard}: is not computed for events; --event needs one of those hazards")
    source = work.feed(OWN_FILES)
    data = files.event.read_bytes()
    granule = next(found[0] for found in source.split(data, files.event.name) if isinstance(found, tuple))
    ref = archive(work, source, granule, data, now)
    solution = events.solution(source.decode(data, granule), ref)
    record, _ = events.update(work.store, solution, order=work.config.agencies, now=now)
    given = [("stations", path) for path in files.stations] + ([("rupture", files.rupture)] if files.rupture else [])
    for part, path in given:
        archive(work, source, _granule(part, path, record), path.read_bytes(), now)
    yield from run_all(work, Trigger(hazard, events.event(record).key), now)


def _granule(part: str, path: Path, record: events.EventRecord) -> Granule:
    """Return the granule of a file about an event: another content is another granule."""
    basis = record.basis
    return Granule(
        OWN_FILES,
        f"{part}.{slug(path.name)}-{sha256(path.read_bytes())[:8]}",
        start=basis.time,
        end=basis.time,
        properties={"part": part, "ids": list(record.aliases), "near": [basis.longitude, basis.latitude]},
    )


def set_parameters(home: Path, config: Config, hazard: str, parameters: Mapping[str, Any]) -> None:
    """Keep parameters of a hazard in a home's own configuration, where its products are made again with them.

    Raises
    ------
    ConfigError
        Where there is no such hazard, or its layer has no such parameter.
    """
    if hazard not in config.hazards:
        raise ConfigError(f"hazard {hazard!r}: expected one of {sorted(config.hazards)}")
    known = HAZARDS[config.hazards[hazard].layer].parameters
    if not set(parameters) <= set(known):
        raise ConfigError(f"{hazard}: found parameters {sorted(parameters)}, expected some of {sorted(known)}")
    found = yaml.safe_load(config.path("hazards", hazard).read_text(encoding="utf-8"))
    path = home / "config" / "hazards" / f"{hazard}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    changed = {**found, "parameters": {**found.get("parameters", {}), **parameters}}
    path.write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")

"""The verbs of the flow: discover, ingest, compute, publish, warn, and run, which does several at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import config as configuration
from pipeline.cli.root import app
from pipeline.cli.terminal import Now, believed, fail, guarded, lines, show
from pipeline.errors import ConfigError, HazmonError, InputError, InputNotReady
from pipeline.model import Granule, ObservationRef, ProductRef, Trigger, Window, from_json, moment, to_json


@app.command(epilog="Example: hazmon discover usgs --hours 24 | hazmon ingest")
@guarded
def discover(
    feed: Annotated[str, typer.Argument(help="Id of a feed: see `hazmon feeds`.")],
    start: Annotated[str | None, typer.Option(help="Begin of the window (ISO 8601, UTC).")] = None,
    end: Annotated[str | None, typer.Option(help="End of the window, exclusive; default: now.")] = None,
    hours: Annotated[float | None, typer.Option(help="Length of the window where no --start is given.")] = None,
    now: Now = None,
) -> None:
    """List what a feed offers and the archive does not have yet, and what was begun and never ended: one granule a line."""
    from pipeline import steps

    work = steps.open_workspace()
    present = believed(now)
    _known_feed(work, feed)
    until = moment(end) if end else present + steps.INSTANT
    if start or hours:
        window = Window(moment(start) if start else until - timedelta(hours=hours or 0.0), until)
    else:
        window = steps.since(work, feed, until)
    # The past says nothing of how a feed is now.
    found = steps.discover(work, feed, window, present) if end else steps.look(work, feed, window, present)
    granules = {granule.key: granule for granule in (*steps.left(work, feed, present), *found.granules)}
    for granule in granules.values():
        show(to_json(granule))
    if found.rejected:
        fail(f"{len(found.rejected)} parts could not be read: " + "; ".join(found.rejected), 65)


def _known_feed(work: Any, feed: str) -> None:
    if feed not in work.config.feeds:
        raise ConfigError(f"feed {feed!r}: expected one of {sorted(work.config.feeds)}")


@app.command(
    epilog="Examples: hazmon ingest usgs --file all_day.geojson · hazmon discover gfs | hazmon ingest · hazmon ingest terrain"
)
@guarded
def ingest(
    feed: Annotated[str | None, typer.Argument(help="Id of a feed; none: granules from standard input.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A payload on disk, read like one from the network.", exists=True, dir_okay=False)
    ] = None,
    now: Now = None,
) -> None:
    """Fetch, decode, check and archive; print each observation and the subjects that are due.

    What a feed offered stays in the journal until `hazmon run` has read what is printed: a broken pipe loses nothing,
    the next ingest prints it again.
    """
    from pipeline import steps

    work = steps.open_workspace()
    present = believed(now)
    rejected: list[str] = []
    taken = []
    if file is not None:
        if feed is None:
            raise InputError("--file needs the feed it belongs to: hazmon ingest FEED --file PAYLOAD")
        refs, rejected = steps.ingest_file(work, feed, file.read_bytes(), file.name, present)
        taken = [(ref, steps.due(work, ref, present)) for ref in refs]
    else:
        for granule in _announced(work, feed, present, rejected):
            try:
                taken.append(steps.take(work, granule, present))
            except HazmonError as error:
                rejected.append(str(error))
    for ref, triggers in taken:
        show({"observation": to_json(ref), "due": [to_json(trigger) for trigger in triggers]})
    if rejected:
        fail(f"{len(taken)} ingested, {len(rejected)} not: " + "; ".join(rejected), 65)


def _announced(work: Any, feed: str | None, now: datetime, rejected: list[str]) -> Iterable[Granule]:
    """Return the granules to ingest, noted in the journal: those of standard input, or what a poll of the feed finds."""
    from pipeline import steps

    if feed is None:
        granules = [from_json(Granule, line) for line in lines(None)]
        steps.begin(work, granules, now)
        return granules
    _known_feed(work, feed)
    found = steps.poll(work, feed, now)
    rejected.extend(found.rejected)
    return found.granules


def _due(hazard: str | None, subject: str | None) -> Iterator[tuple[list[Trigger], Granule | None]]:
    """Yield what is asked for: one subject, or line by line the triggers from standard input and what they came with."""
    if hazard is not None and subject is not None:
        yield [Trigger(hazard, subject)], None
        return
    for line in lines(None):
        entries = line.get("due", [line]) if isinstance(line, dict) else [line]
        for entry in entries:
            if not isinstance(entry, dict) or not {"hazard", "subject"} <= entry.keys():
                raise InputError(f"standard input: found {json.dumps(entry)[:200]}, expected hazard and subject, or due")
        chosen = [Trigger(e["hazard"], e["subject"]) for e in entries if hazard in (None, e["hazard"])]
        whole = "observation" in line and len(chosen) == len(entries)
        yield chosen, from_json(ObservationRef, line["observation"]).granule if whole else None


Hazard = Annotated[str | None, typer.Argument(help="Id of a hazard; none: as the lines say.")]
SubjectKey = Annotated[
    str | None, typer.Argument(help="Key of a subject, as `hazmon ingest` prints it; none: from standard input.")
]


def _each(
    hazard: str | None,
    subject: str | None,
    action: Callable[[Trigger], Iterable[object]],
    done: Callable[[Granule], None] = lambda granule: None,
) -> None:
    """Do a step for each subject, print what it returns, and end red where one failed.

    `done` is told each granule all of whose subjects went well, or wait for an input that will make them due again.
    """
    from pipeline import config

    known = sorted(config.load().hazards)
    if hazard is not None and hazard not in known:
        raise ConfigError(f"hazard {hazard!r}: expected one of {known}")
    code = 0
    for triggers, granule in _due(hazard, subject):
        finished = True
        for trigger in triggers:
            try:
                for value in action(trigger):
                    show(to_json(value))
            except HazmonError as error:
                waits = isinstance(error, InputNotReady)
                typer.echo(f"hazmon: {trigger.hazard} {trigger.subject}: {'not ready: ' if waits else ''}{error}", err=True)
                code, finished = error.exit_code, finished and waits
        if granule is not None and finished:
            done(granule)
    if code:
        raise typer.Exit(code)


@app.command(epilog="Example: hazmon compute shaking event:eq20240122180904a1b2:1:20240122T180904Z | hazmon publish")
@guarded
def compute(hazard: Hazard = None, subject: SubjectKey = None, now: Now = None) -> None:
    """Compute products and stage them: not public yet."""
    from pipeline import steps

    work, present = steps.open_workspace(), believed(now)
    _each(hazard, subject, lambda t: [steps.compute(work, t.hazard, t.subject, present)])


@app.command(epilog="Example: hazmon compute fire_weather region:kazakhstan:20240405T000000Z:20240406T000000Z | hazmon publish")
@guarded
def publish(now: Now = None) -> None:
    """Make staged products public: reads what `hazmon compute` prints."""
    from pipeline import steps

    work, present = steps.open_workspace(), believed(now)
    for line in lines(None):
        show(to_json(steps.publish(work, from_json(ProductRef, line), present)))


@app.command(epilog="Example: hazmon ingest usgs --file event.geojson | hazmon run | hazmon warn")
@guarded
def warn(hazard: Hazard = None, subject: SubjectKey = None, now: Now = None) -> None:
    """Apply the alert rules to what is published and write CAP messages."""
    from pipeline import steps

    work, present = steps.open_workspace(), believed(now)
    _each(hazard, subject, lambda t: steps.warn(work, t.hazard, t.subject, present))


@app.command(
    epilog="Examples: hazmon ingest usgs --file event.geojson | hazmon run · "
    "hazmon run flood_extent --file scene.tif --bands vv,vh --units dB --input hand=hand.tif --out DIR · "
    "hazmon run shaking --event event.xml --stations stationlist.json --rupture rupture.json --out DIR"
)
@guarded
def run(
    hazard: Hazard = None,
    subject: SubjectKey = None,
    file: Annotated[
        Path | None, typer.Option(help="A GeoTIFF whose bands are layer inputs.", exists=True, dir_okay=False)
    ] = None,
    bands: Annotated[str | None, typer.Option(help="Which input each band of --file is, in order: vv,vh.")] = None,
    units: Annotated[
        str | None, typer.Option(help="Units of --file where it does not declare them: dB, linear or UDUNITS text.")
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="NAME=PATH[@UNITS] of a further input, or NAME=NUMBER.")
    ] = None,
    event: Annotated[Path | None, typer.Option(help="An event.xml of ShakeMap.", exists=True, dir_okay=False)] = None,
    stations: Annotated[
        list[Path] | None,
        typer.Option(help="Station list, felt reports or amplitudes (JSON, XML, CSV); may be given again.", exists=True),
    ] = None,
    rupture: Annotated[
        Path | None, typer.Option(help="rupture.json, fault.txt or a finite-fault model.", exists=True, dir_okay=False)
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="PARAMETER=JSON of the layer, kept in the home's own configuration.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Home to publish into, with files of your own; default: HAZMON_HOME.")
    ] = None,
    now: Now = None,
) -> None:
    """Compute and publish: subjects that are due, one layer on rasters of your own, or an earthquake from files."""
    present, home = believed(now), str(out) if out else configuration.home()
    if event is not None:
        if hazard is None or subject or file or inputs:
            raise InputError("--event needs a hazard and no other subject: hazmon run shaking --event event.xml ...")
        _run_on_event(home, hazard, (event, tuple(stations or ()), rupture), settings or [], present)
    elif stations or rupture or settings:
        raise InputError("--stations, --rupture and --set need the event they are about: --event event.xml")
    elif file is not None or inputs:
        if hazard is None or subject:
            raise InputError("--file and --input need a hazard and no subject: hazmon run flood_extent --file scene.tif ...")
        _run_on_files(home, hazard, (file, bands, units, inputs or []), present)
    else:
        _run_due(hazard, subject, present)


def _run_on_event(
    home: str, hazard: str, files: tuple[Path, tuple[Path, ...], Path | None], settings: Iterable[str], now: datetime
) -> None:
    from pipeline import steps

    with steps.parameters_set(home, hazard, dict(_setting(text) for text in settings)) as work:
        for ref in steps.run_on_event(work, hazard, steps.EventFiles(*files), now):
            show(to_json(ref))


def _run_on_files(
    home: str, hazard: str, files: tuple[Path | None, str | None, str | None, Iterable[str]], now: datetime
) -> None:
    from pipeline import steps

    scene, bands, units, inputs = files
    given = steps.Files(scene=scene, bands=tuple(bands.split(",")) if bands else (), units=units, inputs=tuple(inputs))
    show(to_json(steps.run_on_files(steps.open_workspace(home), hazard, given, now)))


def _run_due(hazard: str | None, subject: str | None, now: datetime) -> None:
    from pipeline import steps

    work = steps.open_workspace()
    _each(hazard, subject, lambda t: steps.run_all(work, t, now), lambda granule: steps.end(work, [granule]))


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        if not equals:
            raise InputError(f"--set {text!r}: expected PARAMETER=JSON, for example default_vs30=760") from error
        return name, value


@app.command(epilog="Example: hazmon outdated | hazmon run")
@guarded
def outdated(now: Now = None) -> None:
    """List subjects whose product would be another one now: a parameter, a map or a layer's version changed."""
    from pipeline import steps

    for trigger in steps.outdated(steps.open_workspace(), believed(now)):
        show(to_json(trigger))

"""The command `hazmon`: every verb of the pipeline, JSON lines in and out so that commands pipe."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer

from pipeline import __version__
from pipeline.errors import ConfigError, HazmonError, InputError, InputNotReady
from pipeline.model import Granule, ObservationRef, ProductRef, Trigger, Window, from_json, moment, to_json

app = typer.Typer(
    name="hazmon",
    help="Open multi-hazard monitoring: feeds to hazard layers to COG, STAC and CAP.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
catalog_app = typer.Typer(name="catalog", help="Look at, check and repair what was published.", no_args_is_help=True)
app.add_typer(catalog_app)

P = ParamSpec("P")

Now = Annotated[
    str | None,
    typer.Option("--now", help="The moment to believe it is (ISO 8601, UTC); default: the wall clock.", metavar="TIME"),
]


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Return a command whose expected errors become one line on stderr and the error's own exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except HazmonError as error:
            _fail(f"{error}", error.exit_code)

    return run


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"hazmon: {message}", err=True)
    raise typer.Exit(code)


def _print(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _lines(source: str | None) -> Iterator[Any]:
    """Yield JSON values, one a line, from a file or (None or "-") standard input."""
    with sys.stdin if source in (None, "-") else Path(str(source)).open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{source or 'standard input'}: line {number} is not JSON: {error}") from error


def _now(text: str | None) -> datetime:
    return moment(text) if text else datetime.now(UTC)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"hazmon {__version__}")
        raise typer.Exit


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step to stderr.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """State lives under HAZMON_HOME (./.hazmon; a folder or s3://bucket/prefix), settings under HAZMON_CONFIG (./config)."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "pint.util", "numexpr"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


@app.command(epilog="Example: hazmon check")
@guarded
def check() -> None:
    """Check the configuration: every file, every name, every option; exit 2 at the first fault."""
    from pipeline import steps
    from pipeline.steps.warn import check_alerts

    work = steps.open_workspace()
    lines = work.check()
    check_alerts(work)
    for line in lines:
        typer.echo(line)


@app.command(epilog="Example: hazmon feeds")
@guarded
def feeds() -> None:
    """List the configured feeds."""
    from pipeline import config

    for id, feed in config.load().feeds.items():
        _print({"id": id, "title": feed.title, "protocol": feed.protocol, "schedule": feed.schedule, "licence": feed.licence})


@app.command(epilog="Example: hazmon layers")
@guarded
def layers() -> None:
    """List the hazard layers: inputs, outputs, parameters with defaults, source."""
    from pipeline.hazards import HAZARDS

    for id, layer in HAZARDS.items():
        _print(
            {
                "id": id,
                "title": layer.title,
                "version": layer.version,
                "inputs": {n: _units(declared) for n, declared in layer.inputs.items()},
                "outputs": {n: _units(declared) for n, declared in {**layer.outputs, **layer.tables}.items()},
                "parameters": {n: repr(v) for n, v in layer.parameters.items()},
                "source": layer.source,
            }
        )


def _units(declared: Any) -> Any:
    """Return the units of a variable, or of each column of a table."""
    columns = getattr(declared, "columns", None)
    return declared.units if columns is None else {name: variable.units for name, variable in columns.items()}


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
    present = _now(now)
    _known_feed(work, feed)
    until = moment(end) if end else present + steps.INSTANT
    if start or hours:
        window = Window(moment(start) if start else until - timedelta(hours=hours or 0.0), until)
    else:
        window = steps.since(work, feed, until)
    found = steps.discover(work, feed, window, present)
    granules = {granule.key: granule for granule in (*steps.left(work, feed, present), *found.granules)}
    for granule in granules.values():
        _print(to_json(granule))
    if found.rejected:
        _fail(f"{len(found.rejected)} parts could not be read: " + "; ".join(found.rejected), 65)


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

    What is printed stays in the journal until `hazmon run` has read it: a broken pipe loses nothing, the next ingest
    prints it again.
    """
    from pipeline import steps

    work = steps.open_workspace()
    present = _now(now)
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
        _print({"observation": to_json(ref), "due": [to_json(trigger) for trigger in triggers]})
    if rejected:
        _fail(f"{len(taken)} ingested, {len(rejected)} not: " + "; ".join(rejected), 65)


def _announced(work: Any, feed: str | None, now: datetime, rejected: list[str]) -> Iterable[Granule]:
    """Return the granules to ingest, noted in the journal: those of standard input, or what a poll of the feed finds."""
    from pipeline import steps

    if feed is None:
        granules = [from_json(Granule, line) for line in _lines(None)]
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
    for line in _lines(None):
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
                    _print(to_json(value))
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

    work, present = steps.open_workspace(), _now(now)
    _each(hazard, subject, lambda t: [steps.compute(work, t.hazard, t.subject, present)])


@app.command(epilog="Example: hazmon compute fire_weather region:kazakhstan:20240405T000000Z:20240406T000000Z | hazmon publish")
@guarded
def publish(now: Now = None) -> None:
    """Make staged products public: reads what `hazmon compute` prints."""
    from pipeline import steps

    work, present = steps.open_workspace(), _now(now)
    for line in _lines(None):
        _print(to_json(steps.publish(work, from_json(ProductRef, line), present)))


@app.command(epilog="Example: hazmon ingest usgs --file event.geojson | hazmon run | hazmon warn")
@guarded
def warn(hazard: Hazard = None, subject: SubjectKey = None, now: Now = None) -> None:
    """Apply the alert rules to what is published and write CAP messages."""
    from pipeline import steps

    work, present = steps.open_workspace(), _now(now)
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
    from pipeline import config, steps

    present = _now(now)
    if settings:
        if hazard is None:
            raise InputError("--set needs the hazard whose parameters it sets: hazmon run shaking --set default_vs30=760 ...")
        steps.set_parameters(out or Path(config.home()), config.load(), hazard, dict(_setting(text) for text in settings))
    if event is not None:
        if hazard is None:
            raise InputError("--event needs a hazard: hazmon run shaking --event event.xml ...")
        files = steps.EventFiles(event, tuple(stations or ()), rupture)
        for ref in steps.run_on_event(steps.open_workspace(str(out) if out else None), hazard, files, present):
            _print(to_json(ref))
        return
    if stations or rupture:
        raise InputError("--stations and --rupture need the event they are about: --event event.xml")
    if file is None and not inputs:
        work = steps.open_workspace()
        _each(hazard, subject, lambda t: steps.run_all(work, t, present), lambda granule: steps.end(work, [granule]))
        return
    if hazard is None:
        raise InputError("--file and --input need a hazard: hazmon run flood_extent --file scene.tif ...")
    given = steps.Files(scene=file, bands=tuple(bands.split(",")) if bands else (), units=units, inputs=tuple(inputs or ()))
    _print(to_json(steps.run_on_files(steps.open_workspace(str(out) if out else None), hazard, given, present)))


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

    for trigger in steps.outdated(steps.open_workspace(), _now(now)):
        _print(to_json(trigger))


@app.command(epilog="Examples: hazmon exercise uqturpan-2024 · hazmon exercise zhaiyk-2024 --out /tmp/zhaiyk")
@guarded
def exercise(
    name: Annotated[str | None, typer.Argument(help="Id of a scenario; none: list them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Home to publish into; default: HAZMON_HOME, else ./.hazmon.")] = None,
) -> None:
    """Play a scripted past disaster through the real steps, without Airflow; exit 1 where something expected is missing."""
    from pipeline import config
    from pipeline.exercise import drill, scenario

    if name is None:
        for id in scenario.names():
            _print({"id": id, "title": scenario.load(id).title})
        return
    report = drill.play_directly(scenario.load(name), out or Path(config.home()), say=typer.echo)
    for line in report.lines():
        typer.echo(line)
    if not report.complete:
        _fail("not everything expected was published", 1)


@app.command(epilog="Examples: hazmon up · hazmon up --once --port 8090 · hazmon up --live")
@guarded
def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Airflow's page and REST interface on 127.0.0.1.")] = 8080,
    once: Annotated[bool, typer.Option("--once", help="Stop after the exercises.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Read the live feeds; play no exercise.")] = False,
) -> None:
    """Start everything on loopback with embedded defaults, play the exercises through Airflow, go on until Ctrl-C."""
    from pipeline.exercise import up as deployment

    if live:
        deployment.live(port, say=typer.echo)
        return
    if not deployment.exercises(port, once=once, say=typer.echo):
        _fail("not everything expected was published", 1)


@app.command(epilog="Example: hazmon reproduce shaking-eq20240122180904a1b2-1-20240122T180904Z-1a2b3c4d")
@guarded
def reproduce(
    items: Annotated[list[str] | None, typer.Argument(help="Ids of Items; none: every Item.")] = None,
) -> None:
    """Compute an Item again from the archive and compare pixel by pixel: equal (exit 0), differs (3), unavailable (4)."""
    from pipeline import steps

    work = steps.open_workspace()
    codes = {"equal": 0, "differs": 3, "unavailable": 4}
    worst = 0
    for item in items or sorted(found["id"] for found in work.catalog.find()):
        answer = steps.reproduce(work, item)
        _print({"item": item, "answer": answer.verdict, "detail": answer.detail})
        worst = max(worst, codes[answer.verdict])
    raise typer.Exit(worst)


@catalog_app.command("list", epilog="Example: hazmon catalog list --hazard shaking --all")
@guarded
def catalog_list(
    hazard: Annotated[str | None, typer.Option(help="Only this hazard.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Superseded and withdrawn Items too.")] = False,
) -> None:
    """List Items, one a line."""
    from pipeline import steps
    from pipeline.products.catalog import item_key

    work = steps.open_workspace()
    for item in work.catalog.find(hazard=hazard, current=None if everything else True):
        properties = item["properties"]
        _print(
            {
                "id": item["id"],
                "hazard": properties["hazmon:hazard"],
                "datetime": properties["datetime"],
                "current": not properties["deprecated"],
                "href": work.store.href(item_key(item["id"])),
            }
        )


def _progress(done: int, total: int, item: str) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done}/{total} {item:90.90}", nl=done == total, err=True)


@catalog_app.command("validate", epilog="Example: hazmon catalog validate")
@guarded
def catalog_validate() -> None:
    """Check every Item (STAC), every COG (strict), checksums, links and the index; exit 1 where something is wrong."""
    from pipeline import steps
    from pipeline.products.validate import validate

    work = steps.open_workspace()
    count = len(work.catalog.find())
    problems = validate(work.store, work.catalog.index, progress=_progress)
    for problem in problems:
        _print(to_json(problem))
    typer.echo(f"{count} Items checked, {len(problems)} problems", err=True)
    if problems:
        raise typer.Exit(1)


@catalog_app.command("rebuild", epilog="Example: hazmon catalog rebuild")
@guarded
def catalog_rebuild() -> None:
    """Make the index again from the files, which are the truth."""
    from pipeline import steps

    typer.echo(f"{steps.open_workspace().catalog.rebuild()} Items indexed")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

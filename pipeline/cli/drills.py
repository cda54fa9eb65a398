"""Verbs that play: exercise, and up, which starts everything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.root import app
from pipeline.cli.terminal import fail, guarded, show


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
            show({"id": id, "title": scenario.load(id).title})
        return
    report = drill.play_directly(scenario.load(name), out or Path(config.home()), say=typer.echo)
    for line in report.lines():
        typer.echo(line)
    typer.echo("`hazmon serve` shows it at the exercise's own time; one that runs already must be started again to do so.")
    if not report.complete:
        fail("not everything expected was published", 1)


@app.command(epilog="Examples: hazmon up · hazmon up --once --port 8090 · hazmon up --live")
@guarded
def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Airflow's page and REST interface on 127.0.0.1.")] = 8080,
    service_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the map and the service on 127.0.0.1.")] = 8081,
    once: Annotated[bool, typer.Option("--once", help="Stop after the exercises.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Read the live feeds; play no exercise.")] = False,
) -> None:
    """Start everything on loopback with embedded defaults, play the exercises through Airflow, go on until Ctrl-C."""
    from pipeline.exercise import up as deployment

    if live:
        deployment.live(port, service_port, say=typer.echo)
        return
    if not deployment.exercises(port, service_port, once=once, say=typer.echo):
        fail("not everything expected was published", 1)

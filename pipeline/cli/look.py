"""Verbs that look at what is configured: check, feeds, layers."""

from __future__ import annotations

from typing import Any

import typer

from pipeline.cli.root import app
from pipeline.cli.terminal import guarded, show


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
        show({"id": id, "title": feed.title, "protocol": feed.protocol, "schedule": feed.schedule, "licence": feed.licence})


@app.command(epilog="Example: hazmon layers")
@guarded
def layers() -> None:
    """List the hazard layers: inputs, outputs, parameters with defaults, source."""
    from pipeline.hazards import HAZARDS

    for id, layer in HAZARDS.items():
        show(
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

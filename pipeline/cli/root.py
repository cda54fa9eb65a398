"""The command itself, its groups and the options that stand before a verb."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from pipeline import __version__

app = typer.Typer(
    name="hazmon",
    help="Open multi-hazard monitoring: feeds to hazard layers to COG, STAC and CAP.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
catalog_app = typer.Typer(
    name="catalog",
    help="Look at, check and repair what was published.",
    epilog="Examples: hazmon catalog list --hazard shaking · hazmon catalog validate",
    no_args_is_help=True,
)
app.add_typer(catalog_app)


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

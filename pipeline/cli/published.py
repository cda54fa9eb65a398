"""Verbs about what was published: reproduce, and the catalogue's own."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import Annotated

import typer

from pipeline.cli.root import app, catalog_app
from pipeline.cli.terminal import guarded, show
from pipeline.errors import KeyMissing
from pipeline.model import to_json


@app.command(epilog="Example: hazmon reproduce shaking-eq20240122180904a1b2-1-20240122T180904Z-1a2b3c4d")
@guarded
def reproduce(
    items: Annotated[list[str] | None, typer.Argument(help="Ids of Items; none: every Item.")] = None,
) -> None:
    """Compute an Item again from the archive and compare pixel by pixel: equal (exit 0), differs (3), unavailable (4)."""
    from pipeline import steps

    work = steps.open_workspace()
    absent = [item for item in items or () if not work.catalog.is_public(item)]
    if absent:
        raise KeyMissing(f"found no public Item {absent[0]!r}; `hazmon catalog list --all` lists them")
    codes = {"equal": 0, "differs": 3, "unavailable": 4}
    worst = 0
    for item in items or sorted(found["id"] for found in work.catalog.find()):
        answer = steps.reproduce(work, item)
        show({"item": item, "answer": answer.verdict, "detail": answer.detail})
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
        show(
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
    work.catalog.refresh()
    count = len(work.catalog.index.rows()) + len(work.catalog.index.unreadable())
    problems = validate(work.store, work.catalog.index, progress=_progress)
    for problem in problems:
        show(to_json(problem))
    typer.echo(f"{count} Items checked, {len(problems)} problems", err=True)
    if problems:
        raise typer.Exit(1)


@catalog_app.command("rebuild", epilog="Example: hazmon catalog rebuild")
@guarded
def catalog_rebuild() -> None:
    """Make the index again from the files, which are the truth."""
    from pipeline import steps

    typer.echo(f"{steps.open_workspace().catalog.rebuild()} Items indexed")


@catalog_app.command("sync", epilog="Example: hazmon catalog sync --all")
@guarded
def catalog_sync(
    everything: Annotated[bool, typer.Option("--all", help="Load all anew, forget what the store no longer has.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the news until Ctrl-C.")] = False,
) -> None:
    """Bring the pgstac database that HAZMON_PGSTAC names to what the store holds, and count both; exit 1 where they differ."""
    from pipeline import steps
    from pipeline.service.stac.database import database_url

    url = database_url()
    # Only now: what it imports is an extra of its own.
    from pipeline.service.stac import sync
    from pipeline.service.stac.mirror import Mirror

    store = steps.open_workspace().store
    with Mirror.open(url) as mirror, suppress(KeyboardInterrupt):
        mirror.prepare()
        show(to_json(sync.bring(store, mirror, everything=everything, progress=_progress)))
        for news in sync.watch(store, mirror, threading.Event()) if follow else ():
            show(to_json(news))

"""What every command shares: errors as one line and an exit code, JSON lines in and out, the moment to believe it is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec

import typer

from pipeline.errors import HazmonError, InputError
from pipeline.model import moment

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
            fail(f"{error}", error.exit_code)

    return run


def fail(message: str, code: int) -> NoReturn:
    """End with a message on stderr and an exit code."""
    typer.echo(f"hazmon: {message}", err=True)
    raise typer.Exit(code)


def show(value: object) -> None:
    """Print a value as one line of JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def lines(source: str | None) -> Iterator[Any]:
    """Yield JSON values, one a line, from a file or (None or "-") standard input."""
    with sys.stdin if source in (None, "-") else Path(str(source)).open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{source or 'standard input'}: line {number} is not JSON: {error}") from error


def believed(text: str | None) -> datetime:
    """Return the moment that `--now` names, else the wall clock's."""
    return moment(text) if text else datetime.now(UTC)

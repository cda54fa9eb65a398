"""The verb that answers: serve, the HTTP service over what was published."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.root import app
from pipeline.cli.terminal import Now, believed, guarded
from pipeline.errors import ConfigError

#: One package of each purpose in the extra `serve`, by the name it is imported as.
_NEEDED = ("cql2", "prometheus_client", "stac_fastapi.api", "standardwebhooks", "titiler.core")


@app.command(
    epilog="Examples: hazmon serve · HAZMON_HOME=/srv/hazmon hazmon serve --workers 2 · "
    "HAZMON_KEYS=$(cat /etc/hazmon/keys) hazmon serve --host 10.0.0.5 --port 8000"
)
@guarded
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; loopback unless told otherwise.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer; one a core is enough.")] = 1,
    config: Annotated[
        Path | None, typer.Option(help="Configuration folder; default: HAZMON_CONFIG, else ./config.", file_okay=False)
    ] = None,
    now: Now = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True, help="End with its parent.")] = False,
) -> None:
    """Serve the map, the STAC API, tiles and alerts of a home over HTTP until Ctrl-C; reads only, unless HAZMON_KEYS is set."""
    _require_extra()
    if with_parent:
        from pipeline.launch import end_with_parent

        end_with_parent(signal.SIGTERM)
    if config is not None:
        os.environ["HAZMON_CONFIG"] = str(config)
    if now is not None:
        os.environ["HAZMON_CLOCK"] = believed(now).isoformat()
    _remember_exercise()
    _listen(host)
    _run(host, port, workers)


def _require_extra() -> None:
    """Raise ConfigError where the service's packages are not installed."""
    for name in _NEEDED:
        top, _, _ = name.partition(".")
        if find_spec(top) is None or find_spec(name) is None:
            raise ConfigError(f"{name} is not installed here; run: pip install -c constraints.txt 'hazmon[serve]'")


def _remember_exercise() -> None:
    """Show a home that exercises were played into as what it is, at the moment they ended."""
    from pipeline import config
    from pipeline.exercise import scenario

    root = Path(config.home())
    names = [name for name in scenario.names() if (root / "exercise" / name / "manifest.json").is_file()]
    if not names or "HAZMON_EXERCISE" in os.environ:
        return
    played = [scenario.load(name) for name in names]
    os.environ["HAZMON_EXERCISE"] = "; ".join(one.note for one in played)
    os.environ.setdefault("HAZMON_CLOCK", max(one.end for one in played).isoformat())


def _listen(host: str) -> None:
    """Have the service answer to the address that it listens on, and say what listening beyond loopback needs."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        loopback, name = host == "localhost", host
    else:
        loopback, name = address.is_loopback, f"[{address}]" if address.version == 6 else str(address)
        name = "" if address.is_unspecified else name
    os.environ["HAZMON_LISTENING"] = name
    if not loopback:
        typer.echo(
            f"hazmon: listening on {host} without encryption: put a proxy with TLS before it, and name its hosts in "
            "service.yaml (docs/deploy.md)",
            err=True,
        )


def _run(host: str, port: int, workers: int) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from pipeline.service.guard.keys import read_keys

    # What is quick to refuse is refused before the numerical stack is loaded.
    read_keys(os.environ.get("HAZMON_KEYS", ""))
    bound = _bound(host, port)
    from pipeline.service import serve as service

    settings = service.settings(service.door(), host, port, workers)
    typer.echo(f"Map: http://{_shown(host)}:{port}/   Ctrl-C ends it", err=True)
    # Uvicorn raises the signal that ended it once more after all is done; to be told to stop is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with bound, tempfile.TemporaryDirectory(prefix="hazmon-metrics-") as counters:
        if workers > 1:
            # Read when the workers load the library: there each keeps its counters, and any of them adds them up.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters
            Multiprocess(settings, sockets=[bound]).run()
        else:
            uvicorn.Server(settings).run(sockets=[bound])


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address.

    Raises
    ------
    ConfigError
        Where it is taken or not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise ConfigError(f"--host {host}: {error.strerror}; expected an address of this machine") from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise ConfigError(f"port {port} on {host}: {error.strerror}; choose another one: hazmon serve --port N") from error
    bound.set_inheritable(True)
    return bound


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host

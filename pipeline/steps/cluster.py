"""The Dask scheduler that computes: threads of this process, or the one that DASK_SCHEDULER_ADDRESS names."""

from __future__ import annotations

import os
from functools import cache

from distributed import Client

from pipeline.errors import ConfigError

#: Names the scheduler of a cluster, for example tcp://dask-scheduler:8786; unset: threads.
ADDRESS = "DASK_SCHEDULER_ADDRESS"


def connect() -> None:
    """Connect this process, once, to the scheduler of the environment; never starts one, nor a worker.

    Raises
    ------
    ConfigError
        Where no scheduler answers at the address.
    """
    address = os.environ.get(ADDRESS)
    if address:
        _client(address, os.getpid())


@cache
def _client(address: str, process: int) -> Client:
    """Return this process's client; a forked child must not share its parent's sockets."""
    try:
        return Client(address, set_as_default=True)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{ADDRESS}={address}: no Dask scheduler answers there: {error}") from error

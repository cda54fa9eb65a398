"""The one compute of a product: blocks of several arrays out of one graph, each handed to a sink once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import dask
import dask.array as da
import dask.base
import dask.multiprocessing
import numpy as np
import numpy.typing as npt
from distributed import Client, as_completed

from pipeline.errors import ProductError

Array = npt.NDArray[np.generic]


class Sink(Protocol):
    """Takes one block with its first cell at (row, column); called from any thread, in any order."""

    def write(self, row: int, column: int, block: Array) -> None:
        """Keep the block."""
        ...


def stream(arrays: Sequence[da.Array], sinks: Sequence[Sink]) -> None:
    """Compute two-dimensional arrays in one graph and hand every block to its array's sink as soon as it is there.

    Inputs that the arrays share are read once. With threads the blocks are written where they are made; with a
    distributed scheduler they come back to the caller, which alone writes: workers need share no disk.

    Raises
    ------
    ProductError
        Where the scheduler configured keeps its processes apart without bringing blocks back ("processes").
    """
    if not arrays:
        return
    scheduler = dask.base.get_scheduler()  # type: ignore[no-untyped-call]
    client = getattr(scheduler, "__self__", None)
    if isinstance(client, Client):
        _stream_back(client, arrays, sinks)
    elif scheduler is dask.multiprocessing.get:
        raise ProductError("dask scheduler 'processes': expected threads, synchronous or a distributed client")
    else:
        targets: list[Any] = [_Target(sink.write) for sink in sinks]
        da.store(list(arrays), targets, lock=False)


class _Target:
    """What `dask.array.store` writes into; not to be pickled, so that it never lands in another process."""

    def __init__(self, write: Callable[[int, int, Array], None]) -> None:
        self._write = write
        self._here = threading.Lock()

    def __setitem__(self, index: tuple[slice, slice], block: Array) -> None:
        """Write the block that belongs at (rows, columns)."""
        self._write(index[0].start, index[1].start, np.asarray(block))


def _stream_back(client: Client, arrays: Sequence[da.Array], sinks: Sequence[Sink]) -> None:
    """Gather blocks as workers finish them, freeing each on its worker once it is written."""
    places: dict[Any, list[tuple[Sink, int, int]]] = {}
    persisted = client.persist(list(arrays))  # type: ignore[no-untyped-call]
    for array, sink in zip(persisted, sinks, strict=True):
        rows, columns = (np.cumsum([0, *sizes]) for sizes in array.chunks)
        for _, i, j in dask.core.flatten(array.__dask_keys__()):  # type: ignore[no-untyped-call]
            places.setdefault((array.name, i, j), []).append((sink, int(rows[i]), int(columns[j])))
    futures = {future.key: future for future in client.futures_of(persisted)}  # type: ignore[no-untyped-call]
    finished = as_completed(futures.values(), with_results=True)  # type: ignore[no-untyped-call]
    del persisted, array, futures
    for future, block in finished:
        for sink, row, column in places[future.key]:
            sink.write(row, column, np.asarray(block))

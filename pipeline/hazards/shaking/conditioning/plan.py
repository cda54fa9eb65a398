"""The observations of all measures arranged for tiles of cells: by place, so that each distance is taken once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.hazards.shaking.conditioning import kernel
from pipeline.hazards.shaking.conditioning.bias import Solution
from pipeline.hazards.shaking.conditioning.product import LANES, Single, add_squares
from pipeline.hazards.shaking.ground_motion import Array


class Sums(NamedTuple):
    """What a tile of cells needs of the observations of one measure; rho is the correlation with them."""

    columns: Array
    """(1 + k, cell): rho times `Solution.slope`, then rho times each column of `Solution.loading`."""
    square: Array
    """(cell,): rho' R^-1 rho, the share of phi^2 that the observations remove."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Observations of several measures, those of a measure in consecutive rows."""

    places: Array
    """Unit vectors (3, place)."""
    starts: kernel.Integers
    """(place + 1,): where a place's observations begin in `entries`."""
    entries: kernel.Integers
    owners: kernel.Integers
    """(observation,): which measure it speaks for."""
    wide: kernel.Integers
    """(measure,): 1 + k of each."""
    weights: Array
    """(observation, 3)."""
    columns: Array
    """(observation, 1 + k): slope and loading, zero where a measure has fewer periods than the others."""
    rows: tuple[slice, ...]
    """Observations of each measure."""
    triangles: tuple[Single, ...]
    """Of each measure, see `Solution.triangle`."""
    ranges: tuple[float, float]


class Scratch(NamedTuple):
    """Working memory of one thread."""

    vectors: Array
    correlation: Single
    sums: Array
    square: Array


def plan(solutions: Sequence[Solution], ranges: tuple[float, float]) -> Plan:
    """Return the observations of the solutions arranged by place.

    Parameters
    ----------
    solutions
        One for each measure, in the order of the measures.
    ranges
        Distances at which the exponentials of the correlation have fallen to exp(-3), km.
    """
    counts = [len(s.slope) for s in solutions]
    ends = np.cumsum(counts)
    wide = 1 + max(s.loading.shape[1] for s in solutions)
    columns = np.zeros((int(ends[-1]), wide))
    rows = tuple(slice(int(end) - count, int(end)) for end, count in zip(ends, counts, strict=True))
    for solution, row in zip(solutions, rows, strict=True):
        columns[row, 0] = solution.slope
        columns[row, 1 : 1 + solution.loading.shape[1]] = solution.loading
    positions = np.concatenate([np.stack([s.longitude, s.latitude], axis=1) for s in solutions])
    places, place = np.unique(positions, axis=0, return_inverse=True)
    place = place.reshape(-1)
    return Plan(
        kernel.unit_vectors(*np.ascontiguousarray(places.T)),
        np.searchsorted(np.sort(place), np.arange(len(places) + 1)).astype(np.int64),
        np.argsort(place, kind="stable").astype(np.int64),
        np.repeat(np.arange(len(solutions)), counts).astype(np.int64),
        np.array([1 + s.loading.shape[1] for s in solutions], np.int64),
        np.concatenate([s.weights for s in solutions]),
        columns,
        rows,
        tuple(s.triangle for s in solutions),
        ranges,
    )


def scratch(arranged: Plan) -> Scratch:
    """Return working memory for `correlate` and `sums`."""
    count, wide = arranged.columns.shape
    return Scratch(
        np.empty((3, kernel.TILE)),
        np.empty((kernel.TILE // LANES, count, LANES), np.float32),
        np.empty((len(arranged.rows), wide, kernel.TILE)),
        np.empty(kernel.TILE),
    )


def correlate(arranged: Plan, vectors: Array, memory: Scratch) -> None:
    """Fill the working memory with the correlations of up to a tile of cells, given as unit vectors (3, cell).

    A tile that is not full is filled up with its last cell.
    """
    width = vectors.shape[1]
    memory.vectors[:, :width] = vectors
    memory.vectors[:, width:] = vectors[:, -1:]
    kernel.correlate_tile(
        memory.vectors,
        arranged.places,
        arranged.ranges,
        *(arranged.starts, arranged.entries, arranged.owners, arranged.wide),
        *(arranged.weights, arranged.columns),
        *(memory.correlation, memory.sums),
    )


def sums(arranged: Plan, number: int, memory: Scratch) -> Sums:
    """Return the sums of one measure for the tile last given to `correlate`; they are views of working memory."""
    rows = arranged.rows[number]
    memory.square[:] = 0.0
    add_squares(arranged.triangles[number], memory.correlation, rows.start, rows.stop - rows.start, memory.square)
    return Sums(memory.sums[number], memory.square)

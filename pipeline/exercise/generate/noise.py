"""Smooth random fields, the same for the same seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def generator(*seed: int) -> np.random.Generator:
    """Return a random generator that depends on these numbers and nothing else."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))


def smooth(shape: tuple[int, int], scale: float, random: np.random.Generator) -> Field:
    """Return a field of mean 0 and standard deviation near 1 that varies over `scale` cells; dims (y, x).

    White noise on a coarse grid under uniform cubic B-splines. Along an axis the squared weights sum to 151/315 in
    the mean over positions, so the field is scaled by 315/151.
    """
    rows, left = _splines(shape[0], scale)
    columns, top = _splines(shape[1], scale)
    coarse = random.standard_normal((rows.max() + 4, columns.max() + 4)).astype(np.float32)
    lines = sum(left[:, part, None] * coarse[rows + part] for part in range(4))
    field = np.zeros(shape, dtype=np.float32)
    for part in range(4):
        field += top[None, :, part] * np.asarray(lines)[:, columns + part]
    return field * np.float32(315 / 151)


def _splines(length: int, scale: float) -> tuple[NDArray[np.intp], Field]:
    """Return for each cell the first of four knots and their weights."""
    position = np.arange(length) / scale
    first = np.floor(position).astype(np.intp)
    t = position - first
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3],
        axis=1,
    )
    return first, (weights / 6).astype(np.float32)


def highest(field: Field, among: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return the `count` cells of a mask in which a field is highest (all of them where there are fewer)."""
    values = field[among]
    if count <= 0 or values.size == 0:
        return np.zeros(among.shape, dtype=bool)
    least = np.partition(values, values.size - min(count, values.size))[values.size - min(count, values.size)]
    return np.asarray(among & (field >= least))

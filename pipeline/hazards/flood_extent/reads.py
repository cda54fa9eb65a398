"""The two reads of a scene: statistics of every block, one decision about the whole, then every block again.

Lazy for Dask, at once for NumPy, with the same bytes whatever the chunks: statistics lie on the scene's own tiles, and
blocks of the second read overlap by all that a pixel depends on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, cast

import dask.array as da
import numpy as np
from dask.base import is_dask_collection
from dask.delayed import delayed
from dask.graph_manipulation import bind
from numpy.typing import NDArray

from pipeline.hazards.flood_extent.evidence import Block, Evidence, evidence
from pipeline.hazards.flood_extent.pixels import DTYPES, Extent, extent, margin
from pipeline.hazards.flood_extent.scene import Scene, Settings, describe
from pipeline.hazards.flood_extent.tiles import TILE, Statistics, statistics

#: Edge of the blocks worked on where the given ones do not fit the tiles, cells at the least.
_BLOCK = 1024


def extent_of_scene(arrays: Sequence[Any], settings: Settings, minimum_area: int) -> Extent:
    """Return the four outputs over a scene, as Dask arrays where an input is one, else as NumPy arrays.

    Parameters
    ----------
    arrays
        VV and VH in linear power, HAND in m, reference water 0 to 1; (y, x) of one shape; NaN is unknown.
    settings
        What may be chosen about the scene.
    minimum_area
        Pixels below which a patch is no patch.
    """
    if not any(is_dask_collection(array) for array in arrays):
        block = Block(*(np.asarray(array) for array in arrays))
        scene = describe(_statistics(*block, settings=settings), settings)
        found = evidence(block, scene, origin=(0, 0), hand_limit=settings.hand_limit)
        return extent(found, first=(0, 0), minimum_area=minimum_area)
    template = next(array for array in arrays if is_dask_collection(array))
    chunks = tuple(_fitting(sizes, margin(minimum_area)) for sizes in template.chunks)
    lazy = [da.asarray(array).rechunk(chunks) for array in arrays]  # type: ignore[no-untyped-call]
    scene = _lazy_scene(lazy, settings)
    # Tasks of their own for the second read: sharing those of the first would hold every block until the scene is known.
    return _lazy_extent(bind(lazy, scene, seed="second read"), scene, settings, minimum_area)


def _fitting(sizes: tuple[int, ...], least: int) -> tuple[int, ...]:
    """Return chunk sizes whose edges are edges of tiles, the given ones where they are."""
    length = sum(sizes)
    edges = np.cumsum(sizes[:-1]) if len(sizes) > 1 else np.array([], np.intp)
    if np.any(edges % TILE) or min(sizes) < TILE:
        size = max(_BLOCK, round(max(sizes) / TILE) * TILE) if length > _BLOCK else max(length, 1)
        edges = np.arange(size, length, size)
    # A last block narrower than the margin could not lend it to the one before.
    edges = edges[edges <= length - least]
    return tuple(int(size) for size in np.diff([0, *edges, length]))


def _statistics(*block: NDArray[Any], settings: Settings) -> Statistics:
    return statistics(*block, hand_limit=settings.hand_limit, grey=settings.method == "hydrosar_em")


def _lazy_scene(arrays: Sequence[da.Array], settings: Settings) -> Any:
    """Return the decision about the scene, a delayed value."""
    kernel = partial(_statistics, settings=settings)
    blocks = da.map_blocks(  # type: ignore[no-untyped-call]
        kernel, *arrays, **_OPAQUE
    )
    return delayed(_assembled, pure=True)(blocks.to_delayed(optimize_graph=False).tolist(), settings)


def _assembled(blocks: list[list[Statistics]], settings: Settings) -> Scene:
    cells, histograms, tiles = (
        np.concatenate([np.concatenate([block[part] for block in row], axis=axis + 1) for row in blocks], axis=axis)
        for part, axis in ((0, 1), (1, 1), (2, 1))
    )
    return describe(Statistics(cells, histograms, tiles), settings)


def _lazy_extent(arrays: Sequence[da.Array], scene: Any, settings: Settings, minimum_area: int) -> Extent:
    depth = margin(minimum_area)
    rows, columns = (np.concatenate([[0], np.cumsum(sizes)]) for sizes in arrays[0].chunks)
    found = da.map_blocks(  # type: ignore[no-untyped-call]
        partial(_block_evidence, rows=rows, columns=columns, hand_limit=settings.hand_limit), *arrays, scene=scene, **_OPAQUE
    )
    odds, marks = _parts(found, (np.int8, np.uint8))
    wide = da.overlap.overlap(odds, depth, "none", allow_rechunk=False)  # type: ignore[no-untyped-call]
    kernel = partial(_block_extent, depth=depth, minimum_area=minimum_area)
    packed = da.map_blocks(kernel, wide, marks, chunks=odds.chunks, **_OPAQUE)  # type: ignore[no-untyped-call]
    return Extent(*(cast(Any, part) for part in _parts(packed, DTYPES)))


#: A Dask array whose blocks are tuples of arrays.
_OPAQUE: Mapping[str, Any] = {"dtype": object, "meta": np.empty((0, 0), object)}


def _parts(packed: da.Array, dtypes: Sequence[Any]) -> list[da.Array]:
    return [
        da.map_blocks(itemgetter(k), packed, dtype=dtype, meta=np.empty((0, 0), dtype))  # type: ignore[no-untyped-call]
        for k, dtype in enumerate(dtypes)
    ]


def _block_evidence(
    *arrays: NDArray[Any],
    scene: Scene,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    hand_limit: float,
    block_id: tuple[int, int],
) -> Evidence:
    origin = (int(rows[block_id[0]]), int(columns[block_id[1]]))
    return evidence(Block(*arrays), scene, origin=origin, hand_limit=hand_limit)


def _block_extent(
    odds: NDArray[np.int8], marks: NDArray[np.uint8], *, depth: int, minimum_area: int, block_id: tuple[int, int]
) -> Extent:
    first = (depth if block_id[0] else 0, depth if block_id[1] else 0)
    return extent(Evidence(odds, marks), first=first, minimum_area=minimum_area)

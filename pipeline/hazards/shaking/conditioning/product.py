"""A triangular matrix times the correlations of many cells, of which only the sums of squares are kept.

This is where the conditioning spends its time, n^2 multiplications for a cell. BLAS would do it, but its own threads
quarrel with Dask's (up to ten times slower on a busy machine), and its order of summing is its own affair. Six rows by
sixteen cells at a time, held in registers over the whole sum, come to about the same speed; a cell's bytes depend on
nothing but its own numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

from pipeline.hazards.elementary import compiled
from pipeline.hazards.shaking.ground_motion import Array

Single = npt.NDArray[np.float32]

#: Rows and cells of one step: what the registers of AVX2 and AVX-512 machines hold.
ROWS, LANES = 6, 16

_FLOAT, _INT = ir.FloatType(), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, LANES)


def packed(triangle: Array) -> Single:
    """Return a lower triangle (n, n) as `add_squares` reads it.

    Six rows after six, up to the diagonal of the last, column by column; rows beyond the end are zero.

    Parameters
    ----------
    triangle
        What lies above the diagonal is not looked at beyond each step's last row.
    """
    count = len(triangle)
    steps = []
    for start in range(0, count, ROWS):
        step = np.zeros((min(start + ROWS, count), ROWS), np.float32)
        rows = triangle[start : start + ROWS, : len(step)]
        step[:, : len(rows)] = rows.T
        steps.append(step.reshape(-1))
    return np.concatenate(steps)


def _step(typing: Any, triangle: Any, offset: Any, cells: Any, position: Any, count: Any, out: Any) -> Any:
    """Fill `out` (ROWS, LANES) with `count` columns of the step packed at `offset` times as many rows at `position`."""
    signature = types.void(triangle, types.int64, cells, types.int64, types.int64, out)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, block, result = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 5))
        rows = builder.gep(first.data, [arguments[1]])
        columns = builder.gep(block.data, [arguments[3]])
        totals = _loop(builder, rows, columns, arguments[4])
        for number, total in enumerate(totals):
            place = builder.gep(result.data, [ir.Constant(_INT, number * LANES)])
            builder.store(total, builder.bitcast(place, _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return signature, generate


def _loop(builder: Any, rows: Any, columns: Any, count: Any) -> list[Any]:
    """Return the six vectors of sums, kept in registers while the columns go by; there is at least one."""
    before, body = builder.block, builder.append_basic_block("columns")
    after = builder.append_basic_block("summed")
    builder.branch(body)
    builder.position_at_end(body)
    column = builder.phi(_INT)
    column.add_incoming(ir.Constant(_INT, 0), before)
    sums = [builder.phi(_VECTOR) for _ in range(ROWS)]
    for total in sums:
        total.add_incoming(ir.Constant(_VECTOR, [0.0] * LANES), before)
    place = builder.gep(columns, [builder.mul(column, ir.Constant(_INT, LANES))])
    cells = builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=4)
    first = builder.mul(column, ir.Constant(_INT, ROWS))
    grown = [_grown(builder, total, rows, builder.add(first, ir.Constant(_INT, i)), cells) for i, total in enumerate(sums)]
    following = builder.add(column, ir.Constant(_INT, 1))
    column.add_incoming(following, body)
    for total, more in zip(sums, grown, strict=True):
        total.add_incoming(more, body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, after)
    builder.position_at_end(after)
    return grown


def _grown(builder: Any, total: Any, rows: Any, place: Any, cells: Any) -> Any:
    """Return total + rows[place] * cells, rounded once."""
    value = builder.load(builder.gep(rows, [place]))
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    every = builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), lanes)
    name = f"llvm.fma.v{LANES}f32"
    function = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), name=name
    )
    return builder.call(function, [every, cells, total])


step: Callable[[Single, int, Single, int, int, Single], None] = intrinsic(_step)


@compiled
def add_squares(triangle: Single, cells: Single, first: int, count: int, total: Array) -> None:
    """Add to `total` the squares of a triangle times each cell's column, row after row.

    Parameters
    ----------
    triangle
        From `packed`, of `count` rows.
    cells
        (strip, row, LANES): correlations; the rows `first` to `first + count` of each strip are taken.
    first, count
        Which rows.
    total
        (strip * LANES,).
    """
    sums = np.empty((ROWS, LANES), np.float32)
    offset = 0
    for start in range(0, count, ROWS):
        columns = min(start + ROWS, count)
        for strip in range(cells.shape[0]):
            step(triangle, offset, cells, (strip * cells.shape[1] + first) * LANES, columns, sums)
            for row in range(ROWS):
                for lane in range(LANES):
                    total[strip * LANES + lane] += numba.float64(sums[row, lane]) * numba.float64(sums[row, lane])
        offset += columns * ROWS

"""One block of cells as compiled kernels see it: a flat array of rows that stand a known distance apart.

Because every row is a constant number of doubles away from every other, LLVM knows without asking that a loop's inputs and
outputs do not overlap, and vectorises it; the trip count is a constant as well, so no cell is treated unlike another
and the bytes do not depend on where blocks begin. A kernel goes over the block in many short loops rather than one long
one: a loop of one or two exponentials keeps the processor busy.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.hazards.elementary import compiled, inlined, log

#: Cells in a block: some thirty rows of it stay in the second-level cache.
BLOCK = 1024
#: Predictors that differ from cell to cell, in the order of the first rows.
CELL_PREDICTORS = (*("rrup", "rjb", "rx", "ry0", "rhypo", "vs30", "vs30measured", "z1pt0", "z2pt5", "backarc", "dpp"),)
#: What a row holds where its predictor is not given: NaN, or no.
DEFAULTS = (*(math.nan,) * 6, 0.0, math.nan, math.nan, 0.0, 0.0)
#: Offsets of the rows of the predictors, in their units.
RRUP, RJB, RX, RY0, RHYPO, VS30, MEASURED, Z1PT0, Z2PT5, BACKARC, DPP = (BLOCK * row for row in range(11))
#: ln Vs30.
LN_VS30 = 11 * BLOCK
#: What a kernel gives: mean ln motion, tau and phi.
MEAN, TAU, PHI = 12 * BLOCK, 13 * BLOCK, 14 * BLOCK
#: Rows for a kernel's own use.
A, B, C, D, E, F, G, H = (BLOCK * row for row in range(15, 23))
ROWS = 23


@compiled
def prepare(x: npt.NDArray[np.float64]) -> None:
    """Fill what several models use."""
    for i in range(BLOCK):
        x[LN_VS30 + i] = log(x[VS30 + i])


@inlined
def store(x: npt.NDArray[np.float64], out: npt.NDArray[np.float64], measure: int) -> None:
    """Copy mean, tau and phi to `out` (3, measure, cell); the deviations of an unknown motion are unknown."""
    mean, tau, phi = out[0, measure], out[1, measure], out[2, measure]
    for i in range(BLOCK):
        mean[i] = x[MEAN + i]
    for i in range(BLOCK):
        tau[i] = x[TAU + i] + (x[MEAN + i] - x[MEAN + i])
    for i in range(BLOCK):
        phi[i] = x[PHI + i] + (x[MEAN + i] - x[MEAN + i])

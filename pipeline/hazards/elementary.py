"""Exponential, logarithm and selection without branches or calls, so that LLVM vectorises the loops around them.

PyPI's numba has no vectorised mathematical library: a loop that calls `math.exp` takes one cell at a time. These
functions are plain arithmetic on the bits of a double, inlined by LLVM. Every operation is rounded as IEEE 754
says (no fast-math, fused multiply-add asked for by name), so a cell has the same bytes whatever its neighbours are,
however the grid is chunked and however wide the vectors of the machine are.

Polynomials are minimax (Remez exchange in 40 digits, fitted for this module) and as short as twelve right digits
allow, far below what a float32 product can hold; the schemes are those of Muller (2016), Elementary Functions, 3rd
ed., doi:10.1007/978-1-4899-7983-4, ch. 11 (Cody and Waite's reduction).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

#: A plain function; numba's dispatchers are called just as they are.
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled by numba: no interpreter lock, cached, division by zero as NumPy does it.

    Never `parallel=True`: Dask's threads call these kernels. numba's cache notices a change of the file that holds the
    function, not of this one: after editing this module delete the `__pycache__` folder beside it.
    """
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """Return the function compiled and always inlined: a call left in a loop keeps it from being vectorised."""
    return cast(F, numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)(function))


def _where(typing: Any, condition: Any, yes: Any, no: Any) -> Any:
    """Return `yes` where the condition holds, else `no`; both are evaluated (an LLVM select)."""
    signature = types.float64(types.boolean, types.float64, types.float64)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(arguments[0], arguments[1], arguments[2])

    return signature, generate


def _fma(typing: Any, factor: Any, other: Any, addend: Any) -> Any:
    """Return factor * other + addend, rounded once."""
    signature = types.float64(types.float64, types.float64, types.float64)

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(arguments[0], arguments[1], arguments[2])

    return signature, generate


def _bits_of(typing: Any, value: Any) -> Any:
    """Return the 64 bits of a double as an unsigned integer."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.uint64(types.float64), generate


def _double_of(typing: Any, bits: Any) -> Any:
    """Return the double that has these 64 bits."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), generate


where: Callable[[bool, float, float], float] = intrinsic(_where)
fma: Callable[[float, float, float], float] = intrinsic(_fma)
bits_of: Callable[[float], Any] = intrinsic(_bits_of)
double_of: Callable[[Any], float] = intrinsic(_double_of)

#: 1.5 * 2**52: adding it rounds a double to an integer, which then stands in the low bits.
_ROUNDER = 6755399441055744.0
_LOG2_E = 1.4426950408889634
_LN2 = 0.6931471805599453
#: Beyond these exp would leave the normal doubles; the results there are 1e-304 and 1e304.
_LOWEST, _HIGHEST = -700.0, 700.0


@inlined
def exp(x: float) -> float:
    """Return e**x within 1.2e-12 relative for |x| <= 50; NaN stays NaN, |x| is limited to 700."""
    x = where(x < _LOWEST, _LOWEST, x)
    x = where(x > _HIGHEST, _HIGHEST, x)
    shifted = fma(x, _LOG2_E, _ROUNDER)
    r = fma(shifted - _ROUNDER, -_LN2, x)
    p = fma(r, 2.4708264852326348e-05, 0.00019908952638477236)
    p = fma(r, p, 0.0013889197264553915)
    p = fma(r, p, 0.008333281787202084)
    p = fma(r, p, 0.04166666440366401)
    p = fma(r, p, 0.166666667845136)
    p = fma(r, p, 0.5000000000427153)
    p = fma(r, fma(r, p, 1.0), 1.0)
    return p * double_of((bits_of(shifted) << numba.uint64(52)) + numba.uint64(0x3FF0000000000000))


#: Bits of sqrt(1/2), and what brings them to those of one.
_SQRT_HALF = 0x3FE6A09E667F3BCD
_TO_ONE = 0x3FF0000000000000 - _SQRT_HALF
_MANTISSA = 0x000FFFFFFFFFFFFF
#: 2**52 as bits; with an exponent in its low bits it is 2**52 + exponent.
_TWO_52 = 0x4330000000000000
_SMALLEST = 2.2250738585072014e-308


@inlined
def log(x: float) -> float:
    """Return the natural logarithm within 3e-14 relative.

    Zero gives -708.4 (the logarithm of the smallest normal double), negative numbers and NaN give NaN.
    """
    positive = where(x < _SMALLEST, _SMALLEST, x)
    moved = bits_of(positive) + numba.uint64(_TO_ONE)
    n = double_of((moved >> numba.uint64(52)) | numba.uint64(_TWO_52)) - 4503599627371519.0
    m = double_of((moved & numba.uint64(_MANTISSA)) + numba.uint64(_SQRT_HALF))
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    q = fma(z, 0.19584348999649007, 0.22176175398005094)
    q = fma(z, q, 0.28572109466767975)
    q = fma(z, q, 0.3999999561901585)
    q = fma(z, q, 0.6666666667580896)
    return where(x >= 0.0, fma(n, _LN2, s * fma(z, q, 2.0)), float("nan"))

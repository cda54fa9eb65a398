"""Colours of values: what a variable declares, or a plain ramp where it declares none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.errors import ProductError
from pipeline.layer import Variable

Colour = tuple[int, int, int]

#: From light to dark, readable in print and by colour-blind eyes; evenly spread over the range of the values.
_PLAIN = ("#f7f4e9", "#f2d9a0", "#e9a862", "#d5704b", "#a83f4c", "#68274a")


@dataclass(frozen=True, slots=True)
class Ramp:
    """Stops, ascending, between which colours are interpolated; beyond the ends the end colours hold."""

    values: tuple[float, ...]
    colours: tuple[Colour, ...]

    def paint(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
        """Return the colours (..., 3) of values; those of NaN have no meaning."""
        channels = [np.interp(values, self.values, [colour[channel] for colour in self.colours]) for channel in range(3)]
        painted: npt.NDArray[np.uint8] = np.nan_to_num(np.stack(channels, axis=-1)).round().astype(np.uint8)
        return painted


def rgb(colour: str) -> Colour:
    """Return (red, green, blue) of "#rrggbb".

    Raises
    ------
    ProductError
        Where the text is another.
    """
    try:
        red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    except ValueError as error:
        raise ProductError(f"colour {colour!r}: expected '#rrggbb'") from error
    return red, green, blue


def ramp(variable: Variable, least: float, greatest: float) -> Ramp:
    """Return the declared stops of a continuous variable, or a plain ramp over round numbers around its range."""
    if variable.colours and len(variable.colours) > 1:
        stops = sorted(variable.colours)
        return Ramp(tuple(map(float, stops)), tuple(rgb(variable.colours[stop]) for stop in stops))
    values = round_steps(least, greatest, len(_PLAIN) - 1)
    return plain_ramp(values[0], values[-1])


def plain_ramp(start: float, end: float) -> Ramp:
    """Return the plain ramp spread evenly between two values."""
    spread = tuple(start + (end - start) * index / (len(_PLAIN) - 1) for index in range(len(_PLAIN)))
    return Ramp(spread, tuple(rgb(colour) for colour in _PLAIN))


def class_colours(variable: Variable) -> Mapping[int, Colour]:
    """Return the colour of each code of a categorical variable; codes without one take even greys, light to dark."""
    labels = list(variable.labels or {})
    colours = variable.colours or {}
    last = max(len(labels) - 1, 1)
    greys = {code: (230 - 180 * index // last,) * 3 for index, code in enumerate(labels)}
    return {code: rgb(colours[code]) if code in colours else greys[code] for code in labels}


def round_steps(least: float, greatest: float, about: int) -> list[float]:
    """Return ascending multiples of 1, 2 or 5 times a power of ten that enclose a range.

    Examples
    --------
    >>> round_steps(0.3, 9.1, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if not (math.isfinite(least) and math.isfinite(greatest)):
        return [0.0, 1.0]
    width = max(greatest - least, abs(greatest) * 1e-6, 1e-9) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(width))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= width * 0.999)
    first, last = math.floor(least / step + 1e-9), max(math.ceil(greatest / step - 1e-9), math.floor(least / step) + 1)
    return [round(index * step, 12) for index in range(first, last + 1)]

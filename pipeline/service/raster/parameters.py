"""What may be asked of a picture; everything else is refused, so that nothing but a published raster is ever opened."""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, Query

from pipeline.service.raster.source import Raster
from pipeline.service.raster.style import COLORMAPS, Style, Unknown, restyled

#: Widths of a range that single precision can spread colours over.
_SPAN = (1e-30, 1e30)

Rescale = Annotated[
    str | None,
    Query(description="Range of values the colours are spread over: least,greatest", examples=["0,0.4"], max_length=64),
]
Colormap = Annotated[
    str | None, Query(description="Name of a colour map of rio-tiler, for numbers", examples=["viridis"], max_length=64)
]
Unlike = Annotated[Unknown, Query(description="How cells are drawn whose value is unknown")]


def styled(raster: Raster, rescale: str | None, colormap: str | None) -> Style:
    """Return the style asked for.

    Raises
    ------
    HTTPException
        400 where the range or the name is none, or the values are classes.
    """
    if rescale is None and colormap is None:
        return raster.style
    if raster.style.is_categorical:
        raise HTTPException(400, f"rescale, colormap_name: found one, expected none: {raster.asset} holds classes")
    if colormap is not None and colormap not in COLORMAPS:
        raise HTTPException(400, f"colormap_name: found {colormap!r}, expected one of {', '.join(COLORMAPS)}")
    return restyled(raster.style, None if rescale is None else interval(rescale), colormap)


def interval(text: str) -> tuple[float, float]:
    """Return (least, greatest) of `least,greatest`.

    Raises
    ------
    HTTPException
        400 where the text is another.
    """
    try:
        least, greatest = (float(part) for part in text.split(","))
    except ValueError as error:
        raise HTTPException(400, f"rescale: found {text!r}, expected least,greatest") from error
    if not (_SPAN[0] <= greatest - least <= _SPAN[1]):
        raise HTTPException(400, f"rescale: found {text!r}, expected least < greatest")
    return least, greatest

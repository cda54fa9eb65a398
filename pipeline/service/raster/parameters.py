"""What may be asked of a picture; everything else is refused, so that nothing but a published raster is ever opened."""

from __future__ import annotations

from typing import Literal

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from pipeline.service.raster.source import Raster
from pipeline.service.raster.style import COLORMAPS, Format, Style, Unknown, restyled

#: Widths of a range that single precision can spread colours over.
_SPAN = (1e-30, 1e30)

#: Longest edge of any picture, pixels: WebP knows no longer one.
_LONGEST = 16_383


class Colours(BaseModel):
    """Other colours than the Item's own."""

    # A mistyped parameter would be drawn as if it were not there.
    model_config = ConfigDict(extra="forbid")

    rescale: str | None = Field(
        None, max_length=64, description="Range of values the colours are spread over: least,greatest", examples=["0,0.4"]
    )
    colormap_name: str | None = Field(
        None, max_length=64, description="Name of a colour map of rio-tiler, for numbers", examples=["viridis"]
    )


class Drawing(Colours):
    """How a picture is drawn."""

    unknown: Unknown = Field("hatch", description="How cells are drawn whose value is unknown")


class Tiling(Drawing):
    """How tiles are drawn."""

    tilesize: Literal["256", "512"] = Field("256", description="Pixels along the edge")


class Telling(Tiling):
    """How the tiles are drawn that a document leads to."""

    tile_format: Format = Field("png", description="Format of the tiles")


class Describing(Drawing):
    """How the tiles are drawn that WMTS capabilities lead to."""

    # GIS programs add the parameters of WMTS to whatever address they are given.
    model_config = ConfigDict(extra="ignore")


class Sizing(Drawing):
    """How large a picture is drawn."""

    max_size: int = Field(1024, ge=1, le=_LONGEST, description="Longest edge, pixels, where neither width nor height is given")
    width: int | None = Field(None, ge=1, le=_LONGEST, description="Pixels; the height follows where it is not given")
    height: int | None = Field(None, ge=1, le=_LONGEST, description="Pixels; the width follows where it is not given")


def styled(raster: Raster, asked: Colours) -> Style:
    """Return the style asked for.

    Raises
    ------
    HTTPException
        400 where the range or the name is none, or the values are classes.
    """
    rescale, colormap = asked.rescale, asked.colormap_name
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

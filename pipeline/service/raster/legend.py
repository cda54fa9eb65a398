"""The legend of an asset: what each colour of its pictures means, and that a hatch means unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel

from pipeline.layer import Variable
from pipeline.products.colours import Colour, Ramp
from pipeline.products.thumbnail import HATCH, UNKNOWN
from pipeline.service.raster.source import Raster
from pipeline.service.raster.style import Style


class Entry(BaseModel):
    """A value, its colour, and its name where it is a code."""

    value: float
    colour: str
    label: str | None = None


class Hatch(BaseModel):
    """How pictures show cells whose value is unknown: never in the colour of "no hazard"."""

    label: str = "unknown"
    pattern: Literal["hatch"] = "hatch"
    colour: str
    stripes: str


class Legend(BaseModel):
    """What the colours of an asset mean."""

    item: str
    asset: str
    title: str
    unit: str
    roles: list[str]
    kind: Literal["classes", "ramp"]
    classes: list[Entry] | None = None
    """Codes, where the values are such."""
    range: tuple[float, float] | None = None
    """Values of the first and the last of the colours; beyond them the end colours hold."""
    stops: list[Entry] | None = None
    """Values to be written beside a ramp."""
    colours: list[str] | None = None
    """The ramp in 256 steps, evenly spread over the range."""
    precision: float | None = None
    """Largest error that storage added, in units of the values."""
    unknown: Hatch


def legend(raster: Raster, style: Style) -> Legend:
    """Return the legend of an asset in a style."""
    hatch = Hatch(colour=_text(UNKNOWN), stripes=_text(HATCH))
    title = str(raster.described.get("title", raster.asset))
    roles = [role for role in raster.described.get("roles", []) if role != "data"]
    about = {"item": raster.item, "asset": raster.asset, "title": title, "unit": raster.unit, "roles": roles, "unknown": hatch}
    if style.range is None or style.stops is None:
        classes = [Entry(value=code, colour=_text(style.table[code]), label=label) for code, label in raster.labels.items()]
        return Legend.model_validate({**about, "kind": "classes", "classes": classes})
    stops = [
        Entry(value=value, colour=_text(colour)) for value, colour in zip(style.stops.values, style.stops.colours, strict=True)
    ]
    colours = [_text(colour) for colour in style.table]
    precision = raster.band.get("hazmon:precision")
    ramp = {"kind": "ramp", "range": style.range, "stops": stops, "colours": colours, "precision": precision}
    return Legend.model_validate({**about, **ramp})


def variable(raster: Raster) -> Variable:
    """Return what is known of an asset as its declaration said it."""
    title = str(raster.described.get("title", raster.asset))
    return Variable(raster.unit, title, dtype=raster.dtype, labels=raster.labels or None)


def key(raster: Raster, style: Style) -> Mapping[int, Colour] | Ramp:
    """Return the colours by code, or the ramp."""
    if style.stops is not None:
        return style.stops
    return {code: _colour(style.table[code]) for code in raster.labels}


def _colour(entry: np.ndarray | Colour) -> Colour:
    red, green, blue = (int(channel) for channel in entry)
    return red, green, blue


def _text(entry: np.ndarray | Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*_colour(entry))

"""How an asset is drawn: the colour of every value, the hatch of what is unknown, and the picture as bytes."""

from __future__ import annotations

import functools
import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from rio_tiler.colormap import cmap

from pipeline.hazards import HAZARDS
from pipeline.products.colours import Ramp, plain_ramp, ramp, rgb
from pipeline.products.thumbnail import HATCH, UNKNOWN

Array = npt.NDArray[Any]
Unknown = Literal["hatch", "transparent"]
Format = Literal["png", "webp"]

MEDIA_TYPES: Mapping[Format, str] = {"png": "image/png", "webp": "image/webp"}

#: Entries of the palette after the 256 of the values.
_GROUND, _STRIPE, _CLEAR = 256, 257, 258

#: Rows of a picture made at once, a multiple of the hatch's period: memory does not grow with the picture's height.
STRIP = 256

#: Colour of a code that no class has.
_NAMELESS = (128, 128, 128)

#: Names of colour maps that may be asked for.
COLORMAPS: tuple[str, ...] = tuple(sorted(cmap.list()))


@dataclass(frozen=True)
class Style:
    """256 colours, and the range of values that is spread over them; no range: the values are codes."""

    table: Array
    """(256, 3) uint8."""
    range: tuple[float, float] | None
    stops: Ramp | None = None
    """Values and colours for a legend, where the values are no codes."""

    @functools.cached_property
    def digest(self) -> str:
        """What changes with any colour or with the range."""
        return hashlib.sha256(self.table.tobytes() + repr((self.range, self.stops)).encode()).hexdigest()[:16]

    @property
    def is_categorical(self) -> bool:
        """Whether the values are codes."""
        return self.range is None

    def entries(self, values: Array) -> npt.NDArray[np.uint16]:
        """Return the palette entry of every value; those of NaN have no meaning."""
        if self.range is None:
            codes: npt.NDArray[np.uint16] = np.nan_to_num(values).astype(np.uint8).astype(np.uint16)
            return codes
        least, greatest = self.range
        with np.errstate(over="ignore"):
            shares = (np.nan_to_num(values, nan=least) - least) * (255 / ((greatest - least) or 1))
        shades: npt.NDArray[np.uint16] = (np.clip(shares, 0, 255) + 0.5).astype(np.uint16)
        return shades

    def pixels(self, values: Array, known: Array, inside: Array, unknown: Unknown) -> npt.NDArray[np.uint16]:
        """Return palette entries: values in their colours, what is unknown hatched, what is outside transparent.

        Parameters
        ----------
        values, known, inside
            (rows, columns): the values, where they are known, where the raster's footprint is.
        unknown
            How unknown cells inside the footprint are drawn.
        """
        pixels = self.entries(values)
        if not known.all():
            clear = np.uint16(_CLEAR)
            ground = np.where(inside, _hatch(pixels.shape), clear) if unknown == "hatch" else clear
            pixels = np.where(known, pixels, ground)
        return pixels

    def picture(self, pixels: npt.NDArray[np.uint16], format: Format) -> bytes:
        """Return the bytes of a picture, png or lossless webp, from palette entries."""
        extra = np.array([(*UNKNOWN, 255), (*HATCH, 255), (0, 0, 0, 0)], np.uint8)
        palette = np.concatenate([np.column_stack([self.table, np.full(256, 255, np.uint8)]), extra])
        return _encoded(pixels, palette, format)


def style_of(item: Mapping[str, Any], asset: str) -> Style:
    """Return how an Item says that an asset is drawn; by its plain ramp where the Item writes no colours out."""
    drawn = item["properties"].get("renders", {}).get(asset, {})
    written = {int(code): rgb(colour) for code, colour in drawn.get("colormap", {}).items()}
    if "rescale" not in drawn:
        table = np.full((256, 3), _NAMELESS, np.uint8)
        for code, colour in written.items():
            table[code] = colour
        return Style(table, None)
    least, greatest = (float(value) for value in drawn["rescale"][0])
    stops = _declared(item, asset, least, greatest) or plain_ramp(least, greatest)
    if len(written) == 256:
        table = np.array([written[entry] for entry in range(256)], np.uint8)
    else:
        table = stops.paint(np.linspace(least, greatest, 256))
    return Style(table, (least, greatest), stops)


def restyled(style: Style, rescale: tuple[float, float] | None, colormap: str | None) -> Style:
    """Return the style of numbers with another range or another colour map of rio-tiler's."""
    if style.range is None or (rescale is None and colormap is None):
        return style
    least, greatest = rescale or style.range
    table = style.table if colormap is None else named(colormap)
    shown = [round(index * 255 / 5) for index in range(6)]
    stops = Ramp(
        tuple(least + (greatest - least) * entry / 255 for entry in shown),
        tuple((int(red), int(green), int(blue)) for red, green, blue in table[shown]),
    )
    return Style(table, (least, greatest), stops)


@functools.cache
def named(colormap: str) -> Array:
    """Return the colours (256, 3) of one of rio-tiler's colour maps."""
    found = cmap.get(colormap)
    pairs = sorted(found.items()) if isinstance(found, Mapping) else found
    entries = [colour for _, colour in pairs]
    spread = np.linspace(0, len(entries) - 1, 256).round().astype(int)
    return np.array([tuple(entries[entry])[:3] for entry in spread], np.uint8)


@functools.lru_cache(maxsize=16)
def clear(width: int, height: int, format: Format) -> bytes:
    """Return a picture in which nothing is drawn."""
    return _encoded(blank(width, height), np.zeros((259, 4), np.uint8), format)


def blank(width: int, height: int) -> npt.NDArray[np.uint16]:
    """Return palette entries of nothing."""
    return np.full((height, width), _CLEAR, np.uint16)


def _declared(item: Mapping[str, Any], asset: str, least: float, greatest: float) -> Ramp | None:
    """Return the ramp that this version of the layer declares, where it is the one the Item's range comes from."""
    layer = HAZARDS.get(item["properties"].get("hazmon:layer", ""))
    variable = layer.outputs.get(asset) if layer else None
    if variable is None or not variable.colours or len(variable.colours) < 2:
        return None
    stops = ramp(variable, least, greatest)
    return stops if math.isclose(stops.values[0], least) and math.isclose(stops.values[-1], greatest) else None


def _hatch(shape: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    """Return the entries of a hatched ground; eight pixels a period, so that it runs on from tile to tile."""
    down, across = (np.arange(size) % 8 for size in shape)
    stripes = (down.astype(np.uint8)[:, None] + across.astype(np.uint8)[None, :]) % 8 < 2
    return np.where(stripes, np.uint16(_STRIPE), np.uint16(_GROUND))


def _encoded(pixels: npt.NDArray[np.uint16], palette: Array, format: Format) -> bytes:
    """Return the picture with a palette where 256 entries are enough: a quarter of the bytes to compress."""
    used = np.flatnonzero(_met(pixels, len(palette)))
    buffer = io.BytesIO()
    if format == "webp":
        Image.fromarray(_looked_up(palette, pixels)).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    elif len(used) > 256:
        Image.fromarray(_looked_up(palette, pixels)).save(buffer, "PNG", compress_level=3)
    else:
        place = np.zeros(len(palette), np.uint8)
        place[used] = np.arange(len(used), dtype=np.uint8)
        image = Image.fromarray(_looked_up(place, pixels))
        image.putpalette(palette[used, :3].tobytes())
        image.save(buffer, "PNG", compress_level=3, transparency=palette[used, 3].tobytes())
    return buffer.getvalue()


def _met(pixels: npt.NDArray[np.uint16], entries: int) -> npt.NDArray[np.bool_]:
    """Return which entries occur; by strips, since NumPy makes eight bytes of every index."""
    found = np.zeros(entries, np.bool_)
    for top in range(0, len(pixels), STRIP):
        found[pixels[top : top + STRIP]] = True
    return found


def _looked_up(table: Array, pixels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Return the row of a table for every pixel, by strips."""
    found = np.empty(pixels.shape + table.shape[1:], np.uint8)
    for top in range(0, len(pixels), STRIP):
        found[top : top + STRIP] = table[pixels[top : top + STRIP]]
    return found

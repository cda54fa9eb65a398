"""A product as a picture: map, legend, scale, date and credit in one PNG whose bytes depend on the product alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from PIL import Image, ImageDraw
from pyproj import Geod, Transformer
from rasterio.enums import Resampling
from rasterio.errors import RasterioError

from pipeline.errors import ProductError
from pipeline.layer import Variable
from pipeline.products import sheet
from pipeline.products.colours import Colour, Ramp, class_colours, ramp, round_steps
from pipeline.products.sheet import INK, MARGIN, MUTED, PAPER, WIDTH, Caption, font, plain, wrapped

_LEGEND, _GUTTER = 216, 52
_MAP_WIDTH = WIDTH - 2 * MARGIN - _LEGEND - _GUTTER - 20
_MAP_HEIGHT = 600
_FRAME = (120, 128, 140)
#: Ground and stripes of the hatch that stands for "unknown".
UNKNOWN, HATCH = (238, 240, 243), (188, 194, 203)


@dataclass(frozen=True, slots=True)
class _Map:
    """Pixels of the map at the size it is drawn, and where they lie on the Earth."""

    values: npt.NDArray[np.generic]
    known: npt.NDArray[np.bool_]
    bounds: tuple[float, float, float, float]
    crs: str
    shown: tuple[int, int]
    """(width, height) in the picture."""

    def lonlat(self, across: npt.NDArray[np.floating], down: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float64], ...]:
        """Return longitudes and latitudes of places given as shares (0..1) of the map's width and height."""
        west, south, east, north = self.bounds
        transformer = Transformer.from_crs(self.crs, "OGC:CRS84", always_xy=True)
        longitude, latitude = transformer.transform(west + (east - west) * across, north - (north - south) * down)
        return np.asarray(longitude), np.asarray(latitude)


def render(path: Path | str, variable: Variable, caption: Caption, *, marker: tuple[float, float] | None = None) -> bytes:
    """Return a PNG of a COG with legend, title, date, units, scale and credit.

    Cells that are unknown are hatched grey, never the colour of "no hazard". Text is written in Pillow's own font,
    which knows Latin letters only.

    Parameters
    ----------
    path
        The COG; an overview is read where there is one.
    variable
        Its declaration: units, labels and colours.
    caption
        Title, date, credit and banner.
    marker
        (longitude, latitude) of a star, for example the epicentre.

    Raises
    ------
    ProductError
        Where the COG cannot be read.
    """
    found = _read(path, variable)
    key = class_colours(variable) if variable.is_categorical else _ramp(found, variable)
    subtitle = f"{_capital(variable.long_name)}{_in_units(variable)}  ·  {caption.when}"
    image, draw, top = sheet.begin(caption, subtitle, max(found.shown[1], 300) + 48)
    left = MARGIN + _GUTTER + (_MAP_WIDTH - found.shown[0]) // 2
    image.paste(_picture(found, key), (left, top))
    _frame(draw, found, left, top)
    if marker is not None:
        _star(draw, found, (left, top), marker)
    _scale_bar(image, found, left, top)
    _legend(draw, found, variable, key, (WIDTH - MARGIN - _LEGEND, top))
    return sheet.png(image)


def legend(variable: Variable, key: Mapping[int, Colour] | Ramp) -> bytes:
    """Return a PNG of the legend alone, with the hatch of "unknown" at its end.

    Parameters
    ----------
    variable
        Its name, units and labels.
    key
        Colours of the codes, or the ramp.
    """
    unknown = _Map(np.full((1, 1), math.nan), np.zeros((1, 1), np.bool_), (0.0, 0.0, 1.0, 1.0), "OGC:CRS84", (1, 1))
    rows = sum(1 + len(label) // 8 for label in (variable.labels or {}).values())
    image = Image.new("RGB", (_LEGEND + 2 * MARGIN, 600 + 30 * rows), PAPER)
    draw = ImageDraw.Draw(image)
    bottom = _legend(draw, unknown, variable, key, (MARGIN, MARGIN))
    return sheet.png(image.crop((0, 0, image.width, bottom + MARGIN)))


def _read(path: Path | str, variable: Variable) -> _Map:
    try:
        with rasterio.open(path) as source:
            width, height = _fitted(source)
            shape = (min(height, source.height), min(width, source.width))
            method = Resampling.nearest if variable.is_categorical else Resampling.average
            values = source.read(1, out_shape=shape, resampling=method)
            nodata, bounds, crs = source.nodata, tuple(source.bounds), source.crs.to_wkt()
    except RasterioError as error:
        raise ProductError(f"{path}: cannot be drawn: {error}") from error
    known = np.isfinite(values.astype(np.float64))
    if nodata is not None and not math.isnan(nodata):
        known &= values != nodata
    return _Map(values, known, bounds, crs, (width, height))


def _fitted(source: rasterio.DatasetReader) -> tuple[int, int]:
    """Return the size of the map in the picture: the ground's own proportions, as large as the place allows."""
    west, south, east, north = source.bounds
    squeeze = max(math.cos(math.radians((south + north) / 2)), 0.1) if source.crs.is_geographic else 1.0
    aspect = (east - west) * squeeze / (north - south)
    width = min(_MAP_WIDTH, round(_MAP_HEIGHT * aspect))
    return max(width, 40), max(round(width / aspect), 40)


def _ramp(found: _Map, variable: Variable) -> Ramp:
    values = found.values[found.known].astype(np.float64)
    return ramp(variable, *(np.percentile(values, (1, 99)).tolist() if values.size else (0.0, 1.0)))


def _picture(found: _Map, key: Mapping[int, Colour] | Ramp) -> Image.Image:
    """Return the map's pixels over a hatched ground."""
    if isinstance(key, Ramp):
        colours = key.paint(found.values.astype(np.float64))
    else:
        table = np.full((256, 3), 128, np.uint8)
        for code, colour in key.items():
            table[code] = colour
        colours = table[found.values.astype(np.uint8)]
    ground = _hatched(found.shown)
    cover = Image.fromarray(np.where(found.known, 255, 0).astype(np.uint8)).resize(found.shown, Image.Resampling.NEAREST)
    ground.paste(Image.fromarray(colours).resize(found.shown, Image.Resampling.NEAREST), (0, 0), cover)
    return ground


def _hatched(size: tuple[int, int]) -> Image.Image:
    """Return the ground that stands for "unknown": light grey with diagonal lines."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    stripes = ((x + y) % 8 < 2)[..., None]
    return Image.fromarray(np.where(stripes, np.array(HATCH, np.uint8), np.array(UNKNOWN, np.uint8)))


def _frame(draw: ImageDraw.ImageDraw, found: _Map, left: int, top: int) -> None:
    """Draw the edge, with round longitudes below and latitudes at the left."""
    width, height = found.shown
    draw.rectangle((left - 1, top - 1, left + width, top + height), outline=_FRAME)
    shares = np.linspace(0.0, 1.0, 65)
    longitudes, _ = found.lonlat(shares, np.ones_like(shares))
    _, latitudes = found.lonlat(np.zeros_like(shares), shares)
    for share, text in _ticks(np.unwrap(longitudes, period=360), "EW", max(width // 75, 2)):
        x = left + share * (width - 1)
        draw.line((x, top + height, x, top + height + 5), fill=_FRAME)
        draw.text((x, top + height + 9), text, font=font(13), fill=MUTED, anchor="mt")
    for share, text in _ticks(latitudes, "NS", max(height // 60, 2)):
        y = top + share * (height - 1)
        draw.line((left - 6, y, left - 2, y), fill=_FRAME)
        draw.text((left - 10, y), text, font=font(13), fill=MUTED, anchor="rm")


def _ticks(degrees: npt.NDArray[np.float64], letters: str, about: int) -> list[tuple[float, str]]:
    """Return (share along the edge, label) of round degrees between the ends of an edge."""
    shares = np.linspace(0.0, 1.0, degrees.size)
    order = slice(None) if degrees[-1] > degrees[0] else slice(None, None, -1)
    steps = round_steps(float(degrees.min()), float(degrees.max()), about)
    inside = [step for step in steps if degrees.min() <= step <= degrees.max()]
    return [(float(np.interp(step, degrees[order], shares[order])), _degrees(step, letters)) for step in inside]


def _degrees(value: float, letters: str) -> str:
    if letters == "EW":
        value = (value + 180) % 360 - 180
    letter = "" if value == 0 else letters[0] if value > 0 else letters[1]
    return f"{abs(value):.6g}°{letter}"


def _star(draw: ImageDraw.ImageDraw, found: _Map, origin: tuple[int, int], marker: tuple[float, float]) -> None:
    """Draw a star where (longitude, latitude) falls on the map."""
    transformer = Transformer.from_crs("OGC:CRS84", found.crs, always_xy=True)
    x, y = transformer.transform(*marker)
    west, south, east, north = found.bounds
    across, down = (x - west) / (east - west), (north - y) / (north - south)
    if not (0 <= across <= 1 and 0 <= down <= 1):
        return
    centre = origin[0] + across * found.shown[0], origin[1] + down * found.shown[1]
    points = [
        (centre[0] + radius * math.sin(turn), centre[1] - radius * math.cos(turn))
        for turn, radius in ((math.pi * corner / 5, 5.0 if corner % 2 else 12.0) for corner in range(10))
    ]
    draw.polygon(points, fill=PAPER, outline=INK, width=2)


def _scale_bar(image: Image.Image, found: _Map, left: int, top: int) -> None:
    """Draw a bar of a round length, true at the middle of the map, on a light plate."""
    longitude, latitude = found.lonlat(np.array([0.45, 0.55]), np.array([0.5, 0.5]))
    metres = Geod(ellps="WGS84").inv(longitude[0], latitude[0], longitude[1], latitude[1])[2] * 10 / found.shown[0]
    if not (math.isfinite(metres) and metres > 0):
        return
    limit = metres * found.shown[0] * 0.28
    power = 10.0 ** math.floor(math.log10(limit))
    length = power * max(factor for factor in (1, 2, 5) if factor * power <= limit)
    pixels = round(length / metres)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    x, y = left + 12, top + found.shown[1] - 40
    plate = Image.new("RGBA", (max(pixels, 48) + 20, 32), (255, 255, 255, 215))
    image.paste(plate, (x, y), plate)
    draw = ImageDraw.Draw(image)
    draw.line([(x + 10, y + 20), (x + 10, y + 25), (x + 10 + pixels, y + 25), (x + 10 + pixels, y + 20)], fill=INK, width=2)
    draw.text((x + 10 + pixels / 2, y + 17), text, font=font(13), fill=INK, anchor="ms")


def _legend(
    draw: ImageDraw.ImageDraw, found: _Map, variable: Variable, key: Mapping[int, Colour] | Ramp, at: tuple[int, int]
) -> int:
    """Draw name, unit and key; return the lower end."""
    x, y = at
    for line in wrapped(_capital(variable.long_name), 15, _LEGEND):
        draw.text((x, y), line, font=font(15), fill=INK, stroke_width=0.3)
        y += 20
    if _unit(variable):
        draw.text((x, y), plain(_unit(variable)), font=font(13), fill=MUTED)
        y += 18
    y += 10
    y = _ramp_key(draw, found, key, (x, y)) if isinstance(key, Ramp) else _class_key(draw, variable, key, (x, y))
    if not found.known.all():
        _box(draw, x, y + 8, None)
        draw.text((x + 36, y + 18), "Unknown", font=font(14), fill=INK, anchor="lm")
        y += 28
    return y


def _class_key(draw: ImageDraw.ImageDraw, variable: Variable, key: Mapping[int, Colour], at: tuple[int, int]) -> int:
    x, y = at
    for code, label in (variable.labels or {}).items():
        _box(draw, x, y, key[code])
        lines = wrapped(_capital(label), 14, _LEGEND - 36)
        for index, line in enumerate(lines):
            draw.text((x + 36, y + 10 + 17 * index), line, font=font(14), fill=INK, anchor="lm")
        y += 12 + 17 * max(len(lines), 1)
    return y


def _ramp_key(draw: ImageDraw.ImageDraw, found: _Map, key: Ramp, at: tuple[int, int]) -> int:
    """Draw stops at even distances, so that those of a logarithmic scale are all readable; return the lower end."""
    x, y = at
    intervals = len(key.values) - 1
    height = min(max(30 * intervals, 150), 300)
    shares = np.linspace(1.0, 0.0, height)
    colours = key.paint(np.interp(shares, np.linspace(0.0, 1.0, intervals + 1), key.values))
    for row, colour in enumerate(colours):
        draw.line((x, y + row, x + 26, y + row), fill=tuple(colour.tolist()))
    draw.rectangle((x - 1, y - 1, x + 27, y + height), outline=_FRAME)
    for index in range(0, intervals + 1, -(-intervals // 12)):
        place = y + (height - 1) * (1 - index / intervals)
        draw.line((x + 27, place, x + 32, place), fill=_FRAME)
        text = _beyond(found, key, index) + f"{key.values[index]:.6g}"
        draw.text((x + 38, place), text, font=font(13), fill=INK, anchor="lm")
    return y + height + 12


def _beyond(found: _Map, key: Ramp, index: int) -> str:
    """Return a mark for an end of the ramp that cells of the map lie beyond."""
    known = found.values[found.known]
    if index == 0 and known.size and known.min() < key.values[0]:
        return "< "
    return "> " if index == len(key.values) - 1 and known.size and known.max() > key.values[-1] else ""


def _box(draw: ImageDraw.ImageDraw, x: int, y: int, colour: Colour | None) -> None:
    """Draw a legend box, hatched where there is no colour."""
    draw.rectangle((x, y, x + 26, y + 19), fill=colour or UNKNOWN, outline=_FRAME)
    if colour is None:
        for offset in range(4, 44, 8):
            start, end = max(offset - 18, 1), min(offset, 25)
            draw.line((x + end, y + 1 + offset - end, x + start, y + 1 + offset - start), fill=HATCH, width=2)


def _unit(variable: Variable) -> str:
    return {"1": "", "standard_gravity": "g", "degC": "°C", "percent": "%"}.get(variable.units, variable.units)


def _in_units(variable: Variable) -> str:
    return f", {_unit(variable)}" if _unit(variable) else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

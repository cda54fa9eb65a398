"""The picture of a product that is a table: its first rows, as they stand in the file."""

from __future__ import annotations

import math
from typing import Any

from PIL import ImageDraw

from pipeline.layer import Table
from pipeline.products import sheet
from pipeline.products.sheet import INK, MARGIN, MUTED, WIDTH, Caption, font, wrapped
from pipeline.products.table import TableFile

#: Rows and columns that fit.
_ROWS, _COLUMNS, _LINE = 20, 8, 24


def render(file: TableFile, caption: Caption) -> bytes:
    """Return a PNG with the first rows of a table; an unknown value is a dash, never a zero."""
    rows, shown = file.rows[:_ROWS], list(file.table.columns)[:_COLUMNS]
    width = (WIDTH - 2 * MARGIN) // len(shown)
    headers = [wrapped(_header(file.table, name), 14, width - 8) for name in shown]
    above = max(map(len, headers))
    body = (above + max(len(rows), 1) + 2) * _LINE
    image, draw, top = sheet.begin(caption, f"{file.table.long_name}  ·  {caption.when}", body)
    for line in range(above):
        _line(draw, top + line * _LINE, [header[line] if line < len(header) else "" for header in headers], width, MUTED)
    top += (above - 1) * _LINE
    for place, row in enumerate(rows, 1):
        _line(draw, top + place * _LINE, [_text(row[name]) for name in shown], width, INK)
    rest = len(file.frame) - len(rows)
    note = "no rows" if not rows else f"and {rest} more rows" if rest else ""
    draw.text((MARGIN, top + (len(rows) + 1) * _LINE), note, font=font(14), fill=MUTED)
    return sheet.png(image)


def _line(draw: ImageDraw.ImageDraw, top: int, cells: list[str], width: int, colour: tuple[int, int, int]) -> None:
    for place, text in enumerate(cells):
        fitted = wrapped(text, 14, width - 8)[0]
        while font(14).getlength(fitted) > width - 8:
            fitted = f"{fitted.removesuffix('..')[:-1]}.."
        draw.text((MARGIN + place * width, top), fitted, font=font(14), fill=colour)


def _header(table: Table, name: str) -> str:
    unit = table.columns[name].units
    return name.replace("_", " ") + (f", {unit}" if unit != "1" else "")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}" if value and not math.isclose(value, round(value)) else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

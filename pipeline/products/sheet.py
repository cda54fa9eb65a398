"""The sheet that every picture of a product is drawn on: banner, title, date, credit, and the letters for all of it."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

#: Banner of every picture made from generated data.
SYNTHETIC_BANNER = "EXERCISE - SYNTHETIC DATA"

WIDTH, MARGIN = 960, 24
INK, MUTED, PAPER = (27, 31, 38), (94, 102, 115), (255, 255, 255)
ALARM = (176, 42, 26)

#: Characters Pillow's own font lacks, and what stands for them.
_SPELLING = {
    "–": "-", "—": "-", "−": "-", "×": "x", "²": "2", "³": "3", "©": "(c)", "≥": ">=", "≤": "<=", "σ": "sigma",
    "’": "'", "“": '"', "”": '"', "…": "...", "µ": "u", "ß": "ss", "ø": "o", "ł": "l",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Caption:
    """The words of a picture."""

    title: str
    when: str
    """Date or period the product is about."""
    attribution: str
    banner: str | None = None
    """A warning across the top: SYNTHETIC_BANNER, "SPIN-UP", ..."""


def begin(caption: Caption, subtitle: str, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """Return a sheet with banner, title, subtitle and credit, and the top of the `height` pixels left free for the body."""
    credit = wrapped(caption.attribution, 12, WIDTH - 2 * MARGIN)
    banner = 40 if caption.banner else 0
    top = banner + 96
    bottom = top + height + 16 * len(credit) + 16
    image = Image.new("RGB", (WIDTH, bottom), PAPER)
    draw = ImageDraw.Draw(image)
    if caption.banner:
        draw.rectangle((0, 0, WIDTH, banner - 1), fill=ALARM)
        draw.text((WIDTH / 2, banner / 2), plain(caption.banner), font=font(19), fill=PAPER, anchor="mm", stroke_width=0.5)
    draw.text(
        (MARGIN, banner + 18), wrapped(caption.title, 27, WIDTH - 2 * MARGIN)[0], font=font(27), fill=INK, stroke_width=0.4
    )
    draw.text((MARGIN, banner + 56), wrapped(subtitle, 16, WIDTH - 2 * MARGIN)[0], font=font(16), fill=MUTED)
    for index, line in enumerate(credit):
        draw.text((MARGIN, bottom - 16 * (len(credit) - index) - 12), line, font=font(12), fill=MUTED)
    return image, draw, top


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font in a size, pixels."""
    return ImageFont.load_default(size)


def plain(text: str) -> str:
    """Return the text in letters that the font has: accents dropped, other scripts as "?"."""
    spelled = "".join(_SPELLING.get(character, character) for character in text)
    bare = "".join(c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c))
    return "".join(c if c.isascii() or c in "°·±" else "?" for c in bare)


def wrapped(text: str, size: int, width: int) -> list[str]:
    """Return the text in lines that fit."""
    lines = [""]
    for word in plain(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font(size).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def png(image: Image.Image) -> bytes:
    """Return a picture as PNG bytes, the same for the same pixels."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()

"""Tables of the reference implementation, and how its rounded numbers are compared."""

import csv
import math
from pathlib import Path

GOLDEN = Path(__file__).parents[2] / "golden"
CFFDRS = Path("hydromet/fwi/cffdrs_r")


def rows(path):
    """Return the rows of a table as dicts of text; lines that begin with # are its source."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def number(text):
    return math.nan if text in ("NA", "NaN", "") else float(text)


def agrees(found, expected):
    """Tell whether a number is within what four significant digits leave open: 0.006, or 5e-4 of the value."""
    if math.isnan(expected):
        return math.isnan(found)
    return abs(found - expected) <= max(0.006, 5e-4 * abs(expected))

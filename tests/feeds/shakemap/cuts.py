"""What a cut file of ShakeMap must never do: pass for the whole, or raise anything but FeedMalformed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import xarray as xr

from pipeline.errors import FeedMalformed


def cut_everywhere(decode: Callable[[bytes], xr.Dataset], data: bytes, *, dim: str = "", times: int = 50) -> None:
    """Cut a file at random places: FeedMalformed, or with `dim`, where the format allows it, a shorter file."""
    whole = decode(data)
    random = Random(20240122)
    for _ in range(times):
        place = random.randrange(1, len(data.rstrip()))
        try:
            found = decode(data[:place])
        except FeedMalformed:
            continue
        assert dim, f"cut at {place}: passed for a whole file"
        assert found.sizes[dim] < whole.sizes[dim], f"cut at {place}: nothing is missing"

"""hazmon: an open multi-hazard monitoring pipeline.

import pipeline

pipeline.open_layer("shaking", event="us7000lsze")      a published layer as lazy xarray
pipeline.open_table("exposure", event="us7000lsze")     a table of one as a frame
pipeline.find_layers("flood_extent", time="2024-04")    what there is
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("hazmon")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"

#: Taken from the reader once they are asked for: DAG files import this package, and no array library.
_READER = ("PublishedLayer", "find_layers", "open_layer", "open_table")

__all__ = ["PublishedLayer", "__version__", "find_layers", "open_layer", "open_table"]


def __getattr__(name: str) -> Any:
    if name not in _READER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("pipeline.reader"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_READER})

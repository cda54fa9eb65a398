"""hazmon: an open multi-hazard monitoring pipeline."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("hazmon")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0.0.0"

__all__ = ["__version__"]

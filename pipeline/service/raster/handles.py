"""Open rasters, kept for the next reader: one reader at a time has a handle, and no more than a few lie idle."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from pipeline.errors import ProductError
from pipeline.products.read import gdal_options

#: GDAL's own cache of blocks, bytes; its default, 5 % of the memory, is not flat.
_BLOCKS = 64 * 2**20

#: Idle handles kept: each holds some three megabytes of decoders.
_IDLE = 24


class Handles:
    """A pool of open rasters; published files never change, so that a handle stays good."""

    def __init__(self, idle: int = _IDLE) -> None:
        self._idle = idle
        self._kept: OrderedDict[tuple[str, int, int | None], DatasetReader] = OrderedDict()
        self._lock = threading.Lock()
        self._options = gdal_options() | {"GDAL_CACHEMAX": _BLOCKS}
        self._count = 0

    def __len__(self) -> int:
        """Return how many lie idle."""
        return len(self._kept)

    @contextmanager
    def borrow(self, path: str, level: int | None = None) -> Iterator[DatasetReader]:
        """Lend a raster, or one of its overviews; nobody else has the same handle meanwhile.

        Raises
        ------
        ProductError
            Where it cannot be opened or read.
        """
        try:
            with rasterio.Env(**self._options):
                source = self._taken(path, level) or self._opened(path, level)
                kept = False
                try:
                    yield source
                    kept = True
                finally:
                    if kept:
                        self._give_back(path, level, source)
                    else:
                        source.close()  # after a failed read nobody knows what state it is in
        except RasterioError as error:
            raise ProductError(f"{path}: cannot be read: {error}") from error

    def close(self) -> None:
        """Close what lies idle."""
        with self._lock:
            for source in self._kept.values():
                source.close()
            self._kept.clear()

    def _opened(self, path: str, level: int | None) -> DatasetReader:
        # Named driver: whatever lies there, only a GeoTIFF is opened.
        options = {} if level is None else {"overview_level": level}
        return rasterio.open(path, driver="GTiff", **options)

    def _taken(self, path: str, level: int | None) -> DatasetReader | None:
        with self._lock:
            found = next((key for key in reversed(self._kept) if key[0] == path and key[2] == level), None)
            return self._kept.pop(found) if found is not None else None

    def _give_back(self, path: str, level: int | None, source: DatasetReader) -> None:
        with self._lock:
            self._count += 1
            self._kept[path, self._count, level] = source
            surplus = [self._kept.popitem(last=False)[1] for _ in range(len(self._kept) - self._idle)]
        for old in surplus:
            old.close()

"""The same home and application as the tests of rasters have."""

from tests.service.raster.conftest import client, published

__all__ = ["client", "published"]

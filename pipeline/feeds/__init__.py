"""Remote sources, one module per protocol; none of them knows another room."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.feeds.fdsn import FdsnEvent
from pipeline.feeds.features import FeatureTableFeed
from pipeline.feeds.grib import GribIndexFeed
from pipeline.feeds.protocol import Feed
from pipeline.feeds.shakemap.files import ShakeMapFiles
from pipeline.feeds.stac import StacFeed
from pipeline.feeds.static import StaticMapFeed
from pipeline.feeds.usgs import UsgsGeojson
from pipeline.feeds.usgs_products import UsgsProducts

#: Protocols by the name that `config/feeds/<id>.yaml` gives: `Cls(id, url, allowed_hosts=(), **options)`.
PROTOCOLS: dict[str, Callable[..., Feed]] = {
    "usgs_geojson": UsgsGeojson,
    "usgs_products": UsgsProducts,
    "shakemap_files": ShakeMapFiles,
    "fdsn_event": FdsnEvent,
    "stac": StacFeed,
    "grib_index": GribIndexFeed,
    "static_map": StaticMapFeed,
    "feature_table": FeatureTableFeed,
}

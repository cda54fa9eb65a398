"""OGC WMTS 1.0.0 capabilities of one asset, with RESTful addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import morecantile
from titiler.core.utils import tms_limits, tms_limits_to_xml, tms_to_xml

from pipeline.service.raster.source import Raster


@dataclass(frozen=True, slots=True)
class Set:
    """A tile matrix set, its CRS and the deepest zoom listed."""

    name: str
    crs: str
    deepest: int


@dataclass(frozen=True, slots=True)
class Queries:
    """Queries of the addresses named; each is empty, or begins with "?"."""

    tiles: str
    legend: str


def capabilities(
    raster: Raster,
    base: str,
    bounds: tuple[float, float, float, float],
    sets: Sequence[Set],
    queries: Queries,
) -> str:
    """Return the document.

    Parameters
    ----------
    raster
        The asset.
    base
        Address of its routes.
    bounds
        (west, south, east, north), degrees.
    sets
        The tile matrix sets offered.
    queries
        How to draw.
    """
    address = f"{base}/tiles/{{TileMatrixSet}}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png{queries.tiles}"
    west, south, east, north = bounds
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" \
xmlns:xlink="http://www.w3.org/1999/xlink" version="1.0.0">
<ows:ServiceIdentification>
<ows:Title>{escape(raster.title)}</ows:Title>
<ows:ServiceType>OGC WMTS</ows:ServiceType>
<ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion>
</ows:ServiceIdentification>
<Contents>
<Layer>
<ows:Title>{escape(f"{raster.title}: {raster.described.get('title', raster.asset)}")}</ows:Title>
<ows:Abstract>{escape(raster.attribution)}</ows:Abstract>
<ows:WGS84BoundingBox crs="urn:ogc:def:crs:OGC:2:84">
<ows:LowerCorner>{west} {south}</ows:LowerCorner>
<ows:UpperCorner>{east} {north}</ows:UpperCorner>
</ows:WGS84BoundingBox>
<ows:Identifier>{escape(f"{raster.item}.{raster.asset}")}</ows:Identifier>
<Style isDefault="true">
<ows:Identifier>default</ows:Identifier>
<LegendURL format="image/png" xlink:href={quoteattr(f"{base}/legend.png{queries.legend}")}/>
</Style>
<Format>image/png</Format>
{"".join(_link(one, bounds) for one in sets)}
<ResourceURL format="image/png" resourceType="tile" template={quoteattr(address)}/>
</Layer>
{"".join(_set(one) for one in sets)}
</Contents>
<ServiceMetadataURL xlink:href={quoteattr(f"{base}/WMTSCapabilities.xml{queries.tiles}")}/>
</Capabilities>
"""


def _link(one: Set, bounds: tuple[float, float, float, float]) -> str:
    """Return which tiles of a set meet the raster."""
    limits = tms_limits(morecantile.tms.get(one.name), bounds, zooms=(0, one.deepest))
    return f"""<TileMatrixSetLink>
<TileMatrixSet>{one.name}</TileMatrixSet>
<TileMatrixSetLimits>{"".join(tms_limits_to_xml(limits))}</TileMatrixSetLimits>
</TileMatrixSetLink>
"""


def _set(one: Set) -> str:
    matrices = "".join(tms_to_xml(morecantile.tms.get(one.name), 0, one.deepest))
    return f"""<TileMatrixSet>
<ows:Identifier>{one.name}</ows:Identifier>
<ows:SupportedCRS>urn:ogc:def:crs:EPSG::{one.crs.removeprefix("EPSG:")}</ows:SupportedCRS>
{matrices}
</TileMatrixSet>
"""

"""Region and resolution to a GeoBox, on whole multiples of the resolution so that grids nest."""

from __future__ import annotations

import math
import warnings
from typing import Any

import xarray as xr
from affine import Affine
from odc.geo import xr as odc_xr
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from odc.geo.warp import Resampling
from pyproj import Transformer
from pyproj.exceptions import CRSError, ProjError

from pipeline.errors import GridError
from pipeline.model import Bounds

# A block of a warp that lies at the origin of its own coordinates has the identity as its transform, which rasterio takes
# for a missing one.
warnings.filterwarnings("ignore", message="Dataset has no geotransform", module="rasterio")

#: Thirty arc-seconds, degrees.
THIRTY_ARC_SECONDS = 1.0 / 120.0


def region_geobox(bounds: Bounds, resolution: float, crs: str = "EPSG:4326") -> GeoBox:
    """Return the smallest grid that covers the bounds with edges on whole multiples of the resolution.

    Parameters
    ----------
    bounds
        (west, south, east, north) in units of the CRS.
    resolution
        Cell size in units of the CRS.
    crs
        Any name pyproj knows.

    Raises
    ------
    GridError
        Where the bounds are empty or the resolution is not positive.
    """
    west, south, east, north = bounds
    if resolution <= 0 or east <= west or north <= south:
        raise GridError(f"bounds {bounds} at resolution {resolution}: expected west < east, south < north, resolution > 0")
    left, right = _floor(west / resolution), _ceil(east / resolution)
    bottom, top = _floor(south / resolution), _ceil(north / resolution)
    transform = Affine(resolution, 0, left * resolution, 0, -resolution, top * resolution)
    return GeoBox((top - bottom, right - left), transform, crs)


def projected_bounds(bounds: Bounds, crs: str) -> Bounds:
    """Return the box in units of a CRS around a box in degrees; the same box where the CRS is geographic.

    Raises
    ------
    GridError
        Where there is no such CRS, or the box does not lie in its reach.
    """
    try:
        if CRS(crs).geographic:
            return bounds
        project = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        west, south, east, north = project.transform_bounds(*bounds, densify_pts=201, errcheck=True)
    except (CRSError, ProjError) as error:
        raise GridError(f"CRS {crs!r}, bounds {bounds}: {error}") from error
    return west, south, east, north


def event_geobox(longitude: float, latitude: float, radius_km: float, resolution: float = THIRTY_ARC_SECONDS) -> GeoBox:
    """Return a geographic grid centred on an event, reaching at least `radius_km` in each direction.

    Longitudes run on beyond 180 where the grid crosses the antimeridian, so that cells stay contiguous.
    """
    half_height = radius_km / 110.57
    half_width = radius_km / (111.32 * max(math.cos(math.radians(latitude)), 0.05))
    south, north = max(latitude - half_height, -90.0), min(latitude + half_height, 90.0)
    return region_geobox((longitude - half_width, south, longitude + half_width, north), resolution)


def geobox_of(array: xr.DataArray | xr.Dataset) -> GeoBox:
    """Return the GeoBox an array lives on.

    Raises
    ------
    GridError
        Where it has no CRS or no regular grid.
    """
    geobox = array.odc.geobox
    if not isinstance(geobox, GeoBox) or geobox.crs is None:
        raise GridError(f"{getattr(array, 'name', None) or 'array'}: no regular grid with a CRS; dims {array.dims}")
    return geobox


def on_geobox(array: xr.DataArray, geobox: GeoBox) -> xr.DataArray:
    """Return the array (..., y, x) labelled with the coordinates and CRS of a GeoBox of the same shape."""
    if array.shape[-2:] != tuple(geobox.shape):
        raise GridError(f"{array.name or 'array'}: shape {array.shape[-2:]}, expected {tuple(geobox.shape)} of the grid")
    coordinates = odc_xr.xr_coords(geobox)
    dims = (*array.dims[:-2], *geobox.dimensions)
    renamed = array.rename(dict(zip(array.dims, dims, strict=True)))
    return renamed.drop_vars([name for name in (*geobox.dimensions, "spatial_ref") if name in renamed.coords]).assign_coords(
        coordinates
    )


def regrid(array: xr.DataArray, geobox: GeoBox, resampling: Resampling, *, edge: int | None = None) -> xr.DataArray:
    """Return the array on another grid, lazily; NaN (or nodata) outside the source stays unknown.

    Parameters
    ----------
    array
        dims (..., y, x) with a CRS; floating with NaN for unknown, or integer with attrs["nodata"].
    geobox
        The target grid.
    resampling
        Named each time: "nearest", "bilinear", "average", "mode", ...
    edge
        Of the blocks of a lazy array's result, cells; default: as the array's own.
    """
    source = geobox_of(array)
    if source == geobox:
        return array
    blocks: dict[str, Any] = {} if edge is None else {"chunks": (edge, edge)}
    warped: xr.DataArray = odc_xr.xr_reproject(array, geobox, resampling=resampling, **blocks)
    return warped.assign_attrs(array.attrs)


def _floor(value: float) -> int:
    return math.floor(value + 1e-9)


def _ceil(value: float) -> int:
    return math.ceil(value - 1e-9)

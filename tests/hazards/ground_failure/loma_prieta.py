"""The Loma Prieta earthquake of 1989 as the U.S. Geological Survey's ground failure tests hold it, on a target's grid."""

import re

import numpy as np
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.warp import Resampling, reproject

from pipeline.grid import on_geobox, regrid

FOLDER = ("seismic", "groundfailure", "loma_prieta")
#: Factor and units of the layers of a ShakeMap grid, where PGA is in percent of g; deviations are of the natural logarithm.
UNITS = {"PGA": (0.01, "standard_gravity"), "PGV": (1.0, "cm s-1"), "STDPGV": (1.0, "1")}


def target(reference, name):
    """Return a published result, and its grid: GMT grids are cell-centred, their rows from south to north."""
    with xr.open_dataset(reference.joinpath(*FOLDER, "targets", name), engine="scipy") as dataset:
        z = dataset["z"].load()
    x, y = z["x"].values, z["y"].values
    spacing = ((x[-1] - x[0]) / (x.size - 1), (y[-1] - y[0]) / (y.size - 1))
    return z.values[::-1].astype("float64"), _geobox(x[0], y[-1], spacing, (y.size, x.size))


def _geobox(west, north, spacing, shape):
    """Return the grid whose first cell has this centre."""
    dx, dy = spacing
    affine = rasterio.Affine(dx, 0, west - dx / 2, 0, -dy, north + dy / 2)
    return GeoBox(shape, affine, "EPSG:4326")


def raster(reference, name, units, geobox, resampling):
    """Return a map of the test on the grid; the files are GeoTIFFs whatever their suffix is."""
    with rasterio.open(reference.joinpath(*FOLDER, "model_inputs", name)) as source:
        values = source.read(1, masked=True).filled(np.nan)
        box = GeoBox(source.shape, source.transform, "EPSG:4326")
    return _on(values, box, units, geobox, resampling)


def shake(reference, file, layer, geobox):
    """Return a layer of a ShakeMap grid on the grid, as this project brings it there."""
    values, box = _points(reference, file, layer)
    return _on(values, box, UNITS[layer][1], geobox, "bilinear")


def shake_over_triangles(reference, file, layer, geobox):
    """Return a layer of a ShakeMap grid linear over the two triangles of each of its cells, one for each diagonal.

    So does the published program: Delaunay's triangulation, in which the diagonal of a rectangle is anyone's choice.
    Outside the outermost points there is nothing.
    """
    values, box = _points(reference, file, layer)
    y, x = np.meshgrid(*(geobox.coords[name].values for name in geobox.dimensions), indexing="ij")
    row, column = (box.transform.f - y) / -box.transform.e - 0.5, (x - box.transform.c) / box.transform.a - 0.5
    i, j = (np.clip(np.floor(at).astype(int), 0, size - 2) for at, size in zip((row, column), values.shape, strict=True))
    u, v = row - i, column - j
    nw, ne, sw, se = values[i, j], values[i, j + 1], values[i + 1, j], values[i + 1, j + 1]
    falling = np.where(u > v, nw + u * (sw - nw) + v * (se - sw), nw + v * (ne - nw) + u * (se - ne))
    rising = np.where(u + v < 1, nw + u * (sw - nw) + v * (ne - nw), se + (1 - u) * (ne - se) + (1 - v) * (sw - se))
    outside = (np.minimum(u, v) < -1e-6) | (np.maximum(u, v) > 1 + 1e-6)
    for surface in (falling, rising):
        array = xr.DataArray(np.where(outside, np.nan, surface), dims=("y", "x"), attrs={"units": UNITS[layer][1]})
        yield on_geobox(array, geobox)


def _points(reference, file, layer):
    """Return a layer of a ShakeMap grid, whose points are taken as the centres of cells, and that grid."""
    text = reference.joinpath(*FOLDER, file).read_text()
    names = re.findall(r'<grid_field index="\d+" name="(\w+)"', text)
    table = np.array(re.search(r"<grid_data>(.*?)</grid_data>", text, re.DOTALL).group(1).split(), "float64")
    columns = dict(zip(names, table.reshape(-1, len(names)).T, strict=True))
    longitudes, latitudes = np.unique(columns["LON"]), np.unique(columns["LAT"])
    box = _geobox(longitudes[0], latitudes[-1], (0.025, 0.025), (latitudes.size, longitudes.size))
    return columns[layer].reshape(box.shape) * UNITS[layer][0], box


def gradient_as_published(reference, geobox):
    """Return the gradient as the published program brings it to a coarser grid: GDAL's bilinear kernel, widened.

    `regrid` takes the two by two nearest cells however coarse the grid is; "average" is its word for a coarser grid.
    """
    with rasterio.open(reference.joinpath(*FOLDER, "model_inputs", "global_grad.tif")) as source:
        values = np.full(geobox.shape, np.nan, "float32")
        places = {"src_transform": source.transform, "dst_transform": geobox.transform}
        reproject(source.read(1), values, src_crs="EPSG:4326", dst_crs="EPSG:4326", resampling=Resampling.bilinear, **places)
    return on_geobox(xr.DataArray(values, dims=("y", "x"), attrs={"units": "1"}), geobox)


def _on(values, box, units, geobox, resampling):
    array = on_geobox(xr.DataArray(values, dims=("y", "x"), attrs={"units": units}), box)
    return regrid(array, geobox, resampling)

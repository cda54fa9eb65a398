"""Items to one lazy Dataset: opened from what they say, brought to one grid, laid along time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from pipeline.errors import InputError
from pipeline.grid import on_geobox, regrid
from pipeline.model import moment
from pipeline.products.read import described_asset, item_geobox
from pipeline.reader.listing import rasters
from pipeline.reader.source import Item, Source
from pipeline.reader.wanted import times_of

#: What has to be the same for values to stand beside one another.
_MEANING = ("units", "flag_values", "flag_meanings")


def variables_of(items: Sequence[Item], wanted: Sequence[str] | None) -> list[str]:
    """Return the variables to open: those wanted, else what all Items have.

    Raises
    ------
    InputError
        Where an Item lacks one, or is without rasters.
    """
    there = [rasters(item) for item in items]
    for item, names in zip(items, there, strict=True):
        missing = sorted(set(wanted or ()) - set(names))
        if missing or not names:
            tables = "" if names else "; open_table opens its tables"
            raise InputError(f"{item['id']}: no raster {missing or 'at all'}; expected some of {list(names)}{tables}")
    return list(wanted) if wanted is not None else [name for name in there[0] if all(name in names for names in there)]


def single(item: Item, source: Source, names: Iterable[str], geobox: GeoBox, resampling: str | None) -> xr.Dataset:
    """Return one Item's variables over (y, x), with its time as a coordinate."""
    arrays = {name: _placed(item, source, name, geobox, resampling) for name in names}
    return _labelled(arrays, [item], geobox).assign_coords(time=_moment(item))


def along_time(
    items: Sequence[Item], source: Source, names: Iterable[str], geobox: GeoBox, resampling: str | None
) -> xr.Dataset:
    """Return several Items' variables over (time, y, x); Items of the same moment fill one another's gaps, by id.

    Raises
    ------
    InputError
        Where units or classes of a variable are not the same in all.
    """
    groups: dict[np.datetime64, list[Item]] = {}
    for item in items:
        groups.setdefault(_moment(item), []).append(item)
    arrays = {}
    for name in names:
        layers = [[_placed(item, source, name, geobox, resampling) for item in group] for group in groups.values()]
        arrays[name] = _stacked(name, layers)
    found = _labelled(arrays, items, geobox)
    found = found.assign_coords(time=("time", np.array(list(groups), dtype="datetime64[ns]")))
    ids = ["; ".join(item["id"] for item in group) for group in groups.values()]
    revisions = [max(item["properties"]["hazmon:revision"] for item in group) for group in groups.values()]
    ages = [min((_data_time(item) for item in group), key=str) for group in groups.values()]
    coordinates = {"item": np.array(ids), "revision": np.array(revisions), "data_time": np.array(ages)}
    return found.assign_coords({name: ("time", values) for name, values in coordinates.items()})


def _labelled(arrays: Mapping[str, xr.DataArray], items: Sequence[Item], geobox: GeoBox) -> xr.Dataset:
    """Return arrays over (y, x) as one Dataset on its grid, labelled once for all of them."""
    labels = xr_coords(geobox)
    owns = {item_geobox(item) for item in items}
    part = _part(next(iter(owns)), geobox) if len(owns) == 1 else None
    if part is not None:
        # The very labels of the whole grid: computed anew they would differ in the last bit, and not align.
        whole = xr_coords(owns.pop())
        labels = {**labels, **{name: whole[name][cut] for name, cut in zip(geobox.dimensions, part, strict=True)}}
    dims = dict(zip(("y", "x"), geobox.dimensions, strict=True))
    variables = {
        name: (tuple(dims.get(str(dim), dim) for dim in array.dims), array.data, array.attrs) for name, array in arrays.items()
    }
    found = xr.Dataset(variables, coords=labels)
    for name in arrays:
        found[name].encoding["grid_mapping"] = "spatial_ref"
    return found


def _placed(item: Item, source: Source, name: str, geobox: GeoBox, resampling: str | None) -> xr.DataArray:
    """Return one raster over (y, x) of the grid: cut out of its own, or resampled."""
    array = described_asset(item, name, source.href(item, name))
    is_codes = "flag_values" in array.attrs
    own = item_geobox(item)
    part = _part(own, geobox)
    attributes = array.attrs
    if part is not None:
        array = array[part]
    elif own.footprint(str(geobox.crs)).intersects(geobox.extent):
        how = resampling or ("nearest" if is_codes else "bilinear")
        array = xr.DataArray(regrid(on_geobox(array, own), geobox, how).data, dims=("y", "x"))
    else:
        cells = da.full(tuple(geobox.shape), attributes["nodata"], dtype=array.dtype)  # type: ignore[no-untyped-call]
        array = xr.DataArray(cells, dims=("y", "x"))
    answers = item["properties"]["hazmon:answers"]
    answered = [question for question, output in answers.items() if output == name]
    if answered:
        attributes = attributes | {"answers": " ".join(answered)}
    if is_codes and attributes["nodata"] is not None:
        # Among the attributes: the codes are as stored, while an encoding would say that they were made NaN.
        attributes = attributes | {"_FillValue": array.dtype.type(attributes["nodata"])}
    array.attrs = attributes
    return array


def _part(own: GeoBox, geobox: GeoBox) -> tuple[slice, slice] | None:
    """Return which rows and columns of a grid another one is, where it is a part of it or the whole."""
    if own == geobox:
        return slice(None), slice(None)
    if own.crs != geobox.crs or own.resolution != geobox.resolution:
        return None
    across, down = ~own.transform * (geobox.transform.c, geobox.transform.f)
    column, row = round(across), round(down)
    rows, columns = slice(row, row + geobox.shape[0]), slice(column, column + geobox.shape[1])
    if not (row >= 0 and column >= 0 and rows.stop <= own.shape[0] and columns.stop <= own.shape[1]):
        return None
    return (rows, columns) if own[rows, columns] == geobox else None


def _stacked(name: str, layers: Sequence[Sequence[xr.DataArray]]) -> xr.DataArray:
    first = layers[0][0]
    for array in (array for group in layers for array in group):
        if array.dtype != first.dtype or not all(_same(array.attrs, first.attrs, meaning) for meaning in _MEANING):
            raise InputError(
                f"{name}: units or classes differ between versions of the layer; ask for a shorter time or one revision"
            )
    stack = da.stack([reduce(_filled, group).data for group in layers])  # type: ignore[no-untyped-call]
    return xr.DataArray(stack, dims=("time", *first.dims), attrs=first.attrs)


def _filled(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Return the first array with its unknown cells taken from the other."""
    nodata = one.attrs["nodata"]
    is_known = one.notnull() if nodata is None or math.isnan(nodata) else one != nodata
    return one.where(is_known, other).assign_attrs(one.attrs)


def _same(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> bool:
    return bool(np.array_equal(one.get(name, ""), other.get(name, "")))


def _data_time(item: Item) -> np.datetime64:
    """Return the newest time an Item's changing inputs are about; NaT where that is not known."""
    text = item["properties"].get("hazmon:data_time")
    return np.datetime64(moment(text).replace(tzinfo=None) if text else "NaT", "ns")


def _moment(item: Item) -> np.datetime64:
    """Return when what an Item is about begins."""
    return np.datetime64(times_of(item)[0].replace(tzinfo=None), "ns")

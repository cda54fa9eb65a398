"""Items to one lazy Dataset: opened from what they say, brought to one grid, laid along time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
from pipeline.reader.listing import rasters, tables
from pipeline.reader.source import Item, Source
from pipeline.reader.wanted import times_of

#: Variables of one Item, or of several laid over one another, over (y, x).
Part = dict[str, xr.DataArray]

#: Edge of the blocks of a layer on another grid, cells; where those are larger than its own, fewer, but not less than that.
_EDGE, _LEAST_EDGE = 2048, 64

#: What has to be the same for values to stand beside one another.
_MEANING = ("units", "flag_values", "flag_meanings")


def variables_of(items: Sequence[Item], wanted: Sequence[str] | None) -> list[str]:
    """Return the variables to open: those wanted, else what all Items have.

    Raises
    ------
    InputError
        Where an Item lacks one, or is without rasters.
    """
    wanted = [wanted] if isinstance(wanted, str) else wanted
    there = [rasters(item) for item in items]
    for item, names in zip(items, there, strict=True):
        if not names:
            raise InputError(f"{item['id']}: no raster at all; open_table opens its tables {list(tables(item))}")
        missing = sorted(set(wanted or ()) - set(names))
        if missing or (wanted is not None and not wanted):
            raise InputError(f"{item['id']}: found variables={missing}, expected some of {list(names)}")
    return list(wanted) if wanted is not None else [name for name in there[0] if all(name in names for names in there)]


def single(item: Item, source: Source, names: Iterable[str], geobox: GeoBox, resampling: str | None) -> xr.Dataset:
    """Return one Item's variables over (y, x), with its time as a coordinate."""
    arrays = {name: _placed(item, source, name, geobox, resampling) for name in names}
    return _labelled(arrays, [item], geobox).assign_coords(time=_moment(item))


def along_time(
    items: Sequence[Item], source: Source, names: Sequence[str], geobox: GeoBox, resampling: str | None
) -> xr.Dataset:
    """Return several Items' variables over (time, y, x); those of the same moment are `overlaid`.

    Raises
    ------
    InputError
        Where units or classes of a variable are not the same in all.
    """
    groups: dict[np.datetime64, list[Item]] = {}
    for item in sorted(items, key=_made, reverse=True):
        groups.setdefault(_moment(item), []).append(item)
    groups = dict(sorted(groups.items()))
    layers = [_layer(group, source, names, geobox, resampling) for group in groups.values()]
    arrays = {name: _stacked(name, [layer[name] for layer in layers]) for name in names}
    found = _labelled(arrays, items, geobox)
    found = found.assign_coords(time=("time", np.array(list(groups), dtype="datetime64[ns]")))
    ids = ["; ".join(item["id"] for item in group) for group in groups.values()]
    revisions = [max(item["properties"]["hazmon:revision"] for item in group) for group in groups.values()]
    ages = [min((_data_time(item) for item in group), key=str) for group in groups.values()]
    forecasts = [any(item["properties"].get("hazmon:forecast", False) for item in group) for group in groups.values()]
    coordinates = {"item": ids, "revision": revisions, "data_time": ages, "forecast": forecasts}
    return found.assign_coords({name: ("time", np.array(values)) for name, values in coordinates.items()})


def overlaid(parts: Sequence[Part], names: Sequence[str]) -> Part:
    """Return Items on one grid, the newest first, as one: all variables of a cell are those of the same Item.

    That is the first whose estimate is known there, else the first whose exclusion says why it is not, else the first.

    Parameters
    ----------
    parts
        Of each Item its variables over (y, x), by their attribute `answers` estimate and exclusion among them.
    names
        The variables to return.

    Raises
    ------
    InputError
        Where units or classes of a variable are not the same in all.
    """
    for name in names:
        _check_same(name, [part[name] for part in parts])
    estimates = [_answering(part, "estimate") or names[0] for part in parts]
    reasons = [(part, _answering(part, "exclusion")) for part in parts]
    choices = [(_is_known(part[name]), part) for part, name in zip(parts, estimates, strict=True)]
    choices += [(_is_known(part[name]) & (part[name] != 0), part) for part, name in reasons if name is not None]
    return {name: _first(name, choices, parts[0][name]) for name in names}


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
    elif (there := own.footprint(str(geobox.crs))).intersects(geobox.extent):
        how = resampling or ("nearest" if is_codes else "bilinear")
        edge = block_edge(there.area / math.prod(own.shape), geobox)
        array = xr.DataArray(regrid(on_geobox(array, own), geobox, how, edge=edge).data, dims=("y", "x"))
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


def block_edge(cell: float, geobox: GeoBox) -> int:
    """Return the edge of blocks on a grid such that one, and what is read for it, is about as large as a block that is read.

    Parameters
    ----------
    cell
        Area of what is read, in units of the grid's CRS, for each of its cells.
    geobox
        The grid.
    """
    shrink = math.sqrt(abs(geobox.resolution.x * geobox.resolution.y) / cell)
    return max(int(_EDGE / max(shrink, 1.0)), _LEAST_EDGE)


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


def _layer(group: Sequence[Item], source: Source, names: Sequence[str], geobox: GeoBox, resampling: str | None) -> Part:
    """Return the variables of Items of one moment, the newest first; whole Items are needed only where there are several."""
    answers = [item["properties"]["hazmon:answers"] for item in group] if len(group) > 1 else []
    parts = []
    for item in group:
        asked = [*names, *(answer[question] for answer in answers for question in ("estimate", "exclusion"))]
        placed = [name for name in dict.fromkeys(asked) if name in rasters(item)]
        parts.append({name: _placed(item, source, name, geobox, resampling) for name in placed})
    return overlaid(parts, names)


def _answering(part: Part, question: str) -> str | None:
    """Return which variable of an Item answers a question."""
    return next((name for name, array in part.items() if question in array.attrs.get("answers", "").split()), None)


def _is_known(array: xr.DataArray) -> xr.DataArray:
    nodata = array.attrs["nodata"]
    return array.notnull() if nodata is None or math.isnan(nodata) else array != nodata


def _first(name: str, choices: Sequence[tuple[xr.DataArray, Part]], otherwise: xr.DataArray) -> xr.DataArray:
    """Return a variable, cell by cell, from the first Item whose condition holds."""
    found = otherwise
    for is_there, part in reversed(choices):
        found = part[name].where(is_there, found)
    return found.assign_attrs(otherwise.attrs)


def _stacked(name: str, layers: Sequence[xr.DataArray]) -> xr.DataArray:
    _check_same(name, layers)
    stack = da.stack([layer.data for layer in layers])  # type: ignore[no-untyped-call]
    return xr.DataArray(stack, dims=("time", *layers[0].dims), attrs=layers[0].attrs)


def _check_same(name: str, arrays: Sequence[xr.DataArray]) -> None:
    first = arrays[0]
    for array in arrays:
        if array.dtype != first.dtype or not all(_same(array.attrs, first.attrs, meaning) for meaning in _MEANING):
            raise InputError(
                f"{name}: units or classes differ between versions of the layer; ask for a shorter time or one revision"
            )


def _same(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> bool:
    return bool(np.array_equal(one.get(name, ""), other.get(name, "")))


def _made(item: Item) -> tuple[str, str]:
    """Return what Items of one moment are ordered by."""
    return str(item["properties"]["created"]), str(item["id"])


def _data_time(item: Item) -> np.datetime64:
    """Return the newest time an Item's changing inputs are about; NaT where that is not known."""
    text = item["properties"].get("hazmon:data_time")
    return np.datetime64(moment(text).replace(tzinfo=None) if text else "NaT", "ns")


def _moment(item: Item) -> np.datetime64:
    """Return when what an Item is about begins."""
    return np.datetime64(times_of(item)[0].replace(tzinfo=None), "ns")

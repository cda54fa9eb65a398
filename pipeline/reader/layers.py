"""Layers asked for by hazard, event, place and time: listed, or opened as one lazy Dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence

import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from pipeline.errors import InputError
from pipeline.model import Bounds
from pipeline.products.read import item_geobox
from pipeline.reader import cube
from pipeline.reader.attributes import attributes
from pipeline.reader.listing import PublishedLayer, check_hazard, found, listed
from pipeline.reader.source import open_source
from pipeline.reader.target import target_geobox
from pipeline.reader.wanted import Time, wanted


def open_layer(
    hazard: str,
    *,
    event: str | None = None,
    region: str | None = None,
    bbox: Bounds | None = None,
    time: Time | None = None,
    revision: int | str | None = None,
    item: str | None = None,
    variables: Sequence[str] | None = None,
    crs: str | None = None,
    resolution: float | None = None,
    geobox: GeoBox | None = None,
    resampling: str | None = None,
    source: str | os.PathLike[str] | None = None,
) -> xr.Dataset:
    """Return the rasters of a published layer, lazily: nothing is read before it is computed.

    An `event` or an `item` gives dims (y, x); anything else (time, y, x), even where one layer is found. Numbers have
    NaN for unknown. Codes keep their type and say by `nodata` which of them means unknown, by `flag_values` and
    `flag_meanings` what the others mean. CRS, units and names are in the places where xarray's readers look for them;
    the attributes say whose data it is, how old, on what terms, whether it is synthetic or of an exercise, and which
    Item: along time the coordinates `item`, `revision`, `data_time` and `forecast` do.

    Only what stands is returned: a layer that was superseded or withdrawn comes where `revision` or `item` names it, and
    its attribute `state` says so.

    Parameters
    ----------
    hazard
        Id of the hazard, for example "shaking".
    event
        Our id of an event, or that of any agency.
    region
        Id of a region.
    bbox
        (west, south, east, north), degrees: layers that touch it, cut to it.
    time
        A moment, a day ("2024-04-05"), a month ("2024-04"), or a pair of them; a day or month as the end counts whole.
    revision
        Revision of the source, or a whole version such as "3+47709327"; default: the one that stands.
    item
        Id of an Item, as `find_layers` lists them.
    variables
        Default: all.
    crs, resolution
        Bring the layers to a grid of this cell size, in units of the CRS; needed where they lie on different grids.
    geobox
        Or to this very grid.
    resampling
        How; default "nearest" for codes, "bilinear" for numbers.
    source
        Folder or `s3://` URL of a home (default: HAZMON_HOME, else ./.hazmon), or the URL of a service.

    Raises
    ------
    InputError
        Where nothing satisfies the conditions (the message names what there is), or grids differ and none is named.
    StoreError
        Where the home or the service cannot be read.
    """
    if resampling is not None and resampling not in Resampling.__members__:
        raise InputError(f"resampling {resampling!r}: expected one of {sorted(Resampling.__members__)}")
    catalogue = open_source(source)
    conditions = wanted(hazard, event=event, region=region, item=item, bbox=bbox, time=time, revision=revision)
    items = found(catalogue, conditions)
    names = cube.variables_of(items, variables)
    grids = [item_geobox(entry) for entry in items]
    grid = target_geobox(grids, bbox=conditions.bbox, crs=crs, resolution=resolution, geobox=geobox)
    if conditions.is_one:
        dataset = cube.single(items[0], catalogue, names, grid, resampling)
    else:
        dataset = cube.along_time(items, catalogue, names, grid, resampling)
    return dataset.assign_attrs(attributes(items, catalogue))


def find_layers(
    hazard: str | None = None,
    *,
    event: str | None = None,
    region: str | None = None,
    bbox: Bounds | None = None,
    time: Time | None = None,
    revision: int | str | None = None,
    standing: bool = True,
    source: str | os.PathLike[str] | None = None,
) -> list[PublishedLayer]:
    """Return the published layers that satisfy all conditions, oldest first; `pandas.DataFrame` takes the list.

    Parameters
    ----------
    hazard
        Id of one hazard; default: all.
    standing
        Leave out what is superseded or withdrawn.
    event, region, bbox, time, revision, source
        As for `open_layer`.

    Raises
    ------
    InputError
        Where there is no such hazard; finding nothing is no error.
    StoreError
        Where the home or the service cannot be read.
    """
    catalogue = open_source(source)
    if hazard is not None:
        check_hazard(catalogue, hazard)
    items = []
    for id in [hazard] if hazard is not None else catalogue.hazards():
        items += catalogue.search(
            wanted(id, event=event, region=region, bbox=bbox, time=time, revision=revision, standing=standing)
        )
    return sorted((listed(entry) for entry in items), key=lambda layer: (layer.start, layer.hazard, layer.revision, layer.id))

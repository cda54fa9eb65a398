"""GRIB messages to a CF dataset: which message is which block, cropped, de-accumulated; values unpacked when asked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from affine import Affine
from dask.delayed import delayed
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.errors import FeedMalformed
from pipeline.feeds.grib_amounts import Amount, deaccumulated
from pipeline.feeds.grib_messages import Layout, Message, coordinates, values
from pipeline.grid import on_geobox
from pipeline.model import Bounds

#: Largest negative amount (kg m-2, or J m-2 relative) that packing alone makes of equal totals; below it is unknown.
_PACKING = 0.1
#: Largest deviation of steps of longitude from one another, as part of a step, on a grid called regular.
_REGULAR = 0.01

_Key = tuple[timedelta, int | None]
# Dask's own signatures are not typed.
_from_delayed: Callable[..., da.Array] = da.from_delayed
_stack: Callable[..., da.Array] = da.stack
_full: Callable[..., da.Array] = da.full
_where: Callable[..., da.Array] = da.where


@dataclass(frozen=True)
class Crop:
    """Rows and columns of a regular grid that are kept, north first and west first, and the grid they make."""

    layout: Layout
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    geobox: GeoBox


def to_dataset(messages: Sequence[Message], name: str, bounds: Bounds | None) -> xr.Dataset:
    """Return the named messages of one cycle as a dataset, values still packed.

    Dimensions are (time, [member,] latitude, longitude), or (time, [member,] point) where the grid is not regular.
    `time` is the valid time (end of the interval for amounts, whose `start` is a coordinate along time), `lead` hours
    since the scalar `reference_time`. A variable is NaN, and `start` NaT, at times it has no message for. Unknown
    messages are listed in attrs["ignored"], repeated ones counted in attrs["duplicates"]; attrs["synthetic"] is 1 where
    the producer says that they are test products.

    Raises
    ------
    FeedMalformed
        Where no message is known, they are of several cycles, or the grid carries no coordinates.
    """
    references = {message.reference for message in messages}
    if len(references) != 1:
        raise FeedMalformed(f"{name}: found model cycles {sorted(map(str, references))}, expected one")
    kept, ignored, repeated = _sorted_out(messages)
    if not kept:
        raise FeedMalformed(f"{name}: {len(messages)} messages, none of a known parameter: {ignored[:5]}")
    blocks = _Blocks(kept[0].layout, bounds, kept[0])
    variables: dict[str, list[Message]] = {}
    for message in kept:
        variables.setdefault(message.variable, []).append(message)
    reference = references.pop()
    leads = sorted({message.end for message in kept})
    members = sorted({message.member for message in kept if message.member is not None})
    axes = _Axes(reference, tuple(leads), tuple(members) if len(members) > 1 else (None,))
    dataset = xr.Dataset({variable: _variable(found, axes, blocks, name) for variable, found in variables.items()})
    test = any(message.is_test for message in kept)
    return dataset.assign_attrs(
        messages=len(messages), duplicates=repeated, ignored=ignored, centre=kept[0].centre, synthetic=int(test)
    )


@dataclass(frozen=True, slots=True)
class _Axes:
    """What the blocks of a dataset are labelled with."""

    reference: datetime
    leads: tuple[timedelta, ...]
    members: tuple[int | None, ...]


def _sorted_out(messages: Iterable[Message]) -> tuple[list[Message], list[str], int]:
    """Return messages that are used, what is said of those that are not, and how many were repeated."""
    usual = Counter(message.layout.digest for message in messages if _reason(message) is None).most_common(1)
    kept: dict[tuple[str, timedelta, timedelta, int | None], Message] = {}
    ignored: list[str] = []
    repeated = 0
    for message in messages:
        reason = _reason(message)
        if reason is None and message.layout.digest != usual[0][0]:
            reason = "on another grid than most"
        key = (message.variable, message.start, message.end, message.member)
        if reason is not None:
            ignored.append(f"{message.label}: {reason}")
        elif key in kept:
            repeated += 1
        else:
            kept[key] = message
    return list(kept.values()), ignored, repeated


def _reason(message: Message) -> str | None:
    """Return why a message is not used, or None."""
    if message.parameter is None:
        return "unknown parameter"
    return "probability of an event" if message.probability else None


class _Blocks:
    """Lazily unpacked two-dimensional (or point) blocks of messages on one grid."""

    def __init__(self, layout: Layout, bounds: Bounds | None, sample: Message) -> None:
        self.geobox: GeoBox | None = None
        self.points: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self.chosen: tuple[NDArray[np.intp], ...]
        if layout.is_regular:
            found = crop(layout, bounds)
            self.geobox, self.chosen = found.geobox, (found.rows, found.columns)
        else:
            chosen, latitude, longitude = _points(sample, bounds)
            self.chosen, self.points = (chosen,), (latitude, longitude)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one block."""
        return tuple(len(axis) for axis in self.chosen)

    def block(self, message: Message) -> da.Array:
        """Return the values of a message in the units of its parameter, float32, NaN where unknown."""
        digest = hashlib.sha256(message.data).hexdigest()[:16]
        unpack = partial(_unpack, message.offset, message.layout, self.chosen, message.parameter)
        place = hashlib.sha256(b"".join(axis.tobytes() for axis in self.chosen)).hexdigest()[:8]
        key = f"grib-{digest}-{place}"
        lazy = delayed(unpack, name=key)(message.data, dask_key_name=key)
        return _from_delayed(lazy, self.shape, np.float32, name=f"{key}-block")

    def missing(self) -> da.Array:
        """Return a block of unknown."""
        return _full(self.shape, np.nan, dtype=np.float32, chunks=self.shape)

    def label(self, array: xr.DataArray) -> xr.DataArray:
        """Return an array (..., block) with the coordinates of the grid."""
        if self.points is None:
            return array if self.geobox is None else on_geobox(array, self.geobox)
        latitude = ("point", self.points[0], {"units": "degrees_north"})
        longitude = ("point", self.points[1], {"units": "degrees_east"})
        return array.assign_coords(latitude=latitude, longitude=longitude)

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions of one block."""
        return ("point",) if self.geobox is None else ("y", "x")


def _unpack(
    offset: int, layout: Layout, chosen: tuple[NDArray[np.intp], ...], parameter: Any, data: bytes
) -> NDArray[np.float32]:
    found = values(data, offset)
    found = scanned(found, layout)[np.ix_(*chosen)] if len(chosen) == 2 else found[chosen[0]]
    if parameter.lowest is not None:
        found = np.where(found < parameter.lowest, np.nan, found)
    scaled: NDArray[np.float32] = (found * parameter.factor).astype(np.float32)
    return scaled


def scanned(found: NDArray[np.float64], layout: Layout) -> NDArray[np.float64]:
    """Return values as rows and columns in the order of the message's own latitudes and longitudes.

    Raises
    ------
    FeedMalformed
        Where their number is not that of the grid.
    """
    if found.size != layout.rows * layout.columns:
        raise FeedMalformed(f"found {found.size} values on a grid of {layout.rows} x {layout.columns}")
    shape = (layout.columns, layout.rows) if layout.by_columns else (layout.rows, layout.columns)
    lines = found.reshape(shape)
    if layout.alternating:
        lines = lines.copy()
        lines[1::2] = lines[1::2, ::-1]
    return lines.T if layout.by_columns else lines


def crop(layout: Layout, bounds: Bounds | None) -> Crop:
    """Return which rows and columns of a regular grid lie in a box, each cell that touches it included.

    Raises
    ------
    FeedMalformed
        Where the box and the grid do not meet.
    """
    latitude = np.linspace(layout.first[0], layout.last[0], layout.rows)
    longitude = np.linspace(layout.first[1], layout.last[1], layout.columns)
    height, width = abs(latitude[1] - latitude[0]), abs(longitude[1] - longitude[0])
    wrapped = (longitude + 180) % 360 - 180
    steps = np.diff(np.sort(wrapped))
    longitude = wrapped if np.all(np.abs(steps - width) < _REGULAR * width) else longitude
    rows, columns = np.argsort(-latitude), np.argsort(longitude)
    if bounds is not None:
        west, south, east, north = bounds
        rows = rows[(latitude[rows] + height / 2 > south) & (latitude[rows] - height / 2 < north)]
        columns = columns[(longitude[columns] + width / 2 > west) & (longitude[columns] - width / 2 < east)]
    if len(rows) < 2 or len(columns) < 2:
        raise FeedMalformed(f"grid {layout.first} to {layout.last} degrees: found no two cells within {bounds}")
    left, top = longitude[columns[0]] - width / 2, latitude[rows[0]] + height / 2
    geobox = GeoBox((len(rows), len(columns)), Affine(width, 0, left, 0, -height, top), "EPSG:4326")
    return Crop(layout, rows, columns, geobox)


def _points(message: Message, bounds: Bounds | None) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Return which values lie in a box, with their latitudes and longitudes."""
    try:
        latitude, longitude = coordinates(message.data, message.offset)
    except FeedMalformed as error:
        raise FeedMalformed(f"grid type {message.layout.kind} carries no coordinates: {error}") from error
    inside = np.ones(latitude.shape, dtype=bool)
    if bounds is not None:
        west, south, east, north = bounds
        inside = (latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east)
    if not inside.any():
        raise FeedMalformed(f"grid type {message.layout.kind}: no point within {bounds}")
    chosen = np.flatnonzero(inside)
    return chosen, latitude[chosen], longitude[chosen]


def _variable(messages: Sequence[Message], axes: _Axes, blocks: _Blocks, name: str) -> xr.DataArray:
    first = messages[0]
    starts: dict[timedelta, timedelta] = {}
    if first.statistic == "instant":
        found = {(m.end, m.member): blocks.block(m) for m in messages}
    elif first.statistic == "accum":
        found = {}
        for member in {m.member for m in messages}:
            for amount in deaccumulated([m for m in messages if m.member == member], name):
                found[amount.end, member] = _difference(amount, blocks)
                starts[amount.end] = amount.start
    else:
        found = {(m.end, m.member): blocks.block(m) for m in sorted(messages, key=lambda m: m.start)}
        starts = {m.end: m.start for m in sorted(messages, key=lambda m: m.start)}
    return _labelled(found, starts, axes, blocks, first)


def _labelled(
    found: Mapping[_Key, da.Array], starts: Mapping[timedelta, timedelta], axes: _Axes, blocks: _Blocks, sample: Message
) -> xr.DataArray:
    many = len(axes.members) > 1
    stacked = []
    for lead in axes.leads:
        row = [_pick(found, lead, member, blocks) for member in axes.members]
        stacked.append(_stack(row) if many else row[0])
    dims = ("time", *(("member",) if many else ()), *blocks.dims)
    array = blocks.label(xr.DataArray(_stack(stacked), dims=dims))
    array = array.assign_coords(
        time=("time", _valid(axes.reference, axes.leads)),
        lead=("time", np.array([lead / timedelta(hours=1) for lead in axes.leads]), {"units": "h"}),
        reference_time=_valid(axes.reference, [timedelta(0)])[0],
    )
    if many:
        array = array.assign_coords(member=("member", np.array(axes.members)))
    if starts:
        label = "start" if sample.statistic == "accum" else f"{sample.variable}_start"
        array = array.assign_coords({label: ("time", _valid(axes.reference, [starts.get(lead) for lead in axes.leads]))})
    methods = {"instant": "time: point", "accum": "time: sum", "avg": "time: mean", "max": "time: maximum"}
    units = sample.parameter.units if sample.parameter else ""
    return array.assign_attrs(units=units, cell_methods=methods.get(sample.statistic, f"time: {sample.statistic}"))


def _pick(found: Mapping[_Key, da.Array], lead: timedelta, member: int | None, blocks: _Blocks) -> da.Array:
    """Return the block of a lead and member; where there is one member its number does not matter."""
    if member is None:
        block = next((block for (end, _), block in found.items() if end == lead), None)
        return blocks.missing() if block is None else block
    return found[lead, member] if (lead, member) in found else blocks.missing()


def _difference(amount: Amount, blocks: _Blocks) -> da.Array:
    """Return an amount; the small negative differences that packing makes are zero, larger ones unknown."""
    (_, first), *others = amount.terms
    total = blocks.block(first)
    if not others:
        return total
    for sign, message in others:
        total = total + np.float32(sign) * blocks.block(message)
    tolerance = np.float32(_PACKING)
    return _where(total < 0, _where(total < -tolerance, np.float32(np.nan), np.float32(0)), total)


def _valid(reference: datetime, leads: Iterable[timedelta | None]) -> NDArray[np.datetime64]:
    """Return valid times without a zone, NaT where there is no lead."""
    moments = [None if lead is None else (reference + lead).replace(tzinfo=None) for lead in leads]
    return np.array(moments, dtype="datetime64[ns]")

"""Inputs opened: exactly what a plan names, on its grid, as single values or as samples.

Reads nothing that the plan does not name, so that a product can be made again from the archive years later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline import grid
from pipeline.config import EVENT, Binding
from pipeline.errors import InputError
from pipeline.layer import Layer, Table, Variable, seal
from pipeline.model import RegionPeriod, Subject
from pipeline.observations import daily, events
from pipeline.observations.derive import derive
from pipeline.observations.sequence import is_kept, read_members, read_number
from pipeline.observations.series import newest_per_time
from pipeline.observations.solution import GIVEN
from pipeline.products.cog import BLOCK, write_cogs
from pipeline.products.product import Input
from pipeline.products.read import open_asset, open_raster
from pipeline.steps.inputs import Plan
from pipeline.steps.memory import COLD_START
from pipeline.steps.workspace import Workspace
from pipeline.store import sha256


def open_inputs(work: Workspace, hazard: str, plan: Plan, subject: Subject) -> dict[str, xr.DataArray | xr.Dataset]:
    """Return each layer input on the plan's grid, as a single value or as samples; read lazily where it is large."""
    config, layer = work.hazard(hazard)
    opener = _Opener(work, plan.geobox, subject)
    arrays: dict[str, xr.DataArray | xr.Dataset] = {}
    for name, binding in config.inputs.items():
        given = [entry for entry in plan.inputs if entry.name == name]
        declared = layer.inputs[name]
        if given and isinstance(declared, Table):
            arrays[name] = opener.samples(given, declared)
        elif given and isinstance(declared, Variable):
            arrays[name] = opener.open(binding, given, declared)
    return arrays | _unknown_grid(layer, plan.geobox, arrays)


def _unknown_grid(layer: Layer, geobox: GeoBox, arrays: Mapping[str, xr.DataArray | xr.Dataset]) -> dict[str, xr.DataArray]:
    """Return one input that says the grid, unknown everywhere, where none of a layer's gridded inputs is there."""
    gridded = {name: v for name, v in layer.inputs.items() if isinstance(v, Variable) and v.on == "grid"}
    if not gridded or set(gridded) & set(arrays):
        return {}
    name, variable = next(iter(gridded.items()))
    cells = da.full(tuple(geobox.shape), np.nan, dtype=np.float32, chunks=BLOCK)  # type: ignore[no-untyped-call]
    return {name: grid.on_geobox(xr.DataArray(cells, dims=("y", "x"), attrs={"units": variable.units}), geobox)}


#: How UTC steps become one day, by the name in the binding.
_REDUCTIONS = {"at_local_noon": daily.at_local_noon, "total_to_local_noon": daily.total_to_local_noon}


@dataclass(frozen=True)
class _Opener:
    """Opens the inputs of one layer call; a payload that fills several inputs is decoded once."""

    work: Workspace
    geobox: GeoBox
    subject: Subject
    decoded: dict[tuple[str, bool], xr.Dataset] = field(default_factory=dict)

    def open(self, binding: Binding, given: Sequence[Input], variable: Variable) -> xr.DataArray:
        """Return one input on the grid, or as a single value."""
        first = given[0]
        if first.source == COLD_START:
            cells = np.full(tuple(self.geobox.shape), float(first.id), np.float32)
            return grid.on_geobox(xr.DataArray(cells, dims=("y", "x"), attrs={"units": variable.units}), self.geobox)
        if first.is_product:
            asset = open_asset(self.work.store, self.work.catalog.get(first.id), first.variable)
            return grid.regrid(asset, self.geobox, binding.resampling)
        if is_kept(first.key):
            return read_number(self.work.store, first.key, first.sha256, first.variable)
        if binding.origin == EVENT:
            value = getattr(self._solution(first), first.variable)
            return xr.DataArray(np.nan if value is None else float(value), attrs={"units": GIVEN[first.variable]})
        if binding.reduce is None:
            return self._window(first) if binding.at == "same" else derive(self._dataset(first, native=False), first.variable)
        return self._day(binding.reduce, binding.resampling, given)

    def samples(self, given: Sequence[Input], table: Table) -> xr.Dataset:
        """Return the samples of all observations put together, in their order; of a rupture the last one."""
        found = [self._dataset(entry, native=True) for entry in given]
        if len(table.dims) > 1 or len(found) == 1:
            return found[-1]
        (dim,) = table.dims
        held = [dataset[[name for name in table.columns if name in dataset]] for dataset in found if dataset.sizes[dim]]
        return xr.concat(
            held or found[-1:], dim, join="outer", combine_attrs="drop_conflicts", coords="minimal", compat="override"
        )

    def _window(self, given: Input) -> xr.DataArray:
        """Return a remote raster on the grid; from the copy in the archive where one is kept."""
        store = self.work.store
        key = f"{given.key}.windows/{given.variable}-{sha256(repr(self.geobox).encode())[:8]}.tif"
        if not store.exists(key):
            remote = derive(self._dataset(given, native=False), given.variable)
            if not self.work.config.feeds[given.source].archive:
                return remote
            kept = Variable(str(remote.attrs["units"]), given.variable)
            with tempfile.TemporaryDirectory(prefix="hazmon-") as scratch:
                window = xr.Dataset({given.variable: seal(remote, kept)})
                store.put(key, write_cogs(window, {given.variable: kept}, Path(scratch))[given.variable].path)
        return open_raster(store.href(key))

    def _day(self, reduce: str, resampling: str, given: Sequence[Input]) -> xr.DataArray:
        if not isinstance(self.subject, RegionPeriod):
            raise InputError(f"input {given[0].name}: reduce {reduce} needs a region and a day, found {self.subject.key}")
        series = newest_per_time([derive(self._dataset(entry, native=True), entry.variable) for entry in given])
        reduced = _REDUCTIONS[reduce](series, self.subject.start.astimezone(UTC).date())
        day = np.datetime64(self.subject.start.date().isoformat(), "ns")
        return grid.regrid(reduced, self.geobox, resampling).assign_coords(time=day)

    def _dataset(self, given: Input, *, native: bool) -> xr.Dataset:
        if is_kept(given.key):
            return read_members(self.work.store, given.key, given.sha256)
        key = (given.key, native)
        if key not in self.decoded:
            ref = self.work.archive.origin(given.source, given.key, given.time)
            grid_or_none = None if native else self.geobox
            self.decoded[key] = self.work.feed(given.source).decode(self.work.archive.read(ref), ref.granule, grid_or_none)
        return self.decoded[key]

    def _solution(self, given: Input) -> events.Solution:
        ref = self.work.archive.origin(given.source, given.key, given.time)
        return events.solution(self._dataset(given, native=True), ref)

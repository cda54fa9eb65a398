"""One layer on rasters of your own: `hazmon run flood_extent --file scene.tif --bands vv,vh --units dB ...`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import numpy as np
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError

from pipeline import grid
from pipeline.config import HazardConfig
from pipeline.errors import InputError
from pipeline.layer import Layer, Variable
from pipeline.model import ProductRef, Scene, slug
from pipeline.products.item import Credit, Notes
from pipeline.products.product import Input, Product
from pipeline.products.read import open_raster
from pipeline.steps.compute import parameters_of, publish, stage
from pipeline.steps.workspace import Workspace
from pipeline.store import sha256

#: Words people use for units, and the UDUNITS text they stand for.
_SPELLINGS = {"linear": "1", "power": "1", "db": "dB"}

#: Source of inputs that came as files.
FILES = "files"


@dataclass(frozen=True, slots=True)
class Files:
    """What a person gave on the command line."""

    scene: Path | None = None
    """A raster whose bands are inputs."""
    bands: tuple[str, ...] = ()
    """Which input each band is."""
    units: str | None = None
    """Units of the scene where its bands name none."""
    inputs: tuple[str, ...] = ()
    """NAME=PATH[@UNITS] or NAME=NUMBER."""


@dataclass(frozen=True, slots=True)
class _Given:
    name: str
    path: Path | None
    band: int
    units: str | None
    number: float | None = None

    @property
    def identity(self) -> str:
        """Checksum of the file, or of the number."""
        if self.path is None:
            return sha256(repr(self.number).encode())
        with self.path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()


def run_on_files(work: Workspace, hazard: str, files: Files, now: datetime) -> ProductRef:
    """Return the published product of a layer on files; its grid is that of the first raster.

    Raises
    ------
    InputError
        Where an input is unknown, missing, or declares no units and none were given.
    """
    config, layer = work.hazard(hazard)
    given = list(_given(layer, files))
    arrays = {entry.name: _opened(layer, entry) for entry in given}
    rasters = [name for name, array in arrays.items() if array.ndim]
    if not rasters:
        raise InputError(f"{hazard}: no raster was given; the first one sets the grid")
    geobox = grid.geobox_of(arrays[rasters[0]])
    day = np.datetime64(now.date().isoformat(), "ns")
    arrays = {name: _on(array, geobox, _resampling(config, name)).assign_coords(time=day) for name, array in arrays.items()}
    stem = slug(files.scene.stem if files.scene else rasters[0])
    inputs = tuple(
        Input(e.name, FILES, e.name, e.path.name if e.path else repr(e.number), e.identity, received=now) for e in given
    )
    product = Product(
        hazard, layer, Scene(FILES, stem, now.replace(microsecond=0)), geobox, inputs, parameters_of(config, layer)
    )
    notes = Notes(f"{layer.title}: {stem}", Credit("other", "Data of the user"), extra={"hazmon:forecast": False})
    stage(work, product, arrays, notes, now)
    return publish(work, ProductRef(hazard, product.item_id, product.subject.key, product.digest, ""), now)


def _given(layer: Layer, files: Files) -> Iterator[_Given]:
    if files.scene is not None:
        names = files.bands or (next(iter(layer.inputs)),)
        for band, name in enumerate(names, 1):
            yield _Given(_known(layer, name), files.scene, band, _spelled(files.units))
    for text in files.inputs:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--input {text!r}: expected NAME=PATH, NAME=PATH@UNITS or NAME=NUMBER")
        yield _parsed(_known(layer, name), value)


def _parsed(name: str, value: str) -> _Given:
    try:
        return _Given(name, None, 0, None, float(value))
    except ValueError:
        path, _, units = value.partition("@")
        return _Given(name, Path(path), 1, _spelled(units or None))


def _known(layer: Layer, name: str) -> str:
    grids = [input for input, declared in layer.inputs.items() if isinstance(declared, Variable)]
    if name not in grids:
        raise InputError(f"layer {layer.name} has no input {name!r}; expected one of {grids}")
    return name


def _spelled(units: str | None) -> str | None:
    return None if units is None else _SPELLINGS.get(units.lower(), units)


def _opened(layer: Layer, given: _Given) -> xr.DataArray:
    if given.path is None:
        return xr.DataArray(given.number, attrs={"units": cast(Variable, layer.inputs[given.name]).units})
    array = open_raster(str(given.path), band=given.band)
    units = _declared(given.path, given.band) or given.units
    if units is None:
        raise InputError(
            f"{given.path}: band {given.band} ({given.name}) declares no units; say which: --units dB or --units linear"
        )
    return array.assign_attrs(units=units)


def _declared(path: Path, band: int) -> str | None:
    """Return the units a band itself declares."""
    try:
        with rasterio.open(path) as source:
            return _spelled(source.units[band - 1] or source.tags(band).get("units") or None)
    except RasterioError as error:
        raise InputError(f"{path}: cannot be opened as a raster: {error}") from error


def _resampling(config: HazardConfig, name: str) -> str:
    """Return how the binding warps an input; bilinear where it does not name that input."""
    return config.inputs[name].resampling if name in config.inputs else "bilinear"


def _on(array: xr.DataArray, geobox: GeoBox, resampling: str) -> xr.DataArray:
    return grid.regrid(array, geobox, resampling) if array.ndim else array

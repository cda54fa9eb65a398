"""What a hazard layer is: a pure function and the declaration it must keep.

    @layer(
        title="...",
        inputs={"sigma0": Variable("1", "backscatter, linear power")},
        outputs={"water": Variable("1", "...", dtype="uint8", nodata=255, labels={0: "dry", 1: "water"}), ...},
        answers=Answers(estimate="water", uncertainty="likelihood", exclusion="exclusion"),
        source="Author (year), Eq. n", doi="10.1000/xyz", version="1.0.0",
    )
    def flood(sigma0, *, ceiling=-15.0): ...

Calling the layer converts units or refuses, stays lazy, and seals dtype, nodata and labels.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, Literal, NamedTuple, cast

import dask.array as da
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from dask.base import is_dask_collection, tokenize
from dask.delayed import Delayed, delayed

from pipeline import units
from pipeline.errors import GridError, InputError
from pipeline.grid import geobox_of, on_geobox


@dataclass(frozen=True, slots=True)
class Variable:
    """One input or output of a layer."""

    units: str
    """UDUNITS text; "1" for a ratio, class or index."""
    long_name: str
    on: Literal["grid", "scalar"] = "grid"
    """A value for every cell, or one value for the whole subject (an event's magnitude)."""
    dtype: str = "float32"
    nodata: float = math.nan
    """The stored value of "unknown"; NaN inside a layer whatever it is here."""
    standard_name: str | None = None
    """CF standard name, where CF has one."""
    labels: Mapping[int, str] | None = None
    """Meaning of each code of a categorical variable."""
    colours: Mapping[float, str] | None = None
    """Colour ("#rrggbb") of each code, or of stops between which a continuous variable is interpolated."""
    precision: float | None = None
    """Largest error (in `units`) storage may add; None keeps every bit."""
    optional: bool = False
    """An input that may be absent: the layer then receives NaN everywhere."""

    @property
    def is_categorical(self) -> bool:
        """Whether the values are codes with labels."""
        return self.labels is not None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows instead of cells: stations, a rupture, districts; an input or an output of a layer.

    As an input it is an `xr.Dataset` of discrete samples along `dims`; what is optional and not given is empty, not
    None. As an output it is a `pandas.DataFrame`, a `geopandas.GeoDataFrame` where it has a geometry.
    """

    long_name: str
    columns: Mapping[str, Variable]
    """Meaning and units of each; as an input those that are `optional` may be missing."""
    dims: tuple[str, ...] = ("row",)
    geometry: bool = False
    """Whether an output carries a geometry, in degrees."""
    hxl: Mapping[str, str] = field(default_factory=dict)
    """HXL hashtag of a column, for the CSV."""
    inline: bool = False
    """Whether an output is small enough to stand in the Item itself."""
    optional: bool = False
    example: Mapping[str, Any] | None = None
    """An input's few plausible rows by column, nested as `dims`: what kernels are compiled with during set-up."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Which outputs, grids or tables, answer the questions every hazard must answer; the fourth, age, is the product's."""

    estimate: str
    uncertainty: str
    """Standard deviation, or likelihood for a classification."""
    exclusion: str
    """Codes of why the method cannot know; 0 is "inside the method's range"."""


Declared = Variable | Table
Rows = pd.DataFrame | Delayed
Function = Callable[..., Mapping[str, Any]]


class Outcome(NamedTuple):
    """What one call of a layer gave."""

    grid: xr.Dataset
    """The gridded outputs, sealed."""
    tables: Mapping[str, Rows]
    """The tables, or what gives them when it is computed."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A declared hazard function; call it with its inputs by position or name, its parameters by name."""

    name: str
    title: str
    function: Function
    inputs: Mapping[str, Declared]
    outputs: Mapping[str, Variable]
    answers: Answers
    source: str
    version: str
    doi: str | None = None
    blockwise: bool = True
    """Whether a block of output depends on the same block of input alone (else: two reads are allowed)."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keyword-only parameters and their defaults."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """Outputs that are rows."""

    def __call__(self, *args: Any, **kwargs: Any) -> xr.Dataset:
        """Return the sealed gridded outputs: `run(...).grid`."""
        return self.run(*args, **kwargs).grid

    def run(self, *args: Any, **kwargs: Any) -> Outcome:
        """Return the sealed outputs on the grid of the inputs, lazy where the inputs are.

        Raises
        ------
        UnitsError
            Where an input names no units, or units of another kind.
        GridError
            Where grid inputs are not on one grid, or a scalar input has dimensions.
        InputError
            Where an input or a column is missing, or a parameter unknown.
        """
        given = dict(zip(self.inputs, args, strict=False))
        parameters = {name: kwargs.pop(name) for name in list(kwargs) if name in self.parameters}
        unknown = sorted(set(kwargs) - set(self.inputs))
        if unknown or len(args) > len(self.inputs):
            known = f"inputs {list(self.inputs)}, parameters {list(self.parameters)}"
            raise InputError(f"layer {self.name}: found {unknown or list(args)}; expected {known}")
        arrays, template = self._prepared({**given, **kwargs})
        found = self.function(*arrays.values(), **parameters)
        if set(found) != {*self.outputs, *self.tables}:
            raise InputError(f"layer {self.name}: returned {sorted(found)}, declared {sorted({*self.outputs, *self.tables})}")
        tables = {name: self._rows(found[name], table) for name, table in self.tables.items()}
        return Outcome(self._sealed(found, template) if self.outputs else xr.Dataset(), tables)

    def _prepared(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], xr.DataArray | None]:
        arrays: dict[str, Any] = {}
        for name, declared in self.inputs.items():
            value = given.get(name)
            if value is None and not declared.optional:
                raise InputError(f"layer {self.name}: input {name!r} ({declared.long_name}) is missing")
            if isinstance(declared, Table):
                arrays[name] = samples(value, declared, f"layer {self.name}: input {name!r}")
            else:
                arrays[name] = None if value is None else units.require(value.rename(name), declared.units)
        template = self._one_grid(arrays)
        for name, declared in self.inputs.items():
            if arrays[name] is None and isinstance(declared, Variable):
                arrays[name] = _unknown_like(template, name, declared)
        return arrays, template

    def _one_grid(self, arrays: Mapping[str, Any]) -> xr.DataArray | None:
        """Return the first grid input after checking that all others lie on its grid; None for a layer without any."""
        template: xr.DataArray | None = None
        for name, declared in self.inputs.items():
            array = arrays[name]
            if array is None or isinstance(declared, Table):
                continue
            if declared.on == "scalar":
                if array.ndim:
                    raise GridError(f"layer {self.name}: input {name!r} has dims {array.dims}; expected a single value")
            elif template is None:
                template = array
                geobox_of(template)
            elif geobox_of(array) != geobox_of(template):
                raise GridError(
                    f"layer {self.name}: input {name!r} is on {geobox_of(array)}, {template.name!r} on {geobox_of(template)}"
                )
        if template is None and self.outputs:
            raise GridError(f"layer {self.name}: no grid input was given")
        return template

    def _sealed(self, found: Mapping[str, Any], template: xr.DataArray | None) -> xr.Dataset:
        geobox = geobox_of(cast(xr.DataArray, template))
        extra = {n: c for n, c in cast(xr.DataArray, template).coords.items() if not c.ndim and n not in ("spatial_ref",)}
        sealed = {name: seal(on_geobox(found[name], geobox), variable) for name, variable in self.outputs.items()}
        return xr.Dataset({name: array.assign_coords(extra) for name, array in sealed.items()})

    def _rows(self, found: Rows, table: Table) -> Rows:
        check = partial(_declared_rows, table=table, where=f"layer {self.name}: table {table.long_name!r}")
        return cast(Rows, delayed(check)(found)) if isinstance(found, Delayed) else check(found)


def samples(given: xr.Dataset | None, table: Table, where: str) -> xr.Dataset:
    """Return discrete samples with the declared columns in the declared units; empty where nothing is given.

    Raises
    ------
    InputError
        Where a column that is not optional is missing, or lies along other dimensions.
    UnitsError
        Where a column has units that cannot be converted.
    """
    if given is None:
        empty = {
            n: (table.dims, np.empty((0,) * len(table.dims), v.dtype), {"units": v.units}) for n, v in table.columns.items()
        }
        return xr.Dataset(empty)
    columns = {}
    for name, variable in table.columns.items():
        if name in given:
            column = given[name]
            if not set(column.dims) <= set(table.dims):
                raise InputError(f"{where}: column {name!r} has dims {column.dims}, expected {table.dims}")
            numeric = np.issubdtype(column.dtype, np.floating)
            columns[name] = units.require(column, variable.units) if numeric else column
        elif not variable.optional:
            raise InputError(f"{where}: no column {name!r} ({variable.long_name}); found {sorted(map(str, given))}")
    return xr.Dataset(columns, attrs=given.attrs)


def tabulate(function: Callable[..., pd.DataFrame], *arrays: Any, **parameters: Any) -> Rows:
    """Return a table made from whole arrays: at once for NumPy, when it is computed where any of them is lazy.

    Parameters
    ----------
    function
        Takes one NumPy array (or Dataset) per input and the parameters.
    arrays
        Grid arrays, single values and Datasets of samples.
    """
    if any(is_dask_collection(array) for array in arrays):
        return cast(Rows, delayed(partial(function, **parameters))(*(_plain(array) for array in arrays)))
    found: pd.DataFrame = function(*(_plain(array) for array in arrays), **parameters)
    return found


def held(value: Any) -> Any:
    """Return what an array without dimensions holds; xarray hands some of them on as the thing itself."""
    return value.item() if isinstance(value, np.ndarray) else value


def once(function: Callable[..., npt.NDArray[Any]], *arrays: Any, **parameters: Any) -> xr.DataArray:
    """Return what a function makes of whole arrays as a single value, computed once for all blocks that ask for it.

    Parameters
    ----------
    function
        Takes one NumPy array (or Dataset) per input and the parameters; returns an array without dimensions, of any
        type: `object` carries whatever the blocks need to know, which `held` takes out again.
    arrays
        As for `tabulate`.
    """
    if any(is_dask_collection(array) for array in arrays):
        made = delayed(partial(_remembered, partial(function, **parameters)))(*(_plain(array) for array in arrays))
        return xr.DataArray(da.from_delayed(made, shape=(), dtype=np.dtype(object)))  # type: ignore[no-untyped-call]
    return xr.DataArray(function(*(_plain(array) for array in arrays), **parameters))


#: The newest value of `once` in this process: grids and tables of a product are computed one after the other.
_NEWEST: dict[str, npt.NDArray[Any]] = {}
_NEWEST_LOCK = Lock()


def _remembered(function: Callable[..., npt.NDArray[Any]], *arrays: Any) -> npt.NDArray[Any]:
    """Return what a pure function makes of arrays; asked for the same again at once, the same value."""
    key = tokenize(function, *arrays)
    with _NEWEST_LOCK:
        if key not in _NEWEST:
            _NEWEST.clear()
            _NEWEST[key] = function(*arrays)
        return _NEWEST[key]


def _plain(array: Any) -> Any:
    return array.data if isinstance(array, xr.DataArray) else array


def _declared_rows(frame: pd.DataFrame, *, table: Table, where: str) -> pd.DataFrame:
    columns = [*table.columns, *(["geometry"] if table.geometry else [])]
    if list(frame.columns) != columns:
        raise InputError(f"{where}: returned columns {list(frame.columns)}, declared {columns}")
    return frame


def seal(array: xr.DataArray, variable: Variable) -> xr.DataArray:
    """Return the array in the declared dtype with unknown as the declared nodata, and the declared attributes."""
    dtype = np.dtype(variable.dtype)
    if np.issubdtype(array.dtype, np.floating) and not np.issubdtype(dtype, np.floating):
        array = array.where(np.isfinite(array), variable.nodata)
    attributes: dict[str, Any] = {"units": variable.units, "long_name": variable.long_name, "nodata": variable.nodata}
    if variable.standard_name:
        attributes["standard_name"] = variable.standard_name
    if variable.labels:
        attributes["flag_values"] = np.array(list(variable.labels), dtype=dtype)
        attributes["flag_meanings"] = " ".join(text.replace(" ", "_") for text in variable.labels.values())
    sealed = array.astype(dtype, copy=False)
    sealed.attrs = attributes
    return sealed


def layer(
    *,
    title: str,
    inputs: Mapping[str, Declared],
    outputs: Mapping[str, Variable] | None = None,
    answers: Answers,
    source: str,
    version: str,
    doi: str | None = None,
    blockwise: bool = True,
    tables: Mapping[str, Table] | None = None,
) -> Callable[[Function], Layer]:
    """Return a decorator that makes a pure function a `Layer`, refusing one that differs from its declaration."""

    def declare(function: Function) -> Layer:
        parameters = inspect.signature(function).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        tunable = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        name = function.__name__
        if positional != list(inputs):
            raise InputError(f"layer {name}: takes {positional}, declares inputs {list(inputs)}")
        if inspect.Parameter.empty in tunable.values():
            raise InputError(f"layer {name}: every keyword-only parameter needs a default; found {tunable}")
        missing = {answers.estimate, answers.uncertainty, answers.exclusion} - {*(outputs or {}), *(tables or {})}
        if missing:
            raise InputError(f"layer {name}: answers name {sorted(missing)}, which are no outputs")
        return Layer(
            name=name,
            title=title,
            function=function,
            inputs=dict(inputs),
            outputs=dict(outputs or {}),
            tables=dict(tables or {}),
            answers=answers,
            source=source,
            version=version,
            doi=doi,
            blockwise=blockwise,
            parameters=tunable,
        )

    return declare


def blockwise(
    kernel: Callable[..., Any], *arrays: xr.DataArray, dtypes: Sequence[str], **parameters: Any
) -> tuple[xr.DataArray, ...]:
    """Return one array per dtype: a kernel over matching blocks, lazily for Dask and at once for NumPy.

    Parameters
    ----------
    kernel
        Takes one NumPy array per input (0-d for scalars) and the parameters; returns one array per dtype,
        shaped like the broadcast inputs. Must not use `parallel=True`: parallelism belongs to Dask.
    arrays
        Grid arrays on one grid, and 0-d arrays.
    """
    outputs = xr.apply_ufunc(
        partial(_cast, kernel, tuple(dtypes), parameters),
        *xr.unify_chunks(*arrays),
        output_core_dims=[[] for _ in dtypes],
        dask="parallelized",
        output_dtypes=[np.dtype(dtype) for dtype in dtypes],
        join="override",
    )
    return cast("tuple[xr.DataArray, ...]", outputs if isinstance(outputs, tuple) else (outputs,))


def _cast(kernel: Callable[..., Any], dtypes: tuple[str, ...], parameters: Mapping[str, Any], *blocks: Any) -> Any:
    """Call a kernel on one block and hold it to its word about dtypes: Dask believes the declaration."""
    found = kernel(*blocks, **parameters)
    results = found if isinstance(found, tuple) else (found,)
    cast_results = tuple(np.asarray(result, dtype=dtype) for result, dtype in zip(results, dtypes, strict=True))
    return cast_results if len(dtypes) > 1 else cast_results[0]


def _unknown_like(template: xr.DataArray | None, name: str, variable: Variable) -> xr.DataArray:
    if template is None or variable.on == "scalar":
        unknown = xr.DataArray(math.nan)
    else:
        unknown = xr.full_like(template, math.nan, dtype=np.float32)
    return unknown.rename(name).assign_attrs(units=variable.units, long_name=variable.long_name)

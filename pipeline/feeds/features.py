"""Tables of features that do not change with time: facilities, districts, countries; one whole file each.

The raw payload of a table is the file as it is; decoding is a pure function of it and of the options. A column with
units is a column of numbers, any other is text: a district's code 007 stays 007. Units stand in the file itself, in
brackets behind the column's name (`capacity [m3]`), or in the option `units`; they are never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConfigError, FeedMalformed, FeedUnavailable
from pipeline.feeds import feature_files, http, options
from pipeline.feeds.feature_files import Features
from pipeline.feeds.origins import malformed
from pipeline.feeds.protocol import Fetched, Rejected
from pipeline.feeds.static import is_remote, modified
from pipeline.model import Bounds, Granule, Window

#: A column's name with its units behind it.
_WITH_UNITS = re.compile(r"^(.*?)\s*\[([^\]]+)\]$")
#: Where a row lies, and in what.
_PLACE = {"longitude": "degrees_east", "latitude": "degrees_north"}


class _Table(BaseModel):
    """One table as the options name it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    href: str = Field(description="Path or URL of a GeoPackage, GeoJSON or CSV; relative ones below the feed's url")
    layer: str | None = Field(None, description="Layer of a GeoPackage that has several")
    columns: dict[str, str] = Field(default_factory=dict, description="Name here: the file's own name of the column")
    units: dict[str, str] = Field(default_factory=dict, description="UDUNITS text of each column of numbers, by name here")
    required: tuple[str, ...] = Field(
        (), description="Columns, by name here, without which the file is refused, or without a row"
    )
    synthetic: bool = Field(False, description="Whether its rows are invented")


@dataclass(frozen=True)
class FeatureTableFeed:
    """A handful of named tables; a granule is a table, its revision the time of its last change where that is known."""

    id: str
    url: str = ""
    """Folder or base URL of the files."""
    allowed_hosts: tuple[str, ...] = ()
    tables: Mapping[str, Any] = field(default_factory=dict)
    """Name: what `_Table` lists."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_hosts", options.texts(self.id, "allowed_hosts", self.allowed_hosts))
        if not isinstance(self.tables, Mapping) or not self.tables:
            raise options.refuse(self.id, "tables", self.tables, "a mapping of name to href, columns, ...")
        for name in self.tables:
            self._table(name)

    def discover(self, window: Window, bounds: Bounds | None) -> Iterator[Granule | Rejected]:
        """Yield every table that is there, whatever the window; one whose local file is missing is not offered.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            As a remote source behaves.
        """
        for name in self.tables:
            href = self._href(self._table(name))
            if is_remote(href):
                response = http.get(href, allowed=self._hosts(href), byte_range=(0, 1024))
                yield Granule(self.id, name, modified(response.headers), href=href)
            elif Path(href).is_file():
                yield Granule(self.id, name, Path(href).stat().st_mtime_ns // 1_000_000)

    def fetch(self, granule: Granule) -> Fetched:
        """Return the whole file of a table, from where the options say; a granule's own address counts for nothing.

        Raises
        ------
        FeedUnavailable, FeedMalformed, FeedRefused
            Where it is not there, or as its server behaves.
        """
        href = self._href(self._known(granule.id))
        if is_remote(href):
            response = http.get(href, allowed=self._hosts(href))
            return Fetched(response.content, dict(response.headers))
        try:
            return Fetched(Path(href).read_bytes())
        except OSError as error:
            raise FeedUnavailable(f"{href}: cannot be read: {error}") from error

    def split(self, data: bytes, name: str) -> Iterator[tuple[Granule, bytes] | Rejected]:
        """Yield the table that a file on disk is: the one of its name, else the first whose required columns it has.

        Raises
        ------
        FeedMalformed
            Where it is none of them.
        """
        stem = Path(name).stem
        reasons = []
        for table in [stem] if stem in self.tables else self.tables:
            granule = Granule(self.id, table)
            try:
                self.decode(data, granule)
            except FeedMalformed as error:
                reasons.append(str(error))
                continue
            yield granule, data
            return
        raise FeedMalformed(f"{name}: none of the tables {sorted(self.tables)}: {'; '.join(reasons)}")

    def decode(self, data: bytes, granule: Granule, geobox: GeoBox | None = None) -> xr.Dataset:
        """Return the table along `row`: longitude and latitude, text, and numbers with their units.

        A row that is no point has its geometry as well-known bytes in `geometry`, and a point inside it as its place.
        A text that is missing is empty, a number NaN.

        Parameters
        ----------
        data
            The file.
        granule
            The table.
        geobox
            Plays no part: a table is given whole.

        Raises
        ------
        FeedMalformed
            Naming file, row and field, what was found and what was expected.
        """
        entry = self._known(granule.id)
        where = f"{self.id}.{granule.id} ({entry.href})"
        features = feature_files.read(data, where, layer=entry.layer)
        columns = _columns(features, entry, where)
        missing = [name for name in entry.required if name not in columns]
        if missing:
            malformed(where, sorted(columns), f"the columns {missing} too (option columns gives a column another name)")
        if entry.required and not len(columns["longitude"][1]):
            malformed(where, "no row", "one or more: an empty list would read as nothing there (option required)")
        return xr.Dataset(columns, attrs={"featureType": "point", "id": granule.id, "synthetic": int(entry.synthetic)})

    def _table(self, name: str) -> _Table:
        try:
            return _Table.model_validate(self.tables[name])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(("tables", name, *map(str, first["loc"])))
            raise ConfigError(f"feed {self.id}: option {where}: found {first['input']!r}: {first['msg']}") from error

    def _known(self, name: str) -> _Table:
        if name not in self.tables:
            raise FeedMalformed(f"feed {self.id}: table {name!r}, expected one of {sorted(self.tables)}")
        return self._table(name)

    def _href(self, entry: _Table) -> str:
        """Return path or URL of a table's file; relative ones lie below the feed's url."""
        href = entry.href
        if self.url and not urlsplit(href).scheme and not Path(href).is_absolute():
            href = f"{self.url.rstrip('/')}/{href}"
        return href if is_remote(href) else str(Path(href).absolute())

    def _hosts(self, href: str) -> tuple[str, ...]:
        return http.hosts(href, self.allowed_hosts)


def _columns(features: Features, entry: _Table, where: str) -> dict[str, Any]:
    """Return the columns by their name here, as `xr.Dataset` takes them."""
    ours = {theirs: name for name, theirs in entry.columns.items()}
    absent = sorted(set(ours) - {*features.columns, *(_bare(name)[0] for name in features.columns)})
    if absent:
        malformed(where, sorted(features.columns), f"the columns {absent}, which option columns names")
    columns: dict[str, Any] = {}
    for theirs, values in features.columns.items():
        bare, unit = _bare(theirs)
        name = ours.get(theirs) or ours.get(bare) or bare
        unit = entry.units.get(name) or unit or (_PLACE.get(name) if features.geometry is None else None)
        if name == "geometry":
            malformed(
                f"{where}: field geometry", next(iter(values), None), "polygons of a GeoPackage or GeoJSON, no column of text"
            )
        if unit is None:
            columns[name] = ("row", _texts(values))
        else:
            columns[name] = ("row", feature_files.numbers(values, f"{where}: field {name}"), {"units": unit})
    return columns | (_placed(columns, where) if features.geometry is None else _places(features.geometry, where))


def _bare(name: str) -> tuple[str, str | None]:
    found = _WITH_UNITS.match(name)
    return (found[1], found[2]) if found else (name, None)


def _texts(values: Any) -> np.ndarray[Any, np.dtype[np.object_]]:
    found = np.empty(len(values), dtype=object)
    found[:] = [feature_files.say(value) for value in values]
    return found


def _placed(columns: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check the columns longitude and latitude of a file that has no geometry."""
    for name, limit in (("longitude", 180.0), ("latitude", 90.0)):
        if name not in columns:
            malformed(where, sorted(columns), f"the column {name}, degrees")
        values = columns[name][1]
        wrong = np.flatnonzero(~(np.abs(values) <= limit))
        if wrong.size:
            malformed(f"{where}: row {wrong[0] + 1}: field {name}", values[wrong[0]], f"degrees from -{limit:g} to {limit:g}")
    return {}


def _places(geometry: feature_files.Geometries, where: str) -> dict[str, Any]:
    """Return longitude, latitude and, where not all are points, geometry."""
    try:
        points = shapely.point_on_surface(geometry)
    except shapely.errors.GEOSException as error:
        raise FeedMalformed(f"{where}: found a geometry without a point inside, expected valid ones: {error}") from error
    found = zip(_PLACE.items(), (shapely.get_x(points), shapely.get_y(points)), strict=True)
    places: dict[str, Any] = {name: ("row", values, {"units": unit}) for (name, unit), values in found}
    if not (shapely.get_type_id(geometry) == shapely.GeometryType.POINT).all():
        wkb = np.empty(len(geometry), dtype=object)
        wkb[:] = shapely.to_wkb(geometry).tolist()
        places["geometry"] = ("row", wkb)
    return places

"""Features in a file: rows with attributes and a place, out of a GeoPackage, GeoJSON or CSV, from bytes alone.

- GeoPackage   of one layer, or of the one that is named; any CRS that its own table of CRSs describes.
- GeoJSON      a FeatureCollection in longitude and latitude (RFC 7946).
- CSV          UTF-8, a header line, then one line a row, each ended by a line end: one without was cut off. Lines above
               the header that begin with `#` are remarks; a row of HXL hashtags below it is passed over.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import count
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj.exceptions import CRSError, ProjError

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import malformed, read_json

_GEOPACKAGE = b"SQLite format 3\x00"
#: Bytes of a SQLite header that say how it is written; 1 in place of 2 reads what a journal beside it no longer holds.
_WRITTEN = slice(18, 20)
#: Bytes of the envelope of a GeoPackage geometry, by its code. GeoPackage 1.3, table 6.
_ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
#: Names of longitude and latitude on WGS 84 in GeoJSON before RFC 7946.
_DEGREES = ("CRS84", "EPSG::4326", "EPSG:4326")

#: Most rows of a table.
_MOST_ROWS = 2_000_000
#: Instructions of SQLite's machine that reading a file may take, and how often they are counted; some 10 s.
_INSTRUCTIONS, _STEP = 500_000_000, 100_000
#: No value need be allowed less than this, bytes.
_SMALLEST_LIMIT = 1_000_000

Geometries = npt.NDArray[np.object_]


class Features(NamedTuple):
    """Rows of a file."""

    columns: Mapping[str, Sequence[object]]
    """Values by the file's own name of the column, as they stand there; None where there is none."""
    geometry: Geometries | None
    """Shapely geometries in degrees; None for a file (CSV) whose places are columns."""


def read(data: bytes, where: str, *, layer: str | None = None) -> Features:
    """Return the features that bytes hold, whichever of the three formats they are.

    Parameters
    ----------
    data
        The whole file.
    where
        Its name, for messages.
    layer
        Layer of a GeoPackage that has several.

    Raises
    ------
    FeedMalformed
        Where it is none of them, is cut off, or a geometry is missing or cannot be read.
    """
    if data.startswith(_GEOPACKAGE):
        return _geopackage(data, where, layer)
    return _geojson(data, where) if data.lstrip()[:1] in (b"{", b"[") else _csv(data, where)


def _csv(data: bytes, where: str) -> Features:
    try:
        text = data.decode("utf-8-sig")
        if not text.endswith(("\n", "\r")):
            malformed(where, text[-40:], "a line end at its end (a file without is taken as cut off)")
        lines = text.splitlines(keepends=True)
        remarks = next((place for place, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
        header, *rows = [row for row in csv.reader(io.StringIO("".join(lines[remarks:])), strict=True) if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FeedMalformed(f"{where}: expected a GeoPackage, GeoJSON or CSV in UTF-8: {error}") from error
    names = [name.strip() for name in header]
    if len(names) < 2 or len(set(names)) < len(names) or not all(names):
        malformed(where, header, "a header line with a name for each column, each once")
    if rows and any(rows[0]) and all(cell.startswith("#") for cell in rows[0] if cell):
        rows = rows[1:]
    for place, row in enumerate(rows, 1):
        if len(row) != len(names):
            malformed(f"{where}: row {place}", row, f"{len(names)} fields, as in the header")
    columns = {name: [row[place].strip() or None for row in rows] for place, name in enumerate(names)}
    return Features(columns, None)


def _geojson(data: bytes, where: str) -> Features:
    value = read_json(data, where)
    if value.get("type") != "FeatureCollection" or not isinstance(value.get("features"), list):
        malformed(where, value.get("type"), "a FeatureCollection with its features")
    if value.get("crs") is not None and not str(value["crs"]).rstrip("'\"} ").endswith(_DEGREES):
        malformed(f"{where}: crs", value["crs"], "longitude and latitude (RFC 7946)")
    texts, rows = [], []
    for place, feature in enumerate(value["features"], 1):
        properties = feature.get("properties") or {} if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            malformed(f"{where}: row {place}", feature, "a feature with properties")
        texts.append(json.dumps(feature.get("geometry")))
        rows.append(properties)
    geometry = shapely.from_geojson(np.array(texts, dtype=object), on_invalid="ignore")
    names = dict.fromkeys(name for row in rows for name in row)
    return Features({name: [row.get(name) for row in rows] for name in names}, _placed(geometry, where))


def _geopackage(data: bytes, where: str, layer: str | None) -> Features:
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(data[: _WRITTEN.start] + b"\x01\x01" + data[_WRITTEN.stop :])
            _bound(database, len(data))
            if database.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                malformed(where, f"{len(data)} bytes", "a whole GeoPackage")
            table, place, crs = _layer(database, where, layer)
            found = database.execute(f'SELECT * FROM "{table}"')
            names = [name for name, *_ in found.description]
            rows = list(_bounded(found, len(data), where))
    except (sqlite3.Error, OverflowError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            malformed(where, f"more work than {_INSTRUCTIONS} instructions of SQLite", "plain tables, read at once")
        raise FeedMalformed(f"{where}: not a GeoPackage that can be read: {error}") from error
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    if place not in columns:
        malformed(where, names, f"the column {place!r} of geometries")
    wkb = [_wkb(blob) for blob in columns.pop(place)]
    geometry = shapely.from_wkb(np.array(wkb, dtype=object), on_invalid="ignore")
    return Features(columns, _placed(_in_degrees(geometry, crs, where), where))


def _bound(database: sqlite3.Connection, size: int) -> None:
    """Let a file only be read, in bounded steps: what it computes itself could go on for ever."""
    database.execute("PRAGMA trusted_schema = OFF")
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(size, _SMALLEST_LIMIT))
    steps = count(1)
    database.set_progress_handler(lambda: next(steps) * _STEP > _INSTRUCTIONS, _STEP)


def _bounded(rows: Iterable[tuple[Any, ...]], size: int, where: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table, refusing more than a table has or more text and bytes than its file can hold."""
    held = 0
    for number, row in enumerate(rows, 1):
        held += sum(len(value) for value in row if isinstance(value, str | bytes))
        if number > _MOST_ROWS or held > size:
            malformed(where, f"{number} rows and {held} bytes of them", f"at most {_MOST_ROWS}, and {size} bytes as the file")
        yield row


def _plain(database: sqlite3.Connection, table: str, where: str) -> None:
    """Refuse a view, whose rows are computed: recursive ones need not end."""
    kinds = database.execute("SELECT type FROM sqlite_master WHERE lower(name) = lower(?)", (table,)).fetchall()
    if kinds != [("table",)]:
        malformed(f"{where}: {table}", [kind for (kind,) in kinds], "a table")


def _layer(database: sqlite3.Connection, where: str, layer: str | None) -> tuple[str, str, str]:
    """Return name, column of geometries and CRS of the layer wanted."""
    for table in ("gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
        _plain(database, table, where)
    found = database.execute(
        "SELECT table_name, column_name, organization, organization_coordsys_id, definition"
        " FROM gpkg_geometry_columns JOIN gpkg_spatial_ref_sys USING (srs_id)"
    ).fetchall()
    named = [row for row in found if layer in (None, row[0])]
    if len(named) != 1:
        expected = "one layer" if layer is None else f"the layer {layer!r}"
        malformed(where, [row[0] for row in found], f"{expected} of features (option layer names one of several)")
    table, column, organization, code, definition = named[0]
    _plain(database, str(table), where)
    crs = f"{organization}:{code}" if str(organization).upper() == "EPSG" else str(definition)
    return str(table).replace('"', '""'), str(column), crs


def _wkb(blob: object) -> bytes | None:
    """Return the well-known bytes in a GeoPackage geometry: behind magic, version, flags, srs_id and an envelope."""
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < 8:
        return None
    envelope = _ENVELOPES.get(blob[3] >> 1 & 7)
    return None if envelope is None else blob[8 + envelope :]


def _in_degrees(geometry: Geometries, crs: str, where: str) -> Geometries:
    if crs.upper() == "EPSG:4326":
        return geometry
    try:
        return np.asarray(gpd.GeoSeries(geometry, crs=crs).to_crs("EPSG:4326").to_numpy(), dtype=object)
    except (CRSError, ProjError, ValueError) as error:
        raise FeedMalformed(f"{where}: found CRS {crs:.80}, expected one that PROJ knows: {error}") from error


def _placed(geometry: Geometries, where: str) -> Geometries:
    """Return geometries, refusing a row without, or one that is not on Earth."""
    bounds = shapely.bounds(geometry).reshape(-1, 4)
    limits = np.array([-180.0, -90.0, 180.0, 90.0])
    on_earth = (bounds[:, :2] >= limits[:2]).all(axis=1) & (bounds[:, 2:] <= limits[2:]).all(axis=1)
    if not on_earth.all():
        place = int(np.argmin(on_earth))
        malformed(
            f"{where}: row {place + 1}: geometry", bounds[place].tolist(), "a place within -180 to 180 and -90 to 90 degrees"
        )
    return geometry


def say(value: object) -> str:
    """Return a value as text: empty where there is none, whole numbers whole."""
    match value:
        case None | bytes():
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case dict() | list():
            return json.dumps(value, sort_keys=True)
    return str(value)


def numbers(values: Sequence[Any], where: str) -> npt.NDArray[np.float64]:
    """Return a column of numbers, NaN where there is none.

    Raises
    ------
    FeedMalformed
        Where a value is no finite number, naming its row.
    """
    found = np.full(len(values), np.nan)
    for place, value in enumerate(values):
        if value is None or value == "":
            continue
        try:
            found[place] = np.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            found[place] = np.nan
        if not np.isfinite(found[place]):
            malformed(f"{where}: row {place + 1}", value, "a finite number, or nothing where it is unknown")
    return found

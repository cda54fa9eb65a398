"""Tables of features: one content in three formats, places in degrees, units never guessed, and what is wrong is named."""

import json
import os
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.errors import ConfigError, FeedMalformed, FeedUnavailable
from pipeline.feeds import feature_files
from pipeline.feeds.features import FeatureTableFeed
from pipeline.feeds.protocol import Rejected
from pipeline.model import Granule, Window, moment
from tests.feeds.conftest import PAYLOADS

DISTRICTS, FACILITIES = (PAYLOADS / name for name in ("districts.geojson", "facilities.csv"))
WINDOW = Window(moment("2024-01-01"), moment("2024-01-02"))


@cache
def geopackage(crs="EPSG:4326", layers=("districts",)):
    """Return the districts as a GeoPackage, as GDAL writes it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "districts.gpkg"
        frame = gpd.read_file(DISTRICTS).to_crs(crs)
        for layer in layers:
            frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
        return path.read_bytes()


def feed(**tables):
    return FeatureTableFeed("places", tables=tables or {"districts": {"href": "districts.gpkg"}})


def decoded(data, **options):
    return feed(t={"href": "t", **options}).decode(data, Granule("places", "t"))


@pytest.mark.parametrize("data", [DISTRICTS.read_bytes(), geopackage()], ids=["geojson", "geopackage"])
def test_polygons_keep_their_geometry_and_have_a_point_inside(data):
    found = decoded(data)
    polygons = shapely.from_wkb(found["geometry"].values)
    assert found["id"].values.tolist() == ["007", "008"]
    assert found["name"].values.tolist() == ["Issyk-Kul", "Үч-Турфан"]
    assert shapely.area(polygons) == pytest.approx([2.4, 2.6])
    assert shapely.contains_xy(polygons, found.longitude, found.latitude).all()
    assert (found.longitude.units, found.latitude.units) == ("degrees_east", "degrees_north")


def test_a_geopackage_in_another_crs_comes_in_degrees():
    found, expected = decoded(geopackage("EPSG:32644")), decoded(DISTRICTS.read_bytes())
    corners = [shapely.get_coordinates(shapely.from_wkb(one["geometry"].values)) for one in (found, expected)]
    np.testing.assert_allclose(*corners, atol=1e-9)


def test_one_of_several_layers_is_named():
    data = geopackage(layers=("districts", "others"))
    assert decoded(data, layer="others").sizes == {"row": 2}
    with pytest.raises(FeedMalformed, match=r"districts.*others.*expected one layer"):
        decoded(data)


def test_a_csv_has_its_place_in_columns_and_units_in_its_header():
    found = decoded(FACILITIES.read_bytes())
    assert found["name"].values.tolist() == ["Dam A", 'Plant "B", hall 2']
    assert found.longitude.values.tolist() == [78.51, 79.0]
    assert found["capacity"].units == "m3"
    np.testing.assert_array_equal(found["capacity"], [1.5e6, np.nan])
    assert found["operator"].values.tolist() == ["Water board", ""]
    assert "geometry" not in found


def test_a_column_without_units_is_text_and_one_with_units_is_numbers():
    assert decoded(DISTRICTS.read_bytes())["people"].values.tolist() == ["12000", ""]
    people = decoded(DISTRICTS.read_bytes(), units={"people": "1"})["people"]
    assert people.units == "1"
    np.testing.assert_array_equal(people, [12000, np.nan])


def test_columns_are_renamed_as_the_options_say():
    data = b"Name,lon,lat,hoehe [km]\na,70,40,1.5\n"
    found = decoded(data, columns={"name": "Name", "longitude": "lon", "latitude": "lat", "elevation": "hoehe"})
    assert (found["name"].item(), found.longitude.item(), found.elevation.item()) == ("a", 70, 1.5)
    assert found.elevation.units == "km"


def test_a_table_may_have_no_row():
    assert decoded(b"name,longitude,latitude\n").sizes == {"row": 0}
    assert decoded(b'{"type": "FeatureCollection", "features": []}').sizes == {"row": 0}


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (b"name,longitude,latitude\na,70,x\n", {}, ["row 1", "field latitude", "'x'", "finite number"]),
        (b"name,longitude,latitude\na,70,40\nb,70,95\n", {}, ["row 2", "field latitude", "95", "-90 to 90"]),
        (b"name,longitude,latitude\na,,40\n", {}, ["row 1", "field longitude", "nan"]),
        (b"name,longitude,latitude\na,70,40", {}, ["line end", "cut off"]),
        (b"name,longitude,latitude\na,70\n", {}, ["row 1", "3 fields"]),
        (b"name,latitude\na,70\n", {}, ["column longitude"]),
        (b"name,name,latitude\na,70,1\n", {}, ["each once"]),
        (b"name,longitude,latitude\na,70,40\n", {"required": ["kind"]}, ["'kind'", "option columns"]),
        (b"name,longitude,latitude\na,70,40\n", {"columns": {"kind": "art"}}, ["'art'", "option columns"]),
        (b"name,h [m],longitude,latitude\na,hoch,70,40\n", {}, ["row 1", "field h", "'hoch'"]),
        (b"name,kind,longitude,latitude\n", {"required": ["name", "kind"]}, ["no row", "one or more", "option required"]),
        (b"geometry,longitude,latitude\nPOINT (1 2),70,40\n", {}, ["field geometry", "'POINT (1 2)'", "GeoPackage or GeoJSON"]),
        (b"wkt,longitude,latitude\nPOINT (1 2),70,40\n", {"columns": {"geometry": "wkt"}}, ["field geometry", "GeoJSON"]),
        (b'{"type": "Feature"}', {}, ["Feature", "FeatureCollection"]),
        (b'{"type": "FeatureCollection", "features": [{"geometry": null}]}', {}, ["row 1", "geometry"]),
        (
            b'{"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "EPSG:3857"}}}',
            {},
            ["crs", "3857", "longitude and latitude"],
        ),
        (geopackage()[:-4096], {}, ["t (t)", "GeoPackage"]),
        (geopackage(), {"layer": "rivers"}, ["districts", "'rivers'"]),
    ],
)
def test_what_is_wrong_is_named_with_table_field_found_and_expected(data, options, words):
    with pytest.raises(FeedMalformed) as caught:
        decoded(data, **options)
    assert [word for word in ["places.t", *words] if word not in str(caught.value)] == []


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid, NULL AS geom FROM n"


def altered(*statements):
    """Return the districts as a GeoPackage in which statements of SQL were executed."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(geopackage())
        database.executescript(";".join(statements))
        return database.serialize()


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["ALTER TABLE districts RENAME TO d", f"CREATE VIEW districts AS {ENDLESS}"], ["'view'", "a table"]),
        (["DROP TABLE gpkg_geometry_columns", f"CREATE VIEW gpkg_geometry_columns AS {ENDLESS}"], ["'view'", "a table"]),
        (["ALTER TABLE districts ADD COLUMN more AS (zeroblob(900000))"], ["1 rows", "bytes as the file"]),
    ],
)
def test_a_geopackage_that_computes_its_rows_is_refused_before_it_takes_the_memory(statements, words):
    drop = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(geopackage())
        triggers = [f"DROP TRIGGER {name}" for (name,) in database.execute(drop)]
    with pytest.raises(FeedMalformed) as caught:
        decoded(altered(*triggers, *statements))
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(("limit", "words"), [("_INSTRUCTIONS", "instructions"), ("_MOST_ROWS", "1 rows.*at most 0")])
def test_a_geopackage_is_read_within_a_budget(limit, words, monkeypatch):
    monkeypatch.setattr(feature_files, limit, 0)
    monkeypatch.setattr(feature_files, "_STEP", 10)
    with pytest.raises(FeedMalformed, match=words):
        decoded(geopackage())


def test_geojson_as_qgis_writes_it_names_its_crs_and_is_read():
    value = json.loads(DISTRICTS.read_text())
    value["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert decoded(json.dumps(value).encode()).sizes == {"row": 2}


def test_a_local_table_is_offered_where_it_is_and_again_when_it_changed(tmp_path):
    source = FeatureTableFeed("places", str(tmp_path), tables={"f": {"href": "f.csv"}})
    assert list(source.discover(WINDOW, None)) == []
    with pytest.raises(FeedUnavailable, match=r"f\.csv"):
        source.fetch(Granule("places", "f"))
    (tmp_path / "f.csv").write_bytes(FACILITIES.read_bytes())
    (granule,) = source.discover(WINDOW, None)
    assert not isinstance(granule, Rejected) and granule.start is None
    assert source.fetch(granule).data == FACILITIES.read_bytes()
    newer = (granule.revision + 5000) * 1_000_000
    os.utime(tmp_path / "f.csv", ns=(newer, newer))
    assert [found.revision for found in source.discover(WINDOW, None)] == [granule.revision + 5000]


def test_a_file_from_disk_is_the_table_of_its_name_or_the_first_it_can_be():
    source = feed(areas={"href": "a", "required": ["geometry"]}, facilities={"href": "f", "required": ["kind"]})
    assert [found[0].id for found in source.split(FACILITIES.read_bytes(), "x.csv")] == ["facilities"]
    assert [found[0].id for found in source.split(DISTRICTS.read_bytes(), "areas.geojson")] == ["areas"]
    with pytest.raises(FeedMalformed, match=r"x\.csv.*areas.*facilities"):
        list(source.split(b"a,longitude,latitude\n1,2,3\n", "x.csv"))


@pytest.mark.parametrize("tables", [None, {}, {"a": {}}, {"a": {"href": "x", "unit": "m"}}, {"a": {"href": 3}}])
def test_wrong_options_are_refused_by_name(tables):
    with pytest.raises(ConfigError, match="feed places: option tables"):
        FeatureTableFeed("places", tables=tables)

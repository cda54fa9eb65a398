"""Tables of a product: two files that say the same, the same bytes each time, and unknown never as a number."""

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from dask.delayed import delayed
from PIL import Image
from shapely.geometry import Point

from pipeline.layer import Table, Variable
from pipeline.products import card
from pipeline.products.sheet import Caption
from pipeline.products.table import TableFile, write_tables

PLACES = Table(
    "places and what shook them",
    {
        "name": Variable("1", "name", dtype="object"),
        "pga": Variable("standard_gravity", "PGA"),
        "people": Variable("1", "people"),
    },
    geometry=True,
    hxl={"name": "#loc+name", "people": "#population"},
    inline=True,
)
FRAME = gpd.GeoDataFrame(
    {
        "name": ["Almaty", "a name far too long for one column of the picture", ""],
        "pga": [0.1, np.nan, 0.0],
        "people": [7, 0, 3],
    },
    geometry=[Point(76.9, 43.2), Point(78.6, 41.2), Point(0, 0)],
    crs="EPSG:4326",
)


@pytest.fixture
def file(tmp_path: Path) -> TableFile:
    return write_tables({"places": delayed(lambda: FRAME)()}, {"places": PLACES}, tmp_path)["places"]


def test_what_is_read_back_is_what_was_written(file: TableFile) -> None:
    parquet, text = file.sides
    assert gpd.read_parquet(parquet.path).equals(FRAME)
    header, tags, *rows = csv.reader(text.path.read_text(encoding="utf-8").splitlines())
    assert header == ["name", "pga", "people", "longitude", "latitude"]
    assert tags == ["#loc+name", "", "#population", "#geo+lon", "#geo+lat"]
    assert rows[1][1] == "" and rows[2][1] == "0.0", "unknown is empty, zero is zero"


def test_the_same_rows_give_the_same_names_and_bytes(file: TableFile, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = write_tables({"places": FRAME}, {"places": PLACES}, tmp_path / "again")["places"]
    for one, other in zip(file.sides, again.sides, strict=True):
        assert (one.path.name, one.path.read_bytes()) == (other.path.name, other.path.read_bytes())


def test_rows_in_an_item_are_json_and_unknown_is_null(file: TableFile) -> None:
    assert file.rows[1] == {"name": FRAME.name.iloc[1], "pga": None, "people": 0}


def test_an_asset_describes_its_columns(file: TableFile) -> None:
    asset = file.sides[0].asset()
    assert [column["name"] for column in asset["table:columns"]] == ["name", "pga", "people", "geometry"]
    assert (asset["table:row_count"], asset["table:primary_geometry"]) == (3, "geometry")


@pytest.mark.parametrize("rows", [3, 0])
def test_the_picture_of_a_table_is_a_png_however_long_its_words_and_few_its_rows(tmp_path: Path, rows: int) -> None:
    file = write_tables({"places": FRAME.iloc[:rows]}, {"places": PLACES}, tmp_path)["places"]
    (tmp_path / "card.png").write_bytes(card.render(file, Caption("M 7.0 earthquake", "2024-01-22", "USGS", "EXERCISE")))
    with Image.open(tmp_path / "card.png") as picture:
        assert picture.format == "PNG" and picture.width == 960


def test_a_table_without_geometry_is_plain_parquet(tmp_path: Path) -> None:
    plain = Table("numbers", {"value": Variable("1", "value")})
    file = write_tables({"numbers": pd.DataFrame({"value": [1.5]})}, {"numbers": plain}, tmp_path)["numbers"]
    assert pd.read_parquet(file.sides[0].path)["value"].tolist() == [1.5]

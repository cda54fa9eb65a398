"""Tables opened from a home."""

from pathlib import Path

import geopandas as gpd
import pytest

import pipeline
from pipeline.errors import InputError


def test_a_table_with_places_is_a_geodataframe_as_it_was_published(home: Path, event: str) -> None:
    found = pipeline.open_table("exposure", event=event, source=home)
    assert isinstance(found, gpd.GeoDataFrame)
    assert list(found.columns) == ["name", "people", "geometry"]
    assert found.people.tolist() == [0.0, 10.0]
    assert found.crs == "EPSG:4326"


def test_a_table_says_units_licence_and_item(home: Path, event: str) -> None:
    found = pipeline.open_table("exposure", "districts", event=event, source=home).attrs
    assert (found["units"]["people"], found["long_names"]["people"]) == ("1", "people at VI or more")
    assert (found["license"], found["table"]) == ("ODbL-1.0", "districts")
    assert found["item"].startswith(f"exposure-{event}-r2-")


def test_tables_of_several_layers_stand_below_one_another(home: Path) -> None:
    found = pipeline.open_table("exposure", time="2024-01-22", source=home)
    assert list(found.columns) == ["item", "time", "name", "people", "geometry"]
    assert found.item.value_counts().tolist() == [3, 2]
    assert isinstance(found, gpd.GeoDataFrame)


def test_an_unknown_table_is_refused_naming_those_there(home: Path, event: str) -> None:
    with pytest.raises(InputError, match=r"table='countries', expected one of \['districts'\]"):
        pipeline.open_table("exposure", "countries", event=event, source=home)


def test_a_layer_without_tables_points_to_its_rasters(home: Path, event: str) -> None:
    with pytest.raises(InputError, match=r"open_layer opens its rasters \['mmi', 'deviation', 'outside'\]"):
        pipeline.open_table("shaking", event=event, source=home)

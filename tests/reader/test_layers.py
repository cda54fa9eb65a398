"""Layers opened from a home: what is found, on which grid, how it is labelled, and that nothing is computed."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

import pipeline
from pipeline.errors import GridError, InputError, StoreError
from pipeline.grid import geobox_of
from pipeline.products.catalog import item_key
from pipeline.reader.source import open_source
from pipeline.reader.wanted import wanted
from pipeline.store import to_bytes
from tests.products.samples import dataset, geobox
from tests.reader.conftest import GONE, SECOND, Publisher


def refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("computed")


def layer(home: Path, hazard: str = "shaking", **conditions: Any) -> xr.Dataset:
    """Open a layer under a scheduler that refuses to compute."""
    with dask.config.set(scheduler=refuse):
        return pipeline.open_layer(hazard, source=home, **conditions)


# What is opened


def test_an_event_s_layer_is_what_was_published_of_its_newest_revision(home: Path, event: str) -> None:
    found = layer(home, event=event)
    for name, expected in dataset(geobox(), shift=2.0).items():
        tolerance = 0.0 if name == "outside" else 0.011
        np.testing.assert_allclose(found[name].values, expected.values, atol=tolerance, rtol=0)
    assert found.attrs["revision"] == 2


def test_the_estimate_comes_first_and_each_answer_says_which_it_is(home: Path, event: str) -> None:
    found = layer(home, event=event)
    assert list(found) == ["mmi", "deviation", "outside"]
    assert [found[name].attrs["answers"] for name in found] == ["estimate", "uncertainty", "exclusion"]


@pytest.mark.parametrize("name", ["us7000lsze", "emsc301"])
def test_an_event_is_found_by_every_agency_s_id(home: Path, event: str, name: str) -> None:
    assert layer(home, event=name).attrs["event"] == event


def test_an_event_is_found_by_the_names_in_its_items_where_no_table_of_events_lies(home: Path) -> None:
    assert layer(home, event="us7000lsxx").attrs["event"] == SECOND


def test_only_the_variables_asked_for_are_opened(home: Path, event: str) -> None:
    assert list(layer(home, event=event, variables=["outside"])) == ["outside"]


def test_an_item_is_opened_by_its_id(home: Path) -> None:
    for listed in pipeline.find_layers("fire_weather", source=home):
        found = layer(home, "fire_weather", item=listed.id)
        assert (found.attrs["item"], found.mmi.ndim) == (listed.id, 2)


def test_the_home_is_that_of_the_environment_where_none_is_given(
    home: Path, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HAZMON_HOME", str(home))
    assert pipeline.open_layer("shaking", event=event).attrs["catalogue"] == str(home)


def test_nothing_is_written_where_layers_are_read(home: Path, event: str) -> None:
    def state() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in home.rglob("*")}

    before = state()
    layer(home, event=event).load()
    pipeline.find_layers(source=home)
    assert state() == before


def test_a_home_is_read_without_its_search_index(home: Path, event: str, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "catalog").symlink_to(home / "catalog")
    with sqlite3.connect(mirror / "index.sqlite") as index:
        index.execute("CREATE TABLE another (version)")
    assert layer(mirror, event="us7000lsze").attrs["event"] == event


# Units, labels, unknown


def test_numbers_have_units_a_name_and_nan_for_unknown(home: Path, event: str) -> None:
    mmi = layer(home, event=event).mmi
    assert (mmi.attrs["units"], mmi.attrs["long_name"]) == ("1", "macroseismic intensity")
    assert np.isnan(mmi.values[:15, :20]).all()
    assert math.isnan(mmi.attrs["nodata"])


def test_codes_keep_their_type_and_say_what_each_means(home: Path, event: str) -> None:
    outside = layer(home, event=event).outside
    assert (outside.dtype, outside.attrs["nodata"], outside.attrs["_FillValue"]) == (np.uint8, 255, 255)
    assert outside.attrs["flag_values"].tolist() == [0, 1]
    assert outside.attrs["flag_meanings"] == "inside too_near_the_fault"
    assert (outside.values[:15, :20] == 255).all()


def test_the_grid_and_the_reference_system_are_where_readers_look_for_them(home: Path, event: str) -> None:
    found = layer(home, event=event)
    assert found.odc.geobox == geobox()
    assert "4326" in found.spatial_ref.attrs["crs_wkt"]
    assert {found[name].encoding["grid_mapping"] for name in found} == {"spatial_ref"}


def test_attributes_say_whose_data_it_is_on_what_terms_and_how_far_to_be_trusted(home: Path, event: str) -> None:
    found = layer(home, event=event).attrs
    assert (found["license"], found["attribution"]) == ("CC-BY-4.0", "USGS; Wald & Allen (2007)")
    assert (found["synthetic"], found["exercise"], found["forecast"]) == (1, 1, 0)
    assert (found["state"], found["data_time"]) == ("standing", "2024-01-22T18:09:04Z")
    assert found["item"].startswith(f"shaking-{event}-r2-20240122T180904Z-")
    first, *_ = found["provenance"].splitlines()
    assert first.startswith(f"usgs_all_hour us7000lsze {home}/raw/usgs_all_hour/us7000lsze/2 sha256:")


def test_attributes_are_of_types_that_every_file_format_keeps(home: Path) -> None:
    for found in (layer(home, event="us7000lsze"), layer(home, "fire_weather", region="kazakhstan")):
        assert {type(value) for value in found.attrs.values()} <= {str, int}
        kinds = {type(value) for name in found for value in found[name].attrs.values()}
        assert kinds <= {str, int, float, np.ndarray, np.uint8}


# Time


def test_days_stand_along_time(home: Path) -> None:
    found = layer(home, "fire_weather", region="kazakhstan")
    assert found.mmi.dims == ("time", "latitude", "longitude")
    assert found.time.values.astype("datetime64[D]").astype(str).tolist() == ["2024-04-05", "2024-04-06", "2024-04-07"]
    assert [id.split("-")[1] for id in found.item.values] == ["kazakhstan"] * 3
    assert found.revision.values.tolist() == [0, 1, 2]
    assert found.forecast.values.tolist() == [False, False, True]
    assert found.attrs["forecast"] == 1
    assert (found.data_time.values == np.datetime64("2024-01-22T18:09:04")).all()
    for number in range(3):
        expected = dataset(geobox(), shift=float(number)).mmi
        np.testing.assert_allclose(found.mmi.values[number], expected.values, atol=0.011, rtol=0)


@pytest.mark.parametrize(
    ("time", "days"),
    [
        ("2024-04-06", [6]),
        ("2024-04-06T13:30", [6]),
        (pd.Timestamp("2024-04-06"), [6]),
        (("2024-04-05", "2024-04-06"), [5, 6]),
        ("2024-04-06/2024-04-07", [6, 7]),
        (("2024-04-05T12:00:00Z", "2024-04-06T00:00:00Z"), [5]),
        ("2024-04", [5, 6, 7]),
    ],
)
def test_a_time_is_a_moment_a_day_a_month_or_a_pair_of_them(home: Path, time: Any, days: list[int]) -> None:
    found = layer(home, "fire_weather", region="kazakhstan", time=time)
    assert pd.DatetimeIndex(found.time.values).day.tolist() == days


def test_one_day_found_by_time_still_has_a_time_dimension(home: Path) -> None:
    found = layer(home, "fire_weather", region="xinjiang", time="2024-04-05")
    assert found.sizes["time"] == 1
    assert "item" in found.attrs


def test_an_event_has_its_origin_time_as_a_coordinate(home: Path, event: str) -> None:
    found = layer(home, event=event)
    assert found.time.values == np.datetime64("2024-01-22T18:09:04")


# Place and grid


def test_a_box_cuts_a_layer_to_the_cells_it_touches(home: Path, event: str) -> None:
    whole, cut = layer(home, event=event), layer(home, event=event, bbox=(77.2, 41.6, 77.305, 41.75))
    assert cut.odc.geobox.boundingbox.bbox == pytest.approx((77.2, 41.6, 77 + 37 / 120, 41.75))
    xr.testing.assert_equal(
        cut.drop_vars("spatial_ref"), whole.isel(latitude=slice(30, 48), longitude=slice(24, 37)).drop_vars("spatial_ref")
    )


def test_a_box_chooses_the_layers_it_touches(home: Path) -> None:
    found = layer(home, "shaking", bbox=(79.5, 41.5, 79.6, 41.9))
    assert SECOND in str(found.item.values)


def test_layers_on_different_grids_are_not_mixed_unasked(home: Path) -> None:
    with pytest.raises(InputError, match=r"4 layers lie on 2 grids .* name one by resolution= \(and crs=\) or geobox="):
        layer(home, "fire_weather")


def test_layers_on_different_grids_are_brought_to_cells_of_one_size(home: Path) -> None:
    found = layer(home, "fire_weather", resolution=1 / 120, resampling="nearest")
    assert found.sizes["time"] == 3
    assert found.odc.geobox.boundingbox.bbox == pytest.approx((77.0, 41.5, 77.25 + 80 / 120, 42.0))


def test_layers_of_one_moment_fill_one_another_s_gaps_the_newest_first(home: Path) -> None:
    found = layer(home, "fire_weather", time="2024-04-05", resolution=1 / 120, resampling="nearest")
    older, newest = dataset(geobox(), shift=0.0), dataset(geobox(), shift=7.0)
    assert [id.split("-")[1] for id in str(found.item.values[0]).split("; ")] == ["xinjiang", "kazakhstan"]
    for name in ("mmi", "outside"):
        values = found[name].values[0]
        np.testing.assert_allclose(values[:, :30], older[name].values[:, :30], atol=0.011)
        np.testing.assert_allclose(values[15:, 30:], newest[name].values[15:], atol=0.011)
        np.testing.assert_allclose(values[:15, 30:50], older[name].values[:15, 30:50], atol=0.011)


def test_who_knows_a_cell_is_the_same_whichever_variables_are_asked_for(home: Path) -> None:
    conditions = {"time": "2024-04-05", "resolution": 1 / 100}
    whole, one = (layer(home, "fire_weather", variables=names, **conditions) for names in (None, ["outside"]))
    assert list(one) == ["outside"]
    np.testing.assert_array_equal(one.outside.values, whole.outside.values)


def test_a_layer_is_brought_to_the_grid_of_another_one(home: Path, event: str) -> None:
    grid = GeoBox.from_bbox((680000, 4610000, 700000, 4620000), "EPSG:32643", resolution=500)
    found = layer(home, event=event, geobox=grid)
    assert geobox_of(found.mmi) == grid
    assert found.outside.dtype == np.uint8
    assert not np.isnan(found.mmi.values).any()
    assert set(np.unique(found.outside.values)) <= {0, 1}


def test_a_grid_that_the_layer_does_not_reach_is_unknown(home: Path, event: str) -> None:
    grid = GeoBox.from_bbox((10, 40, 11, 41), "EPSG:4326", resolution=0.1)
    found = layer(home, event=event, geobox=grid)
    assert np.isnan(found.mmi.values).all()
    assert (found.outside.values == 255).all()


@pytest.mark.parametrize("options", [{"crs": "EPSG:32643"}, {"geobox": geobox(), "resolution": 1.0}])
def test_half_or_twice_a_grid_is_refused(home: Path, event: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="resolution="):
        layer(home, event=event, **options)


def test_a_finer_grid_is_opened_by_blocks_of_their_usual_size(home: Path, event: str) -> None:
    found = layer(home, event=event, crs="EPSG:32643", resolution=10.0)
    assert found.sizes["y"] > 5000
    assert found.mmi.data.chunksize == (2048, 2048)


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_a_size_of_cells_that_is_none_is_refused(home: Path, event: str, size: float) -> None:
    with pytest.raises(InputError, match=r"resolution=.*expected the size of a cell"):
        layer(home, event=event, resolution=size)


def test_a_size_in_the_wrong_units_is_refused_naming_how_many_cells_that_are(home: Path, event: str) -> None:
    with pytest.raises(InputError, match=r"resolution=1e-06: found 500000 x 666667 cells, expected at most 1e\+10"):
        layer(home, event=event, resolution=1e-6)


def test_an_unknown_reference_system_is_refused(home: Path, event: str) -> None:
    with pytest.raises(GridError, match="EPSG:99999"):
        layer(home, event=event, crs="EPSG:99999", resolution=1.0)


def test_an_unknown_resampling_is_refused_by_name(home: Path, event: str) -> None:
    with pytest.raises(InputError, match=r"expected one of .*'bilinear'"):
        layer(home, event=event, resolution=0.1, resampling="linear")


# Revisions


def test_what_was_superseded_comes_where_it_is_asked_for_and_says_so(home: Path, event: str) -> None:
    found = layer(home, event=event, revision=1)
    assert (found.attrs["revision"], found.attrs["state"]) == (1, "superseded")


def test_a_revision_is_also_named_by_the_whole_version(home: Path, event: str) -> None:
    version = layer(home, event=event, revision=1).attrs["version"]
    assert layer(home, event=event, revision=version).attrs["revision"] == 1


def test_what_was_withdrawn_is_not_returned_and_the_reason_is_told(home: Path) -> None:
    with pytest.raises(InputError, match=r"revision 1 \(withdrawn 2024-01-22T18:20:00Z: usauto withdrew it\)"):
        layer(home, event="usauto7000lszz")


def test_what_was_withdrawn_comes_where_its_revision_is_asked_for_and_says_so(home: Path) -> None:
    assert layer(home, event=GONE, revision=1).attrs["state"].startswith("withdrawn 2024-01-22T18:20:00Z")


# What does not exist


def test_an_unknown_hazard_is_refused_naming_those_published(home: Path) -> None:
    with pytest.raises(InputError, match=r"'quake': .* expected one of \['exposure', 'fire_weather', 'shaking'\]"):
        layer(home, "quake")


def test_an_unknown_event_is_refused_naming_those_that_stand(home: Path, event: str) -> None:
    with pytest.raises(InputError, match=rf"event {SECOND} \(us7000lsxx\), event {event} \(us7000lsze\)"):
        layer(home, event="us6000abcd")


def test_a_time_without_layers_is_refused_naming_the_newest(home: Path) -> None:
    with pytest.raises(InputError, match=r"time 2024-04-07T00:00:00Z \(kazakhstan\)"):
        layer(home, "fire_weather", time="2023-04-05")


def test_an_unknown_variable_is_refused_naming_those_there(home: Path, event: str) -> None:
    with pytest.raises(InputError, match=r"variables=\['pga'\], expected some of \['mmi', 'deviation', 'outside'\]"):
        layer(home, event=event, variables=["pga"])
    with pytest.raises(InputError, match=r"variables=\[\], expected some of \['mmi'"):
        layer(home, event=event, variables=[])


def test_the_name_of_one_variable_is_a_list_of_one(home: Path, event: str) -> None:
    assert list(layer(home, event=event, variables="outside")) == ["outside"]


def test_a_layer_without_rasters_points_to_its_tables(home: Path, event: str) -> None:
    with pytest.raises(InputError, match="open_table"):
        layer(home, "exposure", event=event)


@pytest.mark.parametrize("bbox", [(77, 42, 78, 41), (1, 2, 3), ("a", 1, 2, 3), (77, 41, 78, 99)])
def test_a_box_that_is_none_is_refused(home: Path, bbox: Any) -> None:
    with pytest.raises(InputError, match="west, south, east, north"):
        layer(home, bbox=bbox)


@pytest.mark.parametrize("time", ["yesterday", "2024-13", ("2024-04-06", "2024-04-05T00:00"), ("2024-04-05",)])
def test_a_time_that_is_none_is_refused(home: Path, time: Any) -> None:
    with pytest.raises(InputError, match=r"time|window"):
        layer(home, "fire_weather", time=time)


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        layer(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_a_folder_in_which_nothing_was_published_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was published"):
        layer(tmp_path)


def test_a_service_that_does_not_answer_is_named() -> None:
    with pytest.raises(StoreError, match=r"http://127\.0\.0\.1:9/stac: no STAC API answers"):
        pipeline.open_layer("shaking", source="http://127.0.0.1:9")


# The list


def test_the_list_says_of_each_layer_what_may_be_asked_for(home: Path, event: str) -> None:
    first, second = pipeline.find_layers("shaking", source=home)
    assert (first.event, first.revision, first.aliases) == (event, 2, ("us7000lsze",))
    assert (first.variables, first.tables) == (("mmi", "deviation", "outside"), ())
    assert (first.standing, first.synthetic, first.exercise, first.withdrawn) == (True, True, True, None)
    assert second.event == SECOND


def test_the_list_holds_what_no_longer_stands_where_it_is_asked_for(home: Path) -> None:
    found = pipeline.find_layers("shaking", standing=False, source=home)
    assert [(each.revision, each.standing) for each in found] == [(1, False), (2, True), (1, True), (1, False)]
    assert found[-1].withdrawn == "usauto withdrew it"


def test_the_list_of_every_hazard_makes_a_frame(home: Path) -> None:
    frame = pd.DataFrame(pipeline.find_layers(source=home))
    assert frame.groupby("hazard").size().to_dict() == {"exposure": 2, "fire_weather": 4, "shaking": 2}


def test_the_list_says_which_days_are_forecasts(home: Path) -> None:
    days = pipeline.find_layers("fire_weather", region="kazakhstan", source=home)
    assert [each.forecast for each in days] == [False, False, True]


def test_finding_nothing_is_no_error(home: Path) -> None:
    assert pipeline.find_layers("shaking", time="2020-01-01", source=home) == []


@pytest.mark.parametrize(("limit", "found"), [(1, [2]), (2, [1, 2]), (5, [0, 1, 2])])
def test_of_many_layers_the_newest_are_chosen(home: Path, limit: int, found: list[int]) -> None:
    chosen = open_source(home).search(wanted("fire_weather", region="kazakhstan"), limit)
    assert [item["properties"]["hazmon:revision"] for item in chosen] == found


def test_what_no_longer_stands_takes_no_place_among_the_newest(home: Path) -> None:
    (item,) = open_source(home).search(wanted("shaking"), limit=1)
    assert SECOND in item["id"]


# The package


def test_the_package_itself_loads_no_array_library() -> None:
    code = "import sys, pipeline; print({'numpy', 'xarray', 'dask', 'pandas', 'rasterio'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_package_lists_what_it_offers_and_nothing_else() -> None:
    assert {"open_layer", "open_table", "find_layers"} <= set(dir(pipeline))
    with pytest.raises(AttributeError, match="no attribute 'open_door'"):
        pipeline.open_door  # type: ignore[attr-defined]  # noqa: B018


def test_an_item_whose_id_tells_no_start_is_judged_by_what_it_says_itself(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path)
    item = publisher.publish()
    store = publisher.catalog.store
    store.put(item_key("shaking-foo"), to_bytes({**item, "id": "shaking-foo"}))
    publisher.catalog.rebuild()
    found = pipeline.find_layers("shaking", time="2024-01-22", source=tmp_path / "home")
    assert {each.id for each in found} == {item["id"], "shaking-foo"}
    assert pipeline.find_layers("shaking", time="2020-01-01", source=tmp_path / "home") == []

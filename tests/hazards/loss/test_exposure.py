"""Exposure: the claims of its docstrings, seen by eye and by properties."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from pipeline.errors import InputError
from pipeline.hazards.loss.exposure import (
    EXPECTED_COLUMNS,
    EXPOSURE_COLUMNS,
    UNKNOWN_COUNTRY,
    by_country,
    exposure,
    exposure_table,
    intensity_class,
)

NAN = np.nan


@st.composite
def grids(draw):
    """Cells of (mmi, population, zone, deviation), some of each unknown."""
    seed, cells = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 200))
    random = np.random.default_rng(seed)
    mmi = np.where(random.random(cells) < 0.1, NAN, random.uniform(0.5, 10.6, cells))
    people = np.where(random.random(cells) < 0.1, NAN, random.exponential(3000.0, cells))
    return mmi, people.astype(draw(st.sampled_from(["f4", "f8"]))), random.integers(-1, 3, cells), random.uniform(0, 1.5, cells)


@pytest.mark.parametrize(
    ("mmi", "expected"),
    [(1.0, 1), (4.4999, 4), (4.5, 5), (5.4999, 5), (9.5, 10), (10.6, 10), (0.2, 1), (0.5, 1), (NAN, 0), (np.inf, 0)],
)
def test_a_class_holds_half_a_unit_to_each_side_and_its_lower_edge(mmi, expected):
    assert intensity_class(mmi) == expected


def test_people_are_counted_by_zone_and_class():
    found = exposure([[7.0, 7.4], [6.6, 5.0]], [[10.0, 20.0], [30.0, 40.0]], [[0, 0], [1, -1]], zones=2)
    assert found.population[0, 7] == 30.0
    assert found.population[1, 7] == 30.0
    assert found.population[2, 5] == 40.0
    assert found.population.sum() == 100.0


def test_unknown_shaking_and_unknown_people_are_counted_apart():
    found = exposure([NAN, 7.0, NAN, 7.0], [5.0, NAN, NAN, 0.0], [0, 0, 0, 0], zones=1)
    assert found.population[0, 0] == 5.0
    assert found.population[0, 1:].sum() == 0.0
    assert list(found.unpopulated) == [2, 0]


def test_expected_people_are_spread_by_the_deviation():
    found = exposure([7.0], [1000.0], [0], zones=1, mmi_std=[0.5]).expected[0]
    np.testing.assert_allclose(found[6:9], [1000 * 0.1573054, 1000 * 0.6826895, 1000 * 0.1573054], atol=2e-3)
    assert found.sum() == 1000.0


def test_without_deviation_the_expected_people_are_those_of_the_class():
    found = exposure([7.5, 4.2], [10.0, 3.0], [0, 0], zones=1, mmi_std=[0.0, 0.0])
    np.testing.assert_array_equal(found.expected, found.population)


def test_an_unknown_deviation_leaves_the_expected_class_unknown():
    found = exposure([7.0], [10.0], [0], zones=1, mmi_std=[NAN])
    assert found.expected[0, 0] == 10.0
    assert found.population[0, 7] == 10.0


@settings(deadline=None)
@given(grids())
def test_nobody_is_lost_or_counted_twice(cells):
    mmi, people, zone, deviation = cells
    found = exposure(mmi, people, zone, zones=3, mmi_std=deviation)
    total = np.nansum(people.astype("f8"))
    assert found.population.sum() == pytest.approx(total, abs=len(mmi) * 2.0**-20)
    assert found.expected.sum() == found.population.sum()
    np.testing.assert_array_equal(found.expected.sum(axis=1), found.population.sum(axis=1))
    assert found.unpopulated.sum() == np.isnan(people).sum()


@settings(deadline=None)
@given(grids(), st.randoms(use_true_random=False))
def test_sums_are_the_same_bytes_in_any_order(cells, random):
    whole = exposure(*cells[:3], zones=3, mmi_std=cells[3])
    order = list(range(len(cells[0])))
    random.shuffle(order)
    other = exposure(*(array[order] for array in cells[:3]), zones=3, mmi_std=cells[3][order])
    for name in ("population", "unpopulated", "expected"):
        np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))


def test_the_table_holds_every_person_and_says_where_there_is_no_zone():
    zones = pd.DataFrame({"country": ["KZ", "KG"], "admin1_name": ["Almaty", "Chüy"]})
    found = exposure_table(exposure([7.0, 6.0, 5.0], [1.0, 2.0, 4.0], [0, 1, -1], zones=2, mmi_std=[0.5, 0.5, 0.5]), zones)
    assert list(found.columns) == ["country", "admin1_name", *(name for name, *_ in EXPOSURE_COLUMNS + EXPECTED_COLUMNS)]
    assert list(found["population"]) == [1.0, 2.0, 4.0]
    assert found["country"].isna().tolist() == [False, False, True]
    assert len(zones) == 2


def test_whole_codes_stay_whole_and_outlines_stay_outlines():
    outlines = gpd.GeoDataFrame({"admin2": [711, 712]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs="EPSG:4326")
    table = exposure_table(exposure([7.0], [1.0], [0], zones=2), outlines)
    assert isinstance(table, gpd.GeoDataFrame)
    assert table.crs == outlines.crs
    assert list(table["admin2"].iloc[:2]) == [711, 712]
    assert table["admin2"].isna().tolist() == [False, False, True]
    assert table.geometry.iloc[2] is None


def test_districts_add_up_to_countries():
    found = exposure([7.0, 6.0, 5.0, 7.0], [1.0, 2.0, 4.0, 8.0], [0, 1, 2, -1], zones=3)
    countries = pd.Series(["KZ", "KZ", None])
    sums = by_country(found, countries)
    assert sums["KZ"][6] == 1.0
    assert sums["KZ"][5] == 2.0
    assert sums[UNKNOWN_COUNTRY].sum() == 12.0


@pytest.mark.parametrize(
    ("people", "zone", "match"),
    [
        ([-9999.0], [0], "negative"),
        ([1.0], [3], "zone"),
        ([1.0], [-2], "zone"),
        ([1.0], [0.5], "zone"),
        ([1.0, 2.0], [0], "one grid"),
        ([1e10], [0], "people"),
    ],
)
def test_what_cannot_be_counted_is_refused(people, zone, match):
    with pytest.raises(InputError, match=match):
        exposure([7.0], people, zone, zones=2)


def test_a_deviation_too_small_to_divide_by_is_none():
    found = exposure([7.0, 7.5], [10.0, 3.0], [0, 0], zones=1, mmi_std=[5e-324, 0.0])
    np.testing.assert_array_equal(found.expected, found.population)

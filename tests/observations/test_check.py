from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

from pipeline.errors import FeedMalformed
from pipeline.model import Granule
from pipeline.observations.check import CLOCK_TOLERANCE, check

NOW = datetime(2024, 4, 5, 12, tzinfo=UTC)
GRANULE = Granule("gfs", "gfs-2024040500", start=NOW - timedelta(hours=12), issued=NOW)


def grid(shape: tuple[int, int] = (2, 3), **attributes: str) -> xr.Dataset:
    return xr.Dataset({"t": (("y", "x"), np.zeros(shape), attributes)})


def test_a_grid_with_units_is_valid() -> None:
    check(grid(units="K"), GRANULE, NOW)


def test_a_value_without_dimensions_needs_no_units() -> None:
    check(xr.Dataset({"magnitude": ("origin", [6.0])}), GRANULE, NOW)


def test_a_dataset_without_variables_is_refused() -> None:
    with pytest.raises(FeedMalformed, match="no variable"):
        check(xr.Dataset(), GRANULE, NOW)


def test_a_grid_without_units_is_refused_by_name() -> None:
    with pytest.raises(FeedMalformed, match=r"gfs/gfs-2024040500.*\['t'\] name no units"):
        check(grid(), GRANULE, NOW)


def test_an_empty_dimension_is_refused() -> None:
    with pytest.raises(FeedMalformed, match="'y'"):
        check(grid((0, 3), units="K"), GRANULE, NOW)


def test_discrete_sampling_may_hold_no_sample_and_what_was_withdrawn_nothing() -> None:
    check(xr.Dataset({"pga": ("station", np.zeros(0))}, attrs={"featureType": "point"}), GRANULE, NOW)
    check(xr.Dataset({"depth": ("quad", np.zeros(0))}), replace(GRANULE, deleted=True), NOW)
    with pytest.raises(FeedMalformed, match="'quad'"):
        check(xr.Dataset({"depth": ("quad", np.zeros(0))}), GRANULE, NOW)


@pytest.mark.parametrize(
    ("ahead", "believed"), [(timedelta(minutes=10), True), (CLOCK_TOLERANCE, True), (timedelta(hours=2), False)]
)
def test_a_source_may_be_a_little_ahead_of_our_clock(ahead: timedelta, believed: bool) -> None:
    granule = Granule("usgs", "us1", start=NOW, issued=NOW + ahead)
    if believed:
        check(grid(units="K"), granule, NOW)
        return
    with pytest.raises(FeedMalformed, match="future"):
        check(grid(units="K"), granule, NOW)


def test_where_no_time_of_issue_is_given_the_granule_s_own_counts() -> None:
    with pytest.raises(FeedMalformed, match="future"):
        check(grid(units="K"), Granule("usgs", "us1", start=NOW + timedelta(days=1)), NOW)


def test_nothing_is_computed() -> None:
    import dask.array as da

    def refuse(block: np.ndarray) -> np.ndarray:
        raise AssertionError("computed")

    lazy = da.zeros((2, 3), chunks=(1, 3)).map_blocks(refuse, meta=np.empty((0, 0)))
    check(xr.Dataset({"t": (("y", "x"), lazy, {"units": "K"})}), GRANULE, NOW)

"""What all event feeds share: times, numbers, boxes, and the dataset they decode to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import Origin, Report, key_of, longitude, number, offers, optional, to_dataset, to_granule, utc
from pipeline.model import Granule, Window, from_json, to_json
from pipeline.store import to_bytes

T0 = datetime(2024, 1, 22, 18, 9, 4, 418000, tzinfo=UTC)
OWN = Origin(T0, 41.26, 78.66, 13.0, 7.0, "mww", "us", "us7000lsze", T0, "Aykol")
REPORT = Report(
    (OWN, replace(OWN, agency="at", depth=None, updated=None)), ("us7000lsze", "at00s7od3a"), "reviewed", revision=5
)
DAY = Window(datetime(2024, 1, 22, tzinfo=UTC), datetime(2024, 1, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-22T18:09:04.418Z", T0),
        ("2024-01-23T02:09:04.418+08:00", T0),
        ("2024-01-22T18:09:04.418-00:00", T0),
        ("2024-01-22T18:09:04.418", T0),
        ("2024-01-22 18:09:04.4180000", T0),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_any_offset_and_without(text: str, moment: datetime) -> None:
    assert utc(text, "x") == moment


@pytest.mark.parametrize("text", ["", "2023-02-29T00:00:00Z", "24-01-22", "1705946944418", None, "1500-01-01T00:00:00Z"])
def test_what_is_no_time_is_malformed(text: str | None) -> None:
    with pytest.raises(FeedMalformed, match="time"):
        utc(text, "x")


@given(st.floats(-360, 360))
def test_longitudes_end_in_minus_180_to_180_on_the_same_meridian(value: float) -> None:
    found = longitude(value, "x")
    assert -180.0 <= found < 180.0
    assert abs((found - value + 180.0) % 360.0 - 180.0) < 1e-9
    assert found == value or not -180.0 <= value < 180.0


@pytest.mark.parametrize("value", [None, "", " ", "--", "null"])
def test_nothing_is_none_not_zero(value: str | None) -> None:
    assert optional(value, "x", (-1, 1)) is None


@pytest.mark.parametrize("value", [True, "nan", "inf", "1e400", [], {}, "one", 2])
def test_what_is_no_number_in_bounds_is_malformed(value: object) -> None:
    with pytest.raises(FeedMalformed, match="-1 to 1"):
        number(value, "x", (-1, 1))


def test_an_agency_stands_in_front_of_its_numbers_once() -> None:
    assert (key_of("isc", "636999"), key_of("us", "us7000lsze")) == ("isc636999", "us7000lsze")


def test_the_dataset_has_units_and_nan_or_nat_for_unknown() -> None:
    dataset = to_dataset(REPORT)
    assert dict(dataset.sizes) == {"origin": 2}
    assert dataset.depth.values.tolist()[0] == 13.0
    assert np.isnan(dataset.depth.values[1])
    assert np.isnat(dataset.updated.values[1])
    assert dataset.time.values[0] == np.datetime64("2024-01-22T18:09:04.418")
    assert {name: dataset[name].attrs["units"] for name in ("latitude", "longitude", "depth", "magnitude")} == {
        "latitude": "degrees_north",
        "longitude": "degrees_east",
        "depth": "km",
        "magnitude": "1",
    }
    assert dataset.attrs["ids"] == ["us7000lsze", "at00s7od3a"]


def test_a_granule_travels_as_json_and_its_id_changes_with_what_is_said_only_without_revision() -> None:
    granule = to_granule(REPORT, "usgs")
    assert from_json(Granule, json.loads(to_bytes(to_json(granule)))) == granule
    louder = replace(REPORT, origins=(replace(OWN, magnitude=7.1),))
    assert to_granule(louder, "usgs").id == granule.id == "us7000lsze"
    ids = {to_granule(replace(each, revision=0), "usgs").id for each in (REPORT, REPORT, louder)}
    assert len(ids) == 2
    assert all(name.startswith("us7000lsze.") for name in ids)


def test_a_deletion_is_offered_however_small() -> None:
    assert not offers(REPORT, DAY, None, 0, 7.5)
    assert offers(replace(REPORT, status="deleted"), DAY, None, 0, 7.5)


@pytest.mark.parametrize(
    ("bounds", "margin", "inside"),
    [
        ((70, 40, 80, 50), 0, True),
        ((79, 40, 80, 50), 0, False),
        ((79, 40, 80, 50), 1, True),
        ((78, 42, 80, 50), 0.5, False),
        ((-180, -90, 180, 90), 0, True),
        ((170, 40, 79, 50), 0, True),
        ((170, 40, -170, 50), 0, False),
        ((79, 40, 78, 50), 1, True),
    ],
)
def test_boxes_may_cross_the_antimeridian_and_are_widened(
    bounds: tuple[float, float, float, float], margin: float, inside: bool
) -> None:
    assert offers(REPORT, DAY, bounds, margin, None) is inside

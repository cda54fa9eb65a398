import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.model import (
    Event,
    Granule,
    ObservationRef,
    Payload,
    RegionPeriod,
    Scene,
    Window,
    from_json,
    moment,
    slug,
    subject_from_key,
    to_json,
)

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


def test_a_window_is_half_open():
    window = Window(NOON, NOON + timedelta(hours=1))
    assert NOON in window
    assert NOON + timedelta(hours=1) not in window


def test_a_window_without_a_zone_or_backwards_is_refused():
    with pytest.raises(InputError, match="no time zone"):
        Window(datetime(2024, 1, 1), datetime(2024, 1, 2))
    with pytest.raises(InputError, match="before it starts"):
        Window(NOON, NOON - timedelta(seconds=1))


def test_an_observation_travels_as_json_and_comes_back_equal():
    ref = ObservationRef(
        Granule("usgs", "us1", 3, start=NOON, properties={"a": [1]}), Payload("k", "0" * 64, 1, NOON), ("magnitude",)
    )
    assert from_json(ObservationRef, json.loads(json.dumps(to_json(ref)))) == ref


def test_bad_json_names_the_field():
    with pytest.raises(InputError, match=r"(?s)Granule.*revision"):
        from_json(Granule, {"feed": "x", "id": "y", "revision": "soon"})


@pytest.mark.parametrize(
    "subject",
    [
        RegionPeriod("kazakhstan", NOON, NOON + timedelta(days=1)),
        Scene("sentinel1_rtc", "S1A_IW_GRDH_1SDV_20240410", NOON),
        Event("eq20240122180904a1b2", 3, NOON),
    ],
)
def test_a_subject_is_found_again_from_its_key(subject):
    assert subject_from_key(subject.key) == subject
    assert subject.key.startswith(subject.series)


@pytest.mark.parametrize("key", ["", "event:x", "planet:a:b:c", "event:x:3:yesterday"])
def test_a_strange_key_is_refused(key):
    with pytest.raises(InputError):
        subject_from_key(key)


@given(st.text())
def test_a_slug_is_one_safe_path_segment(text):
    found = slug(text)
    assert found and "/" not in found and ":" not in found and not found.startswith(".")


def test_times_with_an_offset_become_utc_and_leap_days_exist():
    assert moment("2024-02-29T17:00:00+05:00") == NOON
    assert moment("2024-02-29T12:00:00-00:00") == NOON
    assert moment("2024-02-29T12:00:00Z").tzinfo == UTC
    assert moment("2024-02-29T20:00:00").astimezone(timezone(timedelta(hours=8))).hour == 4

"""The sequence of an earthquake: who is in it, up to when it is known, and that it can be read back as it was."""

from datetime import timedelta

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.observations import events
from pipeline.observations.sequence import SPAN, is_kept, keep_elapsed, keep_members, read_elapsed, read_members, sequence
from pipeline.store import Store
from tests.observations.test_events import T0, made

HOUR = timedelta(hours=1)


def radius(magnitude):
    """Return 40 km for the magnitude 7 of the mainshock."""
    return 40.0 if magnitude == 7.0 else 0.0


@pytest.fixture
def store(tmp_path):
    """A store with the mainshock alone, known six minutes after it."""
    store = Store.open(tmp_path)
    add(store, made(), 0.1)
    return store


def add(store, solution, hours):
    return events.update(store, solution, order=("us", "emsc"), now=T0 + hours * HOUR)[0]


def aftershock(number, hours, magnitude=5.0, **changes):
    return made("us", f"7000{number}", seconds=hours * 3600, magnitude=magnitude, **changes)


def found(store):
    (mainshock, *_) = events.find(store, events.Window(T0, T0 + HOUR / 60))
    return sequence(store, mainshock, radius)


def rows(store):
    """Return (days, magnitude) of what is kept of the sequence, by feed."""
    kept = keep_members(store, found(store))
    read = {one.feed: read_members(store, one.key, one.sha256) for one in kept}
    return {feed: list(zip(data.days.values.round(4), data.magnitude.values, strict=True)) for feed, data in read.items()}


def elapsed_hours(store):
    kept = keep_elapsed(store, found(store))
    return float(read_elapsed(store, kept.key, kept.sha256)) * 24


def test_events_after_it_and_near_it_are_of_the_sequence(store):
    for solution in (
        aftershock("near", 6),
        aftershock("far", 7, north=50),
        aftershock("before", -7),
        aftershock("blast", 8, event_type="quarry blast"),
        aftershock("late", 24 * 367),
    ):
        add(store, solution, 9000)
    assert rows(store) == {"us": [(0.25, 5.0)]}
    assert timedelta(days=365) < SPAN < timedelta(days=367)


def test_events_are_kept_by_feed_and_an_unknown_magnitude_stays_unknown(store):
    add(store, aftershock("a", 6), 7)
    add(store, made("emsc", "b", seconds=12 * 3600, magnitude=None), 13)
    by_feed = rows(store)
    assert by_feed["us"] == [(0.25, 5.0)]
    ((days, magnitude),) = by_feed["emsc"]
    assert days == 0.5 and np.isnan(magnitude)


def test_it_is_known_up_to_the_newest_step_in_the_life_of_any_of_them(store):
    assert elapsed_hours(store) == pytest.approx(0.1)
    add(store, aftershock("a", 6), 6.5)
    assert elapsed_hours(store) == pytest.approx(6.5)
    add(store, aftershock("a", 6, revision=2, magnitude=4.8), 8)
    assert elapsed_hours(store) == pytest.approx(8)
    add(store, aftershock("a", 6, revision=3, magnitude=4.8, status="deleted"), 10)
    assert rows(store) == {}
    assert elapsed_hours(store) == pytest.approx(10), "what was withdrawn was learned too"


def test_an_event_that_moved_away_leaves_the_sequence_and_was_news(store):
    add(store, aftershock("a", 6), 6.5)
    add(store, aftershock("a", 6, revision=2, north=45), 8)
    assert rows(store) == {}
    assert elapsed_hours(store) == pytest.approx(8)


def test_nothing_learned_changes_no_byte_and_anything_learned_does(store):
    add(store, aftershock("a", 6), 6.5)
    before = [one.sha256 for one in (*keep_members(store, found(store)), keep_elapsed(store, found(store)))]
    add(store, aftershock("a", 6), 7)
    add(store, aftershock("far", 7, north=300), 8)
    assert [one.sha256 for one in (*keep_members(store, found(store)), keep_elapsed(store, found(store)))] == before
    add(store, aftershock("a", 6, revision=2, depth=20.0), 9)
    after = [one.sha256 for one in (*keep_members(store, found(store)), keep_elapsed(store, found(store)))]
    assert all(one != other for one, other in zip(before, after, strict=True))


def test_what_is_kept_is_read_back_only_as_it_was(store):
    kept = keep_elapsed(store, found(store))
    assert is_kept(kept.key) and not is_kept("raw/us/1/1-00000000")
    store.put(kept.key, b"{}")
    with pytest.raises(StoreError, match="SHA-256"):
        read_elapsed(store, kept.key, kept.sha256)


def test_without_a_magnitude_there_is_no_sequence(tmp_path):
    store = Store.open(tmp_path)
    add(store, made(magnitude=None), 0.1)
    add(store, aftershock("a", 6), 7)
    assert found(store).members == ()

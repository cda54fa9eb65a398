"""The sequence of an earthquake: who is in it, up to when it is known, and that it can be read back as it was."""

from datetime import timedelta

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.observations import events
from pipeline.observations.sequence import (
    ELAPSED,
    SILENCE,
    SPAN,
    WATCHED_FROM,
    WATCHED_UNTIL,
    is_kept,
    keep,
    members_of,
    read_members,
    read_number,
    sequence,
    times_of,
)
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


def found(store, **given):
    (mainshock, *_) = events.find(store, events.Window(T0, T0 + HOUR / 60))
    return sequence(store, mainshock, radius, **given)


def kept(store, *parts):
    for part in parts:
        keep(store, part)
    return parts


def checksums(store):
    return [one.sha256 for one in (*members_of(found(store)), times_of(found(store)))]


def rows(store):
    """Return (days, magnitude) of what is kept of the sequence, by feed."""
    read = {one.feed: read_members(store, one.key, one.sha256) for one in kept(store, *members_of(found(store)))}
    return {feed: list(zip(data.days.values.round(4), data.magnitude.values, strict=True)) for feed, data in read.items()}


def elapsed_hours(store, **given):
    return hours(store, ELAPSED, **given)


def hours(store, name, **given):
    (part,) = kept(store, times_of(found(store, **given)))
    return float(read_number(store, part.key, part.sha256, name)) * 24


def watched_hours(store, **given):
    return [hours(store, name, feeds=("us", "emsc"), **given) for name in (WATCHED_FROM, WATCHED_UNTIL)]


def told(store, number, happened, received, feed="us", **changes):
    """Tell of an event far away that happened and was received some hours after the earthquake."""
    at = {"seconds": happened * 3600, "received": T0 + received * HOUR}
    return add(store, made(feed, number, north=4000, **at, **changes), received)


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
    before = checksums(store)
    add(store, aftershock("a", 6), 7)
    add(store, aftershock("far", 7, north=300), 8)
    assert checksums(store) == before
    add(store, aftershock("a", 6, revision=2, depth=20.0), 9)
    assert all(one != other for one, other in zip(before, checksums(store), strict=True))


def test_an_event_too_small_to_count_changes_nothing_until_it_is_large_enough_and_after_it_was(store):
    add(store, aftershock("a", 6, 3.9), 6.5)
    add(store, aftershock("a", 6, 4.0, revision=2), 7)
    assert found(store, least=4.6).members == ()
    assert elapsed_hours(store, least=4.6) == pytest.approx(0.1)
    add(store, aftershock("a", 6, 4.7, revision=3), 8)
    assert len(found(store, least=4.6).members) == 1
    assert elapsed_hours(store, least=4.6) == pytest.approx(8)
    add(store, aftershock("a", 6, 4.2, revision=4), 9)
    add(store, aftershock("a", 6, 4.1, revision=5), 10)
    assert found(store, least=4.6).members == ()
    assert elapsed_hours(store, least=4.6) == pytest.approx(9), "that it no longer counts was the last news of it"


def test_an_event_without_a_magnitude_may_be_a_large_one(store):
    add(store, aftershock("a", 6, None), 6.5)
    assert elapsed_hours(store, least=4.6) == pytest.approx(6.5)


def test_who_is_not_known_to_have_watched_has_seen_nothing(store):
    add(store, aftershock("a", 6), 900)
    assert found(store, feeds=("us", "emsc")).watched is None, "back-filled, or given by hand"
    assert np.isnan(watched_hours(store)).all()
    told(store, "late", -5, 700)
    assert found(store, feeds=("us", "emsc")).watched is None, "told of long after"
    told(store, "other", -5, -4.9, feed="emsc")
    assert found(store, feeds=("us",)).watched is None, "of a feed that is not polled"


def test_who_was_told_of_events_anywhere_soon_after_them_has_watched_since(store):
    told(store, "before", -5, -4.9)
    add(store, aftershock("a", 6), 6.5)
    assert watched_hours(store) == pytest.approx([0, 6.5])
    before = times_of(found(store, feeds=("us",))).sha256
    told(store, "later", 8, 8.1)
    assert times_of(found(store, feeds=("us",))).sha256 == before, "nothing was learned of the sequence"


def test_a_watch_that_begins_late_or_falls_silent_counts_for_its_own_time(store):
    silence = SILENCE / HOUR
    told(store, "first", 1.9, 2)
    told(store, "last", 49, 50)
    add(store, aftershock("a", 40 + silence), 60 + silence)
    assert watched_hours(store) == pytest.approx([2, 50])
    told(store, "again", 9000, 9001)
    add(store, aftershock("a", 40 + silence, revision=2, magnitude=5.2), 9002)
    assert watched_hours(store) == pytest.approx([2, 50])


def test_nobody_watches_longer_than_events_are_counted(store):
    for day in range(-1, 400, 10):
        told(store, f"d{day}", day * 24, day * 24 + 1)
    add(store, aftershock("a", 6), 390 * 24)
    assert watched_hours(store) == pytest.approx([0, SPAN / HOUR])


def test_nothing_is_stored_before_it_is_kept(store):
    part = times_of(found(store))
    assert not store.exists(part.key)
    keep(store, part)
    assert store.exists(part.key)


def test_what_is_kept_is_read_back_only_as_it_was(store):
    (part,) = kept(store, times_of(found(store)))
    assert is_kept(part.key) and not is_kept("raw/us/1/1-00000000")
    store.put(part.key, b"{}")
    with pytest.raises(StoreError, match="SHA-256"):
        read_number(store, part.key, part.sha256, ELAPSED)


def test_without_a_magnitude_there_is_no_sequence(tmp_path):
    store = Store.open(tmp_path)
    add(store, made(magnitude=None), 0.1)
    add(store, aftershock("a", 6), 7)
    assert found(store).members == ()

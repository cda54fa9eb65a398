"""The note that every poll leaves: what a board can say of a feed without asking the scheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline import steps
from pipeline.config import Config
from pipeline.errors import FeedMalformed, FeedUnavailable, StoreError
from pipeline.model import Granule
from pipeline.steps import polls
from pipeline.store import Store
from tests.drills import CONFIG

NOON = datetime(2024, 1, 22, 12, tzinfo=UTC)
ONE = datetime(2024, 1, 22, 13, tzinfo=UTC)


@pytest.fixture
def work(tmp_path: Path) -> steps.Workspace:
    return steps.open_workspace(str(tmp_path), Config(CONFIG))


def _good(work: steps.Workspace, now: datetime, *granules: Granule, rejected: tuple[str, ...] = ()) -> None:
    with polls.noted(work, "usgs", now) as outcome:
        outcome.granules, outcome.rejected = granules, rejected


def _bad(work: steps.Workspace, now: datetime) -> None:
    with pytest.raises(FeedUnavailable), polls.noted(work, "usgs", now):
        raise FeedUnavailable("HTTP 503 of earthquake.usgs.gov")


def test_a_feed_that_was_never_polled_has_an_empty_note(work: steps.Workspace) -> None:
    assert polls.read(work, "usgs") == polls.Polls("usgs")


def test_a_good_poll_tells_when_and_what_it_found(work: steps.Workspace) -> None:
    _good(work, ONE, Granule("usgs", "us1", start=NOON), Granule("usgs", "us0", start=datetime(2024, 1, 20, tzinfo=UTC)))
    noted = polls.read(work, "usgs")
    assert (noted.attempt, noted.good, noted.news) == (ONE, ONE, ONE)
    assert (noted.granule, noted.data_time, noted.failures, noted.error) == ("us1", NOON, 0, None)


def test_a_poll_that_finds_nothing_new_keeps_what_was_found_before(work: steps.Workspace) -> None:
    _good(work, NOON, Granule("usgs", "us1", start=NOON))
    _good(work, ONE)
    noted = polls.read(work, "usgs")
    assert (noted.good, noted.news, noted.granule, noted.data_time) == (ONE, NOON, "us1", NOON)


def test_an_older_granule_that_comes_late_does_not_move_the_data_back(work: steps.Workspace) -> None:
    _good(work, ONE, Granule("usgs", "us1", start=ONE))
    _good(work, ONE, Granule("usgs", "us0", start=NOON))
    assert polls.read(work, "usgs").data_time == ONE


def test_failures_are_counted_until_a_poll_is_good(work: steps.Workspace) -> None:
    _bad(work, NOON)
    _bad(work, ONE)
    noted = polls.read(work, "usgs")
    assert (noted.failures, noted.attempt, noted.good) == (2, ONE, None)
    assert noted.error == "HTTP 503 of earthquake.usgs.gov"
    _good(work, ONE)
    assert (polls.read(work, "usgs").failures, polls.read(work, "usgs").error) == (0, None)


def test_parts_that_could_not_be_read_are_counted_and_named(work: steps.Workspace) -> None:
    _good(work, NOON, rejected=("us2: no magnitude", "us3: no time"))
    noted = polls.read(work, "usgs")
    assert (noted.rejected, noted.error, noted.failures) == (2, "us2: no magnitude; us3: no time", 0)


def test_an_answer_that_could_not_be_read_is_a_failure_even_where_something_was_left_to_do(work: steps.Workspace) -> None:
    with polls.noted(work, "usgs", NOON) as outcome:
        outcome.problem = FeedMalformed("HTML with status 200")
    assert polls.read(work, "usgs").failures == 1


def test_a_note_that_cannot_be_written_does_not_take_the_place_of_the_polls_own_error(
    work: steps.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Store, key: str, expected: bytes | None, data: bytes) -> bool:
        raise StoreError("disk full")

    monkeypatch.setattr(Store, "swap", broken)
    _bad(work, NOON)
    _good(work, NOON)


@pytest.mark.parametrize("broken", [b'{"feed": 7}', b"{", b"\xff"])
def test_a_note_that_cannot_be_read_says_nothing_and_is_written_anew(work: steps.Workspace, broken: bytes) -> None:
    work.store.put("polls/usgs.json", broken)
    assert polls.read(work, "usgs") == polls.Polls("usgs")
    _good(work, NOON)
    assert polls.read(work, "usgs").good == NOON

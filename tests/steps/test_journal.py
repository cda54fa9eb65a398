from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline import config, steps
from pipeline.model import Granule
from tests.drills import CONFIG

NOW = datetime(2024, 1, 22, 18, 30, tzinfo=UTC)
GRANULE = Granule(
    "usgs", "us7000lsze", revision=3, start=NOW - timedelta(minutes=20), properties={"detail": "https://example.org"}
)


@pytest.fixture
def work(tmp_path: Path) -> steps.Workspace:
    return steps.open_workspace(str(tmp_path), config.Config(CONFIG))


def test_what_was_begun_is_left_until_it_is_ended(work: steps.Workspace) -> None:
    steps.begin(work, [GRANULE], NOW)
    assert steps.left(work, "usgs", NOW) == [GRANULE]
    steps.end(work, [GRANULE])
    assert steps.left(work, "usgs", NOW) == []


def test_a_note_of_a_later_moment_waits_for_it(work: steps.Workspace) -> None:
    steps.begin(work, [GRANULE], NOW)
    assert steps.left(work, "usgs", NOW - timedelta(seconds=1)) == []


def test_the_first_note_stays(work: steps.Workspace) -> None:
    steps.begin(work, [GRANULE], NOW)
    steps.begin(work, [GRANULE], NOW + timedelta(hours=1))
    assert steps.left(work, "usgs", NOW) == [GRANULE]


def test_feeds_do_not_see_one_another_s_notes(work: steps.Workspace) -> None:
    steps.begin(work, [GRANULE], NOW)
    assert steps.left(work, "usgs_fdsn", NOW) == []


def test_ending_twice_is_no_error(work: steps.Workspace) -> None:
    steps.end(work, [GRANULE])


def test_a_poll_looks_back_as_far_as_the_feed_says(work: steps.Workspace) -> None:
    window = steps.since(work, "usgs", NOW)
    assert (window.end, window.end - window.start) == (NOW, timedelta(hours=24))


def test_after_a_gap_a_poll_looks_back_to_where_the_feed_had_come_but_not_for_ever(work: steps.Workspace) -> None:
    for days, expected in ((0.5, 1), (9, 9), (400, 31)):
        start = NOW - timedelta(days=days)
        work.store.put("reached/usgs.json", f'{{"start": "{start.isoformat()}"}}'.encode())
        assert NOW - steps.since(work, "usgs", NOW).start == timedelta(days=expected)

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import KeyMissing, StoreError
from pipeline.model import Granule, ObservationRef, Window
from pipeline.observations.archive import Archive
from pipeline.store import Store, sha256

NOW = datetime(2024, 1, 31, 23, 50, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(Store.open(tmp_path))


def granule(id: str = "a", revision: int = 0, start: datetime | None = NOW, hours: float = 0) -> Granule:
    return Granule("feed", id, revision, start=start, end=start and start + timedelta(hours=hours))


def kept(archive: Archive, what: Granule, data: bytes = b"raw", received: datetime = NOW) -> ObservationRef:
    return archive.record(ObservationRef(what, archive.keep(what, data, received), ("x",)))


def test_raw_bytes_come_back_as_they_came(archive: Archive) -> None:
    ref = kept(archive, granule(), b"\0\xff")
    assert archive.read(ref) == b"\0\xff"
    assert (ref.payload.sha256, ref.payload.size) == (sha256(b"\0\xff"), 2)


def test_other_bytes_of_the_same_size_are_noticed(archive: Archive) -> None:
    ref = kept(archive, granule(), b"raw")
    archive.store.put(ref.payload.key, b"rat")
    with pytest.raises(StoreError, match="SHA-256"):
        archive.read(ref)


def test_a_redelivery_keeps_the_first_record_and_time(archive: Archive) -> None:
    first = kept(archive, granule())
    again = kept(archive, granule(), received=NOW + timedelta(hours=1))
    assert again == first
    assert len(list(archive.store.list("observations"))) == len(list(archive.store.list("raw"))) == 1


def test_bytes_without_a_record_are_not_known(archive: Archive) -> None:
    archive.keep(granule(), b"raw", NOW)
    assert archive.known(granule()) is None
    assert archive.find("feed", Window(NOW - timedelta(days=1), NOW + timedelta(days=1))) == []


def test_only_this_very_revision_is_known(archive: Archive) -> None:
    kept(archive, granule(revision=1))
    assert archive.known(granule(revision=1)) is not None
    assert archive.known(granule(revision=11)) is None
    assert archive.known(granule(revision=0)) is None


def test_of_other_bytes_under_one_revision_the_newest_received_counts(archive: Archive) -> None:
    kept(archive, granule(), b"one")
    newer = kept(archive, granule(), b"two", NOW + timedelta(minutes=1))
    assert archive.known(granule()) == newer
    assert archive.newest("feed", "a", NOW) == newer


def test_the_newest_revision_of_each_granule_is_found_oldest_first(archive: Archive) -> None:
    for id, revision, hours in (("b", 2, 1), ("b", 1, 1), ("a", 5, 0)):
        kept(archive, granule(id, revision, NOW + timedelta(hours=hours)))
    found = archive.find("feed", Window(NOW, NOW + timedelta(hours=2)))
    assert [(ref.granule.id, ref.granule.revision) for ref in found] == [("a", 5), ("b", 2)]


def test_a_granule_that_began_last_month_reaches_into_a_window(archive: Archive) -> None:
    kept(archive, granule(hours=48))
    assert archive.find("feed", Window(NOW + timedelta(days=1), NOW + timedelta(days=3)))
    assert not archive.find("feed", Window(NOW + timedelta(days=3), NOW + timedelta(days=4)))


def test_windows_are_half_open(archive: Archive) -> None:
    kept(archive, granule())
    assert not archive.find("feed", Window(NOW - timedelta(hours=1), NOW))
    assert archive.find("feed", Window(NOW, NOW + timedelta(seconds=1)))


def test_granules_about_no_moment_are_found_without_a_window(archive: Archive) -> None:
    ref = kept(archive, granule("hand", start=None))
    assert archive.find("feed") == [ref]
    assert archive.newest("feed", "hand", None) == ref


def test_the_record_of_raw_bytes_is_found_by_their_key(archive: Archive) -> None:
    ref = kept(archive, granule("an id/with:signs"))
    assert archive.origin("feed", ref.payload.key, NOW) == ref
    with pytest.raises(KeyMissing):
        archive.origin("feed", ref.payload.key.replace("-", "-0"), NOW)


def test_a_feed_comes_as_far_as_its_newest_granule_and_never_goes_back(archive: Archive) -> None:
    assert archive.reached("feed") is None
    for hours in (0, 3, 1):
        kept(archive, granule(str(hours), start=NOW + timedelta(hours=hours)))
    kept(archive, granule("map", start=None))
    assert archive.reached("feed") == NOW + timedelta(hours=3)
    assert archive.reached("another") is None


def test_writers_at_once_leave_the_farthest(archive: Archive) -> None:
    threads = [
        threading.Thread(target=kept, args=(archive, granule(str(n), start=NOW + timedelta(hours=n)))) for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert archive.reached("feed") == NOW + timedelta(hours=11)


def test_quarantined_bytes_lie_beside_their_reason(archive: Archive) -> None:
    key = archive.quarantine("feed", "../../etc/passwd", b"<html>", "an HTML page", NOW)
    assert key.startswith("quarantine/feed/")
    assert ".." not in key
    assert archive.store.get(key) == b"<html>"
    assert archive.store.get_json(f"{key}.json")["reason"] == "an HTML page"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)), st.timedeltas(timedelta(seconds=1), timedelta(days=70)))
def test_what_starts_in_a_window_is_found_whatever_the_months(
    tmp_path_factory: pytest.TempPathFactory, start: datetime, length: timedelta
) -> None:
    archive = Archive(Store.open(tmp_path_factory.mktemp("archive")))
    start = start.replace(tzinfo=UTC)
    ref = kept(archive, granule(start=start))
    assert archive.find("feed", Window(start - length, start + timedelta(seconds=1))) == [ref]
    assert archive.find("feed", Window(start, start + length)) == [ref]
    assert archive.find("feed", Window(start - length, start)) == []

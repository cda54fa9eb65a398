"""Association: one event out of many agencies' solutions, whatever the order, under any number of writers."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, KeyMissing, StoreError
from pipeline.feeds.origins import Origin, Report, to_dataset, to_granule
from pipeline.model import ObservationRef, Payload, Window, subject_from_key
from pipeline.observations import events
from pipeline.observations.association import KILOMETRES, SECONDS, partition
from pipeline.observations.events import EventTable, associate, update
from pipeline.observations.solution import Solution, kilometres_between, solution
from pipeline.store import Store

ORDER = ("us", "emsc", "gfz")
T0 = datetime(2024, 1, 22, 18, 9, 4, tzinfo=UTC)
NOW = datetime(2024, 1, 22, 18, 20, tzinfo=UTC)


def made(agency: str = "us", number: str = "7000lsze", revision: int = 1, **changes: object) -> Solution:
    """Return a solution of the Uqturpan earthquake with some fields changed; `seconds` and `north` move it."""
    seconds, north = float(changes.pop("seconds", 0)), float(changes.pop("north", 0))  # type: ignore[arg-type]
    base = Solution(
        agency=agency,
        event_id=f"{agency}{number}",
        revision=revision,
        time=T0 + timedelta(seconds=seconds),
        latitude=41.26 + north / 111.2,
        longitude=78.66,
        depth=13.0,
        magnitude=7.0,
        magnitude_type="mww",
        status="automatic",
        aliases=(f"{agency}{number}",),
        feed=agency,
        payload_key=f"raw/{agency}/{number}/{revision}",
        payload_sha256=f"{agency}{number}{revision}",
        received=T0 + timedelta(minutes=revision),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def delivered(*solutions: Solution, table: EventTable | None = None) -> EventTable:
    table = table or EventTable()
    for each in solutions:
        table, _, _ = associate(each, table, order=ORDER, now=NOW)
    return table


def outcome(table: EventTable) -> set[tuple[object, ...]]:
    """Return what must not depend on the order of delivery: who is together, who is preferred, what stands."""
    return {
        (frozenset(s.key for s in r.solutions), r.preferred, r.aliases, r.withdrawn)
        for r in table.records.values()
        if r.solutions
    }


def only(table: EventTable) -> events.EventRecord:
    (record,) = table.records.values()
    return record


def test_two_agencies_in_the_window_make_one_event_and_the_first_trusted_is_preferred() -> None:
    record = only(delivered(made("gfz", "2024a", magnitude=6.9), made("us", seconds=3, north=20)))
    assert record.preferred.agency == "us"
    assert {s.agency for s in record.solutions} == {"us", "gfz"}
    assert record.revision == 2


@pytest.mark.parametrize(("seconds", "north"), [(SECONDS + 0.1, 0), (0, KILOMETRES + 1)])
def test_beyond_the_window_there_are_two_events(seconds: float, north: float) -> None:
    assert len(delivered(made(), made("emsc", "1", seconds=seconds, north=north)).records) == 2


def test_the_window_holds_across_the_antimeridian() -> None:
    record = only(delivered(made(longitude=179.9), made("emsc", "1", longitude=-179.9)))
    assert kilometres_between(*record.solutions) == pytest.approx(16.7, abs=0.3)


def test_a_shared_alias_associates_however_far_apart() -> None:
    far = made("at", "x", seconds=40, north=300, aliases=("atx", "us7000lsze"))
    assert len(delivered(made(), far).records) == 1


def test_two_ids_of_one_agency_never_share_an_event() -> None:
    table = delivered(made(), made("emsc", "1", seconds=1), made("us", "aftershock", seconds=5))
    assert {frozenset(s.key for s in r.solutions) for r in table.records.values()} == {
        frozenset({"us7000lsze", "emsc1"}),
        frozenset({"usaftershock"}),
    }


def test_a_newer_revision_supersedes_and_an_older_one_arriving_late_changes_nothing() -> None:
    table = delivered(made(revision=2, magnitude=7.0))
    after, record, changed = associate(made(revision=1, magnitude=6.8), table, order=ORDER, now=NOW)
    assert after is table
    assert not changed
    assert record.preferred.magnitude == 7.0


def test_the_same_solution_again_is_the_same_table() -> None:
    table = delivered(made(), made("emsc", "1"))
    for again in (made(), made("emsc", "1"), made(received=NOW + timedelta(days=1), revision=0)):
        assert associate(again, table, order=ORDER, now=NOW + timedelta(hours=1))[0] is table


def test_our_revision_rises_only_with_what_products_depend_on() -> None:
    table = delivered(made(), made(revision=2, place="elsewhere", status="reviewed"))
    assert only(table).revision == 1
    assert only(table).preferred.revision == 2
    assert only(table).basis.revision == 1
    assert only(delivered(made(revision=3, magnitude=6.9), table=table)).revision == 2


def test_magnitude_up_and_down_again_makes_three_revisions_of_one_event() -> None:
    record = only(delivered(made(magnitude=5.8), made(revision=2, magnitude=6.6), made(revision=3, magnitude=5.8)))
    assert (record.revision, [step.solution.magnitude for step in record.history]) == (3, [5.8, 6.6, 5.8])


def test_a_deleted_event_is_withdrawn_and_a_later_revision_restores_it() -> None:
    table = delivered(made(), made(revision=2, status="deleted"))
    assert only(table).withdrawn
    assert only(table).revision == 2
    restored = only(delivered(made(revision=3), table=table))
    assert (restored.withdrawn, restored.revision, restored.id) == (False, 3, only(table).id)


def test_a_deletion_at_the_same_revision_counts_as_newer() -> None:
    for pair in permutations([made(), made(status="deleted", payload_sha256="0")]):
        assert only(delivered(*pair)).withdrawn


def test_when_the_preferred_agency_deletes_the_others_take_over() -> None:
    record = only(delivered(made(), made("emsc", "1", magnitude=6.7), made(revision=2, status="deleted")))
    assert (record.withdrawn, record.preferred.agency, record.preferred.magnitude) == (False, "emsc", 6.7)


def test_a_deleted_solution_holds_no_place_a_live_one_could_take() -> None:
    gone, near, live = made("us", "false", status="deleted"), made("emsc", "1", seconds=1), made("us", "true", seconds=8)
    for arrived in permutations([gone, near, live]):
        table = delivered(*arrived)
        assert table.holder("emsc1") == table.holder("ustrue")
        withdrawn = table.holder("usfalse")
        assert withdrawn is not None
        assert withdrawn.withdrawn


def test_a_changed_preferred_id_goes_on_as_the_same_event() -> None:
    renamed = made("ci", "99", revision=2, aliases=("ci99", "us7000lsze"), magnitude=6.9)
    table = delivered(made(), renamed)
    assert only(table).preferred.key == "ci99"
    assert only(table).id == only(delivered(made())).id
    gone = made("ci", "99", revision=3, aliases=("ci99", "us7000lsze"), status="deleted")
    assert only(delivered(gone, table=table)).withdrawn


def test_two_events_that_turn_out_one_keep_the_older_id_and_withdraw_the_other() -> None:
    table = delivered(made(), made("gfz", "2024a", north=150))
    older, younger = sorted(table.records.values(), key=lambda r: (r.created, r.id))
    merged = delivered(made("at", "x", revision=5, aliases=("atx", "us7000lsze", "gfz2024a")), table=table)
    assert merged.records[older.id].withdrawn is False
    assert merged.records[older.id].relatives == (younger.id,)
    assert merged.records[younger.id].withdrawn
    assert merged.records[younger.id].successor == older.id
    assert merged.records[younger.id].revision == younger.revision + 1


def test_a_solution_that_moved_goes_to_the_event_it_belongs_to_now() -> None:
    table = delivered(made(), made("us", "aftershock", seconds=60), made("emsc", "1", seconds=2))
    moved = delivered(made("emsc", "1", revision=2, seconds=59), table=table)
    assert moved.holder("emsc1") is not None
    assert moved.holder("emsc1") == moved.holder("usaftershock")
    assert {frozenset(s.key for s in r.solutions) for r in moved.records.values()} == {
        frozenset({"us7000lsze"}),
        frozenset({"usaftershock", "emsc1"}),
    }
    assert set(moved.records) == set(table.records)
    assert not any(record.withdrawn for record in moved.records.values())


def test_a_solution_without_magnitude_gives_way_to_one_that_has_it() -> None:
    record = only(delivered(made(magnitude=None), made("gfz", "2024a", magnitude=6.8)))
    assert record.preferred.agency == "gfz"


def test_without_times_of_update_the_solution_received_last_counts() -> None:
    first = made("gfz", "2024a", revision=0, magnitude=6.5, received=T0, payload_sha256="a")
    second = replace(first, magnitude=6.6, received=T0 + timedelta(minutes=1), payload_sha256="b")
    assert {only(delivered(*pair)).preferred.magnitude for pair in permutations([first, second])} == {6.6}


def test_a_swarm_does_not_chain_into_one_event() -> None:
    agencies = ("us", "emsc", "gfz")
    table = delivered(*[made(agency, "s", seconds=12 * place) for place, agency in enumerate(agencies)])
    assert sorted(len(r.solutions) for r in table.records.values()) == [1, 2]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Solution]:
    count = draw(st.integers(1, 7))
    found: dict[tuple[str, int], Solution] = {}
    for place in range(count):
        agency = draw(st.sampled_from(["us", "emsc", "gfz", "ci"]))
        number = draw(st.sampled_from(["1", "2"]))
        revision = draw(st.integers(0, 2))
        link = draw(st.sampled_from([(), ("us1",), ("ci1",), ("us1", "ci2")]))
        found[agency + number, revision] = made(
            agency,
            number,
            revision,
            seconds=draw(st.sampled_from([0, 4, 12, 20, 30])),
            north=draw(st.sampled_from([0, 60, 110])),
            magnitude=draw(st.sampled_from([None, 5.8, 6.6])),
            status=draw(st.sampled_from(["automatic", "reviewed", "deleted"])),
            aliases=tuple(dict.fromkeys((agency + number, *link))),
            received=T0 + timedelta(seconds=place),
        )
    return list(found.values())


@settings(max_examples=150, deadline=None)
@given(deliveries(), st.randoms(use_true_random=False))
def test_any_order_of_delivery_ends_alike_and_redelivery_changes_nothing(solutions: list[Solution], random: object) -> None:
    shuffled = list(solutions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    table = delivered(*solutions)
    assert outcome(delivered(*shuffled)) == outcome(table)
    assert outcome(delivered(*shuffled)) == {
        (frozenset(s.key for s in cluster), cluster[0], *_state(table, cluster[0].key))
        for cluster in partition(solutions, ORDER)
    }
    for again in shuffled:
        assert associate(again, table, order=ORDER, now=NOW + timedelta(days=1))[0] is table


def _state(table: EventTable, key: str) -> tuple[object, ...]:
    record = table.holder(key)
    assert record is not None
    return record.aliases, record.withdrawn


@settings(max_examples=60, deadline=None)
@given(deliveries())
def test_ids_never_change_and_revisions_never_fall(solutions: list[Solution]) -> None:
    table = EventTable()
    for each in solutions:
        after, _, _ = associate(each, table, order=ORDER, now=NOW)
        for id, record in table.records.items():
            assert after.records[id].revision >= record.revision
            assert after.records[id].history[: len(record.history)] == record.history
        keys = [s.key for r in after.records.values() for s in r.solutions]
        assert len(keys) == len(set(keys))
        assert all(len({s.agency for s in r.solutions}) == len(r.solutions) or _linked(r) for r in after.records.values())
        table = after


def _linked(record: events.EventRecord) -> bool:
    return any(len(s.aliases) > 1 for s in record.solutions)


def test_the_store_holds_one_object_a_month_and_reads_it_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    record, changed = update(store, made(), order=ORDER, now=NOW)
    assert changed
    assert list(store.list("events")) == ["events/2024-01.json"]
    assert events.read(store, record.id) == record
    assert update(store, made(), order=ORDER, now=NOW) == (record, False)
    assert record.id.startswith("eq20240122180904")
    assert events.find(store, Window(T0, T0 + timedelta(hours=1))) == [record]
    with pytest.raises(KeyMissing):
        events.read(store, "eq20240122180904ffff")


def test_an_object_that_is_no_table_is_an_error_of_the_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.put("events/2024-01.json", b'{"eq20240122180904abcd": {}}')
    with pytest.raises(StoreError, match="eq20240122180904abcd"):
        update(store, made(), order=ORDER, now=NOW)


def test_across_a_month_s_end_there_is_one_event(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    end = datetime(2024, 1, 31, 23, 59, 58, tzinfo=UTC)
    first, _ = update(store, made(time=end), order=ORDER, now=NOW)
    second, _ = update(store, made("emsc", "1", time=end + timedelta(seconds=5)), order=ORDER, now=NOW)
    assert first.id == second.id
    moved, _ = update(store, made(time=end + timedelta(seconds=4), revision=2), order=ORDER, now=NOW)
    assert moved.id == first.id
    assert list(store.list("events")) == ["events/2024-01.json"]


def test_a_write_cut_short_between_two_months_is_mended_by_the_next_update(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    end = datetime(2024, 1, 31, 23, 59, 58, tzinfo=UTC)
    update(store, made("emsc", "1", time=end, latitude=43.0), order=ORDER, now=NOW)
    update(store, made(time=end + timedelta(seconds=5)), order=ORDER, now=NOW)
    before = store.get("events/2024-02.json")
    update(store, made("emsc", "1", 2, time=end), order=ORDER, now=NOW)
    store.put("events/2024-02.json", before)
    record, _ = update(store, made("emsc", "1", 2, time=end), order=ORDER, now=NOW)
    table = {r.id: r for r in events.find(store, Window(end - timedelta(days=1), end + timedelta(days=1)))}
    assert [r.id for r in table.values() if not r.withdrawn] == [record.id]
    assert {s.key for s in record.solutions} == {"us7000lsze", "emsc1"}


class Racing:
    """A store in which another writer gets between reading and writing, once."""

    def __init__(self, store: Store, intruder: Solution) -> None:
        self.store, self.intruder = store, [intruder]
        self.get = store.get

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        if self.intruder:
            update(self.store, self.intruder.pop(), order=ORDER, now=NOW)
        return self.store.swap(key, expected, data)


@pytest.mark.parametrize("first", ["us", "emsc"])
def test_two_writers_on_either_side_of_a_month_s_end_merge_what_they_both_made(tmp_path: Path, first: str) -> None:
    store = Store.open(tmp_path)
    end = datetime(2024, 1, 31, 23, 59, 58, tzinfo=UTC)
    pair = {"us": made(time=end), "emsc": made("emsc", "1", time=end + timedelta(seconds=5))}
    intruder = pair.pop(first)
    record, _ = update(Racing(store, intruder), *pair.values(), order=ORDER, now=NOW)  # type: ignore[arg-type]
    found = events.find(store, Window(end - timedelta(days=1), end + timedelta(days=1)))
    assert [r.id for r in found if not r.withdrawn] == [record.id]
    assert {s.key for s in record.solutions} == {"us7000lsze", "emsc1"}
    assert [r.successor for r in found if r.withdrawn] == [record.id]


def test_a_writer_that_lost_the_race_sees_what_the_other_wrote(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    record, _ = update(Racing(store, made()), made("emsc", "1"), order=ORDER, now=NOW)  # type: ignore[arg-type]
    assert {s.key for s in record.solutions} == {"us7000lsze", "emsc1"}
    assert len(events.find(store, Window(T0 - timedelta(days=1), T0 + timedelta(days=1)))) == 1


def _deliver(root: str, solutions: list[Solution]) -> None:
    store = Store.open(root)
    for each in solutions:
        update(store, each, order=ORDER, now=NOW)


def _storm(offset: float) -> list[list[Solution]]:
    """Return four writers' work: each agency reports the same six earthquakes, two hours apart, twice."""
    return [
        [made(agency, f"{n}", revision, seconds=offset + 7200 * n + lag) for revision in (1, 2) for n in range(6)]
        for lag, agency in enumerate(("us", "emsc", "gfz", "isc"))
    ]


@pytest.mark.parametrize("offset", [0, (datetime(2024, 1, 31, 23, 59, 58, tzinfo=UTC) - T0).total_seconds() - 4 * 7200])
def test_threads_writing_at_once_make_one_event_each_and_lose_nothing(tmp_path: Path, offset: float) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda work: _deliver(str(tmp_path), work), _storm(offset)))
    _six_events_of_four(tmp_path, offset)


def test_processes_writing_at_once_make_one_event_each_and_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_deliver, [str(tmp_path)] * 4, _storm(0)))
    _six_events_of_four(tmp_path, 0)


def _six_events_of_four(root: Path, offset: float) -> None:
    start = T0 + timedelta(seconds=offset)
    found = events.find(Store.open(root), Window(start - timedelta(days=1), start + timedelta(days=1)))
    standing = [record for record in found if not record.withdrawn]
    assert len(standing) == 6
    assert all(sorted(s.agency for s in r.solutions) == ["emsc", "gfz", "isc", "us"] for r in standing)
    assert all(s.revision == 2 for r in standing for s in r.solutions)
    assert all(r.preferred.agency == "us" for r in standing)


def _observation(**changes: object) -> tuple[Report, ObservationRef]:
    rows = (
        Origin(T0, 41.26, 78.66, None, 7.0, "mww", "us", "us7000lsze", T0, "Aykol"),
        Origin(T0, 41.2, 78.6, 10.0, None, "", "pt", "pt24022000"),
    )
    report = replace(Report(rows, ("us7000lsze", "pt24022000"), "reviewed", revision=1_710_103_594_729), **changes)
    payload = Payload("raw/usgs/us7000lsze/1", "ab" * 32, 10, received=NOW)
    return report, ObservationRef(to_granule(report, "usgs"), payload)


def test_a_solution_is_the_first_origin_and_carries_the_others() -> None:
    report, ref = _observation()
    found = solution(to_dataset(report), ref)
    assert (found.agency, found.revision, found.depth, found.magnitude, found.time) == ("us", 1_710_103_594_729, None, 7.0, T0)
    assert [c.agency for c in found.contributed] == ["pt"]
    assert found.received == NOW


def test_a_dataset_of_another_kind_is_refused() -> None:
    report, ref = _observation()
    with pytest.raises(InputError, match="magnitude"):
        solution(to_dataset(report).drop_vars("magnitude"), ref)


def test_scalars_are_zero_dimensional_with_units_and_nan_for_unknown(tmp_path: Path) -> None:
    report, ref = _observation()
    record, _ = update(Store.open(tmp_path), solution(to_dataset(report), ref), order=ORDER, now=NOW)
    dataset = events.scalars(record)
    assert {name: array.ndim for name, array in dataset.items()} == dict.fromkeys(dataset.data_vars, 0)
    assert (dataset.depth.attrs["units"], dataset.magnitude.attrs["units"]) == ("km", "1")
    assert np.isnan(dataset.depth)
    assert dataset.attrs["ids"] == ["pt24022000", "us7000lsze"]


def test_the_subject_s_key_reads_back() -> None:
    record = only(delivered(made(time=T0 + timedelta(milliseconds=418))))
    subject = events.event(record)
    found = subject_from_key(subject.key)
    assert (found.series, found.start) == (subject.series, subject.start)


def test_an_event_is_named_by_every_agency_and_by_none_other(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    record, _ = update(store, made(), order=ORDER, now=NOW)
    update(store, made("emsc", "301", seconds=2), order=ORDER, now=NOW)
    for name in ("us7000lsze", "emsc301"):
        found = events.named(store, name)
        assert found is not None
        assert found.id == record.id
    assert events.named(store, "us7000lsz") is None


def test_of_two_events_of_one_name_the_one_that_stands_is_meant(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    shared = ("gone", "both")
    update(store, made("us", "1", aliases=shared), order=ORDER, now=NOW)
    update(store, made("us", "1", revision=2, status="deleted", aliases=shared), order=ORDER, now=NOW)
    later, _ = update(store, made("gfz", "2", seconds=-3600, aliases=("both",)), order=ORDER, now=NOW)
    found = events.named(store, "both")
    assert found is not None
    assert found.id == later.id


def test_a_name_without_any_table_of_events_is_unknown(tmp_path: Path) -> None:
    assert events.named(Store.open(tmp_path), "us7000lsze") is None

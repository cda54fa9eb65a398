import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipeline.alerts import cap, ledger
from pipeline.alerts.issue import cancel, warn
from pipeline.errors import AlertError
from pipeline.store import Store
from tests.alerts.samples import NOW, Killed, MortalStore, area, assessment, context, public


def messages_of(store):
    """All messages, oldest first."""
    found = [cap.parse(data) for key, data in public(store).items() if "/2024/" in key]
    return sorted(found, key=lambda message: message.sent)


def later(hours, **changes):
    return context(now=NOW + timedelta(hours=hours), data_time=NOW + timedelta(hours=hours - 1), **changes)


def test_a_warning_is_a_file_a_feed_entry_and_a_ref(store):
    (ref,) = warn(store, assessment(area()), context())
    assert (ref.msg_type, ref.status, ref.new) == ("Alert", "Test", True)
    assert ref.key == f"alerts/2024/{ref.identifier}.xml"
    assert set(public(store)) == {ref.key, "alerts/atom.xml", "alerts/archive/2024-04.xml"}
    message = cap.parse(store.get(ref.key))
    assert [info.language for info in message.infos] == ["kk", "ru", "en"]
    assert message.infos[1].areas[0].description == "Район west"
    assert ("translation-reviewed", "no") in message.infos[0].parameters
    assert message.infos[2].event_codes == (("OET:v1.2", "OET-081"),)


def test_the_same_assessment_again_is_the_same_message(store):
    first = warn(store, assessment(area()), context())
    files = public(store)
    again = warn(store, assessment(area()), context(now=NOW + timedelta(hours=1)))
    assert [(ref.identifier, ref.sent, ref.new) for ref in again] == [(first[0].identifier, first[0].sent, False)]
    assert public(store) == files


def test_nothing_is_said_below_the_threshold(store):
    assert warn(store, assessment(area(level=None)), context()) == []
    assert public(store) == {}


def test_an_update_refers_to_every_message_it_supersedes(store):
    warn(store, assessment(area(level="moderate")), context())
    warn(store, assessment(area()), later(2, subject="scene-2", product="item-2"))
    warn(store, assessment(area(level="extreme")), later(4, subject="scene-3", product="item-3"))
    first, second, third = messages_of(store)
    assert [message.msg_type for message in (first, second, third)] == ["Alert", "Update", "Update"]
    assert third.references == tuple((one.sender, one.identifier, one.sent) for one in (first, second))


def test_a_hazard_that_is_over_is_cleared_in_the_languages_that_were_warned(store):
    warn(store, assessment(area(languages=("zh",))), context())
    (ref,) = warn(store, assessment(area(level=None)), later(8, subject="scene-2", product="item-2"))
    message = cap.parse(store.get(ref.key))
    assert message.msg_type == "Update"
    assert {info.response_types for info in message.infos} == {("AllClear",)}
    assert {info.urgency for info in message.infos} == {"Past"}
    assert [info.language for info in message.infos] == ["en", "zh"]
    assert message.infos[1].areas[0].description == "西区"


def test_a_withdrawn_event_gives_one_cancel(store):
    warn(store, assessment(area()), context())
    (ref,) = cancel(store, later(1, revision=1))
    again = cancel(store, later(2, revision=1))
    assert ref.msg_type == "Cancel"
    assert [message.msg_type for message in messages_of(store)] == ["Alert", "Cancel"]
    assert [found.identifier for found in again] in ([ref.identifier], [])
    assert warn(store, assessment(area()), later(2)) == []


def test_a_withdrawal_of_what_was_never_warned_says_nothing(store):
    assert cancel(store, context()) == []
    assert public(store) == {}


def test_sent_goes_forward_when_the_clock_goes_back(store):
    (first,) = warn(store, assessment(area(level="moderate")), context())
    back = context(revision=1, product="item-1b", now=NOW - timedelta(minutes=10))
    (second,) = warn(store, assessment(area()), back)
    assert second.sent == first.sent + timedelta(seconds=1)


def test_a_drill_names_itself_and_never_touches_a_chain_in_earnest(store):
    warn(store, assessment(area()), context())
    (ref,) = warn(store, assessment(area()), context(status="Exercise", drill="zhaiyk-2024"))
    message = cap.parse(store.get(ref.key))
    assert (message.status, message.msg_type, message.note) == ("Exercise", "Alert", "Exercise: zhaiyk-2024")
    assert all(info.headline.startswith(word) for info, word in zip(message.infos, ("ОҚУ", "УЧЕНИЯ", "EXERCISE"), strict=True))


def test_a_drill_without_a_name_is_refused(store):
    with pytest.raises(AlertError, match="name of the drill"):
        warn(store, assessment(area()), context(status="Exercise"))
    assert public(store) == {}


def test_all_eight_languages_say_an_earthquake(store, schema):
    facts = {"magnitude": 7.0, "depth": 13.0, "latitude": 41.26, "longitude": 78.66}
    languages = ("kk", "ru", "en", "ky", "uz", "tg", "tk", "zh")
    given = context(words="earthquake", category="Geo", event_code="OET-068", languages=languages, facts=facts)
    (ref,) = warn(store, assessment(area(languages=languages)), given)
    data = store.get(ref.key)
    schema.assertValid(etree.fromstring(data))
    texts = {info.language: info for info in cap.parse(data).infos}
    assert set(texts) == set(languages)
    assert "41,26° с. ш., 78,66° в. д." in texts["ru"].description
    assert "Depth 13 km." in texts["en"].description
    assert "VIII" in texts["zh"].description
    assert "120\u00a0000" in texts["en"].description


def test_a_headline_without_its_fact_is_refused(store):
    with pytest.raises(AlertError, match="unknown fact"):
        warn(store, assessment(area()), context(words="earthquake"))


def test_a_public_address_gives_links(store):
    given = context(base_url="https://hazmon.example/", product_url="https://hazmon.example/catalog/item.json")
    (ref,) = warn(store, assessment(area()), given)
    assert cap.parse(store.get(ref.key)).infos[0].resources[0].uri == given.product_url
    assert f'href="https://hazmon.example/{ref.key}"'.encode() in store.get("alerts/atom.xml")


def story(store):
    """Four calls that give an Alert, an Update, an all-clear and a second Alert."""
    warn(store, assessment(area(level="moderate")), context())
    warn(store, assessment(area(), area("east")), later(2, subject="scene-2", product="item-2"))
    warn(store, assessment(area(level=None), area("east", None)), later(8, subject="scene-3", product="item-3"))
    warn(store, assessment(area()), later(30, subject="scene-4", product="item-4"))


def test_a_kill_at_any_write_leaves_nothing_half_made_and_a_rerun_ends_with_the_same_bytes(tmp_path):
    whole = Store.open(tmp_path / "whole")
    story(whole)
    expected = public(whole)
    for changes in range(40):
        store = Store.open(tmp_path / str(changes))
        try:
            story(MortalStore(store, changes))
        except Killed:
            for key, data in public(store).items():
                assert key.endswith(("atom.xml", "2024-04.xml")) or data == expected[key]
            story(store)
            assert public(store) == expected
        else:
            break
    else:
        pytest.fail("the story takes more writes than were tried")


def test_a_retry_after_the_row_was_written_sends_the_rows_bytes_whatever_the_time(store):
    with pytest.raises(Killed):
        warn(MortalStore(store, 1), assessment(area()), context())
    _, incident = ledger.read(store, "Test", "flood_extent", "scene:sentinel1")
    assert public(store) == {}
    (ref,) = warn(store, assessment(area()), context(now=NOW + timedelta(minutes=7)))
    assert store.get(ref.key).decode() == incident.rows[0].cap
    assert (ref.sent, ref.new) == (NOW, True)


def test_many_at_once_send_one_message(tmp_path):
    barrier = threading.Barrier(4)

    def one_of_many(number):
        own = Store.open(tmp_path)
        barrier.wait()
        return warn(own, assessment(area()), context(now=NOW + timedelta(seconds=number)))

    with ThreadPoolExecutor(4) as pool:
        found = [refs[0] for refs in pool.map(one_of_many, range(4))]
    assert len(messages_of(Store.open(tmp_path))) == 1
    assert len({ref.identifier for ref in found}) == 1
    assert sum(ref.new for ref in found) == 1


def test_a_foreign_file_under_the_messages_name_is_an_error(store):
    (ref,) = warn(store, assessment(area()), context())
    store.put(ref.key, b"<alert/>")
    with pytest.raises(AlertError, match="holds other bytes"):
        warn(store, assessment(area()), context())


levels = st.sampled_from([None, "minor", "moderate", "severe", "extreme"])
judged = st.builds(
    lambda id, level, held, observed, size: area(
        id, level if observed else None, held=held if observed else None, observed=observed, size=size
    ),
    st.sampled_from(["west", "east"]),
    levels,
    levels,
    st.sampled_from([True, True, True, False]),
    st.sampled_from([1.0, 1.1, 2.0]),
)
actions = st.fixed_dictionaries(
    {
        "withdraw": st.sampled_from([False] * 5 + [True]),
        "areas": st.lists(judged, min_size=1, max_size=2, unique_by=lambda found: found.id),
        "subject": st.sampled_from(["s1", "s2", "s3"]),
        "revision": st.integers(0, 2),
        "hours": st.integers(-1, 12),
        "age": st.sampled_from([0, 1, 5, 30, 60]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(actions, max_size=12))
def test_any_story_gives_consistent_chains(tmp_path_factory, script):
    store, now = Store.open(tmp_path_factory.mktemp("story")), NOW
    for step in script:
        now += timedelta(hours=step["hours"])
        given = context(
            subject=step["subject"],
            revision=step["revision"],
            product=f"{step['subject']}-{step['revision']}",
            now=now,
            data_time=now - timedelta(hours=step["age"]),
        )
        before = len(public(store))
        refs = cancel(store, given) if step["withdraw"] else warn(store, assessment(*step["areas"]), given)
        if step["age"] > 48 and not step["withdraw"]:
            assert not any(ref.new for ref in refs)
            assert len(public(store)) == before
        assert len(refs) <= 1
    _check_chains(messages_of(store))


def _check_chains(messages):
    """Every chain begins with an Alert, refers to all before it, and ends at most once."""
    chain = []
    for message in messages:
        cap.check(message)
        if message.msg_type == "Alert":
            assert not chain
        else:
            assert chain
            assert message.references == tuple((one.sender, one.identifier, one.sent) for one in chain)
        over = message.msg_type == "Cancel" or "AllClear" in message.infos[0].response_types
        chain = [] if over else [*chain, message]
    identifiers = [message.identifier for message in messages]
    assert len(set(identifiers)) == len(identifiers)


@settings(max_examples=15, deadline=None)
@given(st.lists(actions, max_size=6))
def test_every_message_of_any_story_is_valid_against_the_schema(schema, tmp_path_factory, script):
    store = Store.open(tmp_path_factory.mktemp("story"))
    for number, step in enumerate(script):
        given = later(6.0 * number, subject=step["subject"], revision=step["revision"], product=str(number))
        warn(store, assessment(*step["areas"]), given)
    for key, data in public(store).items():
        if "/2024/" in key:
            schema.assertValid(etree.fromstring(data))

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.products.lineage import Version, Withdrawal, latest, linked

NOW = datetime(2024, 1, 22, 19, tzinfo=UTC)

versions = st.lists(
    st.builds(
        Version,
        id=st.uuids().map(str),
        revision=st.integers(0, 5),
        received=st.sampled_from(["", "2024-01-22T18:10:00Z", "2024-01-22T18:20:00Z"]),
        created=st.sampled_from(["2024-01-22T18:30:00Z", "2024-01-22T18:40:00Z"]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda version: version.id,
)


def item(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "links": [{"rel": "root", "href": "x"}],
        "properties": {"created": version.created, "deprecated": False},
    }


def relations(found: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"].split("/")[1] for link in found["links"] if link["rel"].endswith("-version")}


@given(versions)
def test_exactly_the_latest_stands_and_neighbours_point_at_one_another(found: list[Version]) -> None:
    items = {version.id: linked(item(version), found, None, NOW) for version in found}
    standing = [id for id, entry in items.items() if not entry["properties"]["deprecated"]]
    assert standing == [max(found, key=lambda version: version.order).id]
    for id, entry in items.items():
        links = relations(entry)
        assert links.get("latest-version", id) == standing[0]
        if "successor-version" in links:
            assert relations(items[links["successor-version"]])["predecessor-version"] == id


@given(versions, st.randoms())
def test_the_order_of_arrival_changes_nothing(found: list[Version], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert [linked(item(v), found, None, NOW) for v in found] == [linked(item(v), shuffled, None, NOW) for v in found]


@given(versions)
def test_linking_twice_changes_nothing_more(found: list[Version]) -> None:
    once = linked(item(found[0]), found, None, NOW)
    assert linked(once, found, None, NOW + timedelta(hours=1)) == once


@given(versions, st.integers(0, 5))
def test_none_up_to_the_withdrawn_revision_stands(found: list[Version], revision: int) -> None:
    withdrawal = Withdrawal(revision, "2024-01-22T19:00:00Z", "deleted by the source")
    for version in found:
        properties = linked(item(version), found, withdrawal, NOW)["properties"]
        assert ("hazmon:withdrawn" in properties) == (version.revision <= revision)
        assert properties["deprecated"] or version.revision > revision


def test_a_later_receipt_of_the_same_revision_comes_after_but_a_late_older_revision_does_not() -> None:
    first = Version("a", 2, "2024-01-22T18:10:00Z", "2024-01-22T18:11:00Z")
    again = Version("b", 2, "2024-01-22T18:20:00Z", "2024-01-22T18:21:00Z")
    older = Version("c", 1, "2024-01-22T18:30:00Z", "2024-01-22T18:31:00Z")
    assert latest([first, again, older], None) == again

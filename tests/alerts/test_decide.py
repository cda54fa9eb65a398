from datetime import timedelta

import pytest

from pipeline.alerts.decide import About, Memory, Standing, Timing, decide, withdraw
from tests.alerts.samples import NOW, area, assessment

AGE = timedelta(hours=48)


def timing(hours=0.0):
    return Timing(NOW + timedelta(hours=hours), AGE)


def about(subject="scene-1", revision=0, hours=-3.0, product="item"):
    return About(subject, revision, NOW + timedelta(hours=hours), f"{product}-{subject}-{revision}")


def warned(*areas, expires=24.0, subject="scene-1", revision=0):
    told_by = {found.id: subject for found in areas}
    standing = Standing(areas, NOW, NOW + timedelta(hours=expires), (subject,), told_by)
    return Memory({found.id: about(subject, revision) for found in areas}, standing)


def test_the_first_level_gives_an_alert():
    found = decide(Memory(), assessment(area()), about(), timing())
    assert (found.kind, found.level) == ("alert", "severe")


def test_below_every_threshold_nothing_is_said_to_those_who_were_never_warned():
    assert decide(Memory(), assessment(area(level=None)), about(), timing()).kind == "none"


def test_old_data_never_alert():
    found = decide(Memory(), assessment(area()), about(hours=-49), timing())
    assert (found.kind, found.reason) == ("none", "data of 2024-04-08 05:00 UTC are older than 2 days, 0:00:00")


def test_a_higher_level_is_told_at_once():
    found = decide(warned(area(level="moderate")), assessment(area()), about("scene-2", hours=0.1), timing(0.2))
    assert (found.kind, found.level) == ("update", "severe")


def test_a_lower_level_is_held_back_for_a_while_then_told():
    memory, lower = warned(area()), assessment(area(level="moderate"))
    assert decide(memory, lower, about("scene-2", hours=0.1), timing(1)).kind == "none"
    assert decide(memory, lower, about("scene-2", hours=0.1), timing(4)).kind == "update"


def test_a_correction_of_the_same_data_is_told_at_once():
    found = decide(warned(area()), assessment(area(level="moderate")), about(revision=1), timing(0.1))
    assert (found.kind, found.level) == ("update", "moderate")


def test_inside_the_hysteresis_the_level_stays():
    near = assessment(area(level=None, held="severe"))
    assert decide(warned(area()), near, about("scene-2", hours=5), timing(6)).kind == "none"


def test_hysteresis_never_lifts_a_level_above_what_was_told():
    near = assessment(area(level="minor", held="severe"))
    found = decide(warned(area(level="moderate")), near, about("scene-2", hours=5), timing(6))
    assert found.kind == "none"


def test_when_newer_data_are_below_the_hazard_is_over():
    found = decide(warned(area()), assessment(area(level=None)), about("scene-2", hours=5), timing(6))
    assert (found.kind, [one.id for one in found.areas]) == ("all_clear", ["west"])


def test_when_the_same_data_revised_are_below_the_message_was_wrong():
    assert decide(warned(area()), assessment(area(level=None)), about(revision=1), timing(1)).kind == "cancel"


def test_a_product_made_anew_of_the_same_revision_is_a_correction():
    anew = about(product="other")
    assert decide(warned(area()), assessment(area(level=None)), anew, timing(1)).kind == "cancel"


def test_what_was_not_observed_is_never_cleared():
    unseen = assessment(area(level=None, observed=False))
    assert decide(warned(area()), unseen, about("scene-2", hours=5), timing(6)).kind == "none"


def test_a_scene_of_another_district_leaves_the_warned_one_alone():
    found = decide(warned(area()), assessment(area("east", "moderate")), about("scene-2", hours=5), timing(6))
    assert found.kind == "update"
    assert {one.id: one.level for one in found.areas} == {"west": "severe", "east": "moderate"}
    elsewhere = decide(warned(area()), assessment(area("east", None)), about("scene-2", hours=5), timing(6))
    assert elsewhere.kind == "none"


def test_scenes_of_one_pass_may_arrive_in_any_order():
    first = decide(Memory(), assessment(area("east")), about("scene-2", hours=-2), timing())
    memory = Memory(first.seen, Standing(first.areas, NOW, NOW + AGE, ("scene-2",), {"east": "scene-2"}))
    found = decide(memory, assessment(area("west")), about("scene-1", hours=-2.01), timing())
    assert {one.id for one in found.areas} == {"west", "east"}


def test_an_older_revision_says_nothing():
    memory = warned(area(), revision=2)
    assert decide(memory, assessment(area(level="extreme")), about(revision=1), timing()).kind == "none"


def test_an_older_scene_of_the_same_district_says_nothing():
    assert decide(warned(area()), assessment(area(level="extreme")), about("scene-0", hours=-9), timing()).kind == "none"


def test_an_area_that_moved_is_told():
    found = decide(warned(area()), assessment(area(size=2.0)), about(revision=1), timing(1))
    assert (found.kind, found.reason) == ("update", "the affected area moved")


def test_a_warning_about_to_expire_is_extended_by_newer_data():
    memory = warned(area(), expires=4)
    assert decide(memory, assessment(area()), about("scene-2", hours=1), timing(1)).kind == "update"
    assert decide(memory, assessment(area()), about(revision=1), timing(1)).kind == "none"
    assert decide(warned(area()), assessment(area()), about("scene-2", hours=1), timing(1)).kind == "none"


def test_a_withdrawn_event_is_cancelled():
    found = withdraw(warned(area()), about(revision=3))
    assert (found.kind, found.areas) == ("cancel", (area(),))


def test_nothing_is_taken_back_that_was_not_said():
    assert withdraw(Memory(), about()).kind == "none"
    assert withdraw(warned(area()), about("scene-9")).kind == "none"


def test_a_withdrawn_scene_takes_back_only_its_own_districts():
    memory = Memory(
        {"west": about("scene-1"), "east": about("scene-2")},
        Standing((area(), area("east")), NOW, NOW + AGE, ("scene-1", "scene-2"), {"west": "scene-1", "east": "scene-2"}),
    )
    found = withdraw(memory, about("scene-2", revision=1))
    assert (found.kind, [one.id for one in found.areas]) == ("update", ["west"])


@pytest.mark.parametrize(("revision", "kind"), [(2, "none"), (3, "none"), (4, "alert")])
def test_only_a_revision_after_the_withdrawal_speaks_again(revision, kind):
    memory = Memory(withdrawn=about(revision=3))
    assert decide(memory, assessment(area()), about(revision=revision), timing()).kind == kind

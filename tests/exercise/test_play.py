"""Who plays a scenario: the order of things, the clock, and what goes on after a failure."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline import steps
from pipeline.exercise import report
from pipeline.exercise.faults import Fault
from pipeline.exercise.play import play
from pipeline.exercise.scenario import Scenario
from pipeline.steps import waiting
from tests.drills import days, on_stage, quakes, scenes


class Recorder:
    """A runner and a clock that only write down what they are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, datetime]] = []
        self.now = datetime.min.replace(tzinfo=UTC)

    def set(self, now: datetime) -> None:
        assert now >= self.now, "the clock never goes back"
        self.now = now

    def poll(self, feed: str, now: datetime) -> None:
        assert now == self.now, "a feed is polled at the time of the clock"
        self.told.append((feed, now))


def test_static_maps_come_first_then_every_event_in_order_of_time() -> None:
    scenarios = [days(), quakes()]
    recorder, said = Recorder(), []
    play(scenarios, recorder, recorder, said.append)
    events = sorted((event for scenario in scenarios for event in scenario.events), key=lambda event: event.at)
    assert recorder.told[0] == ("terrain", min(scenario.start for scenario in scenarios))
    assert recorder.told[1:] == [(feed, event.at) for event in events for feed in event.poll]
    assert len(said) == len(events)


def test_each_event_is_told_in_words() -> None:
    recorder, said = Recorder(), []
    play([quakes()], recorder, recorder, said.append)
    assert said[0].endswith("usgs publishes usauto7000lsze: M 6.7, Kyrgyzstan-Xinjiang border region")
    assert any("nothing new; polled all the same" in text for text in said)
    assert said[-1].endswith("usgs withdraws ghost")


def test_a_feed_that_stays_away_is_a_failure_and_the_exercise_goes_on(tmp_path: Path) -> None:
    scenario: Scenario = quakes(events=slice(0, 2), radius_km=40)
    with on_stage(scenario, tmp_path) as player:
        assert player.at(scenario.start, "terrain") == []
        player.drill.server.arm(Fault(match="*/summary/*", kind="503", times=6, retry_after=0))
        first, second = scenario.events
        (failure,) = player.at(first.at, "usgs")
        assert "503" in failure
        assert player.at(second.at, "usgs") == []
        assert len(player.items()) == 1
        found = player.drill.report(["what went wrong"])
        assert not found.complete
        assert "FAILED   what went wrong" in list(found.lines())
        assert any(line.startswith("MISSING") for line in found.lines())


def test_the_report_names_item_state_and_message(tmp_path: Path) -> None:
    scenario = quakes(events=slice(0, 2)).model_copy(update={"expectations": ()})
    with on_stage(scenario, tmp_path) as player:
        assert player.play() == []
        found = report.of(player.work, [player.drill.server.stage(scenario.id)], [])
    lines = list(found.lines())
    assert found.complete
    assert sum(line.strip().startswith("current") for line in lines) == 1
    assert sum("superseded or withdrawn" in line for line in lines) == 1
    assert any(line.strip().startswith("Alert ") and ".xml" in line for line in lines)
    assert lines[-1].startswith("Everything expected is there: 2 Items, ")


def test_an_overlay_changes_the_fields_it_names_and_no_others(tmp_path: Path) -> None:
    with on_stage(quakes(events=slice(0, 1)), tmp_path) as player:
        changed, base = player.drill.workspace().config, type(player.work.config)(player.work.config.folders[0])
        shaking, plain = changed.hazards["shaking"], base.hazards["shaking"]
        assert shaking.resolution != plain.resolution
        assert shaking.model_copy(update={"resolution": plain.resolution}) == plain
        assert changed.feeds["usgs"] == base.feeds["usgs"]
        assert set(changed.feeds["terrain"].options["maps"]) == {"elevation", "vs30"}
        assert all(changed.regions[region].areas for region in quakes().regions)
        changed.check()


def test_maps_of_an_exercise_played_before_stay_so_that_its_products_can_be_made_again(tmp_path: Path) -> None:
    scenario = quakes(events=slice(0, 1), radius_km=40)
    with on_stage(scenario, tmp_path) as player:
        assert player.play() == []
        (item,) = player.items()
    with on_stage(scenes(64), tmp_path) as player:
        assert {"elevation", "vs30", "hand"} <= set(player.work.config.feeds["terrain"].options["maps"])
        assert steps.reproduce(player.work, item["id"]).verdict == "equal"


def test_the_clock_of_a_drill_is_what_its_feeds_show(tmp_path: Path) -> None:
    scenario = quakes(events=slice(0, 1), radius_km=40)
    with on_stage(scenario, tmp_path) as player:
        (event,) = scenario.events
        assert player.at(event.at - timedelta(seconds=1), "terrain", "usgs") == []
        assert player.items() == []
        assert player.at(event.at, "usgs") == []
        assert len(player.items()) == 1


def test_what_lacks_a_map_or_a_table_waits_and_is_no_failure(tmp_path: Path) -> None:
    scenario = quakes(events=slice(0, 1), radius_km=40)
    with on_stage(scenario, tmp_path) as player:
        assert player.play() == []
        (item,) = player.items()
        waits = {trigger.hazard: trigger.subject for trigger in waiting.of(player.work)}
        assert waits == dict.fromkeys(
            ("landslide", "liquefaction", "exposure", "facilities"), item["properties"]["hazmon:subject"]
        )

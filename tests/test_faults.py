"""What goes wrong at sources, stores and clocks, met by the steps; each test is one case."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from obstore.store import S3Store

from pipeline import steps
from pipeline.alerts import cap
from pipeline.errors import FeedMalformed, GridError, Incomplete, InputError, InputNotReady, StoreError, UnitsError
from pipeline.exercise.faults import Fault
from pipeline.exercise.scenario import Deletion, Quake, Scenario
from pipeline.model import Granule, Trigger, Window
from pipeline.observations import events
from pipeline.products.bands import COG_TYPE
from pipeline.products.read import asset_href, asset_key
from pipeline.products.validate import validate
from pipeline.store import Store
from tests.drills import Player, change_a_pixel, days, on_stage, passes, quakes

START = datetime(2024, 1, 22, 18, 9, 4, tzinfo=UTC)
SUMMARY, DETAIL = "earthquake.usgs.gov/*/summary/*", "earthquake.usgs.gov/*/detail/*"


def quake(minutes: float, magnitude: float | None = 6.0, **fields: Any) -> Quake:
    """Return a version of an earthquake, published some minutes after the start of the drill."""
    told = {
        "at": START + timedelta(minutes=minutes),
        "what": "quake",
        "service": "usgs",
        "event": "main",
        "id": "us7000aaaa",
        "time": START,
        "latitude": 41.26,
        "longitude": 78.66,
        "depth": 13.0,
        "magnitude": magnitude,
        "place": "somewhere",
        "poll": ("usgs",),
    }
    return Quake.model_validate({**told, **fields})


def drill_of(*news: Quake | Deletion, radius_km: float = 40) -> Scenario:
    """Return a drill of these earthquakes on small grids."""
    return quakes(radius_km=radius_km).model_copy(update={"events": news, "faults": (), "expectations": ()})


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where generated maps lie, made once."""
    return tmp_path_factory.mktemp("maps")


@pytest.fixture
def staged(maps: Path, tmp_path: Path) -> Any:
    """A function that puts earthquakes on stage, the static maps read already."""

    @contextmanager
    def stage(*news: Quake | Deletion, **options: Any) -> Iterator[Player]:
        with on_stage(drill_of(*news, **options), maps, str(tmp_path / "home")) as player:
            assert player.at(START - timedelta(minutes=1), "terrain") == []
            yield player

    return stage


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def sent(player: Player) -> list[cap.CapAlert]:
    messages = [cap.parse(player.work.store.get(key)) for key in player.messages()]
    return sorted(messages, key=lambda message: message.sent)


# The source


@pytest.mark.parametrize("kind", ["429", "503", "500", "truncated", "disconnect"])
def test_a_source_that_recovers_is_asked_again(staged: Any, kind: str) -> None:
    with staged(quake(5)) as player:
        player.drill.server.arm(Fault(match=SUMMARY, kind=kind, times=2, retry_after=0))
        player.drill.server.arm(Fault(match=DETAIL, kind=kind, times=2, retry_after=0))
        assert player.at(at(5), "usgs") == []
        assert len(player.items()) == 1
        assert [request["fault"] for request in player.drill.server.requests].count(kind) == 4


@pytest.mark.parametrize("kind", ["html", "empty", "500", "truncated"])
def test_an_unreadable_or_empty_answer_is_no_all_clear(staged: Any, kind: str) -> None:
    with staged(quake(5, 6.8)) as player:
        assert player.at(at(5), "usgs") == []
        before = [message.identifier for message in sent(player)]
        assert before
        player.drill.server.arm(Fault(match="*", kind=kind, times=50))
        failures = player.at(at(10), "usgs")
        assert bool(failures) == (kind != "empty")
        assert len(player.items(current=True)) == 1
        assert [message.identifier for message in sent(player)] == before


def test_one_event_that_cannot_be_read_does_not_hold_up_the_others(staged: Any) -> None:
    other = quake(5, 5.8, event="other", id="us7000bbbb", time=at(2), latitude=40.2, longitude=77.0)
    with staged(quake(5), other) as player:
        player.drill.server.arm(Fault(match="*/detail/us7000bbbb.geojson", kind="html"))
        (failure,) = player.at(at(5), "usgs")
        assert "HTML" in failure
        assert [item["properties"]["hazmon:aliases"] for item in player.items()] == [["us7000aaaa"]]
        assert player.at(at(6), "usgs") == [], "the next poll reads it"
        assert len(player.items()) == 2


def test_a_part_that_stays_missing_is_counted_and_the_run_is_red(staged: Any) -> None:
    other = quake(5, 5.8, event="other", id="us7000bbbb", time=at(2), latitude=40.2, longitude=77.0)
    with staged(quake(5), other) as player:
        player.drill.set(at(5))
        found = steps.discover(player.work, "usgs", Window(START, at(6)), at(5))
        player.drill.server.arm(Fault(match="*/detail/us7000bbbb.geojson", kind="html", times=50))
        player.at(at(5), "usgs")
        with pytest.raises(Incomplete, match="got 1 of 2 granules"):
            steps.account(player.work, found.granules, [])


def test_the_same_event_twice_and_under_another_address_is_one_item(staged: Any) -> None:
    with staged(quake(5)) as player:
        player.drill.server.arm(Fault(match=SUMMARY, kind="redelivery", times=2))
        assert player.at(at(5), "usgs") == []
        assert player.at(at(6), "usgs") == []
        assert len(player.items()) == len(sent(player)) == 1


def test_an_older_revision_after_a_newer_one_is_ignored(staged: Any) -> None:
    with staged(quake(5, 6.0), quake(10, 6.4)) as player:
        assert player.at(at(10), "usgs") == []
        player.drill.server.arm(Fault(match="earthquake.usgs.gov/*", kind="stale", as_of=at(6), times=2))
        assert player.at(at(12), "usgs") == []
        assert [item["properties"]["hazmon:magnitude"] for item in player.items()] == [6.4]
        assert player.items()[0]["properties"]["deprecated"] is False


def test_magnitude_up_and_down_place_and_id_changed_then_deleted_each_is_told_once(staged: Any) -> None:
    story = (
        quake(5, 5.8),
        quake(10, 6.6),
        quake(15, 5.8, latitude=41.5, longitude=78.2),
        quake(20, 5.8, id="us7000zzzz", ids=("us7000aaaa",), latitude=41.5, longitude=78.2),
        Deletion.model_validate({"at": at(25), "what": "delete", "service": "usgs", "event": "main"}),
    )
    with staged(*story) as player:
        for minute in (5, 10, 15, 20, 20.5):
            assert player.at(at(minute), "usgs") == []
        items = player.items()
        assert [item["properties"]["hazmon:revision"] for item in items][:3] == [1, 2, 3]
        assert len({item["properties"]["hazmon:subject"].split(":")[1] for item in items}) == 1, "one event, one id"
        assert player.at(at(25), "usgs", "usgs_fdsn") == []
        assert player.items(current=True) == []
        told = sent(player)
        assert told[0].msg_type == "Alert"
        assert told[-1].msg_type == "Cancel"
        for place, message in enumerate(told):
            assert [reference[1] for reference in message.references] == [earlier.identifier for earlier in told[:place]]


def test_of_a_burst_of_events_none_is_lost_between_two_consumers(staged: Any) -> None:
    count = 8
    burst = [
        quake(5, 5.0, event=f"e{n}", id=f"us7000b{n:03d}", time=at(-n), latitude=38.0 + 0.6 * n, longitude=75.0 + 0.7 * n)
        for n in range(count)
    ]
    with staged(*burst, radius_km=15) as player:
        player.drill.set(at(5))
        other = Player(player.drill, player.home)
        threads = [threading.Thread(target=one.runner.poll, args=("usgs", at(5))) for one in (player, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert player.runner.failures + other.runner.failures == []
        assert len(player.items(current=True)) == len(player.items()) == count
        assert validate(player.work.store, player.work.catalog.index) == []


# Clocks


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_ten_minutes_off_changes_nothing_but_times(staged: Any, minutes: float) -> None:
    with staged(quake(15, 6.8)) as player:
        player.drill.set(at(15))
        player.runner.poll("usgs", at(15 + minutes))
        assert player.runner.failures == []
        assert len(player.items(current=True)) == len(sent(player)) == 1


def test_an_event_far_in_the_future_is_not_believed(staged: Any) -> None:
    with staged(quake(5, time=START)) as player:
        player.drill.set(at(5))
        (granule,) = steps.discover(player.work, "usgs", Window(START, at(6)), at(5)).granules
        with pytest.raises(FeedMalformed, match="future"):
            steps.ingest(player.work, granule, START - timedelta(hours=3))
        (kept,) = (key for key in player.work.store.list("quarantine/usgs") if key.endswith(".json"))
        assert "future" in player.work.store.get_json(kept)["reason"]


def test_a_past_month_is_published_without_a_public_alert(staged: Any) -> None:
    with staged(quake(5, 7.0)) as player:
        player.drill.set(at(5))
        later = at(5) + timedelta(days=40)
        (granule,) = steps.discover(player.work, "usgs", Window(START, at(6)), later).granules
        for trigger in steps.take(player.work, granule, later)[1]:
            steps.run(player.work, trigger.hazard, trigger.subject, later)
            assert steps.warn(player.work, trigger.hazard, trigger.subject, later) == []
        assert len(player.items(current=True)) == 1
        assert player.messages() == []


def test_a_revision_that_comes_late_never_becomes_the_latest(staged: Any) -> None:
    with staged(quake(5, 6.0), quake(10, 6.4)) as player:
        player.drill.set(at(5))
        (first,) = steps.discover(player.work, "usgs", Window(START, at(30)), at(5)).granules
        data = player.work.feed("usgs").fetch(first).data
        assert player.at(at(10), "usgs") == []
        before = [item["id"] for item in player.items(current=True)]
        refs, rejected = steps.ingest_file(player.work, "usgs", data, "old.geojson", at(60))
        assert (len(refs), rejected) == (1, [])
        for trigger in steps.due(player.work, refs[0], at(60)):
            assert steps.run(player.work, trigger.hazard, trigger.subject, at(60)).new is False
        assert [item["id"] for item in player.items(current=True)] == before


# Model cycles and memory


def codes(player: Player) -> dict[str, tuple[str, str]]:
    """Return Item and checksum of the drought code by day, of the Items that stand."""
    found = {}
    for item in player.items("region:", current=True):
        found[item["properties"]["hazmon:subject"].split(":")[2]] = (item["id"], item["assets"]["dc"]["file:checksum"])
    return found


@dataclass
class Weather:
    """Four days of weather on stage, and what they give when each is polled as it comes."""

    scenario: Scenario
    stage: Path
    expected: dict[str, tuple[str, str]] = field(default_factory=dict)

    @contextmanager
    def player(self, home: Path) -> Iterator[Player]:
        with on_stage(self.scenario, self.stage, str(home)) as player:
            yield player


@pytest.fixture(scope="module")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Weather:
    folder = tmp_path_factory.mktemp("weather")
    found = Weather(days(4), folder / "stage")
    with found.player(folder / "continuous") as player:
        assert player.play(static=False) == []
        found.expected = codes(player)
        assert states(player) == set(), "a forecast became state"
    return found


def states(player: Player) -> set[str]:
    """Return the forecasts that any product was made from."""
    forecasts = {item["id"] for item in player.items("region:") if item["properties"]["hazmon:forecast"]}
    used = {
        link["href"].split("/")[-2]
        for item in player.items("region:")
        for link in item["links"]
        if link["rel"] == "derived_from"
    }
    return forecasts & used


def end_of(weather: Weather) -> datetime:
    return weather.scenario.events[-1].at


def test_a_process_started_anew_each_day_gives_what_one_process_gives(weather: Weather, tmp_path: Path) -> None:
    with weather.player(tmp_path) as player:
        for event in weather.scenario.events:
            player.restart()
            assert player.at(event.at, "gfs") == []
        assert codes(player) == weather.expected


def test_after_a_gap_every_missed_day_is_made_and_none_twice(weather: Weather, tmp_path: Path) -> None:
    with weather.player(tmp_path) as player:
        assert player.at(weather.scenario.events[0].at, "gfs") == []
        player.drill.server.arm(Fault(match="noaa-gfs*", kind="503", times=6, retry_after=0))
        assert len(player.at(weather.scenario.events[1].at, "gfs")) == 1, "the feed is away"
        player.drill.server.theatre.faults.clear()
        assert player.at(end_of(weather) + timedelta(days=2), "gfs") == []
        assert codes(player) == weather.expected
        made = player.items("region:")
        analyses = [item["properties"]["hazmon:subject"] for item in made if not item["properties"]["hazmon:forecast"]]
        assert len(analyses) == len(set(analyses))


def test_a_late_day_ripples_through_the_days_after_it(weather: Weather, tmp_path: Path) -> None:
    with weather.player(tmp_path) as player:
        now = end_of(weather)
        player.drill.set(now)
        window = Window(weather.scenario.events[0].at - timedelta(days=1), now)
        granules = sorted(steps.discover(player.work, "gfs", window, now).granules, key=lambda g: g.id)
        *early, late, last = granules
        for granule in (*early, last, late):
            follow(player, granule, now)
        assert codes(player) == weather.expected
        assert states(player) == set()


def test_a_day_without_data_is_bridged_and_made_good_when_it_comes(weather: Weather, tmp_path: Path) -> None:
    with weather.player(tmp_path) as player:
        now = end_of(weather)
        player.drill.set(now)
        window = Window(weather.scenario.events[0].at - timedelta(days=1), now)
        *early, late, last = sorted(steps.discover(player.work, "gfs", window, now).granules, key=lambda g: g.id)
        for granule in (*early, last):
            follow(player, granule, now)
        day = f"region:kazakhstan:{last.start:%Y%m%d}T"
        (bridged,) = player.items(day, current=True)
        assert bridged["properties"]["hazmon:carried_days"] == 1
        assert not bridged["properties"]["hazmon:cold_start"]
        follow(player, late, now)
        (whole,) = player.items(day, current=True)
        assert whole["properties"]["hazmon:carried_days"] == 0
        assert codes(player) == weather.expected


def follow(player: Player, granule: Granule, now: datetime) -> None:
    """Take a granule and run all that is due with it."""
    waiting = steps.take(player.work, granule, now)[1]
    while waiting:
        trigger = waiting.pop(0)
        try:
            ref = steps.run(player.work, trigger.hazard, trigger.subject, now)
        except InputNotReady:
            continue
        waiting += steps.followers(player.work, ref)


def test_a_cycle_with_damaged_bytes_is_quarantined_and_the_others_are_published(weather: Weather, tmp_path: Path) -> None:
    scenario = days(2)
    with on_stage(scenario, tmp_path / "stage", str(tmp_path / "home")) as player:
        assert player.at(scenario.events[0].at, "gfs") == []
        damage(tmp_path / "stage" / "exercise", "gfs.20240405/00/atmos/*f024")
        (failure,) = player.at(scenario.events[1].at, "gfs")
        assert "quarantine" in failure
        assert [key for key in player.work.store.list("quarantine/gfs") if not key.endswith(".json")]
        assert {item["properties"]["hazmon:subject"].split(":")[2] for item in player.items("region:")} == {"20240405T000000Z"}


def damage(folder: Path, pattern: str) -> None:
    """Overwrite a part of a file; its size stays."""
    (path,) = folder.rglob(pattern)
    data = bytearray(path.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = bytes(third)
    path.write_bytes(data)


# Scenes


def test_a_reprocessed_scene_supersedes_and_the_old_version_stays(tmp_path: Path) -> None:
    plain = passes()
    first = plain.events[0]
    again = first.model_copy(update={"at": first.at + timedelta(days=1), "processed": first.at + timedelta(hours=20)})
    with on_stage(plain.model_copy(update={"events": (first, again)}), tmp_path) as player:
        assert player.at(plain.start, "terrain") == []
        assert player.at(first.at, *first.poll) == []
        assert player.at(again.at, *first.poll) == []
        old, new = player.items("scene:")
        assert (old["properties"]["deprecated"], new["properties"]["deprecated"]) == (True, False)
        assert any(link["rel"] == "successor-version" and new["id"] in link["href"] for link in old["links"])
        assert validate(player.work.store, player.work.catalog.index) == []


@pytest.mark.parametrize(
    "href", ["file:///etc/passwd", "http://127.0.0.1:9/vv.tif", "http://169.254.169.254/vv.tif", "https://example.org/vv.tif"]
)
def test_a_scene_that_points_elsewhere_is_refused(tmp_path: Path, maps: Path, href: str) -> None:
    scenario = passes(128)
    scenario = scenario.model_copy(update={"events": scenario.events[:1]})
    with on_stage(scenario, maps / "scene", str(tmp_path)) as player:
        (listed,) = player.drill.server.stage(scenario.id).listed
        listed.item["assets"]["vv"]["href"] = href
        failures = player.at(scenario.events[0].at, "sentinel1_rtc")
        assert failures
        assert player.items() == []
        assert list(player.work.store.list("observations/sentinel1_rtc")) == []


# The store and its readers


@dataclass(frozen=True, slots=True)
class FullStore(Store):
    """A store whose disk is full until somebody makes room."""

    room: list[int] = field(default_factory=lambda: [0])

    def put(self, key: str, data: bytes | Path) -> None:
        self._take(key)
        Store.put(self, key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._take(key)
        return Store.create(self, key, data)

    def _take(self, key: str) -> None:
        if self.room[0] <= 0:
            raise StoreError(f"{self.root}: cannot write {key}: no space left on device")
        self.room[0] -= 1


@pytest.mark.parametrize("room", [0, 2, 5, 9, 20, 41])
def test_a_full_disk_is_told_and_once_there_is_room_all_is_published(staged: Any, room: int) -> None:
    with staged(quake(5, 6.8)) as player:
        plain = player.work
        full = FullStore(plain.store.root, plain.store._backend, [room])
        player.runner.work = replace(plain, store=full)
        failures = player.at(at(5), "usgs")
        assert failures
        assert all("no space left" in failure for failure in failures)
        whole = [item for item in plain.catalog.find() for name in item["assets"] if plain.store.exists(asset_key(item, name))]
        assert len(whole) == sum(len(item["assets"]) for item in plain.catalog.find())
        full.room[0] = 1000
        assert player.at(at(6), "usgs") == []
        assert len(player.items()) == len(sent(player)) == 1
        assert validate(plain.store, plain.catalog.index) == []


def test_a_store_that_cannot_be_reached_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, maps: Path, tmp_path: Path) -> None:
    for name, value in {"ENDPOINT_URL_S3": "http://127.0.0.1:9", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    impatient = {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}
    options = {"endpoint": "http://127.0.0.1:9", "client_options": {"allow_http": True}, "retry_config": impatient}
    quick = Store("s3://bucket/home", S3Store("bucket", **options))
    with on_stage(drill_of(quake(5)), maps, str(tmp_path / "home")) as player:
        player.runner.work = replace(player.work, store=quick)
        failures = player.at(at(5), "usgs")
        assert failures
        assert all("s3://bucket/home" in failure for failure in failures)


def test_two_publishers_at_once_make_one_item_that_all_lists_hold(staged: Any) -> None:
    with staged(quake(5)) as player:
        player.drill.set(at(5))
        (granule,) = steps.discover(player.work, "usgs", Window(START, at(6)), at(5)).granules
        (trigger,) = steps.take(player.work, granule, at(5))[1]
        refs: list[steps.ProductRef] = []

        def publish() -> None:
            work = Player(player.drill, player.home).work
            refs.append(steps.run(work, trigger.hazard, trigger.subject, at(5)))
            steps.warn(work, trigger.hazard, trigger.subject, at(5))

        threads = [threading.Thread(target=publish) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refs) == 3
        assert len({ref.item_id for ref in refs}) == 1
        assert len(player.items()) == len(sent(player)) == 1
        assert validate(player.work.store, player.work.catalog.index) == []


def test_killed_between_staging_and_publishing_the_next_run_makes_exactly_one(staged: Any) -> None:
    with staged(quake(5)) as player:
        player.drill.set(at(5))
        (granule,) = steps.discover(player.work, "usgs", Window(START, at(6)), at(5)).granules
        (trigger,) = steps.take(player.work, granule, at(5))[1]
        steps.compute(player.work, trigger.hazard, trigger.subject, at(5))
        assert player.items() == []
        player.restart()
        steps.run(player.work, trigger.hazard, trigger.subject, at(7))
        assert len(player.items()) == 1
        assert list(player.work.store.list("staging")) == []


def test_a_reader_never_meets_an_item_whose_asset_does_not_open(staged: Any) -> None:
    with staged(quake(5), quake(10, 6.4), quake(15, 6.8)) as player:
        done, seen, problems = threading.Event(), set(), []

        def read() -> None:
            work = Player(player.drill, player.home).work
            while not done.is_set():
                for item in [*work.catalog.find(), *(item for _, item in work.catalog.items())]:
                    for name, asset in item["assets"].items():
                        if asset["type"] == COG_TYPE:
                            try:
                                with rasterio.open(asset_href(work.store, item, name)) as source:
                                    source.read(1, out_shape=(4, 4))
                            except rasterio.RasterioIOError as error:
                                problems.append(str(error))
                        elif not work.store.exists(asset_key(item, name)):
                            problems.append(asset_key(item, name))
                    seen.add(item["id"])

        reader = threading.Thread(target=read)
        reader.start()
        try:
            for minute in (5, 10, 15):
                assert player.at(at(minute), "usgs") == []
        finally:
            done.set()
            reader.join()
        assert problems == []
        assert len(seen) >= 2


# Rasters of a user's own


def raster(path: Path, values: float, *, units: str | None = "1", crs: str | None = "EPSG:32639") -> Path:
    cells = np.full((2, 64, 64), values, np.float32)
    profile = {"driver": "GTiff", "height": 64, "width": 64, "count": 2, "dtype": "float32", "nodata": -9999.0}
    with rasterio.open(path, "w", **profile, crs=crs, transform=Affine(20, 0, 500000, 0, -20, 5700000)) as target:
        target.write(cells)
        if units:
            target.units = (units, units)
    return path


@pytest.fixture
def own(tmp_path: Path, maps: Path) -> Iterator[steps.Workspace]:
    with on_stage(passes(128).model_copy(update={"events": ()}), maps / "scene", str(tmp_path / "home")) as player:
        yield player.work


def test_a_scene_without_a_single_value_publishes_nothing(own: steps.Workspace, tmp_path: Path) -> None:
    scene, hand = raster(tmp_path / "scene.tif", -9999), raster(tmp_path / "hand.tif", 3, units="m")
    with pytest.raises(FeedMalformed, match="not one cell of flooded is known"):
        steps.run_on_files(own, "flood_extent", steps.Files(scene, ("vv", "vh"), None, (f"hand={hand}",)), START)
    assert own.catalog.find() == []
    assert list(own.store.list("staging")) == []


def test_a_scene_in_other_units_is_refused(own: steps.Workspace, tmp_path: Path) -> None:
    scene, hand = raster(tmp_path / "scene.tif", 0.1, units="K"), raster(tmp_path / "hand.tif", 3, units="m")
    with pytest.raises(UnitsError, match="K"):
        steps.run_on_files(own, "flood_extent", steps.Files(scene, ("vv", "vh"), None, (f"hand={hand}",)), START)


def test_a_scene_without_units_is_refused(own: steps.Workspace, tmp_path: Path) -> None:
    scene, hand = raster(tmp_path / "scene.tif", 0.1, units=None), raster(tmp_path / "hand.tif", 3, units="m")
    with pytest.raises(InputError, match="--units"):
        steps.run_on_files(own, "flood_extent", steps.Files(scene, ("vv", "vh"), None, (f"hand={hand}",)), START)


def test_a_scene_that_does_not_say_where_it_lies_is_refused(own: steps.Workspace, tmp_path: Path) -> None:
    scene, hand = raster(tmp_path / "scene.tif", 0.1, crs=None), raster(tmp_path / "hand.tif", 3, units="m")
    with pytest.raises((GridError, InputError)):
        steps.run_on_files(own, "flood_extent", steps.Files(scene, ("vv", "vh"), None, (f"hand={hand}",)), START)


def test_an_unknown_input_name_is_refused(own: steps.Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no input 'hv'"):
        steps.run_on_files(own, "flood_extent", steps.Files(raster(tmp_path / "scene.tif", 0.1), ("vv", "hv")), START)


def test_a_superseded_revision_is_not_computed_any_more(staged: Any) -> None:
    with staged(quake(5, 6.0), quake(10, 6.4)) as player:
        player.drill.set(at(5))
        (granule,) = steps.discover(player.work, "usgs", Window(START, at(6)), at(5)).granules
        (old,) = steps.take(player.work, granule, at(5))[1]
        assert player.at(at(10), "usgs") == []
        with pytest.raises(InputNotReady, match="superseded"):
            steps.run(player.work, old.hazard, old.subject, at(11))
        (record,) = events.find(player.work.store, Window(START - timedelta(days=1), at(60)))
        assert Trigger("shaking", events.event(record).key).subject != old.subject


# What was left or waits


def test_what_a_source_answered_unreadably_is_kept_word_by_word(staged: Any) -> None:
    with staged(quake(5)) as player:
        player.drill.server.arm(Fault(match=SUMMARY, kind="html"))
        (failure,) = player.at(at(5), "usgs")
        (key,) = (key for key in player.work.store.list("quarantine/usgs") if not key.endswith(".json"))
        assert key in failure
        assert b"<html" in player.work.store.get(key).lower()


def test_what_was_left_goes_on_although_the_feed_can_not_be_read(staged: Any) -> None:
    with staged(quake(5)) as player:
        player.drill.set(at(5))
        granules = steps.poll(player.work, "usgs", at(5)).granules
        player.drill.server.arm(Fault(match=SUMMARY, kind="html", times=9))
        player.restart()
        (failure,) = player.at(at(6), "usgs")
        assert "HTML" in failure
        assert len(player.items()) == len(granules) == 1
        assert steps.left(player.work, "usgs", at(7)) == []


def test_a_map_that_changed_on_disk_is_recorded_anew_and_whoever_used_it_is_told(tmp_path: Path) -> None:
    other = quake(6, 5.8, event="other", id="us7000bbbb", time=at(2), latitude=40.2, longitude=77.0)
    with on_stage(drill_of(quake(5), other), tmp_path) as player:
        assert player.at(at(5), "terrain", "usgs") == []
        (first,) = player.items(current=True)
        change_a_pixel(player, "vs30")
        assert player.at(at(6), "usgs") == [], "the new event is computed with the new map"
        assert player.at(at(7), "terrain") == [], "and the poll of the maps makes the old one again"
        standing = [item["id"] for item in player.items(current=True)]
        assert len(standing) == 2 and first["id"] not in standing
        assert steps.outdated(player.work, at(8)) == []


def map_files(player: Player) -> dict[str, str]:
    return {name: entry["href"] for name, entry in player.work.config.feeds["terrain"].options["maps"].items()}


def test_a_scene_that_waited_for_a_map_is_made_when_the_map_is_there(tmp_path: Path) -> None:
    scenario = passes(128)
    scenario = scenario.model_copy(update={"events": scenario.events[:1]})
    with on_stage(scenario, tmp_path) as player:
        hand = Path(map_files(player)["hand"])
        hidden = hand.rename(hand.with_suffix(".away"))
        assert player.at(scenario.start, "terrain") == []
        assert player.at(scenario.events[0].at, *scenario.events[0].poll) == []
        assert player.items() == []
        hidden.rename(hand)
        assert player.at(scenario.events[0].at + timedelta(hours=1), "terrain") == []
        assert len(player.items("scene:")) == 1
        assert list(player.work.store.list("waiting")) == []

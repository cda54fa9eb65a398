"""What a duty officer sees and does: one browser, one home, one test a claim."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
import rasterio
from lxml import etree
from PIL import Image
from playwright.sync_api import Browser, expect

from pipeline.exercise.play import static_feeds
from pipeline.products.read import asset_key
from tests.browser.conftest import NOW, Shown, door_of
from tests.browser.looking import Looking, changed, looking
from tests.browser.measures import CONTRASTS, COUNT_SHIFTS, SMALL_TARGETS, WITHOUT_WEBGL
from tests.drills import on_stage, quakes
from tests.service.conftest import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

QUAKE = "#lang=en&tab=layers&hazard=shaking&step=event:eq20240122180904a61e&map=6/41.3/78.7"
FIRE = "#lang=en&tab=layers&hazard=fire_weather&map=4/48/67"
TABS = ("Alerts", "Layers", "Sources")

ALERTS = "#lang=en&tab=alerts&hazard=fire_weather&map=4/48/67"


def item_of(shown: Shown, hazard: str, pattern: str = "", *, current: bool = True) -> dict:
    """Return the newest Item of a hazard whose id holds a text."""
    found = [item for item in shown.work.catalog.find(hazard=hazard, current=current) if pattern in item["id"]]
    return max(found, key=lambda item: item["properties"]["created"])


def test_a_layer_appears_on_the_map_with_its_legend(look: Looking) -> None:
    page = look.open(QUAKE)
    expect(page.get_by_role("region", name="Legend")).to_contain_text("Modified Mercalli")
    with_layer = look.canvas()
    page.get_by_role("button", name="No layer").click()
    look.drawn()
    assert changed(with_layer, look.canvas()) > 0.5
    assert any("/mmi/tiles/" in url for url in look.requests)


def test_the_excluded_is_dotted_and_the_dots_can_be_taken_away(look: Looking) -> None:
    page = look.open(QUAKE)
    assert any("/exclusion/tiles/" in url for url in look.requests)
    page.get_by_label("Dots where the method").uncheck()
    look.drawn()
    expect(page.get_by_role("region", name="Legend")).not_to_contain_text("limited")


def test_a_layer_gone_to_from_another_is_dotted_as_if_opened_at_once(look: Looking) -> None:
    page = look.open("#lang=en&tab=layers&hazard=flood_extent")
    page.get_by_role("button", name="Earthquake shaking").click()
    expect(page.get_by_role("region", name="Legend")).to_contain_text("limited")
    look.drawn()
    gone_to = look.canvas()
    page.reload()
    look.drawn()
    expect(page.get_by_role("region", name="Legend")).to_contain_text("limited")
    look.drawn()
    assert changed(gone_to, look.canvas()) < 0.02


def test_a_picture_that_does_not_come_is_not_taken_for_no_hazard(look: Looking) -> None:
    look.page.route("**/mmi/tiles/**", lambda route: route.fulfill(status=503, body=""))
    page = look.read(QUAKE)
    expect(page.locator(".note")).to_contain_text("nothing is known")
    page.close()
    look.complaints = [one for one in look.complaints if "503" not in one]


def test_the_time_slider_moves_by_keyboard_to_another_day(look: Looking) -> None:
    page = look.open(FIRE)
    slider = page.get_by_role("slider", name="Time")
    before, requests = slider.get_attribute("aria-valuetext"), len(look.requests)
    slider.press("Home")
    expect(slider).not_to_have_attribute("aria-valuetext", before or "")
    look.drawn()
    assert any("/tiles/" in url for url in look.requests[requests:])
    first = slider.get_attribute("aria-valuetext") or ""
    slider.press("ArrowRight")
    expect(slider).not_to_have_attribute("aria-valuetext", first)


def test_a_click_says_what_stands_in_the_file(look: Looking, shown: Shown) -> None:
    page = look.open(QUAKE)
    middle = page.locator("#map").bounding_box()
    assert middle is not None
    page.mouse.click(middle["x"] + middle["width"] / 2 + 20, middle["y"] + middle["height"] / 2 + 10)
    said = page.locator(".details [data-asset=mmi]")
    expect(said).to_be_visible()
    longitude, latitude = map(float, look.address()["at"].split("/"))
    item = item_of(shown, "shaking", look.address()["step"].removeprefix("event:"))
    with rasterio.open(_path(shown, item, "mmi")) as raster:
        (value,) = next(raster.sample([(longitude, latitude)]))
    assert float(said.get_attribute("data-value") or "nan") == pytest.approx(float(value), abs=1e-6)
    expect(page.locator(".details [data-asset=mmi_std]")).to_be_visible()
    expect(page.locator(".details .limit")).to_be_visible()
    expect(page.locator(".details .age")).to_contain_text("ago")


def _path(shown: Shown, item: dict, asset: str) -> str:
    return f"{shown.work.cache}/{asset_key(item, asset)}"


def test_an_alert_too_small_to_be_seen_has_a_mark_that_opens_it(look: Looking) -> None:
    page = look.open("#lang=en&tab=layers&hazard=fire_weather&map=4/51.105/51.4")
    middle = page.locator("#map").bounding_box()
    assert middle is not None
    page.mouse.click(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    expect(page.locator(".alert-text")).to_contain_text("flood")


def test_the_mark_of_a_small_alert_says_how_severe_it_is_by_more_than_colour(look: Looking) -> None:
    page = look.open("#lang=en&tab=layers&hazard=fire_weather&map=4/51.105/51.4")
    place = page.locator("#map").bounding_box()
    assert place is not None
    middle = {"x": place["x"] + place["width"] / 2 - 8, "y": place["y"] + place["height"] / 2 - 8, "width": 16, "height": 16}
    shot = page.screenshot(clip=middle)  # type: ignore[arg-type]
    grey = np.asarray(Image.open(io.BytesIO(shot)).convert("L"), dtype=int)
    # Three of four bars stand out white from the disc.
    assert 0.08 < (grey > 180).mean() < 0.6
    assert (grey < 130).mean() > 0.15


def test_an_alert_at_a_place_says_whether_it_is_in_earnest(look: Looking) -> None:
    page = look.read("#lang=en&tab=layers&hazard=fire_weather&map=8/51.05/51.4&at=51.4/51.05")
    expect(page.locator(".here .alert-line")).to_contain_text("Exercise")


def test_the_first_view_holds_the_alert_that_is_active(look: Looking) -> None:
    page = look.open()
    expect(page).to_have_url(re.compile("map="))
    zoom, latitude, longitude = map(float, look.address()["map"].split("/"))
    assert zoom > 6
    assert (latitude, longitude) == pytest.approx((51.1, 51.4), abs=1)


def test_the_first_view_leaves_the_one_that_an_address_asks_for(look: Looking) -> None:
    page = look.open("#lang=en&map=4/48/67")
    expect(page).to_have_url(re.compile("step="))
    look.drawn()
    assert look.address()["map"] == "4/48/67"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (900, 600), (390, 844)])
def test_no_card_covers_whom_the_map_is_owed_to(browser: Browser, shown: Shown, width: int, height: int) -> None:
    with looking(browser, shown.url, viewport={"width": width, "height": height}) as look:
        page = look.read(ALERTS)
        for language in ("ru", "kk", "zh", "en"):
            page.locator(".language select").select_option(language)
            credit = page.locator(".maplibregl-ctrl-attrib")
            expect(credit).to_be_visible()
            top = credit.bounding_box()
            bars = [page.locator(f".{name}").bounding_box() for name in ("timeline", "legend")]
            assert top is not None
            assert [bar for bar in bars if bar is None or bar["y"] + bar["height"] > top["y"]] == []


def test_a_page_enlarged_twice_shows_the_event_beside_its_cards(browser: Browser, shown: Shown) -> None:
    with looking(browser, shown.url, viewport={"width": 700, "height": 450}) as look:
        page = look.open("#lang=ru&tab=layers&hazard=shaking")
        expect(page).to_have_url(re.compile("map="))
        assert float(look.address()["map"].split("/")[0]) > 3.5
        panel, stage, legend, time = (
            page.locator(name).bounding_box() for name in (".panel", ".stage", ".legend", ".timeline")
        )
        assert panel is not None and stage is not None and legend is not None and time is not None
        assert panel["x"] + panel["width"] <= stage["x"] + 1
        assert legend["y"] + legend["height"] < time["y"]
        tabs = page.locator(".tabs")
        assert tabs.evaluate("(tabs) => tabs.scrollWidth <= tabs.clientWidth")


def test_the_map_speaks_the_language_that_is_chosen(look: Looking) -> None:
    page = look.open(QUAKE)
    page.locator(".language select").select_option("kk")
    expect(page.get_by_role("button", name="Жақындату")).to_have_attribute("title", "Жақындату")
    expect(page.locator(".maplibregl-ctrl-attrib")).to_contain_text("Құрлық")
    expect(page.locator(".maplibregl-ctrl-attrib")).not_to_contain_text("Land")


def test_a_place_is_asked_about_without_a_mouse(look: Looking) -> None:
    page = look.open(QUAKE)
    canvas, details = page.locator("#map canvas"), page.locator(".details")
    expect(page.locator(".cross")).to_be_hidden()
    canvas.press("Shift")
    expect(page.locator(".cross")).to_be_visible()
    canvas.press("Enter")
    expect(details.locator("[data-asset=mmi]")).to_be_visible()
    assert look.address()["at"] == "78.7/41.3"
    expect(details).to_be_focused()
    expect(page.locator(".tabs[inert], .body[inert]")).to_have_count(2)
    page.keyboard.press("Tab")
    expect(details.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
    expect(canvas).to_be_focused()


def test_an_answer_to_a_click_is_closed_by_escape_wherever_the_focus_is(look: Looking) -> None:
    page = look.open(QUAKE)
    page.mouse.click(800, 350)
    expect(page.locator(".details")).to_be_focused()
    page.locator(".language select").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".details")).to_have_count(0)
    expect(page.locator(".panel [inert]")).to_have_count(0)


def test_what_a_value_was_made_from_leads_down_to_the_raw_payload(look: Looking) -> None:
    page = look.read(f"{QUAKE}&at=78.9/41.2")
    page.get_by_text("Made from").click()
    links = page.locator(".provenance a")
    hrefs = [link.get_attribute("href") or "" for link in links.all()]
    raw = next(href for href in hrefs if "/files/raw/usgs" in href)
    assert page.request.get(raw).ok


def test_an_alert_is_read_in_three_languages(look: Looking, shown: Shown) -> None:
    page = look.read(ALERTS)
    page.get_by_text("Past alerts").click()
    page.locator(".alert-card", has_text="magnitude").first.click()
    message = etree.fromstring(shown.work.store.get(_key(shown, look.address()["alert"])))
    space = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
    headlines = {
        info.findtext("cap:language", namespaces=space): info.findtext("cap:headline", namespaces=space)
        for info in message.findall("cap:info", space)
    }
    languages = [name for name in headlines if name in ("en", "ru", "kk", "zh")]
    assert len(languages) >= 3
    for language in languages:
        page.locator(f".languages button[lang={language}]").click()
        expect(page.locator(".alert-text .words h3")).to_have_text(headlines[language] or "")
        expect(page.locator(".alert-text .words")).to_have_attribute("lang", language)
        expect(page.get_by_text("No native speaker has reviewed this text")).to_be_visible()


def _key(shown: Shown, identifier: str) -> str:
    return next(key for key in shown.work.store.list("alerts") if key.endswith(f"/{identifier}.xml"))


def test_an_exercise_cannot_be_taken_for_the_real_thing_in_any_language(look: Looking) -> None:
    page = look.read("#lang=en&map=3/48/67")
    banner = page.locator(".banner.exercise")
    for language, word in (("ru", "УЧЕНИЯ"), ("kk", "ОҚУ-ЖАТТЫҒУ"), ("zh", "演练"), ("en", "EXERCISE")):
        page.locator(".language select").select_option(language)
        expect(banner).to_contain_text(word)
        expect(page.locator("html")).to_have_attribute("lang", language)
    expect(banner).to_be_in_viewport()
    size = banner.bounding_box()
    assert size is not None and size["width"] == 1100 and size["height"] > 24


def test_a_feed_that_turns_late_shows_within_one_refresh(look: Looking, shown: Shown) -> None:
    shown.clock[0] = NOW.replace(day=9, hour=6)
    page = look.read("#lang=en&tab=status&map=3/48/67")
    feed = page.locator("[data-feed=gfs]")
    expect(feed).to_have_attribute("data-state", "good")
    shown.clock[0] = NOW
    # The service looks at its feeds every two seconds, the page every second.
    expect(feed).to_have_attribute("data-state", "late", timeout=10_000)
    expect(feed).to_contain_text("late")


def test_when_the_service_does_not_answer_the_page_says_since_when(look: Looking) -> None:
    page = look.read("#lang=en&map=3/48/67")
    expect(page.locator(".live")).to_contain_text("Live")
    page.context.set_offline(True)
    lost = page.get_by_role("alert").filter(has_text="NO ANSWER")
    expect(lost).to_contain_text("as of 19 Apr 2024, 15:00 UTC · exercise time")
    page.context.set_offline(False)
    expect(lost).to_have_count(0)
    # What was on its way when the line broke complains too.
    broken = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch")
    look.complaints = [one for one in look.complaints if not any(word in one for word in broken)]


def test_a_superseded_version_is_plainly_marked(look: Looking) -> None:
    page = look.read(QUAKE)
    versions = page.get_by_role("group", name="Versions")
    expect(versions).to_contain_text("4 of 4")
    expect(versions.locator("label").first).to_contain_text("source's revision 3 · received 22 Jan 2024, 19:06 UTC")
    versions.get_by_role("radio").last.check()
    expect(page.get_by_role("region", name="Legend")).to_contain_text("superseded")
    expect(versions).to_contain_text("1 of 4")


def test_a_withdrawn_event_is_plainly_marked(look: Looking, shown: Shown) -> None:
    gone = next(item for item in shown.work.catalog.find() if "hazmon:withdrawn" in item["properties"])
    page = look.read(f"#lang=en&tab=layers&hazard=shaking&step={gone['properties']['hazmon:lineage']}&map=6/43.3/77.1")
    expect(page.get_by_role("region", name="Legend")).to_contain_text("withdrawn")
    expect(page.locator(".versions")).to_contain_text("Withdrawn")


def test_the_address_of_a_view_shows_the_same_view_again(look: Looking) -> None:
    page = look.open(f"{QUAKE}&at=78.9/41.2")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("radio", name="Uncertainty").check()
    look.drawn()
    before = look.address()
    page.reload()
    look.drawn()
    expect(page.get_by_role("radio", name="Uncertainty")).to_be_checked()
    assert look.address() == before


@pytest.mark.parametrize(
    ("view", "wrong"),
    [
        ("#lang=e&tab=zzz", "tab=zzz, lang=e"),
        ("#lang=en&hazard=shaking&map=5/95/78", "map=5/95/78"),
        ("#lang=en&hazard=shaking&step=event:eq2099", "step=event:eq2099"),
        ("#lang=en&hazard=shaking&item=none&asset=none", "item=none, asset=none"),
    ],
)
def test_an_address_that_names_what_is_not_there_says_so(look: Looking, view: str, wrong: str) -> None:
    page = look.read(view)
    expect(page.locator(".note")).to_contain_text(wrong)
    page.locator(".note").get_by_role("button").click()
    expect(page.locator(".note")).to_have_count(0)
    expect(page.get_by_role("tab", selected=True)).to_have_count(1)
    look.complaints = [one for one in look.complaints if "404" not in one]


def test_an_alert_that_is_not_there_is_said_not_to_be(look: Looking) -> None:
    page = look.read("#lang=en&alert=nope")
    expect(page.locator(".details")).to_contain_text("no alert of this name")
    look.complaints = [one for one in look.complaints if "404" not in one]


def test_a_facility_tells_of_itself_where_it_is_clicked(browser: Browser, tmp_path) -> None:
    with on_stage(quakes(events=slice(0, 1), chain=True), tmp_path) as player:
        assert player.play() == []
        with serving(door_of(tmp_path, [NOW], "EXERCISE uqturpan-2024: a drill")) as url, looking(browser, url) as look:
            page = look.open("#lang=en&tab=layers&hazard=facilities&map=7/43.8/75.3")
            expect(page.get_by_role("region", name="Legend")).to_contain_text("Probability")
            look.drawn()
            middle = page.locator("#map").bounding_box()
            assert middle is not None
            page.mouse.click(middle["x"] + middle["width"] / 2 + 3, middle["y"] + middle["height"] / 2 + 3)
            told = page.locator(".facility")
            expect(told).to_contain_text("Exercise dam far away")
            expect(told).to_contain_text("< 1%")
            expect(told).to_contain_text("Limited: read with care")
            assert look.address()["at"] == "75.3/43.8"


def test_a_page_opened_before_anything_is_published_goes_to_what_comes(browser: Browser, tmp_path) -> None:
    with (
        on_stage(quakes(events=slice(0, 1)), tmp_path) as player,
        serving(door_of(tmp_path, [NOW], "EXERCISE uqturpan-2024: a drill")) as url,
        looking(browser, url) as look,
    ):
        page = look.read()
        expect(page.locator(".timeline")).to_contain_text("Nothing published yet")
        expect(page).to_have_url(re.compile("lang="))
        assert "hazard" not in look.address()
        player.play()
        expect(page.locator(".timeline")).to_contain_text("earthquake")
        assert look.address()["hazard"] == "shaking"


def test_a_new_product_and_its_alert_appear_by_themselves(browser: Browser, tmp_path) -> None:
    scenario = quakes(events=slice(0, 2))
    first, *rest = scenario.events
    with on_stage(scenario, tmp_path) as player:
        player.at(player.drill.scenarios[0].start, *static_feeds(player.drill.scenarios))
        player.at(first.at, *first.poll)
        clock = [player.drill.scenarios[0].end]
        with serving(door_of(tmp_path, clock, "EXERCISE uqturpan-2024: a drill")) as url, looking(browser, url) as look:
            page = look.read("#lang=en&tab=layers&hazard=shaking")
            count = page.get_by_role("group", name="Versions").get_by_role("radio").count()
            sent = len(player.messages())
            for event in rest:
                player.at(event.at, *event.poll)
            expect(page.get_by_role("log").locator("p")).to_have_count(len(player.messages()) - sent)
            expect(page.get_by_role("group", name="Versions").get_by_role("radio")).not_to_have_count(count)
            expect(page.locator("[aria-live=polite][role=status]")).to_contain_text("New")


def test_where_no_source_was_polled_yet_the_page_does_not_look_calm(browser: Browser, tmp_path) -> None:
    (tmp_path / "config").mkdir()
    with serving(door_of(tmp_path, [NOW], None)) as url, looking(browser, url) as look:
        page = look.read("#lang=en&tab=alerts")
        expect(page.locator(".calm")).to_contain_text("nothing is known")
        expect(page.locator(".live")).to_have_text("No data yet")
        sources = page.get_by_role("tab", name="Sources")
        feeds = page.locator("[data-feed]:not([data-state=off])")
        page.locator(".calm").get_by_role("button", name="See the sources").click()
        expect(feeds.first).to_contain_text("not polled yet")
        expect(sources).to_have_accessible_name(f"Sources not in order: {feeds.count()}")
        expect(page.locator("[data-layer]").first).to_contain_text("nothing yet")
        expect(page.locator(".board")).not_to_contain_text("never")


#: As the layer writes it, where the exercise has no stations of its own.
STATIONS = """station_id,longitude,latitude,distance,measure,observed,noise,expected,deviations,flag
#loc+code,#geo+lon,#geo+lat,,#indicator+name,#indicator+num,,,,
KN.AAK,74.494,42.639,1234.5,pga,-2.25,0.000012,-2,0.5,farther away than the distances that the model was fitted to: left out
"""


def test_a_table_is_read_in_the_readers_language_with_its_units(look: Looking) -> None:
    look.page.route("**/stations-*.csv", lambda route: route.fulfill(body=STATIONS, content_type="text/csv"))
    page = look.read(QUAKE.replace("lang=en", "lang=ru"))
    page.locator("details.table summary", has_text="Наблюдения").click()
    table = page.locator(".tables table")
    expect(table.get_by_role("columnheader", name=re.compile("distance to the rupture.*км"))).to_have_attribute("lang", "en")
    expect(table.get_by_role("row").last).to_contain_text(re.compile(r"42,64.*1.?235.*Пиковое ускорение грунта.*-2,25"))
    size = table.get_by_role("row").last.bounding_box()
    assert size is not None and size["height"] < 70
    page.get_by_role("button", name="Показать крупно").click()
    expect(page.get_by_role("dialog").get_by_role("columnheader")).to_have_count(10)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_phone_shows_the_map_the_time_and_the_alerts_without_scrolling_sideways(browser: Browser, shown: Shown) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    with looking(browser, shown.url, **phone) as look:
        page = look.open(ALERTS)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        sheet, time = page.locator(".panel").bounding_box(), page.locator(".timeline").bounding_box()
        assert sheet is not None and time is not None
        assert sheet["y"] > 844 * 0.4 and time["y"] + time["height"] <= sheet["y"]
        page.get_by_role("button", name="Panel size").click()
        page.get_by_role("tab", name="Layers").tap()
        expect(page.get_by_role("radio", name="Estimate")).to_be_visible()
        assert page.evaluate(SMALL_TARGETS) == []


def test_a_phone_has_the_day_of_its_clock_the_steps_of_time_and_its_panel_as_it_was(browser: Browser, shown: Shown) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    with looking(browser, shown.url, **phone) as look:
        page = look.read(ALERTS)
        expect(page.locator(".clock")).to_contain_text("2024")
        expect(page.locator(".clock span")).to_be_visible()
        page.get_by_role("button", name="Earlier", exact=True).tap()
        expect(page.get_by_role("button", name="Later", exact=True)).to_be_enabled()
        page.locator(".alert-card").first.tap()
        expect(page.locator(".page")).to_have_attribute("data-sheet", "full")
        page.locator(".details").get_by_role("button", name="Close").tap()
        expect(page.locator(".page")).to_have_attribute("data-sheet", "half")


def test_everything_can_be_reached_and_left_by_keyboard(look: Looking) -> None:
    page = look.read(ALERTS)
    expect(page).to_have_url(re.compile("step="))
    before = page.url
    page.locator("body").press("Tab")
    expect(page.get_by_role("link", name="Skip to")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_be_focused()
    assert page.url == before
    page.get_by_role("tab", name="Alerts").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Layers")).to_be_focused()
    expect(page.get_by_role("tab", name="Layers")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    page.get_by_text("Past alerts").press("Enter")
    card = page.locator(".alert-card").first
    card.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".details")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".details")).to_have_count(0)
    expect(card).to_be_focused()


def test_the_alerts_can_be_read_as_a_table(look: Looking) -> None:
    page = look.read(ALERTS)
    page.get_by_role("button", name="Table").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("with past ones").check()
    expect(dialog.get_by_role("columnheader", name="Severity")).to_be_visible()
    assert dialog.get_by_role("row").count() > 1
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_every_control_has_a_name_and_every_part_a_place(look: Looking) -> None:
    page = look.read("#lang=en&hazard=shaking&map=5/41/78")
    controls = {"button", "link", "slider", "combobox", "radio", "checkbox", "tab", "dialog", "region", "tabpanel"}
    session = page.context.new_cdp_session(page)
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        tree = session.send("Accessibility.getFullAXTree")["nodes"]
        told = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")]
        assert [role for role, name in told if role in controls and not name.strip()] == []
        assert {"banner", "main", "complementary", "tablist", "heading"} <= {role for role, _ in told}
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(browser: Browser, shown: Shown, theme: str) -> None:
    with looking(browser, shown.url, color_scheme=theme) as look:
        page = look.read("#lang=en&tab=alerts&hazard=shaking&map=5/41/78")
        page.get_by_text("Past alerts").click()
        for tab in TABS:
            page.get_by_role("tab", name=tab).click()
            assert [(text, ratio) for text, ratio, least in page.evaluate(CONTRASTS) if ratio < least] == []


def test_a_browser_that_cannot_draw_maps_still_shows_products_and_alerts(look: Looking) -> None:
    look.page.add_init_script(WITHOUT_WEBGL)
    page = look.read(QUAKE)
    picture = page.locator(".mapless img")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("complete", True)
    page.get_by_role("tab", name="Alerts").click()
    expect(page.get_by_role("heading", name="Active alerts")).to_be_visible()


def test_an_address_put_into_the_open_page_is_followed(look: Looking) -> None:
    page = look.open(QUAKE)
    page.evaluate(f"location.hash = '{FIRE.replace('lang=en', 'lang=ru')}'")
    expect(page.get_by_role("tab", name="Слои")).to_be_visible()
    expect(page.locator(".hazard.open")).to_contain_text("Пожароопасная погода")


def test_nothing_moves_while_the_page_loads(look: Looking) -> None:
    look.page.add_init_script(COUNT_SHIFTS)
    page = look.open(QUAKE)
    assert page.evaluate("window.moved") < 0.1


def test_the_page_obeys_a_policy_without_inline_scripts_and_styles(look: Looking) -> None:
    response = look.page.goto(look.url)
    assert response is not None
    policy = response.headers["content-security-policy"]
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy
    look.drawn()


def test_the_map_can_be_read_by_those_who_see_no_difference_of_colour(look: Looking) -> None:
    """The severities differ in lightness by steps that can be seen in grey."""
    page = look.read(ALERTS)
    names = ["extreme", "severe", "moderate", "minor"]
    colours = page.evaluate(
        "(names) => names.map((name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}-bar`))", names
    )
    grey = [np.dot([int(colour.strip()[at : at + 2], 16) for at in (1, 3, 5)], [0.299, 0.587, 0.114]) for colour in colours]
    assert all(after - before > 20 for before, after in pairwise(grey))

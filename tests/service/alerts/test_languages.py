"""Which language an answer is in."""

import pytest

from pipeline.service.alerts.languages import accepted, choose

THERE = ("kk", "ru", "en", "zh")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ((), "kk"),
        (("ru",), "ru"),
        (("RU-kz",), "ru"),
        (("de", "zh-Hans-CN"), "zh"),
        (("de",), "en"),
        (("de", "fr"), "en"),
        (("uz", "kk"), "kk"),
    ],
)
def test_the_dearest_language_that_is_there_is_taken(wanted, found):
    assert choose(wanted, THERE) == found


def test_a_language_that_is_there_for_another_country_serves():
    assert choose(("zh",), ("kk", "zh-CN")) == "zh-CN"
    assert choose(("zh-TW",), ("kk", "zh-CN")) == "zh-CN"


def test_without_english_the_first_language_is_taken():
    assert choose(("de",), ("kk", "ru")) == "kk"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ()),
        ("*", ()),
        ("ru", ("ru",)),
        ("en;q=0.2, ru;q=0.9, kk", ("kk", "ru", "en")),
        ("ru;q=0, en", ("en",)),
        ("ru;q=high, en;q=0.1", ("en",)),
        ("'; drop table, <b>", ()),
        (",".join(["xx"] * 5000), ("xx",) * 20),
    ],
)
def test_a_header_is_read_by_its_weights_and_nonsense_is_left_out(header, found):
    assert accepted(header) == found

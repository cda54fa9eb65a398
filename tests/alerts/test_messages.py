import re
import unicodedata

import pytest

from pipeline.alerts import messages
from pipeline.alerts.assessment import LEVELS
from pipeline.errors import AlertError, ConfigError

SCRIPTS = {"kk": "CYRILLIC", "ru": "CYRILLIC", "ky": "CYRILLIC", "tg": "CYRILLIC", "zh": "CJK"}
#: Proper abbreviations that stay in Latin letters.
LATIN = {"FWI"}


def texts(language):
    return dict(messages._texts(messages.load(language)))


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_language_says_everything_the_english_one_says(language):
    assert texts(language).keys() == texts("en").keys()
    for words in messages.load(language).events.values():
        assert tuple(words.headline) == LEVELS


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_each_text_is_written_in_the_script_of_its_language(language):
    wanted = SCRIPTS.get(language, "LATIN")
    for where, text in texts(language).items():
        words = re.sub(r"\{\w+\}", "", text)
        for latin in LATIN:
            words = words.replace(latin, "")
        scripts = {unicodedata.name(letter).split()[0] for letter in words if letter.isalpha()}
        assert scripts <= {wanted, "MODIFIER"}, f"{where}: {text}"


@pytest.mark.parametrize("language", ["kk", "ru", "ky", "tg", "tk", "uz", "zh"])
def test_no_text_was_left_in_english(language):
    ours = texts("en")
    assert not [where for where, text in texts(language).items() if text == ours[where]]


def test_the_kazakh_letters_are_not_those_of_the_neighbours():
    assert "ә" in "".join(texts("kk").values())
    assert not set("әғқұһі") & set("".join(texts("ky").values()).lower())
    assert not set("ўқғҳ") & set("".join(texts("ru").values()).lower())


def test_no_translation_claims_a_review_it_did_not_have():
    assert messages.review_status() == dict.fromkeys(messages.LANGUAGES, False)


def test_a_missing_text_is_an_error_that_names_it():
    data = messages.load("ru").model_dump(mode="json")
    del data["events"]["flood"]["cancel"]["headline"]
    with pytest.raises(ConfigError, match=r"messages ru.yaml: field events.flood.cancel.headline"):
        messages.parse(data, "ru.yaml")


def test_a_missing_level_is_an_error():
    data = messages.load("ru").model_dump(mode="json")
    del data["events"]["flood"]["headline"]["extreme"]
    with pytest.raises(ConfigError, match=r"events\.flood\.headline"):
        messages.parse(data, "ru.yaml")


def test_a_missing_hazard_is_an_error():
    model = messages.load("en")
    fewer = model.model_copy(update={"events": {"flood": model.events["flood"]}})
    with pytest.raises(ConfigError, match="earthquake"):
        messages.agree(fewer, model)


def test_a_text_that_names_another_fact_is_an_error():
    data = messages.load("ru").model_dump(mode="json")
    data["events"]["flood"]["headline"]["severe"] = "Наводнение {place}"
    with pytest.raises(ConfigError, match="place"):
        messages.parse(data, "ru.yaml")
    data["events"]["flood"]["headline"]["severe"] = "Наводнение"
    with pytest.raises(ConfigError, match="as in en"):
        messages.agree(messages.parse(data, "ru.yaml"), messages.load("en"))


def test_unknown_languages_and_hazards_are_refused():
    with pytest.raises(AlertError, match="language 'xx'"):
        messages.load("xx")
    with pytest.raises(AlertError, match="no texts for 'plague'"):
        messages.load("en").words("plague")


def test_a_sentence_whose_fact_is_unknown_is_left_out():
    assert messages.filled("Depth {depth} km.", {}) is None
    assert messages.filled("Depth {depth} km.", {"depth": "13"}) == "Depth 13 km."

"""The words of the alerts: one YAML file per language, read once and checked to say the same things.

Every file carries `reviewed`: whether a native speaker who works in public warning has read it. Until then each info
block in that language says so (parameter `translation-reviewed`).
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.alerts.assessment import LEVELS, Level
from pipeline.errors import AlertError, ConfigError

#: The languages of the region, as CAP writes them (BCP 47).
LANGUAGES = ("kk", "ru", "en", "ky", "uz", "tg", "tk", "zh")

#: The facts a text may name.
FACTS = frozenset(
    {
        "areas",
        "date",
        "depth",
        "intensity",
        "magnitude",
        "not_observed",
        "places",
        "population",
        "position",
        "shares",
        "threshold",
        "time",
    }
)

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """Headline, description and instruction of an all-clear or a cancellation."""

    headline: Text
    description: Text
    instruction: Text


class EventWords(_Strict):
    """What is said about one kind of hazard."""

    event: Text = Field(description="CAP event")
    headline: dict[Level, Text]
    description: tuple[Text, ...] = Field(min_length=1, description="Sentences; one that names an unknown fact is left out")
    instruction: dict[Level, Text]
    all_clear: Words
    cancel: Words


class Marks(_Strict):
    """How a message that is not in earnest says so."""

    prefix: str = Field(min_length=1, description="Before every headline")
    sentence: Text = Field(description="First sentence of every description")


class Position(_Strict):
    """How a latitude or longitude is written; `{value}` stands for the degrees."""

    north: Text
    south: Text
    east: Text
    west: Text


class Language(_Strict):
    """All the words of one language."""

    language: Text = Field(description="BCP 47")
    name: Text = Field(description="The language's own name")
    reviewed: bool = Field(description="Read by a native speaker who works in public warning")
    decimal: Text
    list_separator: Text
    sentence_separator: str
    position: Position
    area_unnamed: Text
    exercise: Marks
    test: Marks
    product: Text = Field(description="Name of the linked map")
    events: dict[str, EventWords] = Field(min_length=1)

    def words(self, event: str) -> EventWords:
        """Return what is said about a hazard.

        Raises
        ------
        AlertError
            Where the catalogue has no such hazard.
        """
        if event not in self.events:
            raise AlertError(f"messages {self.language}: no texts for {event!r}; expected one of {sorted(self.events)}")
        return self.events[event]


@cache
def load(language: str) -> Language:
    """Return the words of a language.

    Raises
    ------
    AlertError
        Where there is no such language.
    ConfigError
        Where the file lacks a key, has an unknown one, or says other facts than the English one.
    """
    if language not in LANGUAGES:
        raise AlertError(f"language {language!r}: expected one of {LANGUAGES}")
    text = resources.files(__package__).joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    found = parse(yaml.safe_load(text), f"{language}.yaml")
    if language != "en":
        agree(found, load("en"))
    return found


def parse(data: object, name: str) -> Language:
    """Return a language file's content; raise ConfigError naming the file and field that is missing or wrong."""
    try:
        found = Language.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"messages {name}: field {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for id, words in found.events.items():
        for field, levels in (("headline", words.headline), ("instruction", words.instruction)):
            if set(levels) != set(LEVELS):
                raise ConfigError(f"messages {name}: field events.{id}.{field}: found {list(levels)}, expected {LEVELS}")
    for where, text in _texts(found):
        unknown = placeholders(text) - FACTS
        if unknown:
            raise ConfigError(f"messages {name}: field {where}: names {sorted(unknown)}; expected some of {sorted(FACTS)}")
    return found


def agree(found: Language, model: Language) -> None:
    """Raise ConfigError where a language lacks a text of the model or names other facts in it."""
    theirs, ours = dict(_texts(found)), dict(_texts(model))
    for where in sorted(theirs.keys() ^ ours.keys()):
        raise ConfigError(f"messages {found.language}: field {where}: only in {'it' if where in theirs else model.language}")
    for where, text in ours.items():
        if placeholders(theirs[where]) != placeholders(text):
            expected = f"{sorted(placeholders(text))} as in {model.language}"
            raise ConfigError(f"messages {found.language}: field {where}: names {theirs[where]!r}; expected {expected}")


def filled(template: str, facts: Mapping[str, str]) -> str | None:
    """Return a template with its facts, or None where one is unknown."""
    return template.format_map(facts) if placeholders(template) <= facts.keys() else None


def placeholders(template: str) -> frozenset[str]:
    """Return the facts a template names."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def review_status() -> dict[str, bool]:
    """Return for each language whether a native speaker has reviewed it."""
    return {language: load(language).reviewed for language in LANGUAGES}


def _texts(language: Language) -> Iterator[tuple[str, str]]:
    for id, words in language.events.items():
        yield from ((f"events.{id}.headline.{level}", words.headline[level]) for level in LEVELS)
        yield from ((f"events.{id}.instruction.{level}", text) for level, text in words.instruction.items())
        yield from ((f"events.{id}.description.{number}", text) for number, text in enumerate(words.description))
        for name, closing in (("all_clear", words.all_clear), ("cancel", words.cancel)):
            fields: dict[str, Any] = closing.model_dump()
            yield from ((f"events.{id}.{name}.{field}", text) for field, text in fields.items())

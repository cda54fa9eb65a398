"""A decision put into words: one CAP message, one info block per language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.alerts import messages
from pipeline.alerts.assessment import AreaImpact, Assessment, PlaceImpact
from pipeline.alerts.cap import CapAlert, CapArea, CapInfo, CapResource, MsgType
from pipeline.alerts.context import WarnContext
from pipeline.alerts.decide import Decision
from pipeline.errors import AlertError
from pipeline.model import slug, to_json
from pipeline.store import sha256, to_bytes

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_MSG_TYPES: Mapping[str, MsgType] = {"alert": "Alert", "update": "Update", "cancel": "Cancel", "all_clear": "Update"}
#: Version of the OASIS Event Terms List whose codes are used.
_EVENT_LIST = "OET:v1.2"
#: Names in a headline, and in a description.
_FEW, _MANY = 3, 12


@dataclass(frozen=True, slots=True)
class Chain:
    """What a message follows on."""

    number: int
    """Its number within the incident, from 1."""
    references: tuple[tuple[str, str, datetime], ...]
    languages: tuple[str, ...]
    """Languages of the messages it supersedes: who read those can read this."""


def compose(decision: Decision, assessment: Assessment, context: WarnContext, chain: Chain, sent: datetime) -> CapAlert:
    """Return the message that a decision asks for.

    Raises
    ------
    AlertError
        Where the catalogue has no texts for the hazard or language, or a headline names an unknown fact.
    """
    if context.status == "Exercise" and not context.drill:
        raise AlertError(f"incident {context.incident}: status Exercise; expected the name of the drill")
    languages = spoken(decision.areas, context.languages, chain.languages)
    infos = tuple(_info(messages.load(language), decision, assessment, context, sent) for language in languages)
    alert = CapAlert(
        identifier="-",
        sender=context.sender,
        sent=sent,
        status=context.status,
        msg_type=_MSG_TYPES[decision.kind],
        infos=infos,
        references=chain.references,
        incidents=(slug(context.incident),),
        note=f"Exercise: {context.drill}" if context.status == "Exercise" else None,
    )
    digest = sha256(to_bytes(to_json(alert)))[:8]
    return replace(alert, identifier=f"hazmon-{slug(context.hazard)}-{slug(context.incident)}-{chain.number}-{digest}")


def spoken(areas: Sequence[AreaImpact], region: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """Return the languages of a message, in the region's order.

    Those of the affected areas, English where the region has it, and those of the messages it supersedes; all of the
    region's where the areas do not say theirs.
    """
    here = {language for area in areas for language in area.languages}
    wanted = ({*here, *({"en"} & set(region))} if here else set(region)) | set(before)
    known = [language for language in (*region, *messages.LANGUAGES) if language in wanted]
    return tuple(dict.fromkeys(known)) or ("en",)


def _info(
    language: messages.Language, decision: Decision, assessment: Assessment, context: WarnContext, sent: datetime
) -> CapInfo:
    words = language.words(context.words)
    ended = decision.kind in ("cancel", "all_clear")
    level = decision.level or "minor"
    headline, description, instruction = _texts(language, decision, assessment, context)
    return CapInfo(
        language=language.language,
        event=words.event,
        category=context.category,
        urgency="Past" if ended else _urgency(context, sent),
        severity={"cancel": "Unknown", "all_clear": "Minor"}.get(decision.kind, level.capitalize()),
        certainty={"cancel": "Unlikely", "all_clear": "Observed"}.get(decision.kind, assessment.certainty),
        headline=headline,
        description=description,
        instruction=instruction,
        effective=sent,
        onset=None if ended else context.onset,
        expires=sent + context.lifetime,
        sender_name=context.sender_name,
        response_types=({"cancel": "None", "all_clear": "AllClear"}.get(decision.kind, context.response_type),),
        event_codes=((_EVENT_LIST, context.event_code),),
        parameters=_parameters(language, decision, context),
        resources=_resources(language, context),
        areas=tuple(_area(language, area) for area in decision.areas),
        web=context.web,
        contact=context.contact,
    )


def _texts(
    language: messages.Language, decision: Decision, assessment: Assessment, context: WarnContext
) -> tuple[str, str, str]:
    words = language.words(context.words)
    marks = {"Exercise": language.exercise, "Test": language.test}.get(context.status)
    if decision.kind in ("cancel", "all_clear"):
        closing = words.cancel if decision.kind == "cancel" else words.all_clear
        headline, sentences, instruction = closing.headline, [closing.description], closing.instruction
    else:
        level = decision.level or "minor"
        found = messages.filled(words.headline[level], _facts(language, decision, assessment, context, most=_FEW))
        if found is None:
            raise AlertError(f"incident {context.incident}: the headline {words.headline[level]!r} names an unknown fact")
        facts = _facts(language, decision, assessment, context, most=_MANY)
        filled = (messages.filled(sentence, facts) for sentence in words.description)
        headline, instruction = found, words.instruction[level]
        sentences = [sentence.replace("..", ".") for sentence in filled if sentence is not None]
    if marks is not None:
        headline, sentences = marks.prefix + headline, [marks.sentence, *sentences]
    return headline, language.sentence_separator.join(sentences), instruction


def _facts(
    language: messages.Language, decision: Decision, assessment: Assessment, context: WarnContext, *, most: int
) -> dict[str, str]:
    """Return the facts a text may name, written in a language; unknown ones are left out."""
    given = {**assessment.facts, **context.facts}
    facts: dict[str, str | None] = {
        "time": f"{context.data_time:%Y-%m-%d %H:%M} UTC",
        "date": f"{context.onset or context.data_time:%Y-%m-%d}",
        "magnitude": _number(language, given.get("magnitude"), 1),
        "depth": _number(language, given.get("depth"), 0),
        "position": _position(language, given.get("latitude"), given.get("longitude")),
        "intensity": _intensity(given.get("mmi")),
        "threshold": _intensity(given.get("threshold")),
        "population": _people(given.get("population")),
        "areas": _joined(language, [_name(language, area) for area in decision.areas], most),
        "shares": _joined(language, [_share(language, area) for area in decision.areas], most),
        "not_observed": _joined(language, [_name(language, area) for area in assessment.not_observed], most),
        "places": _joined(language, [_place(language, place, context.words) for place in assessment.places], most),
    }
    return {name: text for name, text in facts.items() if text}


def _urgency(context: WarnContext, sent: datetime) -> str:
    """Return CAP's words: action now, within the hour, or later."""
    wait = 0.0 if context.onset is None else (context.onset - sent).total_seconds()
    return "Immediate" if wait <= 0 else "Expected" if wait <= 3600 else "Future"


def _parameters(language: messages.Language, decision: Decision, context: WarnContext) -> tuple[tuple[str, str], ...]:
    return (
        ("hazmon:item", context.product),
        ("hazmon:revision", str(context.revision)),
        ("hazmon:level", decision.level or "none"),
        ("hazmon:reason", decision.reason),
        ("hazmon:synthetic", "yes" if context.synthetic else "no"),
        ("translation-reviewed", "yes" if language.reviewed else "no"),
    )


def _resources(language: messages.Language, context: WarnContext) -> tuple[CapResource, ...]:
    if context.product_url is None:
        return ()
    return (CapResource(language.product, "application/geo+json", context.product_url),)


def _area(language: messages.Language, area: AreaImpact) -> CapArea:
    return CapArea(_name(language, area) or language.area_unnamed, area.polygons, area.geocodes or (("hazmon:area", area.id),))


def _name(language: messages.Language, area: AreaImpact) -> str:
    """Return an area's name in a language, else in English, else the name it is listed under."""
    return area.names.get(language.language) or area.names.get("en") or area.names.get("", "")


def _share(language: messages.Language, area: AreaImpact) -> str:
    share = _number(language, None if area.value is None else 100.0 * area.value, 0 if (area.value or 0) >= 0.1 else 1)
    return f"{_name(language, area) or language.area_unnamed} {share} %" if share else ""


def _place(language: messages.Language, place: PlaceImpact, words: str) -> str:
    name = place.names.get(language.language) or place.name
    return f"{name} ({_intensity(place.value)})" if words == "earthquake" and place.value is not None else name


def _joined(language: messages.Language, names: Sequence[str], most: int) -> str | None:
    named = [name for name in dict.fromkeys(names) if name]
    return language.list_separator.join(named[:most]) + (" …" if len(named) > most else "") if named else None


def _number(language: messages.Language, value: object, digits: int) -> str | None:
    return f"{value:.{digits}f}".replace(".", language.decimal) if isinstance(value, int | float) else None


def _intensity(value: object) -> str | None:
    """Return an intensity as a Roman numeral, rounded as ShakeMap does."""
    return _ROMAN[min(max(round(value), 1), 12) - 1] if isinstance(value, int | float) else None


def _people(value: object) -> str | None:
    """Return a number of people to two figures, in groups of three by a no-break space; None for nobody."""
    if not isinstance(value, int | float) or value < 1:
        return None
    return f"{int(float(f'{value:.2g}')):,}".replace(",", "\u00a0")


def _position(language: messages.Language, latitude: object, longitude: object) -> str | None:
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None
    position = language.position
    north = (position.north if latitude >= 0 else position.south).format(value=_number(language, abs(latitude), 2))
    east = (position.east if longitude >= 0 else position.west).format(value=_number(language, abs(longitude), 2))
    return language.list_separator.join((north, east))

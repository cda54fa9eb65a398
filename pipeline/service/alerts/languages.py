"""Which language an answer is given in: what the client asked for against what a message has (RFC 4647, lookup)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.requests import Request

from pipeline.service.refused import refused

_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
#: What is understood by most where nothing that was asked for is there.
_COMMON = "en"
#: Ranges of a header that are looked at.
_MOST = 20


def asked(request: Request, lang: str | None) -> tuple[str, ...]:
    """Return the languages a client wants, the dearest first: those of `lang`, else those of Accept-Language.

    Raises
    ------
    HTTPException
        400, where `lang` is no list of language tags.
    """
    if lang is None:
        return accepted(request.headers.get("accept-language", ""))
    tags = tuple(tag.strip() for tag in lang.split(","))
    if not all(_TAG.fullmatch(tag) for tag in tags):
        raise refused(400, f"found lang = {lang!r}, expected language tags such as ru or kk,ru")
    return tags[:_MOST]


def accepted(header: str) -> tuple[str, ...]:
    """Return the tags of an Accept-Language header, the dearest first; what cannot be read is left out.

    Examples
    --------
    >>> accepted("en;q=0.5, ru-KZ, kk;q=0.9, *;q=0.1")
    ('ru-KZ', 'kk', 'en')
    """
    weighed: list[tuple[float, int, str]] = []
    for part in header.split(",")[:_MOST]:
        tag, _, weight = part.strip().partition(";")
        quality = _quality(weight)
        if quality > 0 and _TAG.fullmatch(tag.strip()):
            weighed.append((-quality, len(weighed), tag.strip()))
    return tuple(tag for _, _, tag in sorted(weighed))


def choose(wanted: Sequence[str], there: Sequence[str]) -> str:
    """Return the language of `there` that serves best; where none was asked for, the first, which is the area's own.

    Examples
    --------
    >>> choose(("ru-KZ", "en"), ("kk", "ru", "en"))
    'ru'
    >>> choose(("de",), ("kk", "ru", "en"))
    'en'
    >>> choose((), ("kk", "ru", "en"))
    'kk'
    """
    known = {tag.lower(): tag for tag in reversed(there)}
    for tag in wanted:
        parts = tag.lower().split("-")
        while parts:
            if "-".join(parts) in known:
                return known["-".join(parts)]
            parts.pop()
        primary = tag.lower().split("-")[0]
        near = next((other for other in there if other.lower().split("-")[0] == primary), None)
        if near is not None:
            return near
    return known.get(_COMMON, there[0]) if wanted else there[0]


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return min(float(value), 1.0) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0

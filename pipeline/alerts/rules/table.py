"""Rows of the area and place tables as impacts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from pipeline.alerts.assessment import AreaImpact, Level, PlaceImpact
from pipeline.alerts.rules import outline, zones
from pipeline.alerts.rules.places import LANGUAGES

#: Most places an assessment names.
MAX_PLACES = 50


def names_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of an area by language; "" is the name where no language is known."""
    given = row.get("names")
    named = dict(given) if isinstance(given, Mapping) else {}
    for column, text in row.items():
        if str(column).startswith("name_") and isinstance(text, str) and text:
            named.setdefault(str(column)[5:], text)
    if isinstance(row.get("name"), str):
        named[""] = row["name"]
    return {str(language): str(text) for language, text in named.items() if text}


def languages_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the languages of an area: its own column, else those of its country, else none."""
    given = row.get("languages")
    if isinstance(given, str) and given:
        return tuple(part.strip() for part in given.replace(";", ",").split(","))
    if isinstance(given, list | tuple | np.ndarray) and len(given):
        return tuple(str(part) for part in given)
    return LANGUAGES.get(str(row.get("country", "")), ())


def geocodes_of(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return (system, code) pairs of an area: `geocode` ("ISO 3166-2=KZ-27"), its country, and its own id."""
    pairs = []
    given = row.get("geocode")
    if isinstance(given, str) and "=" in given:
        system, code = given.split("=", 1)
        pairs.append((system.strip(), code.strip()))
    if isinstance(row.get("country"), str) and row["country"]:
        pairs.append(("ISO 3166-1", str(row["country"])))
    pairs.append(("hazmon:area", str(row["id"])))
    return tuple(dict.fromkeys(pairs))


def share_impacts(
    found: zones.Shares,
    places: gpd.GeoDataFrame,
    *,
    judged: Sequence[tuple[Level | None, Level | None, float]],
    max_unknown: float,
) -> tuple[tuple[AreaImpact, ...], tuple[PlaceImpact, ...]]:
    """Return the impact on each area and on the places inside affected ones.

    Parameters
    ----------
    found
        Areas on the grid and their known share.
    judged
        Per area: level reached, level held, and the value compared (NaN: unknown).
    max_unknown
        Unknown share beyond which an area counts as not observed and reaches no level.
    """
    degrees = found.areas.to_crs("EPSG:4326")
    holder = zones.members(places, degrees)
    observed = 1.0 - found.known <= max_unknown
    areas = []
    for number, row in enumerate(degrees.to_dict("records")):
        level, held, value = judged[number] if observed[number] else (None, None, judged[number][2])
        areas.append(
            AreaImpact(
                id=str(row["id"]),
                level=level,
                held=held,
                names=names_of(row),
                polygons=outline.rings(row["geometry"]) if level or held else (),
                geocodes=geocodes_of(row),
                value=None if math.isnan(value) else round(float(value), 6),
                unknown_share=round(float(1.0 - found.known[number]), 6),
                observed=bool(observed[number]),
                population=int(places["population"].to_numpy()[holder == number].sum()) if len(places) else 0,
                languages=languages_of(row),
            )
        )
    inside = np.array([number >= 0 and areas[number].level is not None for number in holder], dtype=bool)
    values = np.array([areas[number].value if number >= 0 else math.nan for number in holder], dtype=np.float64)
    return tuple(areas), place_impacts(places, inside, values)


def place_impacts(
    places: gpd.GeoDataFrame, inside: NDArray[np.bool_], values: NDArray[np.floating[Any]]
) -> tuple[PlaceImpact, ...]:
    """Return the places of a mask, the highest value first, then the largest."""
    rows = places[inside].to_dict("records") if len(places) else []
    found = [
        PlaceImpact(
            name=str(row["name"]),
            country=str(row.get("country", "")),
            population=int(row["population"]),
            value=None if math.isnan(value) else round(float(value), 2),
            names={str(key): str(text) for key, text in (row.get("names") or {}).items()},
        )
        for row, value in zip(rows, values[inside] if len(places) else [], strict=True)
    ]
    found.sort(key=lambda place: (-(place.value or 0.0), -place.population, place.name))
    return tuple(found[:MAX_PLACES])

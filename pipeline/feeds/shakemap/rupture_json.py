"""`rupture.json` of a ShakeMap 4: a finite rupture, or the point of a hypocentre.

Format: ShakeMap Manual, "Rupture Specification". Its imperfections have names here:

- ONE_POLYGON  all segments stand as rings of one polygon of a MultiPolygon; GeoJSON would read the others as holes.
- POINT        where there is no finite rupture: coordinates of the hypocentre, depth in km (0 where left out).
"""

from __future__ import annotations

import xarray as xr

from pipeline.feeds.origins import malformed, read_json
from pipeline.feeds.shakemap.rupture import Quad, corner, quads, to_dataset
from pipeline.feeds.shakemap.stations import mapping, text


def decode(data: bytes, where: str) -> xr.Dataset:
    """Return a rupture (see `rupture.to_dataset`); `eventid` among the attributes where the metadata say it.

    Raises
    ------
    FeedMalformed
        Naming file, field, what was found and what was expected.
    """
    value = read_json(data, where)
    listed = value.get("features")
    if value.get("type") != "FeatureCollection" or not isinstance(listed, list) or len(listed) != 1:
        malformed(f"{where}: features", value.get("type"), "a FeatureCollection with one feature")
    feature = mapping(listed[0], f"{where}: features", "a Feature")
    geometry = mapping(feature.get("geometry"), f"{where}: geometry", "a MultiPolygon or a Point")
    metadata = value.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    coordinates = geometry.get("coordinates")
    match geometry.get("type"):
        case "Point":
            place = corner(coordinates, f"{where}: coordinates", depth=0.0)
            dataset = to_dataset([(place, place, place, place)], reference=text(said.get("reference")), is_point=True)
        case "MultiPolygon":
            dataset = to_dataset(_segments(coordinates, where), reference=text(said.get("reference")))
        case other:
            malformed(f"{where}: geometry", other, "a MultiPolygon or a Point")
    if event := text(said.get("id")):
        dataset.attrs["eventid"] = event
    return dataset


def _segments(coordinates: object, where: str) -> list[Quad]:
    """Return the quadrilaterals of every ring (ONE_POLYGON)."""
    if not isinstance(coordinates, list) or not all(isinstance(polygon, list) for polygon in coordinates):
        malformed(f"{where}: coordinates", coordinates, "polygons of rings")
    found: list[Quad] = []
    for place, ring in enumerate(ring for polygon in coordinates for ring in polygon):
        name = f"{where}: ring {place}"
        if not isinstance(ring, list):
            malformed(name, ring, "a list of corners")
        found += quads([corner(value, name) for value in ring], name)
    if not found:
        malformed(f"{where}: coordinates", coordinates, "at least one ring")
    return found

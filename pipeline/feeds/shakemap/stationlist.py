"""`stationlist.json` of a ShakeMap: stations and felt reports with what was observed, of version 3 and of version 4.

Format: ShakeMap Manual, "Products and Formats", stationlist.json. Its imperfections have names here:

- EMPTY        no station is an answer: a FeatureCollection without features, or an object without `type`.
- DERIVED      `intensity` of an instrument and `pga`, `pgv` of a felt report are converted from what was observed there:
               never read. The same holds for channels named DERIVED of felt reports in version 3.
- CHANNELS     what was observed stands under channels, each with amplitudes; see `amplitudes`.
- MAP_VS30     `vs30` (version 4) is read off ShakeMap's own site map, not measured.
- UNKNOWN      numbers may be null, "null" or "--", `nresp` -1 or "null".
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import xarray as xr

from pipeline.feeds.origins import malformed, optional, read_json
from pipeline.feeds.shakemap.amplitudes import Observation, greatest, horizontals, measure, observe
from pipeline.feeds.shakemap.stations import (
    COMPONENT,
    LEAST_RESPONSES,
    MACROSEISMIC_NETWORKS,
    Station,
    felt,
    intensity_of,
    mapping,
    recorded,
    responses_of,
    text,
    to_dataset,
)

#: Vs30 of any ground, m s-1.
VELOCITIES = (0.0, 10_000.0)


def decode(
    data: bytes,
    where: str,
    *,
    component: str = COMPONENT,
    disregard: Collection[str] = (),
    least_responses: int = LEAST_RESPONSES,
) -> xr.Dataset:
    """Return the stations of a list (see `stations.to_dataset`); `eventid` among the attributes where it is said.

    Parameters
    ----------
    data
        JSON.
    where
        Its name, for messages.
    component
        GREATER_OF_TWO_HORIZONTAL, or the name of a rotated component such as RotD50, whose channels are then read.
    disregard
        Flags that do not disqualify an amplitude, for example `amplitudes.OUTLIER_FLAGS`.
    least_responses
        Fewest responses of a felt report that is not flagged.

    Raises
    ------
    FeedMalformed
        Naming file, field, what was found and what was expected.
    """
    value = read_json(data, where)
    found = [
        _station(feature, f"{where}#{place}", component, disregard, least_responses)
        for place, feature in enumerate(features(value, where))
    ]
    said = value.get("metadata")
    event = text(said.get("eventid") if isinstance(said, dict) else value.get("eventid"))
    return to_dataset(found, component=component, **({"eventid": event} if event else {}))


def features(value: dict[str, Any], where: str) -> list[object]:
    """Return the features of a collection (EMPTY)."""
    listed = value.get("features")
    if not isinstance(listed, list) or (value.get("type") != "FeatureCollection" and (listed or "type" in value)):
        malformed(where, value.get("type"), "a FeatureCollection with features")
    return listed


def point(feature: dict[str, object], where: str) -> tuple[object, object]:
    """Return longitude and latitude of a Point as they are written."""
    geometry = mapping(feature.get("geometry"), f"{where}: geometry", "a Point")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        malformed(f"{where}: geometry", coordinates, "longitude and latitude")
    return coordinates[0], coordinates[1]


def _station(feature: object, where: str, component: str, disregard: Collection[str], least: int) -> Station:
    said = mapping(feature, where, "a Feature")
    properties = mapping(said.get("properties"), f"{where}: properties", "an object")
    network, code = text(properties.get("network")), text(properties.get("code"))
    id = text(said.get("id")) or (f"{network}.{code}" if code else "")
    if not id:
        malformed(f"{where}: id", said.get("id"), "network and code of the station")
    network = network or id.split(".")[0]
    place, name = point(said, where), text(properties.get("name"))
    ground = optional(properties.get("vs30"), f"{where}: vs30", VELOCITIES) or math.nan
    if network.lower() in MACROSEISMIC_NETWORKS or properties.get("station_type") == "macroseismic":
        return felt(
            id,
            place,
            network,
            intensity_of(properties, where),
            where,
            name=name,
            responses=responses_of(properties.get("nresp"), where),
            least_responses=least,
            vs30=ground,
        )
    return recorded(id, place, network, _amplitudes(properties, where, component, disregard), where, name=name, vs30=ground)


def _amplitudes(
    properties: dict[str, object], where: str, component: str, disregard: Collection[str]
) -> dict[str, Observation]:
    listed = properties.get("channels")
    if not isinstance(listed, list):
        malformed(f"{where}: channels", listed, "a list")
    channels = [mapping(channel, f"{where}: channels", "an object") for channel in listed]
    names = [text(channel.get("name")) for channel in channels]
    rotated = component.lower().startswith("rot")
    level = horizontals(names, text(properties.get("name")))
    chosen: list[bool | None] = [
        name.lower() == component.lower() if rotated or name.lower().startswith("rot") else flat
        for name, flat in zip(names, level, strict=True)
    ]
    return greatest(
        ((flat, _channel(channel, f"{where}: {name}")) for flat, channel, name in zip(chosen, channels, names, strict=True)),
        disregard=disregard,
    )


def _channel(channel: dict[str, object], where: str) -> dict[str, Observation]:
    listed = channel.get("amplitudes")
    if not isinstance(listed, list):
        malformed(f"{where}: amplitudes", listed, "a list")
    found: dict[str, Observation] = {}
    for entry in listed:
        said = mapping(entry, f"{where}: amplitude", "an object")
        name = measure(text(said.get("name")))
        if name is None or name == "mmi":
            continue
        spread = said.get("ln_sigma", said.get("sigma"))
        where_this = f"{where}: {said.get('name')}"
        found[name] = observe(name, said.get("value"), said.get("units"), where_this, flag=said.get("flag"), deviation=spread)
    return found

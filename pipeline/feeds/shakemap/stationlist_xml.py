"""Peak amplitudes as XML: `stationlist.xml`, `*_dat.xml`, `dyfi_dat.xml` and `hist_dat.xml` of ShakeMap 3 and 4.

Format: ShakeMap Manual, "Input Data Formats", XML station data. Its imperfections have names here:

- NAMESPACES     of any kind, or none.
- CODE           `code` may hold the network already: BG.DRH of network BG.
- REPEATED       the same station twice: its components are joined, a component seen again replaces the former.
- QUESTIONNAIRE  a felt report carries a component "Intensity Questionnaire" with amplitudes converted from the intensity:
                 left out; `intensity` of a station with an instrument is converted as well: left out.
- UNITS          %g and cm/s where no `units` is given; `ln_stddev` is the deviation.
- UNNAMED        a component without name, or a station without code, is left out as ShakeMap does.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import xarray as xr

from pipeline.feeds.origins import malformed, optional
from pipeline.feeds.shakemap.amplitudes import Observation, greatest, horizontals, measure, observe
from pipeline.feeds.shakemap.markup import Element, attributes, inside, local, root
from pipeline.feeds.shakemap.stationlist import VELOCITIES
from pipeline.feeds.shakemap.stations import (
    COMPONENT,
    LEAST_RESPONSES,
    MACROSEISMIC_NETWORKS,
    Station,
    felt,
    intensity_of,
    recorded,
    responses_of,
    to_dataset,
)


def decode(data: bytes, where: str, *, disregard: Collection[str] = (), least_responses: int = LEAST_RESPONSES) -> xr.Dataset:
    """Return the stations of a document (see `stations.to_dataset`).

    Raises
    ------
    FeedMalformed
        Where it is not such XML, or naming the field that cannot be read.
    """
    document = root(data, where)
    lists = inside(document, "stationlist")
    if not lists:
        malformed(where, local(document), "a stationlist")
    said: dict[str, dict[str, str]] = {}
    components: dict[str, dict[str, Element]] = {}
    for station in (child for listed in lists for child in listed if local(child) == "station"):
        attrs = attributes(station)
        id = _id(attrs)
        if id is None:
            continue
        said[id] = attrs
        components.setdefault(id, {}).update(
            {name: child for child in station if local(child) == "comp" and (name := attributes(child).get("name"))}
        )
    found = [_station(id, attrs, components[id], f"{where}#{id}", disregard, least_responses) for id, attrs in said.items()]
    return to_dataset(found, component=COMPONENT)


def _id(attrs: dict[str, str]) -> str | None:
    """Return network and code (CODE), or None for a station without code (UNNAMED)."""
    network, code = attrs.get("netid", "").strip() or "unknown", attrs.get("code", "").strip()
    if not code:
        return None
    return code if code.startswith(f"{network}.") else f"{network}.{code}"


def _station(
    id: str, attrs: dict[str, str], components: dict[str, Element], where: str, disregard: Collection[str], least: int
) -> Station:
    network, name = attrs.get("netid", "").strip() or "unknown", attrs.get("name", "")
    place = (attrs.get("lon"), attrs.get("lat"))
    vs30 = optional(attrs.get("vs30"), f"{where}: vs30", VELOCITIES) or math.nan
    if network.lower() in MACROSEISMIC_NETWORKS:
        count, intensity = responses_of(attrs.get("nresp"), where), intensity_of(attrs, where)
        return felt(id, place, network, intensity, where, name=name, responses=count, least_responses=least, vs30=vs30)
    said = {channel: attributes(element).get("orientation", "") for channel, element in components.items()}
    level = horizontals(list(components), name, said=said)
    seen = greatest(
        (
            (flat, _amplitudes(element, f"{where}: {channel}"))
            for flat, (channel, element) in zip(level, components.items(), strict=True)
            if "Intensity Questionnaire" not in channel
        ),
        disregard=disregard,
    )
    return recorded(id, place, network, seen, where, name=name, vs30=vs30)


def _amplitudes(component: Element, where: str) -> dict[str, Observation]:
    found: dict[str, Observation] = {}
    for element in component:
        name, attrs = measure(local(element)), attributes(element)
        if name is None or name == "mmi" or "value" not in attrs:
            continue
        found[name] = observe(
            name,
            attrs["value"],
            attrs.get("units"),
            f"{where}: {local(element)}",
            flag=attrs.get("flag"),
            deviation=attrs.get("ln_stddev"),
        )
    return found

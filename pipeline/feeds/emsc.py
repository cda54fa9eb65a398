"""The GeoJSON of EMSC's SeismicPortal: what its FDSN service answers to `format=json`, and what its websocket sends.

Format: https://www.seismicportal.eu/fdsn-wsevent.html. Its imperfections have names here:

- DEPTH_SIGN   the geometry's third coordinate is negative downwards, `properties.depth` positive: the latter is read.
- UNID         the id that lasts is `unid`; `source_id` changes with each solution.
- LASTUPDATE   the time of update, ISO 8601 with microseconds: the revision.
- EVTYPE       two letters as in the IASPEI Seismic Format: known (k) or suspected (s) earthquake (e), induced (i),
               rock burst (r), explosion in a mine (m), chemical (h), experimental (x), nuclear (n); landslide (ls).
               Anything else is read as earthquake, as in QuakeML.
- ENVELOPE     the websocket wraps a feature into {"action": "create" or "update" or "delete", "data": feature}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import (
    DEPTHS,
    MAGNITUDES,
    Origin,
    Report,
    epoch_milliseconds,
    key_of,
    latitude,
    longitude,
    malformed,
    optional,
    utc,
)
from pipeline.feeds.protocol import Rejected

#: EVTYPE: what the second letter means, in QuakeML's words.
EVENT_TYPES = {
    "i": "induced or triggered event",
    "r": "rock burst",
    "m": "mining explosion",
    "h": "chemical explosion",
    "x": "explosion",
    "n": "nuclear explosion",
}


def is_emsc(value: dict[str, Any]) -> bool:
    """Whether a JSON object is of this kind: a feature with `unid`, alone, wrapped or listed."""
    if "action" in value:
        return True
    listed = value.get("features")
    feature = listed[0] if isinstance(listed, list) and listed else value
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return isinstance(properties, dict) and "unid" in properties


def features(value: dict[str, Any], where: str, *, agency: str = "emsc") -> Iterator[tuple[Report, bytes] | Rejected]:
    """Yield the events of a FeatureCollection, a Feature or a websocket message, each with its own bytes."""
    listed = value.get("features") if value.get("type") == "FeatureCollection" else [value]
    if not isinstance(listed, list):
        malformed(where, value.get("type"), "a FeatureCollection with features")
    for place, feature in enumerate(listed):
        name, alone = f"{where}#{place}", json.dumps(feature, separators=(",", ":")).encode()
        try:
            yield _report(feature, name, agency), alone
        except FeedMalformed as error:
            yield Rejected(alone, str(error), name)


def _report(feature: object, where: str, agency: str) -> Report:
    action = feature.get("action") if isinstance(feature, dict) else None
    inner = feature.get("data") if isinstance(feature, dict) and action is not None else feature
    said = inner.get("properties") if isinstance(inner, dict) else None
    if not isinstance(said, dict) or not isinstance(said.get("unid"), str) or not said["unid"]:
        malformed(where, feature, "a Feature with properties.unid")
    updated = utc(said["lastupdate"], where) if said.get("lastupdate") else None
    kind = str(said.get("evtype") or "ke")
    origin = Origin(
        time=utc(said.get("time"), where),
        latitude=latitude(said.get("lat"), where),
        longitude=longitude(said.get("lon"), where),
        depth=optional(said.get("depth"), f"{where}: depth", DEPTHS),
        magnitude=optional(said.get("mag"), f"{where}: mag", MAGNITUDES),
        magnitude_type=str(said.get("magtype") or ""),
        agency=agency,
        event_id=said["unid"],
        updated=updated,
        place=str(said.get("flynn_region") or ""),
    )
    return Report(
        origins=(origin,),
        ids=(key_of(agency, said["unid"]),),
        status="deleted" if action == "delete" else "automatic",
        event_type="landslide" if kind == "ls" else EVENT_TYPES.get(kind[1:], "earthquake"),
        revision=epoch_milliseconds(updated),
        synthetic=bool(said.get("synthetic", False)),
    )

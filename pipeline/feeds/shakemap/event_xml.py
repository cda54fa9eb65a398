"""`event.xml` of ShakeMap, with the `source.txt` that may lie beside it: one origin with its mechanism.

Format: ShakeMap Manual, "Input Data Formats", Event XML File. Its imperfections have names here:

- DATE_PARTS   version 3 gives year, month, day, hour, minute and second in place of `time`; all are UTC.
- TYPE         older files say `type` for `mech`.
- INSIDE       the element `earthquake` is the root, or stands in a `shakemap-data`.
- NETWORK      `netid` may be missing in version 3, which has `network`.
- CREATED      `created` is in epoch seconds where it is there: the revision.
- SOURCE       lines key=value that stand in for attributes of the same name, and add rake.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

import xarray as xr

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
from pipeline.feeds.origins import to_dataset as origins
from pipeline.feeds.shakemap.markup import attributes, inside, root
from pipeline.feeds.shakemap.stations import decoded

#: Rakes of ShakeMap's mechanisms, degrees; NaN: unspecified. esi-shakelib 1.2.1, `RAKEDICT`.
RAKES = {"RS": 90.0, "NM": -90.0, "SS": 0.0, "ALL": math.nan}
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_PAIR = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")


def decode(data: bytes, where: str, *, source: bytes | None = None) -> xr.Dataset:
    """Return the origin as every earthquake feed decodes one (see `origins.to_dataset`).

    Attributes besides: `mechanism` (RS, NM, SS or ALL) and `rake` (degrees, NaN unspecified).

    Parameters
    ----------
    data
        event.xml.
    where
        Its name, for messages.
    source
        source.txt, whose lines stand in for attributes (SOURCE).

    Raises
    ------
    FeedMalformed
        Naming file, field, what was found and what was expected.
    """
    said = _said(data, where)
    if source is not None:
        said |= pairs(source, f"{where}: source")
    mechanism = (said.get("mech") or said.get("type") or "ALL").strip().upper()
    if mechanism not in RAKES:
        malformed(f"{where}: mech", mechanism, f"one of {sorted(RAKES)}")
    rake = optional(said.get("rake"), f"{where}: rake", (-360.0, 360.0))
    dataset = origins(report(said, where))
    dataset.attrs.update(mechanism=mechanism, rake=RAKES[mechanism] if rake is None else (rake + 180.0) % 360.0 - 180.0)
    return dataset


def report(said: dict[str, str], where: str) -> Report:
    """Return what the attributes of an `earthquake` say; a scenario is synthetic."""
    agency = (said.get("netid") or said.get("network") or "").strip().lower()
    name = said.get("id", "").strip()
    if not name or not agency or len(agency) > 20:
        malformed(f"{where}: id, netid", (name, agency), "an id and a short name of the network")
    updated = _created(said.get("created"), where)
    origin = Origin(
        time=_time(said, where),
        latitude=latitude(said.get("lat"), where),
        longitude=longitude(said.get("lon"), where),
        depth=optional(said.get("depth"), f"{where}: depth", DEPTHS),
        magnitude=optional(said.get("mag"), f"{where}: mag", MAGNITUDES),
        magnitude_type="",
        agency=agency,
        event_id=name,
        updated=updated,
        place=said.get("locstring", ""),
    )
    return Report(
        (origin,),
        (key_of(agency, name),),
        "reviewed" if said.get("reviewed", "").lower() == "true" else "automatic",
        revision=epoch_milliseconds(updated),
        synthetic=said.get("event_type", "").upper() == "SCENARIO",
    )


def pairs(data: bytes, where: str) -> dict[str, str]:
    """Return what the lines of a source.txt say; `#` begins a comment (SOURCE)."""
    found: dict[str, str] = {}
    for place, line in enumerate(decoded(data, where).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pair = _PAIR.fullmatch(line)
        if pair is None:
            malformed(f"{where}#{place}", line, "key = value")
        found[pair[1]] = pair[2]
    return found


def _said(data: bytes, where: str) -> dict[str, str]:
    found = inside(root(data, where), "earthquake")
    if len(found) != 1:
        malformed(where, f"{len(found)} elements earthquake", "one")
    return attributes(found[0])


def _time(said: dict[str, str], where: str) -> datetime:
    """Return the origin time (DATE_PARTS)."""
    if said.get("time"):
        return utc(said["time"], where)
    year, month, day, hour, minute, second = (said.get(part, "") for part in _PARTS)
    whole = [part.strip().zfill(width) for part, width in ((year, 4), (month, 2), (day, 2), (hour, 2), (minute, 2))]
    seconds = optional(second, f"{where}: second", (0.0, 60.0))
    if seconds is None:
        malformed(f"{where}: time", second, "a time, or year, month, day, hour, minute and second")
    return utc("{}-{}-{}T{}:{}:00Z".format(*whole), where) + timedelta(seconds=seconds)


def _created(value: str | None, where: str) -> datetime | None:
    """Return when the file was made (CREATED), or None where it does not say."""
    seconds = optional(value, f"{where}: created", (0.0, 4e9))
    return None if not seconds else datetime.fromtimestamp(seconds, UTC)

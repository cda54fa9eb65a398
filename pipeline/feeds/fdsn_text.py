"""The text format of FDSN event services: one event a line, columns between `|`, named by a header line.

FDSN Web Service Specifications 1.2 (2019), fdsnws-event. Its imperfections have names here:

- HEADER_SPELLING   `Depth/km`, `Depth/Km`, `Depth`; `#EventID` or `EventID`; with or without the 14th column, EventType.
- MISSING_VALUE     nothing, `--` or `null` where there is no magnitude or depth.
- NO_UPDATE         the format has no time of update: the revision is 0 (see `origins.to_granule`).
- UNTERMINATED      a last line without line end cannot be told from one that was cut: refused unless the feed's
                    configuration says that the service never ends its last line.

A text cut exactly at a line end is a shorter, valid text. That is guarded below this format: a response shorter than
its Content-Length, or without its last chunk, never gets here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import (
    DEPTHS,
    MAGNITUDES,
    Origin,
    Report,
    Status,
    key_of,
    latitude,
    longitude,
    malformed,
    optional,
    utc,
)
from pipeline.feeds.protocol import Rejected

#: Columns without which there is no event, by their name in letters only.
REQUIRED = ("eventid", "time", "latitude", "longitude", "magtype", "magnitude")


def lines(
    data: bytes, where: str, *, agency: str = "", unterminated: bool = False
) -> Iterator[tuple[Report, bytes] | Rejected]:
    """Yield the events of a text, each with a text of its own: the header and its line.

    Parameters
    ----------
    data
        The text, UTF-8.
    where
        Its name, for messages.
    agency
        Short name of the agency that publishes it; empty: what the line says.
    unterminated
        Accept a last line without line end (UNTERMINATED).

    Raises
    ------
    FeedMalformed
        Where there is no header line that names the columns.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedMalformed(f"{where}: not UTF-8: {error}") from error
    rows = [row for row in StringIO(text, newline="") if row.strip()]
    columns = _columns(rows[0] if rows else "", where)
    for place, row in enumerate(rows[1:], start=1):
        if row.startswith("#"):
            continue
        name, alone = f"{where}#{place}", (rows[0].rstrip() + "\n" + row).encode()
        try:
            if not row.endswith(("\n", "\r")) and not unterminated:
                malformed(name, row, "a line end (UNTERMINATED)")
            yield _report(row, columns, name, agency), alone
        except FeedMalformed as error:
            yield Rejected(alone, str(error), name)


def _columns(header: str, where: str) -> list[str]:
    """Return the columns' names in lower-case letters (HEADER_SPELLING)."""
    names = [re.sub(r"[^a-z]", "", name.lower()) for name in header.split("|")]
    names = ["depth" if name.startswith("depth") else name for name in names]
    if not set(REQUIRED) <= set(names) or not header.endswith(("\n", "\r")):
        malformed(where, header, "a header line such as #EventID|Time|Latitude|Longitude|Depth/km|...")
    return names


def _report(row: str, columns: list[str], where: str, agency: str) -> Report:
    values = [value.strip() for value in row.split("|")]
    if len(values) != len(columns):
        malformed(where, row, f"{len(columns)} columns")
    said = dict(zip(columns, values, strict=True))
    name = said["eventid"].rsplit("/", 1)[-1]
    if not name:
        malformed(where, row, "an EventID")
    source = agency or (said.get("contributor") or said.get("catalog") or said.get("author") or "").lower()
    kind = said.get("eventtype", "").replace("_", " ")
    origin = Origin(
        time=utc(said["time"], where),
        latitude=latitude(said["latitude"], where),
        longitude=longitude(said["longitude"], where),
        depth=optional(said.get("depth"), f"{where}: depth", DEPTHS),
        magnitude=optional(said["magnitude"], f"{where}: magnitude", MAGNITUDES),
        magnitude_type=said["magtype"] if said["magtype"] != "--" else "",
        agency=source,
        event_id=name,
        place=said.get("eventlocationname", ""),
    )
    status: Status = "deleted" if kind == "not existing" else "automatic"
    return Report((origin,), (key_of(source, name),), status, kind if kind not in ("", "null") else "earthquake")

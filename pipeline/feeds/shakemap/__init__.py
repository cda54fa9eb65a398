"""Files of ShakeMap and of the USGS around it: stations, felt reports, ruptures and origins, each from bytes alone.

`decode_stations` and `decode_rupture` tell the kind by looking into the bytes, not at a name.
"""

from __future__ import annotations

from collections.abc import Collection

import xarray as xr

from pipeline.feeds.origins import read_json
from pipeline.feeds.shakemap import (
    dyfi,
    fault_text,
    finite_fault,
    rupture_json,
    station_csv,
    stationlist,
    stationlist_xml,
)
from pipeline.feeds.shakemap.stations import LEAST_RESPONSES

__all__ = ["decode_rupture", "decode_stations"]


def decode_stations(
    data: bytes, where: str, *, disregard: Collection[str] = (), least_responses: int = LEAST_RESPONSES
) -> xr.Dataset:
    """Return stations (see `stations.to_dataset`) from a stationlist, felt cells, amplitudes as XML or a table.

    Parameters
    ----------
    data
        The payload.
    where
        Its name, for messages.
    disregard
        Flags that do not disqualify an amplitude, for example `amplitudes.OUTLIER_FLAGS`.
    least_responses
        Fewest responses of a felt report that is not flagged.

    Raises
    ------
    FeedMalformed
        Naming file, field, what was found and what was expected.
    """
    match _first(data):
        case b"<":
            return stationlist_xml.decode(data, where, disregard=disregard, least_responses=least_responses)
        case b"{" if _is_dyfi(data, where):
            return dyfi.decode_geojson(data, where, least_responses=least_responses)
        case b"{":
            return stationlist.decode(data, where, disregard=disregard, least_responses=least_responses)
    if data.lstrip(b"\xef\xbb\xbf# ").startswith(b"Columns:"):
        return dyfi.decode_text(data, where, least_responses=least_responses)
    return station_csv.decode(data, where, least_responses=least_responses)


def decode_rupture(data: bytes, where: str, *, near: tuple[float, float] | None = None) -> xr.Dataset:
    """Return a rupture (see `rupture.to_dataset`) from a rupture.json, a fault.txt or a finite-fault product.

    Parameters
    ----------
    data
        The payload.
    where
        Its name, for messages.
    near
        Longitude and latitude of the hypocentre, degrees: tells the order of a fault.txt where its numbers do not.

    Raises
    ------
    FeedMalformed
        Naming file, field, what was found and what was expected.
    """
    if _first(data) == b"{":
        is_ffm = any("slip" in properties for properties in _properties(data, where))
        return finite_fault.decode_geojson(data, where) if is_ffm else rupture_json.decode(data, where)
    if data.lstrip().startswith(finite_fault.PARAM):
        return finite_fault.decode_param(data, where)
    return fault_text.decode(data, where, near=near)


def _first(data: bytes) -> bytes:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]


def _is_dyfi(data: bytes, where: str) -> bool:
    return any("cdi" in properties for properties in _properties(data, where))


def _properties(data: bytes, where: str) -> list[dict[str, object]]:
    """Return the properties of each feature, of what has some."""
    listed = read_json(data, where).get("features")
    features = [feature for feature in listed if isinstance(feature, dict)] if isinstance(listed, list) else []
    found = [feature.get("properties") for feature in features]
    return [properties for properties in found if isinstance(properties, dict)]

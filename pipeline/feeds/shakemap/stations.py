"""Stations: places where an earthquake was recorded by an instrument or felt by people, whatever file they came in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from pipeline.errors import FeedMalformed
from pipeline.feeds.origins import latitude, longitude, malformed, optional
from pipeline.feeds.shakemap.amplitudes import Observation, reason

#: Kinds of station, CF flag values.
INSTRUMENT, MACROSEISMIC = 0, 1
#: Networks whose entries are reports of people, in lower case. ShakeMap Manual, "Input Data Formats".
MACROSEISMIC_NETWORKS = frozenset({"dyfi", "mmi", "intensity", "ciim"})
#: Standard deviation of an intensity that comes without one. ShakeMap 4, model.conf, `default_mmi_stddev`.
MMI_DEVIATION = 0.3
#: Fewest responses that make a cell an observation. ShakeMap 4, model.conf, `min_nresp`.
LEAST_RESPONSES = 3
#: Modified Mercalli intensities, above none at all and up to XII.
INTENSITIES = (0.0, 12.0)
#: The greater of two horizontal peaks, in ShakeMap's word.
COMPONENT = "GREATER_OF_TWO_HORIZONTAL"


@dataclass(frozen=True, slots=True)
class Station:
    """One place with what was observed there."""

    id: str
    """Network and code, NET.CODE."""
    longitude: float
    latitude: float
    """Degrees."""
    network: str
    observations: Mapping[str, Observation]
    """By measure: pga, pgv, sa_0p3, mmi."""
    name: str = ""
    flag: str = ""
    """Why the station as a whole is not usable; "" where some observation is."""
    vs30: float = math.nan
    """m s-1, as the file has it; NaN unknown."""
    responses: int = -1
    """Number of people who reported; -1 unknown, or an instrument."""

    @property
    def kind(self) -> int:
        """INSTRUMENT or MACROSEISMIC."""
        return MACROSEISMIC if "mmi" in self.observations else INSTRUMENT


def felt(
    id: str,
    place: tuple[object, object],
    network: str,
    intensity: Observation,
    where: str,
    *,
    name: str = "",
    responses: int = -1,
    least_responses: int = LEAST_RESPONSES,
    vs30: float = math.nan,
) -> Station:
    """Return a macroseismic station; one of fewer than `least_responses` keeps its intensity and is flagged."""
    few = "FewResponses" if 0 <= responses < least_responses else ""
    flag = ",".join(word for word in (intensity.flag, few) if word)
    return Station(
        id,
        longitude(place[0], where),
        latitude(place[1], where),
        network,
        {"mmi": intensity},
        name,
        flag or ("" if math.isfinite(intensity.value) else "NotObserved"),
        vs30,
        responses,
    )


def recorded(
    id: str,
    place: tuple[object, object],
    network: str,
    observations: Mapping[str, Observation],
    where: str,
    *,
    name: str = "",
    vs30: float = math.nan,
) -> Station:
    """Return an instrumental station; where no measure is usable the reasons become the station's flag."""
    usable = any(math.isfinite(seen.value) for seen in observations.values())
    reasons = [word for seen in observations.values() for word in seen.flag.split(",") if word]
    flag = "" if usable else ",".join(dict.fromkeys(reasons)) or "NoHorizontalComponent"
    return Station(id, longitude(place[0], where), latitude(place[1], where), network, observations, name, flag, vs30)


def to_dataset(stations: Sequence[Station], *, component: str = COMPONENT, **attrs: str) -> xr.Dataset:
    """Return stations as CF discrete sampling along `station`.

    Variables: station_id, name, longitude and latitude (degrees), kind (0 instrument, 1 macroseismic), network source,
    flag ("": usable), vs30 (m s-1, NaN unknown), responses (-1 unknown); for every measure that a station names the
    value (g, cm s-1 or intensity; NaN not observed or not usable), `<measure>_std` (of ln, or in intensity units;
    NaN where there is no value) and `<measure>_flag` (why a value that was there is not used).
    """
    unique = {station.id: station for station in reversed(stations)}
    rows = [station for station in stations if unique[station.id] is station]
    dataset = xr.Dataset(
        {
            "station_id": _texts([row.id for row in rows], cf_role="timeseries_id"),
            "name": _texts([row.name for row in rows]),
            "longitude": _numbers([row.longitude for row in rows], "degrees_east", standard_name="longitude"),
            "latitude": _numbers([row.latitude for row in rows], "degrees_north", standard_name="latitude"),
            "kind": (
                "station",
                np.array([row.kind for row in rows], dtype="uint8"),
                {"flag_values": np.array([0, 1], dtype="uint8"), "flag_meanings": "instrument macroseismic"},
            ),
            "source": _texts([row.network for row in rows]),
            "flag": _texts([row.flag for row in rows]),
            "vs30": _numbers([row.vs30 for row in rows], "m s-1"),
            "responses": ("station", np.array([row.responses for row in rows], dtype="int32")),
        }
    )
    for name in sorted({name for row in rows for name in row.observations}):
        seen = [row.observations.get(name, Observation()) for row in rows]
        dataset[name] = _numbers([one.value for one in seen], _units(name))
        dataset[f"{name}_std"] = _numbers([one.deviation for one in seen], "1")
        dataset[f"{name}_flag"] = _texts([one.flag for one in seen])
    dataset.attrs.update(featureType="point", component=component, **attrs)
    return dataset


def intensity_of(said: Mapping[str, object], where: str) -> Observation:
    """Return the intensity that `intensity`, `intensity_stddev` and `intensity_flag` say; 0 and null are none."""
    value = optional(said.get("intensity"), f"{where}: intensity", INTENSITIES)
    spread = optional(said.get("intensity_stddev"), f"{where}: intensity_stddev", (0.0, 10.0))
    flag = reason(said.get("intensity_flag"))
    return Observation(value, spread or MMI_DEVIATION, flag) if value else Observation(flag=flag)


def responses_of(value: object, where: str) -> int:
    """Return a number of responses; -1 where it is not known."""
    found = optional(value, f"{where}: nresp", (-1.0, 1e9))
    return -1 if found is None else int(found)


def mapping(value: object, where: str, expected: str) -> dict[str, object]:
    """Return a JSON object, or refuse what is none."""
    if not isinstance(value, dict):
        malformed(where, value, expected)
    return value


def text(value: object) -> str:
    """Return text, or "" for null and what is no text or number."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def decoded(data: bytes, where: str) -> str:
    """Return UTF-8 text, a byte order mark left out.

    Raises
    ------
    FeedMalformed
        Where the bytes are not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedMalformed(f"{where}: not UTF-8: {error}") from error


def _units(name: str) -> str:
    return {"pgv": "cm s-1", "mmi": "1"}.get(name, "standard_gravity")


def _numbers(values: list[float], units: str, **attrs: str) -> tuple[str, np.ndarray, dict[str, str]]:
    return "station", np.array(values, dtype="float64"), {"units": units, **attrs}


def _texts(values: list[str], **attrs: str) -> tuple[str, np.ndarray, dict[str, str]]:
    return "station", np.array(values, dtype=np.str_), attrs

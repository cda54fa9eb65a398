"""What was recorded and felt of an earthquake, in the files of USGS event products: drawn, and marked so.

Amplitudes come from an attenuation of the exercise's own, with a draw for the event and one for each station: a form
that no hazard layer here uses, so that estimates and observations differ as they do in earnest. With the distance r in
km to the invented rupture and the magnitude M:

    ln PGA = -4.14 + 0.87 M - 1.09 ln(r + 0.061 exp(0.7 M)) + 0.30 N + 0.50 N_i        (g)
    ln PGV = ln PGA + 4.6 + 0.45 (M - 7) + 0.004 r                                      (cm/s)
    I      = 2.4 + 3.5 log10 PGV + 0.4 N_i
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.exercise.generate.noise import generator
from pipeline.exercise.scenario import Dyfi, Products, Quake, ShakeMap

Numbers = NDArray[np.float64]

#: What every file says of itself.
NOTE = "Exercise: drawn at random around an invented attenuation; not an observation"
#: Kilometres in a degree of latitude.
DEGREE = 111.2
#: ln of an amplitude over PGA, by measure: at distance 0, and for each 100 km.
SPECTRUM = {"sa(0.3)": (0.75, 0.05), "sa(1.0)": (-0.1, 0.25), "sa(3.0)": (-1.6, 0.45)}
#: Deviations of ln amplitude: of the event, and of a station.
BETWEEN, WITHIN = 0.30, 0.50
#: Nearest and farthest station, and farthest cell of felt reports, km.
NEAR, FAR, FELT = 15.0, 280.0, 220.0
#: Edge of a cell of felt reports, degrees.
CELL = 0.1
_STATIONLIST, _RUPTURE, _CELLS = "download/stationlist.json", "download/rupture.json", "dyfi_geo_10km.geojson"


@dataclass(frozen=True)
class Shock:
    """An earthquake with the plane it broke."""

    quake: Quake
    corners: Numbers
    """Longitude, latitude (degrees), depth (km) of P0 and P1 on the top edge along strike, P2 and P3 below; dims (4, 3)."""

    @property
    def magnitude(self) -> float:
        """Moment magnitude; 6 where the scenario has none yet."""
        return 6.0 if self.quake.magnitude is None else self.quake.magnitude

    def distance(self, longitude: Numbers, latitude: Numbers) -> Numbers:
        """Return km from places on the ground to the plane, which is taken as 41 x 21 points."""
        along, down = np.meshgrid(np.linspace(0, 1, 41), np.linspace(0, 1, 21))
        p0, p1, p2, p3 = (corner[:, None, None] for corner in self.corners)
        plane = ((1 - along) * p0 + along * p1) * (1 - down) + ((1 - along) * p3 + along * p2) * down
        east = (plane[0].ravel()[:, None] - longitude) * _shrink(self.quake)
        north = plane[1].ravel()[:, None] - latitude
        squared: Numbers = (np.square(east) + np.square(north)) * DEGREE**2 + np.square(plane[2].ravel())[:, None]
        return np.asarray(np.sqrt(squared.min(axis=0)))


def shock(quake: Quake, map_: ShakeMap) -> Shock:
    """Return the earthquake on a plane with the hypocentre in the middle of its length."""
    depth = max(quake.depth or 10.0, map_.top + 1.0)
    dip, strike = math.radians(map_.dip), math.radians(map_.strike)
    along, down = (math.sin(strike), math.cos(strike)), (math.cos(strike), -math.sin(strike))
    above = (depth - map_.top) / math.tan(dip)

    def corner(length: float, width: float) -> tuple[float, float, float]:
        across = width * math.cos(dip) - above
        east, north = (length * a + across * d for a, d in zip(along, down, strict=True))
        deep = map_.top + width * math.sin(dip)
        return quake.longitude + east / DEGREE / _shrink(quake), quake.latitude + north / DEGREE, deep

    half = map_.length / 2
    return Shock(quake, np.round([corner(-half, 0), corner(half, 0), corner(half, map_.width), corner(-half, map_.width)], 4))


def files(news: Products, quake: Quake, seed: int) -> Mapping[str, Mapping[str, bytes]]:
    """Return the contents of each kind of product: name and bytes."""
    broken = shock(quake, news.shakemap or ShakeMap())
    event = float(generator(seed, 30).standard_normal()) * BETWEEN
    made: dict[str, Mapping[str, bytes]] = {}
    if news.shakemap is not None:
        listed = stationlist(broken, news.shakemap, event, generator(seed, 31))
        made["shakemap"] = {_STATIONLIST: _json(listed), _RUPTURE: _json(rupture(broken, news.shakemap))}
    if news.dyfi is not None:
        made["dyfi"] = {_CELLS: _json(cells(broken, news.dyfi, event, generator(seed, 32)))}
    return made


def pga(broken: Shock, distance: Numbers) -> Numbers:
    """Return the median of ln PGA (g) at distances in km."""
    magnitude = broken.magnitude
    near: Numbers = np.log(distance + 0.061 * math.exp(0.7 * magnitude))
    return np.asarray(-4.14 + 0.87 * magnitude - 1.09 * near)


def pgv(broken: Shock, log_pga: Numbers, distance: Numbers) -> Numbers:
    """Return ln PGV (cm/s) that goes with ln PGA (g)."""
    return np.asarray(log_pga + 4.6 + 0.45 * (broken.magnitude - 7.0) + 0.004 * distance)


def stationlist(broken: Shock, map_: ShakeMap, event: float, random: np.random.Generator) -> dict[str, Any]:
    """Return a list of stations; the last one clipped, its amplitudes flagged."""
    longitude, latitude = _around(broken.quake, np.exp(random.uniform(math.log(NEAR), math.log(FAR), map_.stations)), random)
    distance = broken.distance(longitude, latitude)
    drawn = pga(broken, distance) + event + WITHIN * random.standard_normal(map_.stations)
    features = []
    for place, log_pga in enumerate(drawn):
        code, flag = f"X{place + 1:02d}", "Clipped" if place == map_.stations - 1 else "0"
        seen = {"pga": math.exp(log_pga) * 100, "pgv": math.exp(float(pgv(broken, log_pga, distance[place])))}
        for name, (start, slope) in SPECTRUM.items():
            seen[name] = math.exp(log_pga + start + slope * float(distance[place]) / 100) * 100
        channels = [_channel(name, share, seen, flag) for name, share in (("HNE", 1.0), ("HNN", 0.83), ("HNZ", 0.62))]
        properties = {
            "code": code,
            "name": f"Invented station {place + 1}",
            "network": "XX",
            "station_type": "seismic",
            "source": "Exercise",
            "commType": "UNK",
            "distance": round(float(distance[place]), 2),
            "channels": channels,
        }
        features.append(_feature(f"XX.{code}", [round(longitude[place], 4), round(latitude[place], 4)], properties))
    return {"type": "FeatureCollection", "metadata": _metadata(broken.quake), "features": features}


def rupture(broken: Shock, map_: ShakeMap) -> dict[str, Any]:
    """Return the plane as one ring, top edge first."""
    ring = [corner.tolist() for corner in (*broken.corners, broken.corners[0])]
    geometry = {"type": "MultiPolygon", "coordinates": [[ring]]}
    metadata = {**_metadata(broken.quake), "rake": map_.rake, "mech": "RS", "reference": "Invented for the exercise"}
    feature = {"type": "Feature", "properties": {"rupture type": "rupture extent"}, "geometry": geometry}
    return {"type": "FeatureCollection", "metadata": metadata, "features": [feature]}


def cells(broken: Shock, dyfi: Dyfi, event: float, random: np.random.Generator) -> dict[str, Any]:
    """Return cells with felt reports; where nothing is felt nobody reports."""
    spread = FELT * np.sqrt(random.uniform(0.01, 1, dyfi.cells))
    longitude, latitude = _around(broken.quake, spread, random)
    corners = {(math.floor(x / CELL), math.floor(y / CELL)) for x, y in zip(longitude, latitude, strict=True)}
    features = []
    for column, row in sorted(corners):
        middle = np.array([(column + 0.5) * CELL]), np.array([(row + 0.5) * CELL])
        distance = broken.distance(*middle)
        velocity = float(pgv(broken, pga(broken, distance) + event, distance)[0])
        felt = 2.4 + 3.5 * velocity / math.log(10) + 0.4 * float(random.standard_normal())
        responses = 1 + int(random.geometric(0.12))
        if felt >= 2:
            features.append(_cell(column, row, min(felt, 9.5), responses, float(distance[0])))
    return {"type": "FeatureCollection", "name": "dyfi", "metadata": _metadata(broken.quake), "features": features}


def _cell(column: int, row: int, felt: float, responses: int, distance: float) -> dict[str, Any]:
    west, south, east, north = (round(edge * CELL, 4) for edge in (column, row, column + 1, row + 1))
    name = f"CELL:({column} {row} 10000)"
    properties = {
        "name": f"{name}<br>{name}",
        "nresp": responses,
        "cdi": round(felt, 1),
        "stddev": round(0.25 * math.exp(-responses / 24.02) + 0.09, 4),
        "dist": round(distance),
    }
    ring = [[west, south], [east, south], [east, north], [west, north]]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def _channel(name: str, share: float, seen: Mapping[str, float], flag: str) -> dict[str, Any]:
    amplitudes = [
        {"name": measure, "value": round(value * share, 4), "units": "cm/s" if measure == "pgv" else "%g", "flag": flag}
        for measure, value in seen.items()
    ]
    return {"name": name, "amplitudes": amplitudes}


def _feature(name: str, place: list[float], properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": place}
    return {"type": "Feature", "id": name, "properties": properties, "geometry": geometry}


def _around(quake: Quake, distance: Numbers, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Return longitudes and latitudes at distances (km) from the epicentre, in any direction."""
    towards = random.uniform(0, 2 * math.pi, distance.size)
    longitude = quake.longitude + distance * np.sin(towards) / DEGREE / _shrink(quake)
    return np.asarray(longitude), np.asarray(quake.latitude + distance * np.cos(towards) / DEGREE)


def _shrink(quake: Quake) -> float:
    return math.cos(math.radians(quake.latitude))


def _metadata(quake: Quake) -> dict[str, Any]:
    return {
        "id": quake.id,
        "eventid": quake.id,
        "lon": quake.longitude,
        "lat": quake.latitude,
        "depth": quake.depth,
        "mag": quake.magnitude,
        "synthetic": True,
        "hazmon:synthetic": True,
        "hazmon:note": NOTE,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

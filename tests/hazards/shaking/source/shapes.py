"""Ruptures the tests share: corners as (quad, corner) arrays."""

import numpy as np
from pyproj import Geod

GEOD = Geod(ellps="WGS84")


def northridge():
    """The 1994 Northridge rupture of ShakeMap's test data (USGS, CC0)."""
    longitude, latitude = [[-118.5983, -118.4350, -118.533, -118.6983]], [[34.3867, 34.3023, 34.1633, 34.25]]
    return np.array(longitude), np.array(latitude), np.array([[6.0, 6.0, 20.0, 20.0]])


def along(start, strikes, lengths, *, dip=60.0, ztor=2.0, width=20.0):
    """Return corners of quadrilaterals laid end to end, each with the bottom at right angles to its strike."""
    longitude, latitude = [], []
    reach = width * np.cos(np.radians(dip)) * 1000.0
    for strike, length in zip(strikes, lengths, strict=True):
        end = GEOD.fwd(*start, strike, length * 1000.0)[:2]
        bottoms = [GEOD.fwd(*end, strike + 90.0, reach)[:2], GEOD.fwd(*start, strike + 90.0, reach)[:2]]
        corners = [start, end, *bottoms]
        longitude.append([c[0] for c in corners])
        latitude.append([c[1] for c in corners])
        start = end
    deep = ztor + width * np.sin(np.radians(dip))
    return np.array(longitude), np.array(latitude), np.tile([ztor, ztor, deep, deep], (len(longitude), 1))

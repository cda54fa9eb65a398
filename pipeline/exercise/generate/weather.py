"""Weather of the exercise: a hot, dry and windy front that grows over the steppe from day to day, rain north of it.

Fields are smooth functions of place and valid time, so that one cycle continues the other; a forecast differs from
the analysis by an error that grows with its step.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.exercise.generate.noise import generator
from pipeline.exercise.scenario import WeatherGrid

Field = NDArray[np.floating[Any]]

#: Growth of the front: temperature K, dew point K, wind m/s, at its centre.
HEAT, DRYNESS, GALE = 13.0, -7.0, 8.5
#: Half-widths of the front, degrees east and north.
WIDTH, HEIGHT = 6.0, 3.2
#: Daily range of temperature: half of it, K; hour of local solar time at which it is warmest.
DAILY, WARMEST = 7.5, 15.0
#: Error of a forecast of 24 h: temperature K, relative wind.
ERROR_HEAT, ERROR_WIND = 0.8, 0.06
#: Magnus formula over water, WMO-No. 8 (2018), Annex 4.B: coefficient and temperature, degC.
MAGNUS, MAGNUS_TEMPERATURE = 17.62, 243.12
#: Offset of degrees Celsius, K.
FREEZING = 273.15
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Weather:
    """Surface weather at one moment, dims (y, x), rows from north to south."""

    temperature: Field
    """At 2 m, K."""
    dew_point: Field
    """At 2 m, K."""
    relative_humidity: Field
    """At 2 m, %."""
    eastward_wind: Field
    """At 10 m, m/s."""
    northward_wind: Field
    """At 10 m, m/s."""


def axes(grid: WeatherGrid) -> tuple[Field, Field]:
    """Return longitudes (west to east) and latitudes (north to south) of the cells' centres."""
    west, south, east, north = grid.bounds
    columns = round((east - west) / grid.resolution) + 1
    rows = round((north - south) / grid.resolution) + 1
    return west + grid.resolution * np.arange(columns), north - grid.resolution * np.arange(rows)


def weather(grid: WeatherGrid, seed: int, cycle: datetime, step: int) -> Weather:
    """Return the weather that a cycle forecasts for `step` hours after it."""
    longitude, latitude = axes(grid)
    x, y = longitude[None, :], latitude[:, None]
    moment = cycle + step * HOUR
    front = _growth(grid, moment) * _shape(grid, x, y)
    hours = (moment.hour + moment.minute / 60 + x / 15 - WARMEST) % 24
    daily = np.cos(2 * np.pi * hours / 24)
    error = _error(seed, cycle, x, y) * step / 24
    mean = 11.0 - 0.85 * (y - 47.0) + 1.5 * _wave(seed, moment, x, y)
    temperature = mean + HEAT * front + (DAILY + 1.5 * front) * daily + ERROR_HEAT * error
    dew_point = np.minimum(mean - 5.0 + DRYNESS * front + _wave(seed + 1, moment, x, y), temperature - 0.5)
    speed = (3.5 + GALE * front) * (0.85 + 0.15 * daily) * (1 + ERROR_WIND * error)
    heading = np.radians(125.0 + 20.0 * _wave(seed + 2, moment, x, y))
    humidity = 100 * np.exp(_magnus(dew_point) - _magnus(temperature))
    return Weather(
        temperature + FREEZING,
        dew_point + FREEZING,
        np.clip(humidity, 1, 100),
        -speed * np.sin(heading),
        -speed * np.cos(heading),
    )


def rain(grid: WeatherGrid, seed: int, cycle: datetime, last: int) -> Field:
    """Return precipitation since the cycle (kg m-2) at each hour 0, 1, ... last; dims (hour, y, x)."""
    longitude, latitude = axes(grid)
    x, y = longitude[None, :], latitude[:, None]
    fallen = np.zeros((last + 1, len(latitude), len(longitude)))
    for hour in range(last):
        moment = cycle + (hour + 0.5) * HOUR
        fallen[hour + 1] = fallen[hour] + _rain_rate(grid, seed, moment, x, y)
    return fallen


def _rain_rate(grid: WeatherGrid, seed: int, moment: datetime, x: Field, y: Field) -> Field:
    """Return kg m-2 h-1: a belt that travels east over the north, showers on the mountains in the afternoon."""
    hours = (moment - grid.onset) / HOUR
    middle = 48.0 + 0.22 * (hours + 24)
    belt = 1.2 * np.exp(-np.square((x - middle) / 3.5) - np.square((y - 53.5) / 1.8))
    afternoon = np.maximum(np.cos(2 * np.pi * ((moment.hour + x / 15 - 17) % 24) / 24), 0)
    showers = 0.5 * afternoon * np.exp(-np.square((x - 77) / 4) - np.square((y - 42.8) / 1.0))
    rate: Field = np.maximum(belt * (1 + 0.4 * _wave(seed + 3, moment, x, y)) + showers - 0.05, 0)
    return rate


def _growth(grid: WeatherGrid, moment: datetime) -> float:
    """Return the strength of the front, 0 to 1."""
    t = min(max((moment - grid.onset) / timedelta(days=grid.days), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _shape(grid: WeatherGrid, x: Field, y: Field) -> Field:
    found: Field = np.exp(-np.square((x - grid.centre[0]) / WIDTH) - np.square((y - grid.centre[1]) / HEIGHT))
    return found


def _wave(seed: int, moment: datetime, x: Field, y: Field) -> Field:
    """Return a slowly travelling pattern between -1 and 1."""
    random = generator(seed, 21)
    days = moment.timestamp() / 86400
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    for _ in range(3):
        length, tilt, speed, phase = random.uniform((8, -1, 0.3, 0), (20, 1, 0.9, 2 * np.pi))
        total += np.sin(2 * np.pi * ((x + tilt * y) / length - speed * (days % 1000)) + phase) / 3
    return total


def _error(seed: int, cycle: datetime, x: Field, y: Field) -> Field:
    return _wave(seed + 100 + int(cycle.timestamp() // 21600) % 100_000, cycle, x, y)


def _magnus(celsius: Field) -> Field:
    return MAGNUS * celsius / (MAGNUS_TEMPERATURE + celsius)

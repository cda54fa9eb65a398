"""A river valley, its flood and what a C-band radar sees of it, with known truth.

Numbers behind the pixels. Water is 6 +- 1 dB darker than land (smooth variation), both polarisations; speckle is
gamma distributed with 4.4 looks, as the equivalent number of looks of Sentinel-1 GRD high resolution (ESA,
S1-RS-MDA-52-7440, Sentinel-1 Product Definition, Table 5-1). Wind roughens an eighth of the water by 2 to 3 dB; dry
sand is as dark as water; fields and steppe vary by a few dB. Everything scales with the edge of the scene, so that a
small scene for tests is the same landscape seen from further away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.exercise.generate.noise import Field, generator, highest, smooth
from pipeline.exercise.scenario import SceneGrid

#: Equivalent number of looks.
LOOKS = 4.4
#: Mean of land, dB (gamma nought).
LAND = {"vv": -10.0, "vh": -16.5}
#: Land minus water, dB: mean, and the limits of its smooth variation.
CONTRAST, CONTRAST_LIMITS = 6.0, (5.0, 7.0)
#: Share of the water that wind roughens, and by how much, dB.
WIND_SHARE, WIND_GAIN = 0.125, (2.0, 3.0)
#: Share of the scene that is dry sand: in the valley above the highest flood, and on the hills.
SAND_LOW, SAND_HIGH = 0.0015, 0.0105
#: Height above the nearest drainage of the two kinds of sand, m.
SAND_VALLEY, SAND_HILLS = (4.5, 12.0), (25.0, np.inf)
#: Nodata of radar products and of the truth.
NODATA, UNSEEN = -32768.0, 255
#: Elevation of the water at the northern edge, m, and fall of the river, m per m.
RIVER_LEVEL, RIVER_FALL = 24.0, 1.0e-4
#: Half-width of the floodplain and of the river, shares of the scene's edge.
PLAIN, RIVER = 0.11, 0.0035

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Landscape:
    """What stays the same from scene to scene; dims (y, x)."""

    geobox: GeoBox
    seed: int
    elevation: Field
    """m above sea level."""
    hand: Field
    """Height above the nearest drainage, m; 0 in the river."""
    river: Mask
    """Permanent water."""
    sand: Mask
    """Dry sand."""
    texture: Mapping[str, Field]
    """Land minus its mean by polarisation, dB."""
    contrast: Field
    """Land minus water, dB."""
    hidden: Mask
    """Never seen: beyond the swath, or in layover."""


@dataclass(frozen=True)
class Radar:
    """One acquisition: linear power by polarisation (NODATA where hidden) and its truth (0, 1, UNSEEN)."""

    power: dict[str, Field]
    truth: NDArray[np.uint8]
    rough: Mask
    """Water under wind."""


def geobox(grid: SceneGrid) -> GeoBox:
    """Return the grid of a scenario's scenes."""
    transform = Affine(grid.resolution, 0, grid.left, 0, -grid.resolution, grid.top)
    return GeoBox((grid.size, grid.size), transform, grid.crs)


def landscape(grid: SceneGrid, seed: int) -> Landscape:
    """Return the land of a scenario: a meandering river in a wide floodplain, terraces and hills on both sides."""
    random = generator(seed, 1)
    edge = grid.size
    shape = (edge, edge)
    hand, river = _valley(shape, random)
    y = np.arange(edge, dtype=np.float32)[:, None]
    elevation = (RIVER_LEVEL - RIVER_FALL * grid.resolution * y + hand).astype(np.float32)
    sand = _sand(hand, smooth(shape, edge / 60, random))
    hidden = _hidden(hand, smooth(shape, edge / 200, random))
    texture = _texture(shape, random)
    contrast = np.clip(CONTRAST + 0.5 * smooth(shape, edge / 8, random), *CONTRAST_LIMITS)
    return Landscape(geobox(grid), seed, elevation, hand, river, sand, texture, contrast, hidden)


def water(land: Landscape, level: float) -> Mask:
    """Return the true water when the river stands `level` m above its bed's height: all land that is lower, roughly.

    The surface of a flood is not flat: 5 cm of smooth variation that the terrain knows nothing of.
    """
    if level <= 0:
        return land.river
    edge = land.hand.shape[0]
    surface = level + 0.05 * smooth(land.hand.shape, edge / 16, generator(land.seed, 2))
    return np.asarray(land.river | (land.hand < surface))


def expected(land: Landscape, wet: Mask, seed: int) -> tuple[dict[str, Field], Mask]:
    """Return the power without speckle by polarisation (linear), and the water under wind."""
    edge = wet.shape[0]
    random = generator(land.seed, 3, seed)
    gusts = smooth(wet.shape, edge / 40, random)
    gain = np.clip(2.5 + 0.25 * smooth(wet.shape, edge / 20, random), *WIND_GAIN)
    rough = highest(gusts, wet, round(WIND_SHARE * float(wet.sum())))
    dark = wet | land.sand
    wind = np.where(rough, gain, np.float32(0))
    power = {name: _linear(mean + np.where(dark, -land.contrast, land.texture[name]) + wind) for name, mean in LAND.items()}
    return power, rough


def radar(land: Landscape, level: float, seed: int) -> Radar:
    """Return one acquisition.

    Parameters
    ----------
    land
        What lies below.
    level
        Water level above the nearest drainage, m; 0 for the river in its bed.
    seed
        Tells one acquisition from the next: another speckle, another wind.
    """
    wet = water(land, level)
    clean, rough = expected(land, wet, seed)
    power = {}
    for number, (name, mean) in enumerate(clean.items()):
        random = generator(land.seed, 4, seed, number)
        looked = mean * random.standard_gamma(LOOKS, size=mean.shape, dtype=np.float32) / np.float32(LOOKS)
        power[name] = np.where(land.hidden, np.float32(NODATA), looked)
    truth = np.where(land.hidden, UNSEEN, wet).astype(np.uint8)
    return Radar(power, truth, rough)


def _valley(shape: tuple[int, int], random: np.random.Generator) -> tuple[Field, Mask]:
    """Return height above the nearest drainage and the river with its oxbow lakes."""
    edge = shape[0]
    y = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(0, 1, shape[1], dtype=np.float32)[None, :]
    phase = random.uniform(0, 2 * np.pi, 3)
    waves = ((0.070, 1.3, phase[0]), (0.030, 3.1, phase[1]), (0.010, 7.3, phase[2]))
    centre = 0.48 + sum(a * np.sin(2 * np.pi * k * y + p) for a, k, p in waves)
    bend = sum(a * 2 * np.pi * k * np.cos(2 * np.pi * k * y + p) for a, k, p in waves)
    away = (x - centre) / np.sqrt(1 + np.square(bend))
    side = np.where(away > 0, np.float32(1.0), np.float32(0.8))
    distance = np.abs(away) / (PLAIN * side)
    river = np.abs(away) < RIVER * (1 + 0.25 * smooth(shape, edge / 12, random))
    river |= _oxbows(x, y, centre)
    hand = _profile(distance.astype(np.float32), shape, random)
    hand[river] = 0
    return hand, river


def _profile(distance: Field, shape: tuple[int, int], random: np.random.Generator) -> Field:
    """Return HAND (m) by distance from the river in half-widths of the floodplain: plain, terrace, hills."""
    edge = shape[0]
    plain = 0.25 + 3.2 * np.minimum(distance, 1.2) ** 1.3
    step = np.clip((distance - 0.95) / 0.35, 0, 1)
    terrace = 7.0 * step**2 * (3 - 2 * step)
    hills = 18.0 * np.maximum(distance - 1.4, 0) ** 1.1
    swell = 1 + 0.25 * smooth(shape, edge / 14, random)
    levees = 0.40 * smooth(shape, edge / 45, random)
    hand: Field = np.maximum(plain + (terrace + hills) * np.clip(swell, 0.4, 1.8) + levees, 0.1).astype(np.float32)
    return hand


def _oxbows(x: Field, y: Field, centre: Field) -> Mask:
    """Return three cut-off bends of the old river, beside its present course."""
    lakes = np.zeros((y.shape[0], x.shape[1]), dtype=bool)
    for at, side in ((0.22, 1), (0.53, -1), (0.81, 1)):
        middle = float(centre[round(at * (len(centre) - 1)), 0]) + side * 0.045
        radius = np.hypot(x - middle, y - at)
        lakes |= (np.abs(radius - 0.02) < 0.0035) & ((x - middle) * side > -0.008)
    return lakes


def _sand(hand: Field, pattern: Field) -> Mask:
    """Return dry sand by its shares of the scene, above the reach of any flood of the exercise."""
    low = (hand > SAND_VALLEY[0]) & (hand < SAND_VALLEY[1])
    high = (hand > SAND_HILLS[0]) & (hand < SAND_HILLS[1])
    return highest(pattern, low, round(SAND_LOW * hand.size)) | highest(pattern, high, round(SAND_HIGH * hand.size))


def _hidden(hand: Field, pattern: Field) -> Mask:
    """Return a corner beyond the swath, and layover on a few slopes of the hills."""
    edge = hand.shape[0]
    y, x = np.arange(edge)[:, None], np.arange(edge)[None, :]
    beyond = x + 0.25 * y > 1.22 * edge
    return np.asarray(beyond | highest(pattern, hand > SAND_HILLS[0], round(0.002 * hand.size)))


def _texture(shape: tuple[int, int], random: np.random.Generator) -> dict[str, Field]:
    """Return steppe and fields by polarisation, dB: standard deviation near 1, two thirds of it in common."""
    scale = shape[0] / 30
    common = 0.65 * smooth(shape, scale, random) + _fields(shape, random)
    return {name: common + 0.5 * smooth(shape, scale, random) for name in LAND}


def _fields(shape: tuple[int, int], random: np.random.Generator) -> Field:
    """Return fields with straight edges, dB: standard deviation 0.5, about a fortieth of the scene wide."""
    width = max(shape[0] // 40, 2)
    crops = (0.5 * random.standard_normal((shape[0] // width + 1, shape[1] // width + 2))).astype(np.float32)
    shift = random.integers(0, width, shape[0] // width + 1)
    row = np.arange(shape[0]) // width
    column = (np.arange(shape[1])[None, :] + shift[row][:, None]) // width
    return np.asarray(crops[row[:, None], column])


def _linear(decibel: NDArray[np.floating[Any]]) -> Field:
    return np.asarray(np.power(np.float32(10), decibel.astype(np.float32) / np.float32(10)))

"""Maps of the ground around the earthquake, for landslides, liquefaction and people: all drawn, none measured.

Each follows from the exercise's own elevation as it does in nature, loosely: valleys are flat, wet and lived in, crests
steep and rocky. Coefficients are those of the landslide model by lithology and land cover (docs/gis-analysts.md).
The maps of the models' own deviations are left out on purpose: the layers then take one number everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage

from pipeline.exercise.generate.noise import Field, generator, smooth

#: Kilometres in a degree of latitude.
DEGREE = 111.2
#: How much steeper ground is than the mean over a cell of a kilometre; invented.
RUGGED = 2.5
#: Half-width of the level floor of a valley, km.
VALLEY = 2.5
#: GLiM lithology and its coefficient: loose sediment, mixed and siliciclastic sediment, carbonate, granite.
ROCKS = {"su": -3.22, "sm": -1.36, "ss": -1.92, "sc": -0.95, "pa": -0.78}
#: GlobCover class and its coefficient: crops, grassland, sparse plants, needle-leaved forest, bare ground.
COVERS = {14: 0.91, 140: 1.03, 150: 0.54, 90: -1.26, 200: -0.06}
#: Share of the width, from the eastern edge, in which nobody mapped the rock.
UNMAPPED = 0.24
#: Nearest coast: longitude and latitude of the Arabian Sea at Karachi, degrees.
COAST = (67.0, 24.8)
#: Rivers are followed on a grid this many times coarser: distances are smooth.
COARSER = 4
#: Towns drawn in the lowlands, and the people of the median one.
TOWNS, TOWNSPEOPLE = 60, 25_000.0
#: Units of each map.
UNITS: Mapping[str, str] = {
    "gradient": "1",
    "rock": "1",
    "land_cover": "1",
    "cti": "1",
    "precipitation": "mm",
    "water_table": "m",
    "distance_to_coast": "km",
    "distance_to_river": "km",
    "population": "1",
}


@dataclass(frozen=True)
class Land:
    """Elevation on its grid, and what is drawn from it."""

    geobox: GeoBox
    height: Field
    """m, dims (y, x)."""
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.geobox.shape[0], self.geobox.shape[1]

    @property
    def longitude(self) -> NDArray[np.floating]:
        """Degrees east of the cells, dims (1, x)."""
        return (self.geobox.affine.c + self.geobox.affine.a * (np.arange(self.shape[1]) + 0.5))[None, :]

    @property
    def latitude(self) -> NDArray[np.floating]:
        """Degrees north of the cells, dims (y, 1)."""
        return (self.geobox.affine.f + self.geobox.affine.e * (np.arange(self.shape[0]) + 0.5))[:, None]

    def noise(self, degrees: float, number: int) -> Field:
        """Return a smooth field of deviation 1 that varies over some degrees; another one for each number."""
        return smooth(self.shape, degrees / self.geobox.affine.a, generator(self.seed, number))


def slope(land: Land) -> Field:
    """Return rise over run between neighbouring cells, valley floors level along rivers."""
    spacing = land.geobox.affine.a * DEGREE * 1000
    north, east = np.gradient(land.height, spacing, spacing)
    middle = float(land.latitude[land.shape[0] // 2, 0])
    floor = 1 - 0.97 * np.exp(-np.square(distance_to_river(land) / VALLEY))
    steep: Field = (np.hypot(north, east / np.cos(np.radians(middle))) * floor).astype(np.float32)
    return steep


def ground(height: Field, geobox: GeoBox, seed: int, *, nodata: float) -> dict[str, Field]:
    """Return every map of `UNITS`, dims (y, x), `nodata` where nobody mapped.

    Parameters
    ----------
    height
        m, dims (y, x).
    geobox
        Its grid, in degrees.
    seed
        Of all that is drawn.
    nodata
        Stands for "not mapped".
    """
    land = Land(geobox, height, seed)
    rugged = RUGGED * np.exp(0.25 * land.noise(0.02, 21))
    steep = np.minimum(slope(land) * rugged, 1.2).astype(np.float32)
    river = distance_to_river(land)
    made = {
        "gradient": steep,
        "rock": np.where(np.arange(land.shape[1]) < (1 - UNMAPPED) * land.shape[1], rock(land, steep), nodata),
        "land_cover": land_cover(land, steep),
        "cti": wetness(land, steep),
        "precipitation": np.clip(130 + 0.16 * height + 60 * land.noise(0.8, 24), 60, 1200),
        "water_table": np.clip(1.5 + 1.2 * river + 120 * steep + 2 * land.noise(0.2, 25), 0.3, 150),
        "distance_to_coast": np.hypot((land.longitude - COAST[0]) * np.cos(np.radians(land.latitude)), land.latitude - COAST[1])
        * DEGREE,
        "distance_to_river": river,
        "population": people(land, steep, river),
    }
    return {name: np.asarray(values, np.float32) for name, values in made.items()}


def rock(land: Land, steep: Field) -> Field:
    """Return the model's coefficient of lithology: loose where it is flat, else in provinces of noise."""
    provinces = np.digitize(land.noise(0.5, 22), (-0.8, 0.0, 0.8))
    hard = np.array([ROCKS[name] for name in ("sm", "ss", "sc", "pa")], np.float32)[provinces]
    return np.where(steep < 0.05, np.float32(ROCKS["su"]), hard)


def land_cover(land: Land, steep: Field) -> Field:
    """Return the model's coefficient of land cover: crops below, then grass, forest on some slopes, bare ground on top."""
    height = land.height + 250 * land.noise(0.1, 23)
    grown = np.select([height < 900, height < 1800, height < 3200], [14, 140, 150], 200)
    wooded = (height > 1700) & (height < 2900) & (steep > 0.15) & (land.noise(0.06, 26) > 0.4)
    codes = np.where(wooded, 90, grown)
    classes = np.array(sorted(COVERS))
    coefficients = np.array([COVERS[code] for code in sorted(COVERS)], np.float32)
    return coefficients[np.searchsorted(classes, codes)]


def wetness(land: Land, steep: Field) -> Field:
    """Return a compound topographic index: ln of the area that drains here (more below its surroundings) over slope."""
    around = ndimage.uniform_filter(land.height, max(round(0.15 / land.geobox.affine.a), 1))
    drained = np.log(150.0) + np.clip((around - land.height) / 80, -1.5, 3.5)
    index: Field = np.clip(drained - np.log(np.maximum(steep, 0.002)), 0, 19).astype(np.float32)
    return index


def distance_to_river(land: Land) -> Field:
    """Return km to the nearest river; rivers wind below 3300 m along the zeros of noise."""
    step = land.geobox.affine.a * COARSER
    rows, columns = (-(-length // COARSER) for length in land.shape)
    winding = smooth((rows, columns), 0.25 / step, generator(land.seed, 27))
    low = land.height[::COARSER, ::COARSER] < 3300
    crossing = (np.signbit(winding) != np.signbit(np.roll(winding, 1, 0))) | (
        np.signbit(winding) != np.signbit(np.roll(winding, 1, 1))
    )
    middle = float(land.latitude[land.shape[0] // 2, 0])
    size = (step * DEGREE, step * DEGREE * np.cos(np.radians(middle)))
    distance = ndimage.distance_transform_edt(~(crossing & low), sampling=size)
    fine = ndimage.zoom(distance.astype(np.float32), COARSER, order=1, grid_mode=True, mode="nearest")
    found: Field = np.maximum(fine[: land.shape[0], : land.shape[1]], 0)
    return found


def people(land: Land, steep: Field, river: Field) -> Field:
    """Return people in each cell: villages along rivers in low and level land, and towns; none on the lake."""
    area = (land.geobox.affine.a * DEGREE) ** 2 * np.cos(np.radians(land.latitude))
    level = np.exp(-steep / 0.08) * np.clip((3000 - land.height) / 2000, 0, 1)
    rural = 40 * (steep > 0) * level * np.exp(-river / 6) * np.exp(0.7 * land.noise(0.15, 28)) * area
    random = generator(land.seed, 29)
    wanted = np.flatnonzero(rural.ravel() > 5 * float(area.mean()))
    middle = random.choice(wanted, min(TOWNS, wanted.size), replace=False) if wanted.size else wanted
    towns = np.zeros(land.shape, np.float64)
    np.add.at(towns.reshape(-1), middle, TOWNSPEOPLE * np.exp(0.9 * random.standard_normal(middle.size)))
    spread = ndimage.gaussian_filter(towns, 0.02 / land.geobox.affine.a, truncate=3.0)
    found: Field = np.round(rural + spread).astype(np.float32)
    return found

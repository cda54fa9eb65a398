"""Static maps of an exercise: elevation, Vs30 and ground around the earthquake, HAND and reference water of the flood.

The mountains are drawn, not measured: two ranges along parallels, a basin south of them and plains in the north, with
the lake between. Vs30 follows the slope loosely, as it does in nature.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.exercise.generate import ground, raster, scenes
from pipeline.exercise.generate.noise import Field, generator, smooth
from pipeline.exercise.scenario import Scenario, SceneGrid, TerrainGrid

#: Nodata of maps in real numbers and of the reference water (0 never, 1 permanent water).
NODATA, UNKNOWN = -9999.0, 255
#: Crests: latitude, half-width (degrees), height above the land around (m).
RANGES = ((42.95, 0.35, 2300.0), (41.75, 0.75, 3000.0))
#: Lake: longitude, latitude, half-axes (degrees), elevation (m).
LAKE = (77.25, 42.45, 0.85, 0.22, 1607.0)
#: Lowland north and south of the mountains, m.
NORTH, SOUTH = 480.0, 1050.0
#: Vs30 limits, m/s.
VS30 = (180.0, 900.0)


def make_static(scenario: Scenario, folder: Path, land: scenes.Landscape | None = None) -> Mapping[str, Path]:
    """Write the maps that a scenario describes; return file by variable: vs30, elevation, hand, ...

    What is there already is kept: the same scenario gives the same bytes.

    Parameters
    ----------
    scenario
        The exercise.
    folder
        Where the maps lie, `VARIABLE.tif`.
    land
        The land of the scenes, where it was made already.
    """
    made: dict[str, Path] = {}
    if scenario.terrain is not None:
        made |= _quake_maps(scenario.terrain, scenario.seed, folder)
    if scenario.scenes is not None:
        made |= _flood_maps(scenario.scenes, scenario.seed, folder, land)
    return made


def terrain_geobox(grid: TerrainGrid) -> GeoBox:
    """Return the grid of elevation and Vs30, edges on whole multiples of the resolution."""
    count = round(2 * grid.reach / grid.resolution)
    left = round((grid.longitude - grid.reach) / grid.resolution) * grid.resolution
    top = round((grid.latitude + grid.reach) / grid.resolution) * grid.resolution
    return GeoBox((count, count), Affine(grid.resolution, 0, left, 0, -grid.resolution, top), "EPSG:4326")


def elevation(geobox: GeoBox, seed: int) -> Field:
    """Return elevation (m) on a geographic grid, dims (y, x)."""
    random = generator(seed, 11)
    rows, columns = geobox.shape
    y = (geobox.affine.f + geobox.affine.e * (np.arange(rows) + 0.5))[:, None]
    x = (geobox.affine.c + geobox.affine.a * (np.arange(columns) + 0.5))[None, :]
    bend = 0.25 * np.sin((x - 70) / 2.3)
    base = SOUTH + (NORTH - SOUTH) / (1 + np.exp(-(y - 42.6) / 0.35))
    relief = sum(height * np.exp(-np.square((y - at - bend) / width)) for at, width, height in RANGES)
    cell = geobox.affine.a
    rough = 0.5 * smooth((rows, columns), 0.30 / cell, random) + 0.25 * smooth((rows, columns), 0.09 / cell, random)
    fine = smooth((rows, columns), 0.03 / cell, random)
    height = base + relief * np.clip(1 + 0.5 * rough, 0.2, 2) + 12 * rough + (4 + 0.04 * relief) * fine
    west, south, wide, high, level = LAKE
    lake = np.square((x - west) / wide) + np.square((y - south) / high) < 1
    return np.where(lake, level, np.maximum(height, 100)).astype(np.float32)


def vs30(height: Field, geobox: GeoBox, seed: int) -> Field:
    """Return Vs30 (m/s) of terrain: near 250 on plains and above 700 on steep slopes, with 15 % of scatter."""
    slope = ground.slope(ground.Land(geobox, height, seed))
    scatter = np.exp(0.15 * smooth((geobox.shape[0], geobox.shape[1]), 0.1 / geobox.affine.a, generator(seed, 12)))
    speed: Field = np.clip(760 * np.maximum(slope / 0.12, 0.002) ** 0.28 * scatter, *VS30).astype(np.float32)
    return speed


def reference_water(land: scenes.Landscape) -> NDArray[np.uint8]:
    """Return permanent water (1), land (0) and a strip along the southern edge that was never mapped (UNKNOWN)."""
    water = land.river.astype(np.uint8)
    water[-max(water.shape[0] // 128, 1) :] = UNKNOWN
    return water


def _quake_maps(grid: TerrainGrid, seed: int, folder: Path) -> Mapping[str, Path]:
    units = {"elevation": "m", "vs30": "m s-1", **ground.UNITS}
    made = {name: folder / f"{name}.tif" for name in units if name not in grid.without}
    if not all(path.is_file() for path in made.values()):
        geobox = terrain_geobox(grid)
        height = elevation(geobox, seed)
        maps = {"elevation": height, "vs30": vs30(height, geobox, seed), **ground.ground(height, geobox, seed, nodata=NODATA)}
        for name, path in made.items():
            raster.write(path, maps[name], geobox, nodata=NODATA, name=name, units=units[name])
    return made


def _flood_maps(grid: SceneGrid, seed: int, folder: Path, land: scenes.Landscape | None) -> Mapping[str, Path]:
    made = {name: folder / f"{name}.tif" for name in ("hand", "reference_water")}
    if not all(path.is_file() for path in made.values()):
        land = land or scenes.landscape(grid, seed)
        raster.write(made["hand"], land.hand, land.geobox, nodata=NODATA, name="hand", units="m")
        water = reference_water(land)
        raster.write(made["reference_water"], water, land.geobox, nodata=UNKNOWN, name="reference_water", units="1")
    return made

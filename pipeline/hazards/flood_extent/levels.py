"""The backscatter of land and water of a scene, from the histograms of its tiles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from pipeline.errors import InputError
from pipeline.hazards.flood_extent import hydrosar
from pipeline.hazards.flood_extent.thresholds import cut
from pipeline.hazards.flood_extent.tiles import CELL, FIRST_GREY, HAND, TILE, VH, VV, Statistics, decibel_of_bin

Floats = NDArray[np.float64]

#: Ways to find the threshold of a tile.
METHODS = ("ki", "otsu", "hydrosar_em")
#: Thresholds where no tile shows both land and water, dB: VV and VH. HydroSAR's published maxima (asf-tools).
FALLBACK = (-15.5, -23.0)
#: Distance of water below and of land above such a threshold at the least, dB.
_HALF_CONTRAST = 3.0


class Level(NamedTuple):
    """One band of a scene; dB of mean power."""

    threshold: float
    water: float
    land: float
    is_used: bool
    """False where the band tells nothing: absent, or no tile shows two classes while the other band does."""


def scene_levels(found: Statistics, *, method: str, ceilings: tuple[float, float], looks: float) -> tuple[Level, Level]:
    """Return the levels of VV and VH.

    A threshold is the median over the tiles that show both land and water (for HydroSAR of its chosen tiles), held
    under its ceiling. Where no tile does, it is `FALLBACK`, so that a scene without water gets none.

    Parameters
    ----------
    found
        Of the whole scene.
    method
        One of `METHODS`.
    ceilings
        Highest thresholds of VV and VH, dB.
    looks
        Equivalent number of looks of a pixel.

    Raises
    ------
    InputError
        Where the method is none of `METHODS`.
    """
    if method not in METHODS:
        raise InputError(f"threshold method {method!r}: expected one of {METHODS}")
    centres = decibel_of_bin(method == "hydrosar_em")
    counts = found.histograms.reshape(2, -1, centres.size)
    selected = [_hydrosar(found, band) for band in (VV, VH)] if method == "hydrosar_em" else None
    levels: list[Level | None] = []
    picked: NDArray[np.bool_] | NDArray[np.intp]
    for band in (VV, VH):
        if selected is None:
            tiles = cut(counts[band], centres, method)
            picked, thresholds = tiles.is_bimodal, tiles.threshold[tiles.is_bimodal]
        else:
            picked, thresholds = selected[band]
        if thresholds.size:
            middle = hydrosar.scene_threshold(thresholds) if selected else float(np.median(thresholds))
            levels.append(_level(counts[band][picked].sum(axis=0), centres, min(middle, ceilings[band])))
        else:
            levels.append(None)
    bias = 10.0 / np.log(10.0) * (np.log(looks) - digamma(looks)) if method == "hydrosar_em" else 0.0
    return _completed(found, levels, float(bias))


def _level(counts: NDArray[np.integer], centres: Floats, threshold: float) -> Level | None:
    """Return the medians on either side of a threshold; None where one side is empty."""
    below = centres < threshold
    if not counts[below].sum() or not counts[~below].sum():
        return None
    return Level(threshold, _median(counts[below], centres[below]), _median(counts[~below], centres[~below]), True)


def _median(counts: NDArray[np.integer], centres: Floats) -> float:
    total = np.cumsum(counts)
    return float(np.interp(0.5 * total[-1], total - 0.5 * counts, centres))


def _completed(found: Statistics, levels: list[Level | None], bias: float) -> tuple[Level, Level]:
    """Return both bands, with fixed thresholds where no band showed anything."""
    done = []
    for band in (VV, VH):
        level = levels[band]
        values = found.cells[band].astype(np.float32)
        values = values[np.isfinite(values) & np.isfinite(found.cells[HAND])]
        if level is not None:
            done.append(level._replace(water=level.water + bias, land=level.land + bias))
        elif values.size == 0 or any(levels):
            done.append(Level(FALLBACK[band], FALLBACK[band], FALLBACK[band], False))
        else:
            threshold = FALLBACK[band]
            land = max(float(np.median(values)), threshold + _HALF_CONTRAST)
            done.append(Level(threshold, threshold - _HALF_CONTRAST, land, True))
    return done[0], done[1]


def _hydrosar(found: Statistics, band: int) -> tuple[NDArray[np.intp], Floats]:
    """Return HydroSAR's tiles (chosen on VH) and their thresholds of a band, dB."""
    histograms = found.histograms.reshape(2, -1, found.histograms.shape[-1])
    low, quarters = found.tiles[0].reshape(-1).astype(np.float64), found.tiles[1:].reshape(4, -1).T.astype(np.float64)
    tiles = hydrosar.chosen_tiles(_tile_medians(found), quarters, hydrosar.hand_candidates(low))
    thresholds = []
    for tile in tiles:
        levels = np.flatnonzero(histograms[band, tile])
        if levels.size >= 2:
            part = histograms[band, tile, levels[0] : levels[-1] + 1].astype(np.float64)
            thresholds.append(hydrosar.decibel(hydrosar.threshold(part, first=float(levels[0] + FIRST_GREY))))
    return tiles, np.array(thresholds)


def _tile_medians(found: Statistics) -> Floats:
    """Return the median VH power of the cells of each tile, NaN where nothing is known."""
    power = 10.0 ** (found.cells[VH].astype(np.float64) / 10.0)
    times = TILE // CELL
    rows, columns = found.tiles.shape[1:]
    padded = np.pad(power, ((0, rows * times - power.shape[0]), (0, columns * times - power.shape[1])), constant_values=np.nan)
    blocks = padded.reshape(rows, times, columns, times).swapaxes(1, 2).reshape(rows * columns, -1)
    medians = np.full(rows * columns, np.nan)
    known = np.isfinite(blocks).any(axis=1)
    medians[known] = np.nanmedian(blocks[known], axis=1)
    return medians

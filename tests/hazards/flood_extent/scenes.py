"""Small radar scenes with known truth for the tests of this package alone; nothing here is seen by the layer.

Levels are drawn per seed, so that no setting of the layer can be fitted to one of them: land level, VV and VH contrast,
how strongly wind brightens water in either band, strength and length of the land's texture, width of river and plain.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import ndimage

from pipeline import grid

LOOKS = 4.4


@dataclass(frozen=True)
class Made:
    vv: np.ndarray
    vh: np.ndarray
    hand: np.ndarray
    reference: np.ndarray
    truth: np.ndarray  # bool, all open water
    sand: np.ndarray
    rough: np.ndarray

    def arrays(self, chunks=None):
        height, width = self.vv.shape
        corner = (500_000, 5_600_000)
        bounds = (*corner, corner[0] + 20 * width, corner[1] + 20 * height)
        geobox = grid.region_geobox(bounds, 20, "EPSG:32639")
        given = {
            "vv": (self.vv, "1"),
            "vh": (self.vh, "1"),
            "hand": (self.hand, "m"),
            "reference_water": (self.reference, "1"),
        }
        found = {}
        for name, (values, units) in given.items():
            array = grid.on_geobox(xr.DataArray(values, dims=("y", "x"), attrs={"units": units}), geobox)
            found[name] = array if chunks is None else array.chunk(chunks)
        return found


def field(random, shape, length):
    """Return a smooth field of mean 0 and standard deviation 1."""
    noise = random.standard_normal([n // max(int(length / 3), 1) + 8 for n in shape])
    smooth = ndimage.gaussian_filter(noise, 3.0 if length >= 3 else length, mode="wrap")
    rows = np.linspace(2, smooth.shape[0] - 3, shape[0])[:, None]
    columns = np.linspace(2, smooth.shape[1] - 3, shape[1])[None, :]
    out = ndimage.map_coordinates(smooth, np.broadcast_arrays(rows, columns), order=1)
    return ((out - out.mean()) / out.std()).astype(np.float32)


def make(seed, shape=(768, 768), *, flood=True, water=True, sand=0.015, texture=None, looks=LOOKS):
    """Return a scene: a river with its plain, flooded or not."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    middle = shape[0] * (0.5 + 0.18 * np.sin(x / shape[1] * random.uniform(4, 9) + random.uniform(0, 6)))
    width = random.uniform(12, 40)
    distance = np.abs(y + 8 * field(random, shape, 60) - middle)
    river = distance < width / 2
    plain = random.uniform(0.1, 0.2) * shape[0]
    relief = field(random, shape, 90)
    away = np.maximum(distance - width / 2, 0)
    hand = np.where(away < plain, 4 * (away / plain) ** 1.5, 4 + (away - plain) * 0.12)
    hand = hand + (1.2 + 3 * (away > plain)) * np.maximum(relief, -0.8) * np.minimum(away / 20, 1)
    hand = np.maximum(hand, 0).astype(np.float32)
    flooded = (hand + 0.4 * field(random, shape, 12) < random.uniform(1.3, 2.6)) & (away < 1.3 * plain)
    truth = (river | (flooded if flood else False)) if water else np.zeros(shape, bool)
    if not water:
        hand = hand + 0.5
    land_vv, land_vh = random.uniform(-12, -8.5), random.uniform(-18.5, -15)
    contrast_vv = 6 + 0.5 * np.clip(field(random, shape, 200), -2, 2)
    contrast_vh = random.uniform(4, 8) + 0.5 * field(random, shape, 200)
    strength = random.uniform(0.6, 1.2) if texture is None else texture
    texture_field = field(random, shape, random.uniform(12, 60))
    blowing = field(random, shape, 70) > 1.0
    wind_vv, wind_vh = random.uniform(2.5, 4.0), random.uniform(1.0, 4.0)
    rough = truth & blowing
    dune = field(random, shape, 25)
    dry = ~truth & ~ndimage.binary_dilation(river, iterations=8)
    sandy = dry & (dune > np.quantile(dune[dry], 1 - sand)) if sand else np.zeros(shape, bool)
    dark = truth | sandy
    vv = land_vv + np.where(dark, -contrast_vv + wind_vv * rough, strength * texture_field)
    vh = land_vh + np.where(
        dark, -contrast_vh + wind_vh * rough, strength * (0.7 * texture_field + 0.7 * field(random, shape, 30))
    )
    slope_bright = (hand > 25) & (field(random, shape, 20) > 1.5)
    vv, vh = vv + 7 * slope_bright, vh + 7 * slope_bright
    speckle = random.gamma(looks, 1 / looks, (2, *shape))
    vv, vh = 10 ** (vv / 10) * speckle[0], 10 ** (vh / 10) * speckle[1]
    unseen = (x + 0.3 * y) < 0.06 * shape[1]
    vv[unseen] = vh[unseen] = np.nan
    reference = (river if water else np.zeros(shape, bool)).astype(np.float32)
    return Made(vv.astype(np.float32), vh.astype(np.float32), hand.astype(np.float32), reference, truth, sandy, rough)


def scores(made, water, excluded):
    """Return IoU and false alarms among what is not excluded, and the share of the truth kept, over seen cells."""
    seen = np.isfinite(made.vv)
    known = seen & ~excluded & (water != 255)
    said, true = known & (water == 1), known & made.truth
    union = (said | true).sum()
    iou = (said & true).sum() / union if union else np.nan
    return iou, (said & ~true).sum() / max((known & ~made.truth).sum(), 1), true.sum() / max((seen & made.truth).sum(), 1)


def otsu(made):
    """Return water by Otsu's threshold (between-class variance) on 5 x 5 means of VV in dB."""
    known = np.isfinite(made.vv)
    total = ndimage.uniform_filter(np.where(known, made.vv, 0), 5)
    mean = total / np.maximum(ndimage.uniform_filter(known.astype(np.float32), 5), 1e-6)
    decibel = 10 * np.log10(np.maximum(mean, 1e-6))
    counts, edges = np.histogram(decibel[known], 256)
    centres = (edges[1:] + edges[:-1]) / 2
    share, moment = np.cumsum(counts) / counts.sum(), np.cumsum(counts * centres) / counts.sum()
    with np.errstate(all="ignore"):
        between = (moment[-1] * share - moment) ** 2 / (share * (1 - share))
    return np.where(known, decibel < centres[np.nanargmax(between)], 255).astype(np.uint8)

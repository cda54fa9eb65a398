"""The flood extent layer: Sentinel-1 VV and VH, height above drainage and reference water to water and flood."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.flood_extent.levels import METHODS
from pipeline.hazards.flood_extent.pixels import Extent
from pipeline.hazards.flood_extent.reads import extent_of_scene
from pipeline.hazards.flood_extent.scene import Settings
from pipeline.layer import Answers, Variable, layer

FLOODED = {0: "not flooded", 1: "flooded"}
WATER = {0: "no open water", 1: "open water"}
EXCLUSION = {
    0: "observed",
    1: "no backscatter",
    2: "dark terrain above the HAND limit",
    3: "looks like water: dry sand or smooth ground",
    4: "no HAND",
    5: "water, but no reference water to tell flood from",
}
_FLOODED_COLOURS: dict[float, str] = {0: "#f2efe9", 1: "#d7263d"}
_WATER_COLOURS: dict[float, str] = {0: "#f2efe9", 1: "#1f78b4"}
_LIKELIHOOD_COLOURS: dict[float, str] = {0.0: "#ffffff", 0.5: "#9ecae1", 1.0: "#08306b"}
_EXCLUSION_COLOURS: dict[float, str] = {**{0: "#ffffff", 1: "#9e9e9e", 2: "#795548", 3: "#f9a825", 4: "#455a64", 5: "#26a69a"}}


@layer(
    title="Flood extent (Sentinel-1)",
    inputs={
        "vv": Variable("1", "VV backscatter, linear power"),
        "vh": Variable("1", "VH backscatter, linear power", optional=True),
        "hand": Variable("m", "height above nearest drainage"),
        "reference_water": Variable("1", "water that is there without a flood, share of the cell", optional=True),
    },
    outputs={
        "flooded": Variable(
            "1", "water outside reference water", dtype="uint8", nodata=255, labels=FLOODED, colours=_FLOODED_COLOURS
        ),
        "water": Variable(
            "1", "open water, permanent water included", dtype="uint8", nodata=255, labels=WATER, colours=_WATER_COLOURS
        ),
        "likelihood": Variable("1", "posterior probability of open water", precision=0.005, colours=_LIKELIHOOD_COLOURS),
        "exclusion": Variable(
            "1", "why water cannot be told", dtype="uint8", nodata=255, labels=EXCLUSION, colours=_EXCLUSION_COLOURS
        ),
    },
    answers=Answers(estimate="flooded", uncertainty="likelihood", exclusion="exclusion"),
    source=(
        "Tile thresholds: Kittler and Illingworth (1986); HAND and tile choice after HydroSAR (asf-tools) and "
        "Twele et al. (2016), doi:10.1080/01431161.2016.1192304; neighbours: Besag (1986)"
    ),
    doi="10.1016/0031-3203(86)90030-0",
    version="1.0.0",
    blockwise=False,
)
def flood_extent(
    vv: xr.DataArray,
    vh: xr.DataArray,
    hand: xr.DataArray,
    reference_water: xr.DataArray,
    *,
    looks: float = 4.4,
    threshold_method: str = "ki",
    ceiling_vv: float = -12.0,
    ceiling_vh: float = -18.0,
    hand_limit: float = 15.0,
    minimum_area: int = 10,
) -> Mapping[str, xr.DataArray]:
    """Return flood, open water, its likelihood and why it cannot be told.

    Two reads. The first finds the thresholds of land against water from tiles of 128 x 128 pixels that show both, and on
    cells of 8 x 8 pixels the local levels of land and water, water roughened by wind, and dark ground that cannot be
    water. The second gives every pixel its log-odds from VV and VH under gamma speckle, HAND, reference water and its
    neighbours.

    Dark ground counts as a water body where more than half of it is low above drainage and its rim rises outwards (half
    of the rim where reference water touches it, 65 % elsewhere); other dark ground is excluded as a look-alike, after the
    idea of Martinis et al. (2018), doi:10.3390/rs10040583. Where reference water is unknown, water is water but
    `flooded` is unknown (exclusion 5).

    Parameters
    ----------
    vv, vh
        Radiometrically terrain-corrected backscatter, linear power, dims (y, x); NaN, zero and negative are unknown. A
        scene may lack VH altogether; VV alone then decides.
    hand
        Height above nearest drainage, m; NaN is unknown.
    reference_water
        1 where water is permanent, 0 elsewhere, from 0.5 taken as permanent; NaN is unknown.
    looks
        Equivalent number of looks of a pixel; 4.4 for Sentinel-1 IW ground range, high resolution.
    threshold_method
        Of a tile. "ki" (least classification error, over means of 4 x 4 pixels) is the default: on generated scenes of
        6 dB contrast it put the threshold where land and water of unequal share and spread part, and raised half the
        false alarms of "otsu" before the flood (0.5 % against 1.0 % of the dry land at worst). "hydrosar_em" (mixture of
        three classes over single pixels) lay 2 to 5 dB too low there: its darkest class was a tail of the speckle.
    ceiling_vv, ceiling_vh
        Highest thresholds, dB. Where no tile shows land and water the thresholds are HydroSAR's maxima, -15.5 and -23.
    hand_limit
        HAND above which there is no open water, m (HydroSAR takes 15).
    minimum_area
        Wet patches, and dry holes in water, of fewer pixels are removed.

    Raises
    ------
    InputError
        Where a parameter is outside its range or an input is not two-dimensional.
    """
    if threshold_method not in METHODS:
        raise InputError(f"flood_extent: threshold_method {threshold_method!r}: expected one of {METHODS}")
    if looks <= 0 or hand_limit <= 0 or not 1 <= minimum_area <= 50:
        raise InputError(
            f"flood_extent: looks {looks}, hand_limit {hand_limit}, minimum_area {minimum_area}: "
            "expected positive numbers and at most 50 pixels"
        )
    if vv.ndim != 2:
        raise InputError(f"flood_extent: vv has dims {vv.dims}; expected (y, x)")
    settings = Settings(float(looks), threshold_method, (float(ceiling_vv), float(ceiling_vh)), float(hand_limit))
    found = extent_of_scene([array.data for array in (vv, vh, hand, reference_water)], settings, int(minimum_area))
    return {
        name: xr.DataArray(values, dims=vv.dims, coords=vv.coords) for name, values in zip(Extent._fields, found, strict=True)
    }

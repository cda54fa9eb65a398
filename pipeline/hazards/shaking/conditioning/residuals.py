"""What the stations say about the prior: residuals by measure, observed or derived from another, and their flags.

As ShakeMap 4 (Worden et al. 2020, doi 10.5066/F7D21VPQ): intensity reports become ground motion, and instruments'
motion becomes intensity, by Worden et al. (2012); what is derived carries the scatter of that relation as its only noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.shaking import worden12
from pipeline.hazards.shaking.conditioning.measures import MMI, model_name
from pipeline.hazards.shaking.conditioning.options import Event, Options, Stations
from pipeline.hazards.shaking.ground_motion import Array

#: Codes of `Residuals.flag`.
USABLE, ABSENT, WITHHELD, NO_PRIOR, OUTLIER = range(5)
#: What the codes say.
FLAGS = ("", "not observed", "withheld by the network", "no prior", "outlier")
#: Codes of the stations' `kind`.
INSTRUMENT, MACROSEISMIC = 0, 1
#: Measures from which an instrument's intensity is derived, the first usable one counts. ShakeMap 4, model module.
INTENSITY_ORDER = ("pgv", "pga", "sa_1p0", "sa_0p3", "sa_3p0")

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Residuals:
    """Residuals at the stations; every two-dimensional array is (measure, station)."""

    measures: tuple[str, ...]
    station_id: npt.NDArray[np.str_]
    longitude: Array
    latitude: Array
    distance: Array
    """Distance to the rupture, km."""
    observed: Array
    """ln of g or cm/s, intensity for "mmi"; NaN where neither observed nor derived."""
    noise: Array
    """Deviation of the observation itself."""
    predicted: Array
    tau: Array
    phi: Array
    flag: Codes
    """Index into `FLAGS`; only 0 is used."""

    @property
    def residual(self) -> Array:
        """Observation less prior mean."""
        return np.asarray(self.observed - self.predicted)

    @property
    def has_prior(self) -> npt.NDArray[np.bool_]:
        """Whether the prior is known and has a within-event deviation."""
        return np.asarray(np.isfinite(self.predicted) & np.isfinite(self.tau) & (self.phi > 0))

    def row(self, measure: str) -> int:
        """Return the first index of a measure."""
        return self.measures.index(measure)

    def flags(self) -> pd.DataFrame:
        """Return the reason each station does not count, by measure; empty text where it does."""
        texts = np.array(FLAGS)[self.flag.T]
        return pd.DataFrame(texts, index=pd.Index(self.station_id, name="station_id"), columns=list(self.measures))

    def table(self) -> pd.DataFrame:
        """Return a row for each observation, own or derived: what was found, expected, and whether it counts.

        observed, predicted and residual are ln of g or cm/s, intensity for "mmi"; noise, tau and phi deviations of the
        same; distance in km.
        """
        rows, stations = np.nonzero(np.isfinite(self.observed).T)[::-1]
        columns = {
            "station_id": self.station_id[stations],
            "measure": np.array(self.measures)[rows],
            "distance": self.distance[stations],
            "flag": np.array(FLAGS)[self.flag[rows, stations]],
        }
        numbers = ("observed", "predicted", "residual", "noise", "tau", "phi")
        return pd.DataFrame(columns | {name: getattr(self, name)[rows, stations] for name in numbers})


def station_residuals(stations: xr.Dataset, prior: Stations, event: Event, options: Options) -> Residuals:
    """Return what the stations observed, what follows from it for the other measures, and which of it counts.

    Parameters
    ----------
    stations
        Observations by station: longitude, latitude (degrees), kind (0 instrument, 1 macroseismic), motions (g, cm/s)
        and intensity with NaN where not observed, `<measure>_std` their own deviation (ln, intensity units), flag.
    prior
        Prior motion at the stations, for every measure wanted; "mmi" among them where there are intensities.
    event, options
        Source and limits.

    Raises
    ------
    InputError
        Where intensities are given and the prior has none, or a prior does not fit the stations.
    """
    measures = tuple(sorted(prior.motions))
    observed, noise = _observed(stations, measures)
    predicted, tau, phi = (_stacked(stations, prior, measures, part) for part in range(3))
    withheld = stations["flag"].values != "" if "flag" in stations else np.zeros(stations.sizes["station"], bool)
    macroseismic = stations["kind"].values == MACROSEISMIC
    if MMI not in measures and "mmi" in stations and np.isfinite(stations["mmi"].values[macroseismic]).any():
        raise InputError("stations report intensity, the prior has none: expected 'mmi' among its measures")
    if MMI in measures:
        reported = noise[measures.index(MMI)]
        reported[macroseismic & (not reported[macroseismic].any())] = options.mmi_std
    found = Residuals(
        measures,
        stations["station_id"].values.astype(str),
        stations["longitude"].values.astype(np.float64),
        stations["latitude"].values.astype(np.float64),
        _distance(stations, prior),
        observed,
        noise,
        predicted,
        tau,
        phi,
        np.zeros(observed.shape, np.uint8),
    )
    _flag(found, withheld, options.outlier_deviation if _screens(event, options) else np.inf)
    if MMI in measures:
        _derive_motions(found, macroseismic, event, options)
        _derive_intensity(found, ~macroseismic, event)
    return found


def _screens(event: Event, options: Options) -> bool:
    return options.screen_outliers and (not event.is_point or event.magnitude <= options.outlier_magnitude)


def _observed(stations: xr.Dataset, measures: Sequence[str]) -> tuple[Array, Array]:
    """Return (measure, station) of what was observed itself and its deviation."""
    observed = np.full((len(measures), stations.sizes["station"]), np.nan)
    noise = np.zeros_like(observed)
    for row, measure in enumerate(measures):
        if measure not in stations:
            continue
        kind = MACROSEISMIC if measure == MMI else INSTRUMENT
        value = stations[measure].values.astype(np.float64)
        here = (stations["kind"].values == kind) & (value > 0)
        observed[row, here] = value[here] if measure == MMI else np.log(value[here])
        if f"{measure}_std" in stations:
            noise[row, here] = np.nan_to_num(stations[f"{measure}_std"].values[here].astype(np.float64))
    return observed, noise


def _stacked(stations: xr.Dataset, prior: Stations, measures: Sequence[str], part: int) -> Array:
    count = stations.sizes["station"]
    stack = np.empty((len(measures), count))
    for row, measure in enumerate(measures):
        values = np.asarray(prior.motions[measure][part], np.float64)
        if values.shape not in ((), (count,)):
            raise InputError(f"prior {measure!r} at the stations: found shape {values.shape}, expected {(count,)}")
        stack[row] = values
    return stack


def _distance(stations: xr.Dataset, prior: Stations) -> Array:
    distance = np.asarray(prior.distance, np.float64)
    if distance.shape != (stations.sizes["station"],):
        raise InputError(f"distance of the stations: found shape {distance.shape}, expected {(stations.sizes['station'],)}")
    return distance


def _flag(found: Residuals, withheld: npt.NDArray[np.bool_], deviations: float) -> None:
    """Fill in the gravest reason why an observation does not count."""
    reasons = (
        (np.abs(found.residual) > deviations * np.hypot(found.tau, found.phi), OUTLIER),
        (~found.has_prior, NO_PRIOR),
        (np.isnan(found.observed), ABSENT),
        (np.broadcast_to(withheld, found.flag.shape), WITHHELD),
    )
    for holds, reason in reasons:
        found.flag[holds] = reason


def _derive_motions(found: Residuals, macroseismic: npt.NDArray[np.bool_], event: Event, options: Options) -> None:
    """Fill in the motions that follow from reported intensities; an outlying report stays one in all of them."""
    reports = found.row(MMI)
    for row, measure in enumerate(found.measures):
        relation = worden12.WORDEN12.get(model_name(measure))
        if relation is None:
            continue
        mmi = np.where(macroseismic & (found.observed[reports] >= options.convertible_mmi), found.observed[reports], np.nan)
        ln = worden12.motion(model_name(measure), mmi, magnitude=event.magnitude, distance=found.distance).ln
        found.observed[row, macroseismic] = ln[macroseismic]
        found.noise[row, macroseismic] = relation.ln_sigma
        flag = np.where(found.has_prior[row], found.flag[reports], NO_PRIOR)
        found.flag[row, macroseismic] = np.where(np.isnan(ln), np.maximum(flag, ABSENT), flag)[macroseismic]


def _derive_intensity(found: Residuals, instrument: npt.NDArray[np.bool_], event: Event) -> None:
    """Fill in the intensity that follows from the first usable motion of each instrument."""
    row = found.row(MMI)
    waiting = instrument.copy()
    for measure in INTENSITY_ORDER:
        if measure not in found.measures:
            continue
        source, imt = found.row(measure), model_name(measure)
        mmi = worden12.intensity(imt, found.observed[source], magnitude=event.magnitude, distance=found.distance).mmi
        here = waiting & (found.flag[source] == USABLE)
        found.observed[row, here] = mmi[here]
        found.noise[row, here] = worden12.WORDEN12[imt].mmi_sigma
        found.flag[row, here] = np.where(found.has_prior[row, here], USABLE, NO_PRIOR)
        waiting &= ~here

"""PAGER's empirical models: deaths and economic loss from the people exposed to each intensity, by country.

Jaiswal, K. and Wald, D. (2010), An empirical model for global earthquake fatality estimation, Earthquake Spectra 26,
1017-1037, doi 10.1193/1.3480331; Jaiswal, K. and Wald, D. (2013), Estimating economic losses from earthquakes using an
empirical approach, Earthquake Spectra 29, 309-324, doi 10.1193/1.4000104; Wald, D. J., Jaiswal, K., Marano, K. D. and
Bausch, D. (2011), Earthquake Impact Scale, Natural Hazards Review 12, 125-139, doi 10.1061/(ASCE)NH.1527-6996.0000040.

    rate(MMI) = Phi(ln(MMI / theta) / beta)        loss = sum of rate x exposure, MMI 5 to 9

Where the published numbers differ from the papers, what USGS's programme does is followed and said below.
The colours are PAGER's own scale of likely impact. They are not the severity of a warning (CAP), and are never used as it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from pipeline.errors import InputError
from pipeline.hazards.loss.exposure import CLASSES, UNKNOWN_COUNTRY, Array

Kind = Literal["fatality", "economic"]
KINDS: tuple[Kind, Kind] = ("fatality", "economic")
Colour = Literal["green", "yellow", "orange", "red"]

#: PAGER's colours, the least impact first.
COLOURS: tuple[Colour, ...] = ("green", "yellow", "orange", "red")
#: Loss (deaths, or million USD) at which yellow, orange and red begin. Wald et al. (2011).
_LEVELS = (1.0, 100.0, 1000.0)
#: Ranges of loss (deaths, or million USD) whose probabilities PAGER publishes, and their colours.
LOSS_RANGES: tuple[tuple[float, float, Colour], ...] = (
    (0.0, 1.0, "green"),
    (1.0, 10.0, "yellow"),
    (10.0, 100.0, "yellow"),
    (100.0, 1000.0, "orange"),
    (1000.0, 10000.0, "red"),
    (10000.0, 100000.0, "red"),
    (100000.0, math.inf, "red"),
)
#: Where the last range ends in the programme, so that its probability is a number.
_ENDLESS = 1e12
#: Added to every loss before its logarithm is taken.
_OFFSET = 1e-5
#: Intensities the models give a rate for; people at X are counted at IX.
_FIRST, _LAST = 5, 9
#: Largest deviation of the ln of a loss.
_LARGEST_G = 2.5
#: Expected losses below one: a deviation above the first value is taken as the second.
_SMALL_LOSS_G = (1.7, 1.7613)
#: Expected losses below the first value are taken as the second when probabilities are computed.
_SMALL_LOSS = (0.001, 0.5)

#: (column, units, meaning, HXL tag) of `country_losses`.
COUNTRY_LOSS_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("country", "1", "ISO 3166-1 alpha-2 code of the country", "#country+code+v_iso2"),
    *((f"population_mmi{i}", "1", f"people at intensity {i}", f"#population+mmi{i}") for i in CLASSES),
    ("fatalities", "1", "estimated deaths, PAGER's empirical model", "#affected+killed+estimated"),
    (
        "fatality_model",
        "1",
        "InCountry, InGroup, Default: whose events it was fitted to; Excluded: no country",
        "#meta+model+fatality",
    ),
    ("fatality_events", "1", "number of past events the model was fitted to", "#meta+events+fatality"),
    ("economic_loss", "USD", "estimated economic loss, PAGER's empirical model", "#value+loss+usd"),
    (
        "economic_model",
        "1",
        "InCountry, InGroup, Default: whose events it was fitted to; Excluded: no country",
        "#meta+model+economic",
    ),
    ("gdp_per_capita", "USD", "gross domestic product per person used for the economic exposure", "#indicator+gdp+usd"),
)
#: The same of `alert_table`.
ALERT_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("kind", "1", "fatality or economic", "#impact+type"),
    ("expected", "1", "expected deaths, or million USD", "#impact+loss+expected"),
    ("deviation", "1", "standard deviation of the ln of the loss (PAGER's G)", "#impact+loss+std"),
    ("level", "1", "PAGER's colour of the expected loss; no severity of a warning", "#status+pager"),
    ("combined_level", "1", "the worse of both colours", "#status+pager+combined"),
    ("range_from", "1", "begin of a range of loss, deaths or million USD", "#indicator+loss+min"),
    ("range_to", "1", "its end, not included", "#indicator+loss+max"),
    ("range_level", "1", "PAGER's colour of the range", "#status+pager+loss"),
    ("probability", "1", "probability that the loss lies in the range", "#indicator+loss+probability"),
)


class LossModel(NamedTuple):
    """One country's model of deaths or of economic loss."""

    theta: float
    """Intensity at which half would be lost."""
    beta: float
    """Deviation of ln intensity."""
    gnorm: float
    """Deviation of the ln of the loss about the model."""
    status: str
    """InCountry, InGroup or Default."""
    events: int
    """Number of events it was fitted to."""
    alpha: float = 1.0
    """Ratio of exposed wealth to gross domestic product; economic only."""
    gdp_per_capita: float = math.nan
    """USD, about 2008; economic only, NaN unknown."""


#: The programme's model of a country without its own.
DEFAULT_MODEL = LossModel(theta=16.0, beta=0.15, gnorm=1.0, status="Default", events=0)


@dataclass(frozen=True, slots=True)
class Losses:
    """Estimated loss of one kind."""

    kind: Kind
    by_country: Mapping[str, int]
    """Whole deaths or USD: cut, not rounded, as the programme does."""
    deviation: float
    """Standard deviation of the ln of the total (G)."""

    @property
    def total(self) -> int:
        """Deaths or USD in all countries."""
        return sum(self.by_country.values())

    @property
    def expected(self) -> float:
        """The total in the unit of the scale: deaths or million USD."""
        return float(self.total) if self.kind == "fatality" else self.total / 1e6

    @property
    def level(self) -> Colour:
        """PAGER's colour of the total."""
        return alert_level(self.expected)

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Probability of each of `LOSS_RANGES`."""
        return range_probabilities(self.expected, self.deviation)


def loss_model(kind: Kind, country: str) -> LossModel:
    """Return the model of a country (ISO 3166-1 alpha-2), `DEFAULT_MODEL` where PAGER has none."""
    return _models(kind).get(country.upper(), DEFAULT_MODEL)


def loss_rate(model: LossModel, mmi: npt.ArrayLike) -> Array:
    """Return the share lost (of people, or of exposed wealth) at an intensity: Phi(ln(mmi / theta) / beta)."""
    return np.asarray(ndtr(np.log(np.asarray(mmi, dtype=np.float64) / model.theta) / model.beta))


def fatalities(exposed: Mapping[str, npt.ArrayLike], *, total_term: bool = True) -> Losses:
    """Return the estimated deaths.

    Parameters
    ----------
    exposed
        People at intensities 1 to 10, by country (`exposure.by_country`). `UNKNOWN_COUNTRY` is left out, as in PAGER.
    total_term
        Whether the deviation has one more term of 1.0, the default model's: the programme (since 2.0) looks for a model
        of the key "Total" as if it were a country. True gives the probabilities published since, False those of
        PAGER 1.0 and of the papers.

    Raises
    ------
    InputError
        Where a country's exposure is not ten numbers, not negative and known.
    """
    return _losses("fatality", exposed, total_term)


def economic_losses(exposed: Mapping[str, npt.ArrayLike], *, total_term: bool = True) -> Losses:
    """Return the estimated economic loss from the wealth exposed, USD (`economic_exposure`); else like `fatalities`."""
    return _losses("economic", exposed, total_term)


def economic_exposure(exposed: Mapping[str, npt.ArrayLike], gdp_per_capita: Mapping[str, float]) -> dict[str, Array]:
    """Return the wealth exposed, USD by intensity and country: people x gross domestic product per person x alpha.

    Parameters
    ----------
    exposed
        People at intensities 1 to 10, by country.
    gdp_per_capita
        USD in the year of the event, by country. A country not named has the model's value of about 2008 and, where
        the model has none, no economic exposure: it is not in the result.
    """
    wealth = {}
    for country, people in exposed.items():
        model = loss_model("economic", country)
        per_person = gdp_per_capita.get(country, model.gdp_per_capita)
        if country != UNKNOWN_COUNTRY and math.isfinite(per_person):
            wealth[country] = _ten(country, people) * per_person * model.alpha
    return wealth


def alert_level(expected: float) -> Colour:
    """Return PAGER's colour of an expected loss (deaths or million USD): Wald et al. (2011)."""
    return COLOURS[sum(expected >= level for level in _LEVELS)]


def combined_level(*levels: Colour) -> Colour:
    """Return the worst of some colours, as PAGER's overall level.

    The flag `summary` of published alerts does not say which kind that is: the programme compares the colours as text,
    so that yellow goes before orange.
    """
    return COLOURS[max(COLOURS.index(level) for level in levels)]


def combined_deviation(kind: Kind, by_country: Mapping[str, int], *, total_term: bool = True) -> float:
    """Return G, the deviation of the ln of the total: the root of the sum of squares of the countries' own, at most 2.5.

    Countries without loss are left out, unless there is no loss at all: then all count. For `total_term`: `fatalities`.
    """
    any_loss = any(by_country.values())
    deviations = [loss_model(kind, country).gnorm for country, loss in by_country.items() if loss > 0 or not any_loss]
    if total_term:
        deviations.append(DEFAULT_MODEL.gnorm)
    return min(_LARGEST_G, math.sqrt(sum(g * g for g in deviations)))


def range_probabilities(expected: float, deviation: float) -> tuple[float, ...]:
    """Return the probability of each of `LOSS_RANGES`, the loss lognormal about its expected value.

    As the programme has it: all losses are raised by 1e-5; where fewer than one is expected, a deviation above 1.7
    becomes 1.7613, and fewer than 0.001 become 0.5; what lies below 1e-5 (at most 3e-6) is in no range.

    Parameters
    ----------
    expected
        Deaths or million USD.
    deviation
        G, ln units.

    Raises
    ------
    InputError
        Where the deviation is not positive or the loss negative.
    """
    if not (deviation > 0 and expected >= 0):
        raise InputError(f"loss {expected} with deviation {deviation}: expected no negative loss, a positive deviation")
    middle = expected + _OFFSET
    if middle < 1.0 and deviation > _SMALL_LOSS_G[0]:
        deviation = _SMALL_LOSS_G[1]
    if middle < _SMALL_LOSS[0]:
        middle = _SMALL_LOSS[1]
    edges = np.minimum([low for low, _, _ in LOSS_RANGES] + [_ENDLESS], _ENDLESS) + _OFFSET
    below = ndtr((np.log(edges) - math.log(middle)) / deviation)
    return tuple(float(p) for p in np.diff(below))


def country_losses(
    exposed: Mapping[str, npt.ArrayLike], deaths: Losses, economic: Losses, gdp: Mapping[str, float]
) -> pd.DataFrame:
    """Return the table by country, with the columns of `COUNTRY_LOSS_COLUMNS`; a loss no model gives is unknown (NaN)."""
    rows = []
    for country in sorted(exposed):
        fatal, wealth = (_told(loss_model(kind, country), country) for kind in KINDS)
        per_person = gdp.get(country, wealth.gdp_per_capita)
        row: dict[str, object] = {"country": country}
        row |= dict(zip((f"population_mmi{i}" for i in CLASSES), _ten(country, exposed[country]), strict=True))
        row |= {"fatalities": deaths.by_country.get(country, math.nan), "fatality_model": fatal.status}
        row |= {"fatality_events": fatal.events, "economic_loss": economic.by_country.get(country, math.nan)}
        rows.append(row | {"economic_model": wealth.status, "gdp_per_capita": per_person})
    return pd.DataFrame(rows, columns=[name for name, *_ in COUNTRY_LOSS_COLUMNS])


def alert_table(*estimates: Losses) -> pd.DataFrame:
    """Return the ranges of loss and their probabilities, with the columns of `ALERT_COLUMNS`."""
    together = combined_level(*(losses.level for losses in estimates))
    rows = [
        (losses.kind, losses.expected, losses.deviation, losses.level, together, low, high, colour, probability)
        for losses in estimates
        for (low, high, colour), probability in zip(LOSS_RANGES, losses.probabilities, strict=True)
    ]
    return pd.DataFrame(rows, columns=[name for name, *_ in ALERT_COLUMNS])


def _told(model: LossModel, country: str) -> LossModel:
    """Return the model as the table tells of it: people in no country are in none."""
    return model._replace(status="Excluded") if country == UNKNOWN_COUNTRY else model


def _losses(kind: Kind, exposed: Mapping[str, npt.ArrayLike], total_term: bool) -> Losses:
    by_country = {
        country: _loss(loss_model(kind, country), _ten(country, amounts))
        for country, amounts in exposed.items()
        if country != UNKNOWN_COUNTRY
    }
    return Losses(kind, by_country, combined_deviation(kind, by_country, total_term=total_term))


def _loss(model: LossModel, amounts: Array) -> int:
    modelled = amounts[_FIRST - 1 : _LAST].copy()
    modelled[-1] += amounts[_LAST:].sum()
    return int(np.sum(loss_rate(model, np.arange(_FIRST, _LAST + 1)) * modelled))


def _ten(country: str, amounts: npt.ArrayLike) -> Array:
    values = np.asarray(amounts, dtype=np.float64)
    if values.shape != (10,) or not np.all(values >= 0):
        raise InputError(f"exposure of {country}: found {values}; expected ten numbers, one for each intensity, none negative")
    return values


@cache
def _models(kind: Kind) -> Mapping[str, LossModel]:
    """Return the packaged models by country."""
    text = files(__package__).joinpath("pager_parameters.csv").read_text(encoding="utf-8")
    models = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        theta, beta, gnorm = (float(row[f"{kind}_{name}"]) for name in ("theta", "beta", "gnorm"))
        wealth = (float(row["economic_alpha"]), float(row["gdp_per_capita"])) if kind == "economic" else (1.0, math.nan)
        models[row["country"]] = LossModel(theta, beta, gnorm, row[f"{kind}_status"], int(row[f"{kind}_events"]), *wealth)
    return models

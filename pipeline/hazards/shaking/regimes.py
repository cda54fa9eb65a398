"""Which set of ground-motion models an earthquake calls for: by depth and place, as configured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import InputError
from pipeline.hazards.shaking.model_sets import ModelSet, model_set
from pipeline.hazards.shaking.source.epicentral import DEFAULT_DEPTH

#: What a rule may say.
_KEYS = frozenset({"set", "deeper_than", "within"})

REGIMES: tuple[Mapping[str, Any], ...] = (
    {"set": "hindu_kush_slab", "deeper_than": 70.0, "within": [66.0, 34.0, 76.0, 40.0]},
    {"set": "active_crustal_deep", "deeper_than": 30.0},
    {"set": "active_crustal_nshmp2014"},
)
"""Rules of Central Asia; the first that fits counts. Sets and the 30 km are ShakeMap's (gmpe_sets.conf, select.conf:
active crust); below 70 km under the Pamir and Hindu Kush earthquakes are of intermediate depth, in the slab."""


def models_of(rules: Sequence[Mapping[str, Any]], depth: float, longitude: float, latitude: float) -> ModelSet:
    """Return the models of the first rule that fits a hypocentre.

    Parameters
    ----------
    rules
        `set` names models; `deeper_than` (km) and `within` (west, south, east, north, degrees) limit a rule.
    depth
        km; NaN is taken for a depth of 10 km.
    longitude, latitude
        Degrees.

    Raises
    ------
    InputError
        Where a rule says something else, its set is not known, or no rule fits.
    """
    known = DEFAULT_DEPTH if math.isnan(depth) else depth
    check_rules(rules)
    for rule in rules:
        if known > rule.get("deeper_than", -math.inf) and _is_within(rule.get("within"), longitude, latitude):
            return model_set(rule["set"])
    raise InputError(f"regimes: none of {len(rules)} rules fits a depth of {known} km at {longitude}, {latitude}")


def check_rules(rules: Sequence[Mapping[str, Any]]) -> None:
    """Raise InputError where there is no rule, or one names what is not known."""
    if not rules:
        raise InputError("regimes: found no rule, expected at least one")
    for rule in rules:
        if "set" not in rule or not set(rule) <= _KEYS:
            raise InputError(f"regimes: rule {dict(rule)}: expected set, and at most {sorted(_KEYS - {'set'})}")
        box = rule.get("within")
        if box is not None and len(box) != 4:
            raise InputError(f"regimes: rule {dict(rule)}: expected within as west, south, east, north")
        model_set(rule["set"])


def _is_within(box: Sequence[float] | None, longitude: float, latitude: float) -> bool:
    if box is None:
        return True
    west, south, east, north = box
    return west <= longitude <= east and south <= latitude <= north

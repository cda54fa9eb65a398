"""Why an estimate of ground failure is limited, zero or absent: the codes of `exclusion`, one list for both layers.

Three kinds, kept apart: unknown (the estimate is NaN), not susceptible by the model's own statement (the estimate is
zero and the code says why), and known with a caveat (the estimate stands).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: The estimate stands.
WITHIN = 0
#: Unknown, NaN: a map has no value here, or one that nothing on earth has.
MAP_UNKNOWN = 1
#: Unknown, NaN: there is no shaking here.
SHAKING_UNKNOWN = 2
#: The model's own zero: too flat for landslides, too steep for liquefaction.
SLOPE = 3
#: Caveat: shaking beyond the range of the model, taken as the end of the range.
SHAKING_ABOVE = 4
#: Caveat: the shaking has an exclusion of its own, or no standard deviation.
SHAKING_LIMITED = 5
#: The model's own zero: shaking too weak to liquefy anything.
SHAKING_BELOW = 6
#: The model's own zero: ground too stiff to liquefy.
STIFF = 7
#: Unknown, NaN: the magnitude, hence the duration of shaking, is unknown.
MAGNITUDE_UNKNOWN = 8
#: Stored where nothing is stored at all.
NODATA = 255

LABELS: Mapping[int, str] = MappingProxyType(
    {
        WITHIN: "inside the model's range",
        MAP_UNKNOWN: "a map is missing or impossible here",
        SHAKING_UNKNOWN: "shaking unknown",
        SLOPE: "not susceptible: slope outside the model's range",
        SHAKING_ABOVE: "shaking above the model's range, taken as its end",
        SHAKING_LIMITED: "shaking itself excluded or without uncertainty",
        SHAKING_BELOW: "not susceptible: shaking below the model's range",
        STIFF: "not susceptible: ground too stiff",
        MAGNITUDE_UNKNOWN: "magnitude unknown",
    }
)

COLOURS: Mapping[float, str] = MappingProxyType(
    {
        WITHIN: "#ffffff",
        MAP_UNKNOWN: "#455a64",
        SHAKING_UNKNOWN: "#9e9e9e",
        SLOPE: "#c8e6c9",
        SHAKING_ABOVE: "#ff9100",
        SHAKING_LIMITED: "#ffe082",
        SHAKING_BELOW: "#a5d6a7",
        STIFF: "#81c784",
        MAGNITUDE_UNKNOWN: "#7b1fa2",
    }
)

"""The ground-motion models by name; a new one is one file here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import GroundMotionModel
from pipeline.hazards.shaking.models.akkar14 import AKKAR14_RJB
from pipeline.hazards.shaking.models.ask14 import ASK14, ASK14_CHINA
from pipeline.hazards.shaking.models.bchydro16 import BCHYDRO_SLAB
from pipeline.hazards.shaking.models.bssa14 import BSSA14, BSSA14_CALIFORNIA, BSSA14_HIGH_Q
from pipeline.hazards.shaking.models.cb14 import CB14, CB14_HIGH_Q
from pipeline.hazards.shaking.models.cy14 import CY14
from pipeline.hazards.shaking.models.parker20 import PARKER20_INTERFACE, PARKER20_SLAB

_MODELS = (
    *(ASK14, ASK14_CHINA),
    *(BSSA14, BSSA14_CALIFORNIA, BSSA14_HIGH_Q),
    *(CB14, CB14_HIGH_Q),
    CY14,
    AKKAR14_RJB,
    *(PARKER20_INTERFACE, PARKER20_SLAB),
    BCHYDRO_SLAB,
)
GROUND_MOTION_MODELS: Mapping[str, GroundMotionModel] = MappingProxyType({model.name: model for model in _MODELS})
"""Every ground-motion model, by the name configurations use."""


def ground_motion_model(name: str) -> GroundMotionModel:
    """Return the model of this name.

    Raises
    ------
    InputError
        Where there is none.
    """
    try:
        return GROUND_MOTION_MODELS[name]
    except KeyError as error:
        raise InputError(f"ground-motion model {name!r}: expected one of {sorted(GROUND_MOTION_MODELS)}") from error

"""The ground-motion models by name; a new one is one file here beside and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.errors import InputError
from pipeline.hazards.shaking.bssa14 import BSSA14
from pipeline.hazards.shaking.ground_motion import GroundMotionModel

GROUND_MOTION_MODELS: Mapping[str, GroundMotionModel] = MappingProxyType({model.name: model for model in (BSSA14,)})
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

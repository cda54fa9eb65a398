"""Ground shaking: the median motion and intensity an earthquake is expected to have caused, before any is measured."""

from pipeline.hazards.shaking.declaration import shaking
from pipeline.hazards.shaking.models import GROUND_MOTION_MODELS

__all__ = ["GROUND_MOTION_MODELS", "shaking"]

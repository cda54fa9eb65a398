"""Conditioning: the ground motion of an earthquake once it has been measured at stations and felt by people."""

from pipeline.hazards.shaking.conditioning.components import convert_component
from pipeline.hazards.shaking.conditioning.correlation import LOTH_BAKER

__all__ = ["LOTH_BAKER", "convert_component"]

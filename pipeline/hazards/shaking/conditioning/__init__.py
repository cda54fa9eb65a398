"""Conditioning: the ground motion of an earthquake once it has been measured at stations and felt by people."""

from pipeline.hazards.shaking.conditioning.components import convert_component
from pipeline.hazards.shaking.conditioning.correlation import LOTH_BAKER
from pipeline.hazards.shaking.conditioning.options import Cells, Event, Options, Stations
from pipeline.hazards.shaking.conditioning.residuals import residuals
from pipeline.hazards.shaking.conditioning.update import Conditioned, Conditioning, Update, condition, update

__all__ = [
    "LOTH_BAKER",
    "Cells",
    "Conditioned",
    "Conditioning",
    "Event",
    "Options",
    "Stations",
    "Update",
    "condition",
    "convert_component",
    "residuals",
    "update",
]

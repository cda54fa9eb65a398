"""Conditioning: the ground motion of an earthquake once it has been measured at stations and felt by people."""

from pipeline.hazards.shaking.conditioning.components import convert_component
from pipeline.hazards.shaking.conditioning.correlation import LOTH_BAKER
from pipeline.hazards.shaking.conditioning.extent import Grade, grade, near
from pipeline.hazards.shaking.conditioning.options import Cells, Event, Options, Stations
from pipeline.hazards.shaking.conditioning.residuals import station_residuals
from pipeline.hazards.shaking.conditioning.update import Conditioned, Conditioning, Update, condition, fit

__all__ = [
    "LOTH_BAKER",
    "Cells",
    "Conditioned",
    "Conditioning",
    "Event",
    "Grade",
    "Options",
    "Stations",
    "Update",
    "condition",
    "convert_component",
    "fit",
    "grade",
    "near",
    "station_residuals",
]

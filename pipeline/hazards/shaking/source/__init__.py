"""Where an earthquake's motion comes from: a finite rupture, or all the ruptures a hypocentre may belong to."""

from pipeline.hazards.shaking.source.distances import Distances, hypocentral_distance, rupture_distances
from pipeline.hazards.shaking.source.epicentral import EpicentralTable, Hypocentre, PointSource, epicentral_table
from pipeline.hazards.shaking.source.mechanisms import MECHANISMS, mechanism, mechanism_of_rake
from pipeline.hazards.shaking.source.quads import Rupture, quad_rupture, right_dipping

__all__ = [
    "MECHANISMS",
    "Distances",
    "EpicentralTable",
    "Hypocentre",
    "PointSource",
    "Rupture",
    "epicentral_table",
    "hypocentral_distance",
    "mechanism",
    "mechanism_of_rake",
    "quad_rupture",
    "right_dipping",
    "rupture_distances",
]

"""Where an earthquake's motion comes from: a finite rupture, or all the ruptures a hypocentre may belong to."""

from pipeline.hazards.shaking.source.distances import Distances, hypocentral_distance, rupture_distances
from pipeline.hazards.shaking.source.quads import Rupture, quad_rupture, right_dipping

__all__ = ["Distances", "Rupture", "hypocentral_distance", "quad_rupture", "right_dipping", "rupture_distances"]

"""Ground failure of an earthquake: where shaking sets off landslides, and where it liquefies the ground."""

from pipeline.hazards.ground_failure.landslide import landslide
from pipeline.hazards.ground_failure.liquefaction import liquefaction

__all__ = ["landslide", "liquefaction"]

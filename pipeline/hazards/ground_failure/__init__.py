"""Ground failure of an earthquake: where shaking sets off landslides."""

from pipeline.hazards.ground_failure.landslide import landslide

__all__ = ["landslide"]

"""The hazard layers, one file or folder each; a layer is registered by one line here."""

from collections.abc import Mapping

from pipeline.hazards.aftershocks.declaration import aftershocks
from pipeline.hazards.fire_weather import fire_weather
from pipeline.hazards.flood_extent import flood_extent
from pipeline.hazards.ground_failure import landslide, liquefaction
from pipeline.hazards.loss.exposure_layer import exposure
from pipeline.hazards.loss.facilities_layer import facilities
from pipeline.hazards.shaking import shaking
from pipeline.layer import Layer

#: Layers by the name that `layer:` of a hazard's configuration gives.
HAZARDS: Mapping[str, Layer] = {
    "aftershocks": aftershocks,
    "exposure": exposure,
    "facilities": facilities,
    "fire_weather": fire_weather,
    "flood_extent": flood_extent,
    "landslide": landslide,
    "liquefaction": liquefaction,
    "shaking": shaking,
}

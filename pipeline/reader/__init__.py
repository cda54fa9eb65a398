"""The analyst's door: published layers as lazy xarray, tables as frames, from a home or from a service; nothing is written.

import pipeline

shaking = pipeline.open_layer("shaking", event="us7000lsze")
flood = pipeline.open_layer("flood_extent", bbox=(51.0, 50.9, 51.8, 51.3), time="2024-04-19")
districts = pipeline.open_table("exposure", "districts", event="us7000lsze")
pipeline.find_layers("fire_weather", time=("2024-04-05", "2024-04-10"))
"""

from pipeline.reader.layers import find_layers, open_layer
from pipeline.reader.listing import PublishedLayer
from pipeline.reader.tables import open_table

__all__ = ["PublishedLayer", "find_layers", "open_layer", "open_table"]

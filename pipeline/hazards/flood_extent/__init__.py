"""Flood extent: open water from Sentinel-1 backscatter, by tile-based thresholds with HAND, as a layer."""

from pipeline.hazards.flood_extent.declaration import flood_extent

__all__ = ["flood_extent"]

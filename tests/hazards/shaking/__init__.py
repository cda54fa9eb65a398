"""Tests of `pipeline.hazards.shaking`."""

"""The HTTP door: reads what was published, computes no hazard."""

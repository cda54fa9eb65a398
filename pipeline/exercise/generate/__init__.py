"""Seeded generators of what an exercise shows: land, water, backscatter, weather and earthquake bulletins.

No hazard code is imported here and none of it ever sees the truth that these modules know.
"""

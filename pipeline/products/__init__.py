"""Products: COGs, STAC Items and the catalogue that makes them public."""

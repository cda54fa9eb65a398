"""Small products, areas and places whose answers are seen by eye."""

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.grid import on_geobox, region_geobox

UNKNOWN = 255


def product(geobox: GeoBox, **variables: np.ndarray) -> xr.Dataset:
    return xr.Dataset({name: on_geobox(xr.DataArray(data, dims=("y", "x")), geobox) for name, data in variables.items()})


def two_districts() -> tuple[GeoBox, gpd.GeoDataFrame]:
    """A 10 x 20 grid of 0.01 degrees, its left half one district, its right half another."""
    geobox = region_geobox((51.0, 48.0, 51.2, 48.1), 0.01)
    areas = gpd.GeoDataFrame(
        {
            "id": ["west", "east"],
            "name": ["Westdistrict", "Eastdistrict"],
            "name_ru": ["Западный район", "Восточный район"],
            "country": ["KZ", "KZ"],
            "geocode": ["ISO 3166-2=KZ-27", ""],
        },
        geometry=[shapely.box(51.0, 48.0, 51.1, 48.1), shapely.box(51.1, 48.0, 51.2, 48.1)],
        crs="EPSG:4326",
    )
    return geobox, areas


def towns(*rows: tuple[str, str, int, float, float]) -> gpd.GeoDataFrame:
    """Places of (name, country, population, longitude, latitude)."""
    data = {
        "id": [str(number) for number in range(len(rows))],
        "name": [row[0] for row in rows],
        "names": [{} for _ in rows],
        "country": [row[1] for row in rows],
        "population": [row[2] for row in rows],
    }
    points = gpd.points_from_xy([row[3] for row in rows], [row[4] for row in rows])
    return gpd.GeoDataFrame(data, geometry=points, crs="EPSG:4326")

"""A region on a projected grid goes the same way as one in degrees."""

from pathlib import Path

import numpy as np

from pipeline import grid
from pipeline.products.read import open_asset
from pipeline.products.validate import validate
from tests.drills import days, on_stage

LAEA = "+proj=laea +lat_0=48 +lon_0=67 +datum=WGS84 +units=m"


def test_fire_weather_on_an_equal_area_grid_is_that_of_the_degrees_below_it(tmp_path: Path) -> None:
    plain = days(3)
    projected = plain.model_copy(
        update={
            "config": {
                **plain.config,
                "hazards/fire_weather": {"resolution": 100_000},
                "regions/kazakhstan": {"crs": LAEA},
            }
        }
    )
    fields = []
    for name, scenario in (("degrees", plain), ("metres", projected)):
        with on_stage(scenario, tmp_path / name) as player:
            assert player.play(static=False) == []
            assert validate(player.work.store, player.work.catalog.index) == []
            days_made = [item for item in player.items("region:", current=True) if not item["properties"]["hazmon:forecast"]]
            fields.append(open_asset(player.work.store, days_made[-1], "fwi").compute())
    degrees, metres = fields
    assert grid.geobox_of(metres).resolution.x == 100_000
    same = grid.regrid(degrees, grid.geobox_of(metres), "bilinear")
    known = np.isfinite(same.values) & np.isfinite(metres.values)
    assert known.mean() > 0.5
    assert np.median(np.abs(same.values - metres.values)[known]) < 0.05 * np.median(same.values[known])

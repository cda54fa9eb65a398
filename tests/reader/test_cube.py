"""Items of one moment laid over one another: hand-sized arrays whose answer is seen by eye."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from pipeline.errors import InputError
from pipeline.reader.cube import Part, block_edge, overlaid

NAN, NOBODY = np.nan, 255
NAMES = ["share", "deviation", "reason"]


def cells(values: list[float], answers: str, dtype: str = "float32", nodata: float = NAN) -> xr.DataArray:
    attributes = {"answers": answers, "nodata": nodata, "units": "1"}
    array = da.from_array(np.array([values], dtype))  # type: ignore[no-untyped-call]
    return xr.DataArray(array, dims=("y", "x"), attrs=attributes)


def part(estimate: list[float], uncertainty: list[float], exclusion: list[float]) -> Part:
    return {
        "share": cells(estimate, "estimate"),
        "deviation": cells(uncertainty, "uncertainty"),
        "reason": cells(exclusion, "exclusion", "uint8", NOBODY),
    }


def values(found: Part) -> dict[str, list[float]]:
    return {name: array.values[0].round(3).tolist() for name, array in found.items()}


def test_value_uncertainty_and_exclusion_of_a_cell_are_those_of_one_item() -> None:
    newest = part([NAN, 0.5], [0.1, NAN], [3, NOBODY])
    older = part([0.8, 0.2], [0.3, 0.4], [0, 2])
    found = values(overlaid([newest, older], NAMES))
    assert found["share"] == pytest.approx([0.8, 0.5])
    assert found["deviation"] == pytest.approx([0.3, NAN], nan_ok=True)
    assert found["reason"] == [0, NOBODY]


def test_where_nobody_knows_the_newest_that_says_why_is_heard() -> None:
    newest = part([NAN, NAN, NAN], [0.1, 0.1, 0.1], [NOBODY, 0, NOBODY])
    older = part([NAN, NAN, NAN], [0.2, 0.2, 0.2], [3, 3, NOBODY])
    oldest = part([NAN, NAN, NAN], [0.3, 0.3, 0.3], [4, NOBODY, NOBODY])
    found = values(overlaid([newest, older, oldest], NAMES))
    assert np.isnan(found["share"]).all()
    assert found["reason"] == [3, 3, NOBODY]
    assert found["deviation"] == pytest.approx([0.2, 0.2, 0.1])


def test_codes_keep_their_type_and_every_variable_its_attributes() -> None:
    one = part([0.5], [0.1], [0])
    found = overlaid([one, part([NAN], [0.1], [3])], NAMES)
    assert found["reason"].dtype == np.uint8
    assert all(found[name].attrs == one[name].attrs for name in one)


def test_where_the_estimate_is_no_raster_the_first_variable_says_who_knows() -> None:
    newest, older = ({"people": cells(given, "")} for given in ([NAN, 5.0], [7.0, 8.0]))
    assert values(overlaid([newest, older], ["people"])) == {"people": [7.0, 5.0]}


def test_items_whose_units_differ_are_not_laid_over_one_another() -> None:
    one, other = part([0.5], [0.1], [0]), part([50.0], [10.0], [0])
    other["share"] = other["share"].assign_attrs(units="%")
    with pytest.raises(InputError, match="share: units or classes differ"):
        overlaid([one, other], NAMES)


@pytest.mark.parametrize(("size", "edge"), [(0.1, 2048), (1.0, 2048), (8.0, 256), (1e4, 64)])
def test_blocks_of_coarser_cells_are_fewer_cells_so_that_no_more_is_read_at_once(size: float, edge: int) -> None:
    grid = GeoBox.from_bbox((0, 0, 1e6, 1e6), "EPSG:32643", resolution=size)
    assert block_edge(1.0, grid) == edge

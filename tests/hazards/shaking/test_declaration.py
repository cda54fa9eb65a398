"""The declared layer: lazy, sealed, the same for any chunks."""

from types import MappingProxyType

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import GridError, InputError, UnitsError
from pipeline.grid import event_geobox, on_geobox, region_geobox
from pipeline.hazards.shaking import shaking

GRID = event_geobox(78.66, 41.26, 45.0)
UNITS = MappingProxyType({"magnitude": "1", "depth": "km", "longitude": "degrees_east", "latitude": "degrees_north"})


def _scalars(**changed):
    values = {"magnitude": 7.0, "depth": 13.0, "longitude": 78.66, "latitude": 41.26, **changed}
    return {name: xr.DataArray(value, attrs={"units": UNITS[name]}) for name, value in values.items()}


def _map(units, values, geobox=GRID):
    array = np.broadcast_to(np.asarray(values, "float32"), tuple(geobox.shape)).copy()
    return on_geobox(xr.DataArray(array, dims=("y", "x"), attrs={"units": units}), geobox)


def _maps():
    generator = np.random.default_rng(3)
    vs30 = generator.uniform(180, 900, tuple(GRID.shape))
    vs30[:, :40] = np.nan
    elevation = np.cumsum(generator.normal(0, 20, tuple(GRID.shape)), axis=0) + 2000
    elevation[:5, :5] = np.nan
    return {"vs30": _map("m s-1", vs30), "elevation": _map("m", elevation)}


def _refuse(*args, **kwargs):
    raise AssertionError("computed before it was asked to")


def test_gives_intensity_deviation_and_exclusion_on_the_grid_given():
    found = shaking(**_scalars(), **_maps())
    assert set(found) == set(shaking.outputs)
    assert found.odc.geobox == GRID
    assert found["mmi"].dtype == np.float32
    assert found["pga"].attrs["units"] == "standard_gravity"
    assert found["exclusion"].attrs["flag_values"].tolist() == list(range(7))
    known = found.where(found["exclusion"] != 1)
    assert float(known["mmi"].min()) >= 1.0
    assert float(known["mmi"].max()) <= 10.0
    assert bool((np.isnan(found["mmi"]) == (found["exclusion"] == 1)).all())


def test_cells_without_map_and_terrain_are_the_only_ones_without_estimate():
    found = shaking(**_scalars(), **_maps())
    assert 16 <= int((found["exclusion"] == 1).sum()) <= 36  # the unknown corner, and cells beside it


def test_elevation_may_be_absent():
    found = shaking(**_scalars(), vs30=_maps()["vs30"])
    assert bool((found["exclusion"][:, :40] == 1).all())


@settings(max_examples=4, deadline=None)
@given(rows=st.integers(30, 120), columns=st.integers(30, 120), other=st.integers(30, 120))
def test_chunks_change_no_byte_and_nothing_is_computed_early(rows, columns, other):
    maps = _maps()
    dims = maps["vs30"].dims
    whole = shaking(**_scalars(), **maps)
    lazy_maps = {"vs30": maps["vs30"].chunk({dims[0]: rows, dims[1]: columns}), "elevation": maps["elevation"].chunk(other)}
    with dask.config.set(scheduler=_refuse):
        lazy = shaking(**{name: value.chunk() for name, value in _scalars().items()}, **lazy_maps)
    assert all(array.chunks is not None for array in lazy.data_vars.values())
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), whole)


def test_inputs_are_left_as_they_were():
    maps, scalars = _maps(), _scalars()
    before = {name: array.copy(deep=True) for name, array in {**maps, **scalars}.items()}
    shaking(**scalars, **maps)
    for name, array in {**maps, **scalars}.items():
        xr.testing.assert_identical(array, before[name])


def test_units_are_converted_or_refused():
    maps = _maps()
    in_km = {**maps, "vs30": (maps["vs30"] / 1000).assign_attrs(units="km s-1")}
    np.testing.assert_allclose(shaking(**_scalars(), **in_km)["mmi"], shaking(**_scalars(), **maps)["mmi"], atol=1e-4)
    with pytest.raises(UnitsError):
        shaking(**_scalars(), vs30=maps["vs30"].drop_attrs())


def test_an_unknown_depth_widens_the_uncertainty_and_hardly_moves_the_estimate():
    maps = _maps()
    known, unknown = (shaking(**_scalars(depth=depth), **maps) for depth in (10.0, np.nan))
    assert float(np.abs(known["mmi"] - unknown["mmi"]).max()) < 0.2
    assert float((unknown["mmi_std"] - known["mmi_std"]).min()) > -0.02
    assert float(unknown["mmi_std"].max()) > float(known["mmi_std"].max())


@pytest.mark.parametrize(
    "parameters", [{"regimes": [{"set": "GMPE"}]}, {"regimes": []}, {"mechanism": "thrust"}, {"craton": 1.5}]
)
def test_parameters_without_meaning_are_refused_before_any_work(parameters):
    with pytest.raises(InputError):
        shaking(**_scalars(), **_maps(), **parameters)


def test_a_projected_grid_is_refused():
    projected = region_geobox((500_000, 4_500_000, 510_000, 4_510_000), 1000, "EPSG:32644")
    with pytest.raises(GridError, match="geographic"):
        shaking(**_scalars(), vs30=_map("m s-1", 760.0, projected))


def test_a_place_shakes_less_the_farther_it_lies():
    found = shaking(**_scalars(), vs30=_map("m s-1", 760.0))
    eastward = found["mmi"].isel({found["mmi"].dims[0]: GRID.shape[0] // 2}).values[GRID.shape[1] // 2 :]
    assert (np.diff(eastward) <= 1e-6).all()

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from pipeline import grid
from pipeline.errors import GridError, InputError, UnitsError
from pipeline.layer import Answers, Variable, blockwise, layer

BOX = grid.region_geobox((0, 0, 4, 3), 1)
CODES = {0: "known", 1: "no input"}
OUTPUTS = {
    "depth": Variable("m", "water depth", standard_name="depth"),
    "depth_std": Variable("m", "standard deviation"),
    "exclusion": Variable("1", "why not known", dtype="uint8", nodata=255, labels=CODES),
}
ANSWERS = Answers("depth", "depth_std", "exclusion")


def declare(function):
    inputs = {
        "level": Variable("m", "water level", on="scalar"),
        "ground": Variable("m", "ground"),
        "wall": Variable("m", "wall", optional=True),
    }
    return layer(title="Bathtub", inputs=inputs, outputs=OUTPUTS, answers=ANSWERS, source="none", version="1.0.0")(function)


def kernel(level, ground, wall, factor):
    depth = np.maximum(level - ground, 0) * factor
    return depth, np.full_like(depth, 0.1), np.where(np.isnan(depth), np.nan, np.where(np.isnan(wall), 1.0, 0.0))


@declare
def bathtub(level, ground, wall, *, factor=1.0):
    depth, std, excluded = blockwise(kernel, level, ground, wall, dtypes=["float32", "float32", "float32"], factor=factor)
    return {"depth": depth, "depth_std": std, "exclusion": excluded}


def on_grid(values, units="m", box=BOX):
    array = xr.DataArray(np.broadcast_to(np.float32(values), tuple(box.shape)).copy(), dims=("y", "x"), attrs={"units": units})
    return grid.on_geobox(array, box)


LEVEL = xr.DataArray(5.0, attrs={"units": "m"})


def test_units_are_converted_and_outputs_sealed():
    found = bathtub(LEVEL, on_grid(0.002, "km"), on_grid(1), factor=2.0)
    assert found.depth.values[0, 0] == 6.0
    assert found.depth.dtype == np.float32 and found.exclusion.dtype == np.uint8
    assert found.depth.attrs == {
        "units": "m",
        "long_name": "water depth",
        "nodata": pytest.approx(np.nan, nan_ok=True),
        "standard_name": "depth",
    }
    assert found.exclusion.attrs["flag_meanings"] == "known no_input"
    assert grid.geobox_of(found.depth) == BOX


def test_unknown_in_is_nodata_out():
    ground = on_grid(1)
    ground[0, 0] = np.nan
    found = bathtub(LEVEL, ground, on_grid(1))
    assert np.isnan(found.depth.values[0, 0])
    assert found.exclusion.values[0, 0] == 255


def test_an_absent_optional_input_is_unknown_everywhere():
    assert (bathtub(LEVEL, on_grid(1)).exclusion.values == 1).all()


def test_lazy_in_is_lazy_out_and_equal():
    def refuse(*args, **kwargs):
        raise AssertionError("a layer must not compute")

    ground = on_grid(1).chunk(2)
    with dask.config.set(scheduler=refuse):
        lazy = bathtub(LEVEL, ground, on_grid(1).chunk(2))
    assert isinstance(lazy.depth.data, da.Array)
    xr.testing.assert_equal(lazy.compute(), bathtub(LEVEL, on_grid(1), on_grid(1)))


def test_inputs_stay_as_they_were():
    ground = on_grid(0.002, "km")
    bathtub(LEVEL, ground)
    assert ground.attrs["units"] == "km" and ground.values[0, 0] == np.float32(0.002)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((LEVEL,), InputError, "ground.*missing"),
        ((LEVEL, xr.DataArray(np.zeros((3, 4)), dims=("y", "x"))), UnitsError, "ground"),
        ((on_grid(1), on_grid(1)), GridError, "level.*single value"),
        ((LEVEL, on_grid(1), on_grid(1, box=grid.region_geobox((1, 0, 5, 3), 1))), GridError, "wall"),
    ],
)
def test_what_breaks_the_declaration_is_refused_by_name(arguments, error, words):
    with pytest.raises(error, match=words):
        bathtub(*arguments)


def test_an_unknown_parameter_is_refused():
    with pytest.raises(InputError, match="colour"):
        bathtub(LEVEL, on_grid(1), colour="blue")


def test_a_signature_that_differs_from_its_declaration_is_refused():
    with pytest.raises(InputError, match="declares inputs"):
        declare(lambda ground, level, wall: {})
    with pytest.raises(InputError, match="default"):

        @declare
        def no_default(level, ground, wall, *, factor):
            return {}


def test_an_undeclared_output_is_refused():
    @declare
    def short(level, ground, wall):
        return {"depth": ground}

    with pytest.raises(InputError, match="returned"):
        short(LEVEL, on_grid(1))

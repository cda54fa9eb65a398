import dask
import dask.array as da
import numpy as np
import pytest
from dask.callbacks import Callback
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, UnitsError
from pipeline.hazards.flood_extent import flood_extent
from tests.hazards.flood_extent import scenes

MADE = scenes.make(4, (330, 410))
WHOLE = flood_extent(**MADE.arrays())


def refuse(*args, **kwargs):
    raise AssertionError("the layer computed something")


def same(found, expected):
    return all(found[name].values.tobytes() == expected[name].values.tobytes() for name in expected)


@pytest.mark.parametrize("method", ["ki", "otsu", "hydrosar_em"])
def test_lazy_input_stays_lazy_and_gives_the_same_bytes(method):
    with dask.config.set(scheduler=refuse):
        lazy = flood_extent(**MADE.arrays(128), threshold_method=method)
    assert all(dask.is_dask_collection(array.data) for array in lazy.values())
    expected = flood_extent(**MADE.arrays(), threshold_method=method)
    assert same(lazy.compute(scheduler="threads"), expected)


@given(
    rows=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    columns=st.lists(st.integers(1, 3).map(lambda k: 128 * k), min_size=1, max_size=3),
)
@settings(max_examples=15, deadline=None)
def test_chunks_do_not_matter(rows, columns):
    def cut(sizes, length):
        edges = [edge for edge in np.cumsum(sizes) if edge < length]
        return tuple(int(size) for size in np.diff([0, *edges, length]))

    chunks = {"y": cut(rows, 330), "x": cut(columns, 410)}
    assert same(flood_extent(**MADE.arrays(chunks)).compute(scheduler="synchronous"), WHOLE)


def test_one_lazy_input_makes_the_result_lazy():
    given_arrays = MADE.arrays()
    given_arrays["hand"] = given_arrays["hand"].chunk(128)
    lazy = flood_extent(**given_arrays)
    assert dask.is_dask_collection(lazy.flooded.data)
    assert same(lazy.compute(scheduler="threads"), WHOLE)


def test_the_second_read_waits_for_the_thresholds_and_keeps_no_block_of_the_first():
    read, held = [], []

    def load(block_id=None):
        read.append(block_id)
        return np.full((256, 256), 0.05, np.float32)

    def count(key, value, graph, state, worker):
        held.append(sum(str(name[0]).startswith("load") for name in state["cache"] if isinstance(name, tuple)))

    cells = da.map_blocks(load, chunks=((256,) * 6, (256,) * 6), dtype="float32", meta=np.empty((0, 0), np.float32))
    made = scenes.make(1, (1536, 1536), sand=0)
    given_arrays = made.arrays(256)
    given_arrays["vv"] = given_arrays["vv"].copy(data=cells)
    with Callback(posttask=count):
        flood_extent(**given_arrays).compute(scheduler="synchronous")
    assert sorted(read[:36]) == sorted(read[36:])
    assert len(set(read[:36])) == 36
    assert max(held) <= 2


def test_inputs_are_left_as_they_were():
    given_arrays = MADE.arrays()
    before = {name: array.values.tobytes() for name, array in given_arrays.items()}
    flood_extent(**given_arrays)
    assert {name: array.values.tobytes() for name, array in given_arrays.items()} == before


def test_decibels_are_converted_and_unitless_input_is_refused():
    given_arrays = MADE.arrays()
    decibel = 10 * np.log10(given_arrays["vv"])
    found = flood_extent(**{**given_arrays, "vv": decibel.assign_attrs(units="dB")})
    assert (found.water.values == WHOLE.water.values).mean() > 0.9999
    with pytest.raises(UnitsError, match="vv"):
        flood_extent(**{**given_arrays, "vv": given_arrays["vv"].drop_attrs()})


def test_unknown_in_is_unknown_out():
    for name, code in (("vv", 1), ("vh", 1), ("hand", 4)):
        given_arrays = MADE.arrays()
        given_arrays[name].values[100:140, 200:260] = np.nan
        found = flood_extent(**given_arrays).isel(y=slice(100, 140), x=slice(200, 260))
        seen = np.isfinite(MADE.vv[100:140, 200:260])
        assert (found.exclusion.values[seen] == code).all()
        assert (found.flooded.values == 255).all()
        assert (found.water.values == 255).all()
        assert np.isnan(found.likelihood.values).all()


def test_where_reference_water_is_unknown_water_is_known_and_flood_is_not():
    given_arrays = MADE.arrays()
    del given_arrays["reference_water"]
    found = flood_extent(**given_arrays)
    wet = found.water.values == 1
    assert wet.sum() > 5000
    assert (found.flooded.values[wet] == 255).all()
    assert (found.exclusion.values[wet] == 5).all()
    assert (found.flooded.values[found.water.values == 0] == 0).all()


def test_permanent_water_is_never_flooded():
    permanent = MADE.reference >= 0.5
    assert (WHOLE.flooded.values[permanent & (WHOLE.water.values == 1)] == 0).all()
    assert (WHOLE.water.values[permanent] == 1).sum() > 500


def test_a_scene_without_vh_is_mapped_by_vv_alone():
    given_arrays = MADE.arrays()
    del given_arrays["vh"]
    found = flood_extent(**given_arrays)
    iou, false, _ = scenes.scores(MADE, found.water.values, found.exclusion.values > 0)
    assert iou > 0.9
    assert false < 0.01


@pytest.mark.parametrize("shape", [(1, 1), (5, 200), (129, 17)])
def test_small_scenes_have_answers(shape):
    made = scenes.make(2, (200, 200))
    crop = scenes.Made(*(getattr(made, name)[: shape[0], : shape[1]] for name in made.__dataclass_fields__))
    assert flood_extent(**crop.arrays()).flooded.shape == shape


@pytest.mark.parametrize(
    "wrong", [{"threshold_method": "mean"}, {"looks": 0.0}, {"minimum_area": 0}, {"minimum_area": 99}, {"hand_limit": -1.0}]
)
def test_parameters_outside_their_range_are_refused(wrong):
    with pytest.raises(InputError, match="flood_extent"):
        flood_extent(**MADE.arrays(), **wrong)

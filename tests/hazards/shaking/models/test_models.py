"""What every ground-motion model keeps, whatever its equations."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking import GROUND_MOTION_MODELS
from pipeline.hazards.shaking.block import BLOCK
from pipeline.hazards.shaking.ground_motion import PREDICTORS
from pipeline.hazards.shaking.models import ground_motion_model

MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
#: A vertical fault: a site has one distance to its plane and to its surface projection, and no hanging wall.
EVENT = {"magnitude": 6.5, "rake": 0.0, "dip": 90.0, "ztor": 5.0, "width": 12.0, "hypo_depth": 40.0}
SITE = {"rrup": 60.0, "rjb": 59.0, "rx": -20.0, "ry0": 10.0, "rhypo": 70.0, "vs30": 400.0}
MODELS = sorted(GROUND_MOTION_MODELS)


def at_distance(rjb):
    """Return the predictors of sites this far from the vertical fault, on the footwall."""
    rjb = np.asarray(rjb, float)
    away = {"rjb": rjb, "rrup": np.hypot(rjb, 5.0), "rhypo": np.hypot(rjb, 40.0), "rx": -rjb, "ry0": 0.0 * rjb}
    return EVENT | SITE | away


def test_every_model_is_there_by_name_and_no_other():
    assert set(MODELS) == {
        *("ASK14", "ASK14chn", "BSSA14", "BSSA14ca", "BSSA14hq", "CB14", "CB14hq", "CY14", "Akkar14Rjb"),
        *("Parker20Slab", "Parker20Interface", "BCHydroSlab"),
    }
    with pytest.raises(InputError, match="BSSA14"):
        ground_motion_model("BSSA41")


def test_every_model_takes_the_same_keywords():
    _, measure, *keywords = inspect.signature(type(GROUND_MOTION_MODELS["ASK14"]).__call__).parameters.values()
    assert measure.name == "imt"
    assert tuple(p.name for p in keywords) == PREDICTORS
    assert all(p.kind is p.KEYWORD_ONLY for p in keywords)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("imt", ["MMI", "SA(0.005)", "SA(11)", "SA(x)", "SA(-1)", "pga", "CAV"])
def test_a_measure_the_model_does_not_give_is_refused(name, imt):
    with pytest.raises(InputError, match="measure"):
        GROUND_MOTION_MODELS[name](imt, **EVENT, **SITE)


@pytest.mark.parametrize("name", MODELS)
def test_a_predictor_the_model_needs_is_demanded_by_name(name):
    model = GROUND_MOTION_MODELS[name]
    for needed in set(model.needs) - {"magnitude", "rake"}:
        with pytest.raises(InputError, match=needed):
            model("PGA", **{k: v for k, v in (EVENT | SITE).items() if k != needed})


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("imt", MEASURES)
def test_unknown_in_gives_unknown_out(name, imt):
    model = GROUND_MOTION_MODELS[name]
    for needed in set(model.needs) - {"rake"}:
        found = model(imt, **(EVENT | SITE | {needed: np.nan}))
        assert np.isnan(found).all(), needed


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("imt", MEASURES)
def test_unspecified_mechanism_and_usual_depth_of_soil_are_known(name, imt):
    defaults = {"rake": np.nan, "z1pt0": np.nan, "z2pt5": np.nan}
    assert np.isfinite(GROUND_MOTION_MODELS[name](imt, **(EVENT | SITE | defaults))).all()


@pytest.mark.parametrize("name", MODELS)
def test_inputs_broadcast(name):
    found = GROUND_MOTION_MODELS[name](
        "SA(0.3)", **(EVENT | SITE | {"magnitude": [[5.5], [6.5]], "vs30": [300.0, np.nan, 800.0]})
    )
    assert found.mean_ln.shape == found.tau.shape == found.phi.shape == (2, 3)
    assert np.isnan(found.mean_ln[:, 1]).all()
    assert np.isfinite(found.mean_ln[:, [0, 2]]).all()
    alone = GROUND_MOTION_MODELS[name]("SA(0.3)", **(EVENT | SITE | {"magnitude": 5.5, "vs30": 800.0}))
    assert found.mean_ln[0, 2] == alone.mean_ln
    assert alone.mean_ln.shape == ()


@pytest.mark.parametrize("name", MODELS)
def test_a_cell_has_the_same_bytes_wherever_its_block_begins(name):
    rng = np.random.default_rng(3)
    sites = at_distance(rng.uniform(0, 250, 2 * BLOCK + 7)) | {"vs30": rng.uniform(150, 1200, 2 * BLOCK + 7)}
    whole = np.array(GROUND_MOTION_MODELS[name]("SA(0.2)", **sites))
    part = {k: v[5:] if np.ndim(v) else v for k, v in sites.items()}
    np.testing.assert_array_equal(np.array(GROUND_MOTION_MODELS[name]("SA(0.2)", **part)), whole[:, 5:])


@pytest.mark.parametrize("name", MODELS)
def test_predictors_a_model_does_not_use_change_nothing(name):
    model = GROUND_MOTION_MODELS[name]
    plain = model("PGA", **(EVENT | SITE))
    used = {k: v for k, v in (EVENT | SITE).items() if k in (*model.needs, "rake", "ztor")}
    np.testing.assert_array_equal(model("PGA", **used), plain)


def test_periods_are_the_same_however_they_are_written():
    for model in GROUND_MOTION_MODELS.values():
        assert model("SA(1)", **EVENT, **SITE).mean_ln == model("SA(1.000)", **EVENT, **SITE).mean_ln


@pytest.mark.parametrize("name", MODELS)
def test_motion_between_two_periods_lies_between_theirs_or_close(name):
    low, mid, high = (GROUND_MOTION_MODELS[name](f"SA({t})", **EVENT, **SITE).mean_ln for t in (3.0, 3.3, 4.0))
    assert min(low, high) - 0.02 <= mid <= max(low, high) + 0.02


@pytest.mark.parametrize("name", MODELS)
@given(
    imt=st.sampled_from(MEASURES),
    magnitude=st.floats(4.5, 8.0),
    near=st.floats(0.0, 200.0),
    further=st.floats(1.0, 100.0),
    vs30=st.floats(180.0, 1000.0),
)
def test_motion_falls_with_distance_and_deviations_are_positive(name, imt, magnitude, near, further, vs30):
    sites = at_distance([near, near + further])
    found = GROUND_MOTION_MODELS[name](imt, **(sites | {"magnitude": magnitude, "vs30": vs30}))
    assert found.mean_ln[0] >= found.mean_ln[1]
    assert (found.tau > 0).all()
    assert (found.phi > 0).all()


@pytest.mark.parametrize("regional, base", [("ASK14chn", "ASK14"), ("BSSA14hq", "BSSA14"), ("CB14hq", "CB14")])
def test_where_attenuation_is_low_only_far_motion_is_larger(regional, base):
    sites = at_distance([0.0, 50.0, 300.0])
    more = GROUND_MOTION_MODELS[regional]("PGA", **sites).mean_ln - GROUND_MOTION_MODELS[base]("PGA", **sites).mean_ln
    np.testing.assert_allclose(more[0], 0.0, atol=0.02)
    assert more[2] > 0.2
    assert (np.diff(more) >= 0).all()


@pytest.mark.parametrize("name", ["ASK14", "BSSA14ca", "CY14", "CB14"])
def test_deep_soil_amplifies_long_periods_and_shallow_soil_dampens_them(name):
    def motion(**depths):
        return GROUND_MOTION_MODELS[name]("SA(3.0)", **(EVENT | SITE | {"vs30": 300.0}), **depths).mean_ln

    assert motion(z1pt0=900.0, z2pt5=5.0) > motion() > motion(z1pt0=20.0, z2pt5=0.3)


def test_bssa14_has_no_basin_unless_in_california():
    plain, california = GROUND_MOTION_MODELS["BSSA14"], GROUND_MOTION_MODELS["BSSA14ca"]
    usual = EVENT | SITE | {"vs30": 300.0}
    deep = usual | {"z1pt0": 900.0}
    assert plain("SA(3.0)", **deep).mean_ln == california("SA(3.0)", **usual).mean_ln
    assert plain("SA(0.3)", **deep).mean_ln == california("SA(0.3)", **deep).mean_ln


def test_bssa14_takes_an_unspecified_mechanism_for_the_mean_of_all():
    found = [GROUND_MOTION_MODELS["BSSA14"]("PGA", **(EVENT | SITE | {"rake": r})).mean_ln for r in (np.nan, 0, -90, 90)]
    assert min(found[1:]) < found[0] < max(found[1:])


@given(magnitude=st.floats(3.0, 8.4), step=st.floats(0.01, 1.0), rjb=st.floats(0.0, 400.0), vs30=st.floats(150.0, 1500.0))
def test_a_larger_magnitude_gives_a_larger_velocity(magnitude, step, rjb, vs30):
    model = GROUND_MOTION_MODELS["BSSA14"]
    found = model("PGV", magnitude=[magnitude, min(magnitude + step, 8.5)], rjb=rjb, vs30=vs30).mean_ln
    assert found[0] <= found[1]

"""Sets of ground-motion models: their rule of combination, and ShakeMap's own prior for Northridge."""

import math
import tracemalloc

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.hazards.shaking.block import BLOCK
from pipeline.hazards.shaking.model_sets import MODEL_SETS, ModelSet, model_correlation, model_set, weighted_motion
from pipeline.hazards.shaking.models import GROUND_MOTION_MODELS

MEASURES = ("PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)")
EVENT = {"magnitude": 6.7, "rake": 90.0, "dip": 40.0, "ztor": 6.0, "width": 20.0, "hypo_depth": 60.0}
CALIFORNIA = MODEL_SETS["active_crustal_california"]
#: Larger of two horizontals over RotD50: c0, r1, m1, m2 and sigma of Boore and Kishida (2017), doi 10.1785/0120160250,
#: electronic supplement, smoothed.
LARGER = {
    "PGA": (0.11263282703123, -0.00961515801446688, -0.00360028833909088, -0.00158089043170841, 0.0938741186963455),
    "PGV": (0.124576699819479, -0.010187072147666, 0.00121314885250292, -0.000764374621288474, 0.0962530004202919),
    "SA(0.3)": (0.129322151827321, -0.0100899118264942, -0.00500240649297235, -0.00126679335449869, 0.0949338883884208),
    "SA(1.0)": (0.136609329361722, -0.00750168720472429, -0.000587630347557134, -0.00237987858119227, 0.0960089074753048),
    "SA(3.0)": (0.139581904820959, -0.00700562570454068, 0.0020556939633298, -0.00131431160566997, 0.0973017939559902),
}


def to_larger(component, imt, magnitude):
    assert component == "RotD50"
    c0, r1, m1, m2, sigma = LARGER[imt]
    return c0 + m1 * (magnitude - 5.5) + m2 * (magnitude - 5.5) ** 2, r1, sigma


def sites(count, seed=1):
    """Return predictors of sites around a dipping rupture; consistent enough for the equations."""
    rng = np.random.default_rng(seed)
    rjb = rng.uniform(0, 250, count)
    distances = {"rjb": rjb, "rrup": np.hypot(rjb, 7.0), "rhypo": np.hypot(rjb, 62.0)}
    return distances | {
        "rx": rng.uniform(-250, 250, count),
        "ry0": rng.uniform(0, 200, count),
        "vs30": rng.uniform(150, 1200, count),
    }


def combined(names, weights, imt, predictors):
    """Return mean, tau and phi by the rule of `MultiGMPE`, written out in NumPy."""
    motions = [GROUND_MOTION_MODELS[name](imt, **predictors) for name in names]
    means, taus, phis = (np.array(part) for part in zip(*motions, strict=True))
    products = np.outer(weights, weights) * np.corrcoef(means)
    return weights @ means, *(np.sqrt(np.einsum("ij,in,jn->n", products, part, part)) for part in (taus, phis))


@pytest.mark.parametrize("name", MODEL_SETS)
def test_equals_the_models_combined_one_by_one(name):
    models, predictors = MODEL_SETS[name], EVENT | sites(3 * BLOCK + 11)
    found = weighted_motion(models, MEASURES, **predictors)
    for place, imt in enumerate(MEASURES):
        expected = combined(models.names, np.array(models.weights) / sum(models.weights), imt, predictors)
        np.testing.assert_allclose([part[place] for part in found], expected, rtol=1e-12, atol=1e-12)


def test_equals_the_prior_of_shakemap_for_northridge(reference, capsys):
    case = np.load(reference / "seismic" / "shakemap_cases" / "northridge" / "expected" / "float_grids_step4.npz")
    distances = {name: case[f"dist_{name}"].astype(float) for name in ("rrup", "rjb", "rx", "ry0")}
    # Dip and width are those of the quadrilateral of northridge_fault.txt in Earth-centred coordinates.
    event = {"magnitude": 6.7, "rake": 90.0, "dip": 38.419926, "ztor": 6.0, "width": 22.568297, "hypo_depth": 18.0}
    vs30 = case["vs30"].astype(float)
    found = weighted_motion(CALIFORNIA, MEASURES, conversion=to_larger, vs30=vs30, **event, **distances)
    for place, imt in enumerate(MEASURES):
        off = [
            np.abs(part[place] - case[f"prior_{imt}_{n}"]).max() for part, n in zip(found, ("mean", "tau", "phi"), strict=True)
        ]
        with capsys.disabled():
            print(f"\n{imt}: largest difference of ln mean {off[0]:.1e}, tau {off[1]:.1e}, phi {off[2]:.1e}", end="")
        # Distances and prior are stored in metres and to 1e-5.
        assert off[0] < 2e-4
        assert max(off[1:]) < 2e-5


def test_a_single_model_is_a_set_of_its_own():
    predictors = EVENT | sites(500)
    found = weighted_motion(model_set("CY14"), ("SA(1.0)",), **predictors)
    np.testing.assert_allclose(found.mean_ln[0], GROUND_MOTION_MODELS["CY14"]("SA(1.0)", **predictors).mean_ln, rtol=1e-14)
    np.testing.assert_allclose(found.tau[0], GROUND_MOTION_MODELS["CY14"]("SA(1.0)", **predictors).tau, rtol=1e-14)


def test_the_bytes_do_not_depend_on_threads_or_pieces():
    count = 5 * BLOCK + 3
    predictors = sites(count)
    whole = weighted_motion(CALIFORNIA, MEASURES, conversion=to_larger, **EVENT, **predictors)
    two = weighted_motion(CALIFORNIA, MEASURES, conversion=to_larger, threads=2, **EVENT, **predictors)
    correlation = model_correlation(CALIFORNIA, MEASURES, conversion=to_larger, **EVENT, **predictors)
    for length in (1, 700, BLOCK, 3001):
        piece = {name: values[count - length :] for name, values in predictors.items()}
        alone = weighted_motion(CALIFORNIA, MEASURES, conversion=to_larger, correlation=correlation, **EVENT, **piece)
        for part, same, other in zip(whole, two, alone, strict=True):
            np.testing.assert_array_equal(part, same)
            np.testing.assert_array_equal(part[:, count - length :], other)


def test_few_sites_have_the_correlation_shakemap_takes_for_them():
    predictors = EVENT | sites(9)
    np.testing.assert_array_equal(np.unique(model_correlation(CALIFORNIA, ("PGA",), **predictors)), [0.95, 1.0])
    models = [GROUND_MOTION_MODELS[name]("PGA", **predictors).phi for name in CALIFORNIA.names]
    products = np.where(np.eye(4), 1.0, 0.95) / 16.0
    expected = np.sqrt(np.einsum("ij,in,jn->n", products, models, models))
    np.testing.assert_allclose(weighted_motion(CALIFORNIA, ("PGA",), **predictors).phi[0], expected, rtol=1e-12)


def test_a_large_grid_is_sampled_and_the_deviations_hardly_differ():
    predictors = EVENT | sites(200_000)
    whole = combined(CALIFORNIA.names, np.array(CALIFORNIA.weights), "SA(1.0)", predictors)
    found = weighted_motion(CALIFORNIA, ("SA(1.0)",), **predictors)
    np.testing.assert_allclose(found.mean_ln[0], whole[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.phi[0], whole[2], rtol=1e-4)


def test_an_unknown_site_stays_unknown_and_spoils_no_other():
    predictors = sites(100)
    known = weighted_motion(CALIFORNIA, MEASURES, **EVENT, **predictors)
    predictors["vs30"][3] = np.nan
    found = weighted_motion(CALIFORNIA, MEASURES, **EVENT, **predictors)
    assert all(np.isnan(part[:, 3]).all() for part in found)
    np.testing.assert_array_equal(np.delete(found.mean_ln, 3, axis=1), np.delete(known.mean_ln, 3, axis=1))
    assert np.isfinite(np.delete(found.phi, 3, axis=1)).all()


def test_an_unknown_magnitude_gives_no_motion():
    assert all(
        np.isnan(part).all() for part in weighted_motion(CALIFORNIA, MEASURES, **(EVENT | {"magnitude": math.nan}), **sites(20))
    )


def test_a_model_without_the_measure_is_left_out_and_the_others_weigh_more():
    slab, predictors = MODEL_SETS["hindu_kush_slab"], EVENT | sites(50)
    found = weighted_motion(slab, ("PGA", "SA(0.01)"), **predictors)
    alone = GROUND_MOTION_MODELS["Parker20Slab"]("SA(0.01)", **predictors)
    np.testing.assert_allclose(found.mean_ln[1], alone.mean_ln, rtol=1e-14)
    np.testing.assert_allclose(found.phi[1], alone.phi, rtol=1e-14)
    both = [GROUND_MOTION_MODELS[name]("PGA", **predictors).mean_ln for name in slab.names]
    np.testing.assert_allclose(found.mean_ln[0], np.mean(both, axis=0), rtol=1e-13)
    with pytest.raises(InputError, match="MMI"):
        weighted_motion(slab, ("MMI",), **predictors)


def test_an_unknown_site_does_not_linger_in_a_model_that_is_left_out():
    slab, predictors = MODEL_SETS["hindu_kush_slab"], sites(2 * BLOCK)
    predictors["rrup"][: BLOCK // 2] = np.nan

    def shift(component, imt, magnitude):
        return 0.1, -0.01, 0.1

    found = weighted_motion(slab, ("SA(0.01)",), conversion=shift, **EVENT, **predictors)
    assert np.isnan(found.phi[0, : BLOCK // 2]).all()
    assert all(np.isfinite(part[0, BLOCK // 2 :]).all() for part in found)


def test_arrays_of_any_common_shape_keep_it():
    predictors = {name: values.reshape(4, 25) for name, values in sites(100).items()} | {"vs30": 760.0}
    found = weighted_motion(CALIFORNIA, MEASURES, **EVENT, **predictors)
    assert found.mean_ln.shape == found.tau.shape == found.phi.shape == (5, 4, 25)
    single = weighted_motion(
        CALIFORNIA, MEASURES, **EVENT, **{name: np.ravel(values)[0] for name, values in predictors.items()}
    )
    assert single.mean_ln.shape == (5,)
    np.testing.assert_array_equal(single.mean_ln, found.mean_ln[:, 0, 0])


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"rrup": None}, "rrup"),
        ({"magnitude": None}, "magnitude"),
        ({"magnitude": [6.0, 7.0]}, "one earthquake"),
        ({"distance": 3.0}, "distance"),
    ],
)
def test_predictors_that_are_missing_several_or_unheard_of_are_refused(changed, message):
    with pytest.raises(InputError, match=message):
        weighted_motion(CALIFORNIA, ("PGA",), **(EVENT | sites(20) | changed))


@pytest.mark.parametrize(
    "names, weights",
    [((), ()), (("CY14",), (0.5, 0.5)), (("CY14", "CB14"), (0.5, 0.4)), (("CY14", "CB14"), (1.5, -0.5)), (("X",), (1.0,))],
)
def test_a_set_without_sense_is_refused(names, weights):
    with pytest.raises(InputError):
        ModelSet(names, weights)
    with pytest.raises(InputError, match="active_crustal_deep"):
        model_set("active_crustal")


def test_pgv_of_a_model_that_has_none_comes_from_its_spectrum():
    predictors = EVENT | sites(30)
    model = GROUND_MOTION_MODELS["BCHydroSlab"]
    # M 6.7: SA at 1.4 s; coefficients of Abrahamson and Bhasin (2020).
    slope = 0.799 + (0.654 - 0.799) * 1.7 / 2.5
    distance = np.log(predictors["rhypo"] + 5.0 * np.exp(0.4 * 0.7))
    site = (-0.134 + 0.023 * 1.7) * np.log(predictors["vs30"] / 425.0)
    acceleration = model("SA(1.4)", **predictors)
    found = model("PGV", **predictors)
    expected = 5.39 + slope * acceleration.mean_ln + 0.479 * 0.7 - 0.062 * 1.8**2 - 0.359 * distance + site
    np.testing.assert_allclose(found.mean_ln, expected, rtol=1e-12)
    np.testing.assert_allclose(found.phi, np.hypot(slope * 0.6, 0.29), rtol=1e-12)
    np.testing.assert_allclose(found.tau, np.hypot(slope * 0.43, 0.16), rtol=1e-12)


def test_memory_beyond_the_result_does_not_grow_with_the_cells():
    predictors = EVENT | sites(300_000)
    weighted_motion(CALIFORNIA, MEASURES, **predictors)
    tracemalloc.start()
    found = weighted_motion(CALIFORNIA, MEASURES, **predictors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - 3 * found.mean_ln.nbytes < 60e6

"""Landslides: the equation against published values, what is zero, what is unknown, and how it all grows with shaking."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.ground_failure import landslide, nowicki_jessee18, reasons
from tests.hazards.ground_failure.grids import at, golden

NEEDED = [name for name, variable in landslide.inputs.items() if not variable.optional]
ESTIMATES = ("coverage", "coverage_std", "probability", "probability_std")
MOTIONS = st.floats(0.0, 400.0)
GROUND = {
    "gradient": st.floats(0.0, 3.0),
    "rock": st.floats(-3.22, 0.0),
    "land_cover": st.floats(-1.26, 2.34),
    "cti": st.floats(-5.0, 30.0),
}


@pytest.mark.parametrize("row", golden("nowicki_jessee18.csv"), ids=lambda row: f"pgv-{row['pgv']:g}")
def test_equals_the_values_of_another_implementation(row):
    found = at(landslide, **{name: row[name] for name in ("pgv", "gradient", "rock", "land_cover", "cti")})
    assert found["probability"][0] == pytest.approx(row["probability"], rel=1e-6)
    assert found["coverage"][0] == pytest.approx(row["coverage"], rel=1e-6)
    assert found["exclusion"][0] == reasons.WITHIN


def test_a_place_worked_by_hand():
    # 45 degrees, ln PGV 3: X = -6.3 + 4.95 + 2.7 - 1.5 + 0.3 + 0 + 1.35 = 1.5; P = 0.8175745
    place = {"pgv": math.exp(3.0), "gradient": 1.0, "rock": -1.5, "cti": 10.0, "land_cover": 0.0}
    found = at(landslide, **place, pgv_std=0.4, model_std=0.3)
    assert found["probability"][0] == pytest.approx(0.8175745, rel=1e-6)
    # sigma_X^2 = (1.65 + 0.45)^2 0.4^2 + 0.3^2 = 0.7056 + 0.09; P (1 - P) = 0.1491465
    assert found["probability_std"][0] == pytest.approx(0.1491465 * math.sqrt(0.7956), rel=1e-6)
    # L = exp(-7.592 + 4.281638 - 2.033364 + 2.205096) = exp(-3.138630), dL/dP = L (5.237 - 4.974123 + 8.091329)
    assert found["coverage"][0] == pytest.approx(0.0433421, rel=1e-5)
    assert found["coverage_std"][0] == pytest.approx(0.0433421 * 8.354206 * 0.1330333, rel=1e-5)


def test_deviation_is_the_spread_of_estimates_when_shaking_and_model_vary():
    step = 1e-4
    low, here, high = (at(landslide, pgv=40.0 * math.exp(shift), pgv_std=1.0, model_std=0.0) for shift in (-step, 0.0, step))
    for name in ("coverage", "probability"):
        slope = (float(high[name][0]) - float(low[name][0])) / (2.0 * step)
        assert here[f"{name}_std"][0] == pytest.approx(slope, rel=5e-3)  # differences of float32


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [math.nan, math.inf, -3.4e38])
def test_an_unknown_input_is_unknown_never_zero(name, value):
    found = at(landslide, **{name: [value, 1.0 if name == "gradient" else 0.5]})
    if name == "pgv_std":
        assert found["coverage"][0] > 0
        assert np.isnan(found["coverage_std"][0])
        assert found["exclusion"][0] == reasons.SHAKING_LIMITED
    else:
        assert all(np.isnan(found[estimate][0]) for estimate in ESTIMATES)
        assert found["exclusion"][0] == (reasons.SHAKING_UNKNOWN if name == "pgv" else reasons.MAP_UNKNOWN)
    assert np.isfinite(found["coverage"][1])


def test_slope_is_the_arc_tangent():
    for gradient in (*np.linspace(0.0, 4.0, 801), 1e-8, 50.0, 1e6):
        assert nowicki_jessee18.slope_of(float(gradient)) == pytest.approx(math.degrees(math.atan(gradient)), rel=1e-12)


def test_classes_in_place_of_coefficients_are_refused_cell_by_cell():
    found = at(landslide, land_cover=[14.0, 200.0, 2.34])
    assert found["exclusion"].tolist() == [reasons.MAP_UNKNOWN, reasons.MAP_UNKNOWN, reasons.WITHIN]


def test_level_ground_has_the_models_own_zero_and_says_so():
    found = at(landslide, gradient=np.tan(np.radians([0.0, 1.99, 2.01, 89.0])))
    assert found["exclusion"].tolist() == [reasons.SLOPE, reasons.SLOPE, reasons.WITHIN, reasons.WITHIN]
    assert (found["coverage"][:2] == 0).all()
    assert (found["coverage"][2:] > 0).all()
    assert (found["coverage_std"] > 0).all()


def test_below_the_least_acceleration_no_ground_fails_and_without_it_nothing_is_cut_off():
    found = at(landslide, pga=[0.019, 0.021, math.nan])
    assert found["exclusion"].tolist() == [reasons.SHAKING_BELOW, reasons.WITHIN, reasons.WITHIN]
    assert (found["coverage"] > 0).tolist() == [False, True, True]
    assert at(landslide, without=("pga",))["exclusion"][0] == reasons.WITHIN


def test_shaking_beyond_the_range_is_taken_as_its_end():
    found = at(landslide, pgv=[211.0, 500.0])
    assert found["coverage"][0] == found["coverage"][1]
    assert found["exclusion"].tolist() == [reasons.WITHIN, reasons.SHAKING_ABOVE]


def test_excluded_shaking_is_passed_on_and_the_estimate_stands():
    found = at(landslide, shaking_exclusion=[0.0, 4.0, math.nan])
    assert found["exclusion"].tolist() == [reasons.WITHIN, reasons.SHAKING_LIMITED, reasons.WITHIN]
    assert len(set(found["coverage"].tolist())) == 1


def test_without_a_map_of_the_models_deviation_its_default_is_taken():
    assert at(landslide, model_std=math.nan)["coverage_std"] == at(landslide, model_std=0.03)["coverage_std"]
    wider = at(landslide, {"default_model_std": 0.8}, without=("model_std",))
    assert wider["coverage_std"] == at(landslide, model_std=0.8)["coverage_std"]


def test_a_negative_deviation_is_refused():
    with pytest.raises(InputError, match="default_model_std"):
        at(landslide, {"default_model_std": -0.1})


@settings(deadline=None, max_examples=40)
@given(pgv=MOTIONS, more=st.floats(0.0, 100.0), ground=st.fixed_dictionaries(GROUND))
def test_estimates_stay_in_their_bounds_and_grow_with_shaking(pgv, more, ground):
    found = at(landslide, pgv=[pgv, pgv + more], **ground)
    assert 0.0 <= found["probability"][0] <= found["probability"][1] <= 1.0
    assert 0.0 <= found["coverage"][0] <= found["coverage"][1] <= 0.2562
    assert (found["coverage_std"] >= 0).all()
    assert (found["probability_std"] >= 0).all()

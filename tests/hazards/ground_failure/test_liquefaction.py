"""Liquefaction: both models against published values, what is zero, what is unknown, and how it all grows with shaking."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.ground_failure import liquefaction, reasons
from tests.hazards.ground_failure.grids import at, golden

MODELS = ("general", "coastal")
MAPS = ("vs30", "precipitation", "distance_to_coast", "distance_to_river", "gradient")
ESTIMATES = ("coverage", "coverage_std", "probability", "probability_std")
LARGEST = {"general": 0.487, "coastal": 0.4208}
GROUND = {
    "vs30": st.floats(100.0, 900.0),
    "precipitation": st.floats(0.0, 5000.0),
    "distance_to_coast": st.floats(0.0, 2500.0),
    "distance_to_river": st.floats(0.0, 60.0),
    "water_table": st.floats(0.0, 300.0),
    "gradient": st.floats(0.0, 0.2),
    "magnitude": st.floats(3.0, 9.5),
}


@pytest.mark.parametrize("row", golden("zhu17.csv"), ids=lambda row: f"{row['model']}-pgv-{row['pgv']:g}")
def test_equals_the_values_of_another_implementation(row):
    place = {name: value for name, value in row.items() if name in liquefaction.inputs}
    found = at(liquefaction, {"model": row["model"]}, **place)
    assert found["probability"][0] == pytest.approx(row["probability"], rel=1e-6)
    assert found["coverage"][0] == pytest.approx(row["coverage"], rel=1e-6)
    assert found["exclusion"][0] == reasons.WITHIN


def test_a_place_worked_by_hand():
    # ln MSF = -ln(1 + exp(-1.8)) = -0.1529776, ln 20 = 2.9957323, ln 250 = 5.5214609
    # X = 8.801 + 0.334 * 2.8427547 - 1.918 * 5.5214609 + 0.0005408 * 600 - 0.2054 * 1.5 - 0.0333 * 3 = -0.9231619
    place = {"magnitude": 6.9, "pgv": 20.0, "vs30": 250.0, "precipitation": 600.0, "water_table": 3.0}
    found = at(liquefaction, **place, distance_to_coast=300.0, distance_to_river=1.5, pgv_std=0.6, model_std=0.1)
    assert found["probability"][0] == pytest.approx(0.284306, rel=1e-5)
    # sigma_X^2 = 0.334^2 0.6^2 + 0.1^2 = 0.05016016, a variance and not a deviation added; P (1 - P) = 0.2034761
    assert found["probability_std"][0] == pytest.approx(0.2034761 * math.sqrt(0.05016016), rel=1e-5)
    # b exp(-c P) = 42.4 exp(-2.605664) = 3.1314; L = 0.4915 / 4.1314^2; dL/dP = 2 L c 3.1314 / 4.1314
    assert found["coverage"][0] == pytest.approx(0.0287956, rel=1e-4)
    assert found["coverage_std"][0] == pytest.approx(0.0287956 * 2 * 9.165 * 3.1314 / 4.1314 * 0.0455718, rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_deviation_is_the_spread_of_estimates_when_shaking_varies(model):
    step = 1e-3
    places = {"pgv": 40.0 * np.exp([-step, 0.0, step]), "pgv_std": 1.0, "model_std": 0.0, "distance_to_coast": 2.0}
    found = at(liquefaction, {"model": model}, **places)
    for name in ("coverage", "probability"):
        slope = (float(found[name][2]) - float(found[name][0])) / (2.0 * step)
        assert found[f"{name}_std"][1] == pytest.approx(slope, rel=5e-3)  # differences of float32


@pytest.mark.parametrize("name", [*MAPS, "water_table", "pgv", "pga"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -9999.0])
def test_an_unknown_input_is_unknown_never_zero(name, value):
    found = at(liquefaction, **{name: [value, 0.01 if name == "gradient" else 20.0]})
    assert all(np.isnan(found[estimate][0]) for estimate in ESTIMATES)
    assert found["exclusion"][0] == (reasons.SHAKING_UNKNOWN if name in ("pgv", "pga") else reasons.MAP_UNKNOWN)
    assert found["coverage"][1] > 0


@pytest.mark.parametrize("name", ["precipitation", "distance_to_coast", "distance_to_river", "water_table", "vs30"])
def test_a_fill_value_is_not_taken_for_dry_far_or_stiff_ground(name):
    assert at(liquefaction, **{name: 1e20})["exclusion"][0] == reasons.MAP_UNKNOWN


def test_the_coastal_model_needs_no_water_table_and_the_general_has_no_estimate_without():
    assert at(liquefaction, {"model": "coastal"}, without=("water_table",), distance_to_coast=1.0)["coverage"][0] > 0
    assert at(liquefaction, without=("water_table",))["exclusion"][0] == reasons.MAP_UNKNOWN


@pytest.mark.parametrize("magnitude", [math.nan, -999.0, math.inf])
def test_an_unknown_magnitude_is_unknown(magnitude):
    found = at(liquefaction, magnitude=magnitude)
    assert np.isnan(found["coverage"][0])
    assert found["exclusion"][0] == reasons.MAGNITUDE_UNKNOWN


def test_steep_stiff_and_weakly_shaken_ground_has_the_models_own_zero_and_says_so():
    steep = at(liquefaction, gradient=np.tan(np.radians([0.0, 4.99, 5.01])))
    assert steep["exclusion"].tolist() == [reasons.SLOPE, reasons.WITHIN, reasons.SLOPE]
    stiff = at(liquefaction, vs30=[620.0, 620.1])
    assert stiff["exclusion"].tolist() == [reasons.WITHIN, reasons.STIFF]
    slow = at(liquefaction, pgv=[2.9, 3.0])
    assert slow["exclusion"].tolist() == [reasons.SHAKING_BELOW, reasons.WITHIN]
    weak = at(liquefaction, pga=[0.099, 0.101])
    assert weak["exclusion"].tolist() == [reasons.SHAKING_BELOW, reasons.WITHIN]
    for found in (steep, stiff, slow, weak):
        assert ((found["coverage"] == 0) == (found["exclusion"] != reasons.WITHIN)).all()
        assert (found["coverage_std"] > 0).all()


def test_weak_shaking_that_may_be_wrong_is_no_reason_to_be_sure():
    found = at(liquefaction, pgv=1.0, shaking_exclusion=4.0)
    assert found["exclusion"][0] == reasons.SHAKING_LIMITED


def test_shaking_rain_and_rivers_beyond_their_ranges_are_taken_as_their_ends():
    assert at(liquefaction, pgv=[150.0, 400.0])["exclusion"].tolist() == [reasons.WITHIN, reasons.SHAKING_ABOVE]
    for ends in ({"pgv": [150.0, 400.0]}, {"precipitation": [2500.0, 9000.0]}, {"distance_to_river": [15.0, 80.0]}):
        found = at(liquefaction, **ends)
        assert found["coverage"][0] == found["coverage"][1]


def test_without_a_deviation_of_shaking_the_estimate_stands():
    found = at(liquefaction, pgv_std=[math.nan, -1.0, math.inf])
    assert (found["coverage"] > 0).all()
    assert np.isnan(found["coverage_std"]).all()
    assert (found["exclusion"] == reasons.SHAKING_LIMITED).all()


@pytest.mark.parametrize("parameters", [{"model": "inland"}, {"default_model_std": -1.0}])
def test_parameters_without_meaning_are_refused(parameters):
    with pytest.raises(InputError):
        at(liquefaction, parameters)


@settings(deadline=None, max_examples=40)
@given(
    model=st.sampled_from(MODELS),
    pgv=st.floats(0.0, 300.0),
    more=st.floats(0.0, 100.0),
    pga=st.floats(0.0, 2.0),
    ground=st.fixed_dictionaries(GROUND),
)
def test_estimates_stay_in_their_bounds_and_grow_with_shaking(model, pgv, more, pga, ground):
    found = at(liquefaction, {"model": model}, pgv=[pgv, pgv + more], pga=pga, **ground)
    assert 0.0 <= found["probability"][0] <= found["probability"][1] <= 1.0
    assert 0.0 <= found["coverage"][0] <= found["coverage"][1] <= LARGEST[model]
    assert (found["coverage_std"] >= 0).all()


@settings(deadline=None, max_examples=40)
@given(less=st.floats(3.0, 9.0), more=st.floats(0.0, 2.0))
def test_longer_shaking_liquefies_more(less, more):
    one, other = (at(liquefaction, magnitude=magnitude)["coverage"][0] for magnitude in (less, less + more))
    assert one <= other

"""The update against ShakeMap 4's own results, given its prior at its cells and stations.

Computed with shakemap-modules 1.1.18 and esi-shakelib 1.2.1 (public domain), every fourth cell of the grid:
Northridge (M 6.7, 1994, finite rupture, 185 instruments, 535 intensity reports), Napa (M 6.0, 2014, point source, 334
instruments), Norcia (M 6.6, 2016, point source, 88 instruments, 59 reports). ShakeMap writes the prior at the stations
with four decimals and measures distances on a plane (3e-6 off at 70 km, 1e-4 at 350 km); the rest of the difference
is that.
"""

import numpy as np
import pytest

from pipeline.hazards.shaking import worden12
from pipeline.hazards.shaking.conditioning import Event, Options, condition, grade, station_residuals
from tests.hazards.shaking.conditioning.shakemap_case import NAMES, read

#: Whether ShakeMap knew no finite rupture.
CASES = {"northridge": False, "napa": True, "norcia": True}


@pytest.fixture(scope="module", params=CASES)
def case(request, reference):
    folder = reference / "seismic" / "shakemap_cases" / request.param / "expected"
    if not folder.is_dir():
        pytest.skip("the ShakeMap cases are not in HAZMON_REFERENCE_DATA")
    return read(folder)


@pytest.fixture(scope="module")
def event(case):
    described = case.info["input"]["event_information"]
    return Event(float(described["magnitude"]), CASES[described["event_id"]])


@pytest.fixture(scope="module")
def found(case, event):
    return condition(case.cells, case.stations, case.prior, event)


@pytest.mark.parametrize("measure", NAMES)
def test_the_mean_equals_shakemap(case, found, measure):
    difference = np.abs(found.motions[measure].mean - case.grids[f"{NAMES[measure]}_mean"].ravel())
    assert np.percentile(difference, 99) <= 2e-4
    assert difference.max() <= 3e-4


@pytest.mark.parametrize("measure", NAMES)
def test_the_deviations_equal_shakemap(case, found, measure):
    for ours, part in ((found.motions[measure].sigma, "std"), (found.motions[measure].tau, "tau")):
        assert np.abs(ours - case.grids[f"{NAMES[measure]}_{part}"].ravel()).max() <= 1e-4


@pytest.mark.parametrize("measure", NAMES)
def test_the_bias_equals_shakemap(case, found, measure):
    expected = float(case.info["output"]["ground_motions"][NAMES[measure]]["bias"])
    assert found.biases.loc[measure, "bias"] == pytest.approx(expected, abs=6e-4)  # three decimals are published


@pytest.mark.parametrize("measure", ["pga", "pgv", "sa_0p3", "mmi"])
def test_the_event_term_and_its_deviation_equal_shakemap(case, found, measure):
    """For SA(1.0) and SA(3.0) the station list holds the term of another period: the shortest one observed."""
    prefix = "" if measure == "mmi" else "ln_"
    rows = [p for f in case.features for p in f["properties"]["predictions"] if p["name"] == NAMES[measure].lower()]
    for ours, theirs in (("event_term", "bias"), ("event_std", "bias_sigma")):
        expected = np.mean([row[prefix + theirs] / row[f"{prefix}tau"] for row in rows])
        assert found.biases.loc[measure, ours] == pytest.approx(expected, abs=3e-4)  # of four decimals divided by 0.3


def test_the_same_observations_are_flagged(case, found):
    uncertainty = case.info["output"]["uncertainty"]
    assert (found.flags["mmi"][case.stations["kind"].values == 1] == "outlier").sum() == int(uncertainty["total_flagged_mi"])
    for i, feature in enumerate(case.features):
        flags = found.flags.loc[feature["id"]]
        if feature["properties"]["station_type"] == "macroseismic":
            assert (flags["mmi"] == "outlier") == (feature["properties"]["intensity"] == "null")
            continue
        for channel in feature["properties"]["channels"]:
            for amplitude in channel["amplitudes"]:
                measure = next(name for name, imt in NAMES.items() if imt.lower() == amplitude["name"])
                if np.isfinite(case.stations[measure].values[i]):
                    assert (flags[measure] == "outlier") == ("Outlier" in amplitude["flag"]), (feature["id"], measure)


def test_the_prior_of_intensity_follows_from_that_of_velocity_as_in_shakemap(case, event):
    pgv, mmi = case.cells.motions["pgv"], case.cells.motions["mmi"]
    ours = worden12.predicted_intensity("PGV", pgv, magnitude=event.magnitude, distance=case.grids["dist_repi"].ravel())
    at_break = np.abs(ours.tau / mmi.tau - 1.0) > 0.1  # the stored single precision decides on which segment a cell lies
    assert at_break.mean() < 1e-3
    np.testing.assert_allclose(ours.mean_ln, mmi.mean_ln, atol=2e-2)
    np.testing.assert_allclose(ours.tau[~at_break], mmi.tau[~at_break], rtol=1e-4)
    np.testing.assert_allclose(ours.phi[~at_break], mmi.phi[~at_break], rtol=1e-4)


def test_the_grade_equals_shakemap(case, found):
    cells, uncertainty = case.cells, case.info["output"]["uncertainty"]
    ours = grade(found.motions["mmi"].mean, found.motions["pga"].sigma, cells.motions["pga"].phi)
    assert ours.letter == uncertainty["grade"]
    assert ours.ratio == pytest.approx(float(uncertainty["mean_uncertainty_ratio"]), abs=5e-3)  # every fourth cell of it


def test_derived_intensities_and_motions_equal_shakemap(case, event):
    found = station_residuals(case.stations, case.prior, event, Options())
    for i, feature in enumerate(case.features):
        properties = feature["properties"]
        if properties["station_type"] == "seismic" and properties["intensity"] != "null":
            assert found.observed[found.row("mmi"), i] == pytest.approx(properties["intensity"], abs=0.0501)
        for derived in properties.get("pgm_from_mmi", []) if properties["intensity"] != "null" else []:
            measure = next(name for name, imt in NAMES.items() if imt.lower() == derived["name"])
            if derived["value"] is not None:
                ours = np.exp(found.observed[found.row(measure), i]) * (1.0 if measure == "pgv" else 100.0)
                assert ours == pytest.approx(derived["value"], rel=2e-3)
                assert found.noise[found.row(measure), i] == pytest.approx(derived["ln_sigma"], abs=1e-4)

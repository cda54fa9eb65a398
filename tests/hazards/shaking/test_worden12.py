"""Worden et al. (2012) against published values, and there and back."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking.ground_motion import GroundMotion
from pipeline.hazards.shaking.worden12 import WORDEN12, intensity, intensity_deviation, motion, predicted_intensity

GOLDEN = Path(__file__).parents[2] / "golden" / "worden12.csv"
MEASURES = sorted(WORDEN12)


def _rows(direction):
    lines = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [row for row in csv.DictReader(lines) if row["direction"] == direction]


def _event(row):
    return {name: float(row[name]) for name in ("magnitude", "distance") if row[name]}


@pytest.mark.parametrize("row", _rows("to_mmi"), ids=lambda row: f"{row['measure']}-{row['motion']}")
def test_intensity_equals_shakemap(row):
    found = intensity(row["measure"], math.log(float(row["motion"])), **_event(row))
    np.testing.assert_allclose(found.mmi, float(row["mmi"]), rtol=1e-7)


@pytest.mark.parametrize("row", _rows("from_mmi"), ids=lambda row: f"{row['measure']}-{row['mmi']}")
def test_motion_equals_shakemap(row):
    found = motion(row["measure"], float(row["mmi"]), **_event(row))
    np.testing.assert_allclose(np.exp(found.ln), float(row["motion"]), rtol=1e-6)


@pytest.mark.parametrize("imt", MEASURES)
def test_segments_meet_at_their_breaks_within_the_rounding_of_the_paper(imt):
    constants = WORDEN12[imt]
    for number, place in enumerate(constants.breaks):
        below, above = (a + b * place for a, b in constants.lines[number : number + 2])
        assert below == pytest.approx(above, abs=0.01)
    below, above = (a + b * constants.breaks[1] for a, b in constants.lines[1:])
    assert constants.mmi_break == pytest.approx((below + above) / 2.0, abs=0.02)


@pytest.mark.parametrize("imt", MEASURES)
@given(mmi=st.floats(1.0, 10.0), magnitude=st.floats(3.0, 8.0), distance=st.floats(1.0, 500.0))
def test_intensity_of_the_motion_of_an_intensity_is_the_intensity(imt, mmi, magnitude, distance):
    there = motion(imt, mmi, magnitude=magnitude, distance=distance)
    back = intensity(imt, there.ln, magnitude=magnitude, distance=distance)
    assert float(back.mmi) == pytest.approx(mmi, abs=0.02)  # the lines miss each other by up to 0.01 at a break


@pytest.mark.parametrize("imt", MEASURES)
def test_slopes_of_the_two_directions_are_inverse(imt):
    there = motion(imt, [1.5, 3.5, 7.0])
    np.testing.assert_allclose(intensity(imt, there.ln).slope * there.slope, 1.0)


@given(ln=st.floats(-12.0, 6.0), step=st.floats(0.05, 3.0))
def test_intensity_stays_between_one_and_ten_and_grows_with_motion(ln, step):
    mmi = intensity("PGV", [ln, ln + step]).mmi
    assert 1.0 <= mmi[0] <= mmi[1] <= 10.0


def test_deviation_adds_the_scatter_of_relation_and_motion():
    at_six = intensity("PGV", np.log(10.0))
    expected = math.hypot(0.63, 3.16 / math.log(10.0) * 0.65)
    assert float(intensity_deviation("PGV", at_six.slope, 0.65**2)) == pytest.approx(expected)


def test_predicted_intensity_divides_its_deviation_between_event_and_place():
    motion_there = GroundMotion(*(np.array(value) for value in (math.log(10.0), 0.3, 0.5)))
    found = predicted_intensity("PGV", motion_there, magnitude=6.0, distance=20.0)
    expected = intensity("PGV", np.log(10.0), magnitude=6.0, distance=20.0)
    assert found.mean_ln == expected.mmi
    assert found.tau == pytest.approx(3.16 / math.log(10.0) * 0.3)
    assert found.phi == pytest.approx(math.hypot(0.63, 3.16 / math.log(10.0) * 0.5))
    assert np.sqrt(found.variance) == pytest.approx(intensity_deviation("PGV", expected.slope, 0.3**2 + 0.5**2))


def test_deviation_of_motion_is_natural_logarithm():
    assert WORDEN12["PGA"].ln_sigma == pytest.approx(0.8059, abs=1e-4)


def test_unknown_motion_is_unknown_intensity():
    found = intensity("PGA", [np.nan, 0.0], magnitude=6.0, distance=[10.0, 10.0])
    assert np.isnan(found.mmi[0])
    assert np.isnan(found.slope[0])
    assert np.isfinite(found.mmi[1])


def test_other_measures_are_refused():
    with pytest.raises(InputError, match=r"SA\(0\.5\)"):
        intensity("SA(0.5)", 0.0)

"""Boore and Kishida (2017) against ShakeMap's implementation."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning import convert_component
from pipeline.hazards.shaking.conditioning.components import LARGER
from pipeline.hazards.shaking.ground_motion import GroundMotion

GOLDEN = Path(__file__).parents[3] / "golden" / "boore_kishida17.csv"
EVENT = {"magnitude": 6.7, "distance": np.array([5.0, 50.0])}
MOTION = GroundMotion(np.array([-1.0, -2.0]), np.full(2, 0.3), np.full(2, 0.5))


def _rows():
    return list(csv.DictReader(line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")))


def test_conversion_equals_shakemap():
    for row in _rows():
        prior = GroundMotion(np.zeros(1), np.full(1, 0.3), np.full(1, 0.5))
        event = {name: float(row[name]) for name in ("magnitude", "distance")}
        found = convert_component(row["measure"], prior, (row["from"], row["to"]), **event)
        assert found.mean_ln[0] == pytest.approx(float(row["ln_ratio"]), abs=2e-9), row
        assert found.phi[0] == pytest.approx(float(row["sigma"]), abs=2e-9), row
        assert found.tau[0] == 0.3


def test_a_component_is_left_as_it_is_for_itself():
    found = convert_component("PGA", MOTION, ("RotD50", "RotD50"), **EVENT)
    np.testing.assert_array_equal(found.mean_ln, MOTION.mean_ln)
    np.testing.assert_array_equal(found.phi, MOTION.phi)


@pytest.mark.parametrize("components", [("RotD50", LARGER), ("RotD100", "GMRotI50"), ("ARITHMETIC_MEAN", "RotD50")])
def test_there_and_back_is_the_same_mean_with_more_scatter(components):
    there = convert_component("SA(0.3)", MOTION, components, **EVENT)
    back = convert_component("SA(0.3)", there, components[::-1], **EVENT)
    np.testing.assert_allclose(back.mean_ln, MOTION.mean_ln, atol=1e-14)
    assert (back.phi > there.phi).all()
    assert (there.phi > MOTION.phi).all()


def test_the_larger_component_is_larger():
    assert (convert_component("PGV", MOTION, ("RotD50", LARGER), **EVENT).mean_ln > MOTION.mean_ln).all()


def test_intensity_has_no_component():
    with pytest.raises(InputError, match="MMI"):
        convert_component("MMI", MOTION, ("RotD50", LARGER), **EVENT)

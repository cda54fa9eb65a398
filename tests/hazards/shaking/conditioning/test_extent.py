"""Which stations count, and the grade of a map."""

import math

import numpy as np
import pytest

from pipeline.hazards.shaking.conditioning import grade, near


def test_stations_within_fifty_kilometres_of_the_map_count():
    latitude = np.array([44.0, 46.45, 46.46, 43.55, 43.54])
    assert near(np.full(5, 11.0), latitude, (10.0, 44.0, 12.0, 46.0)).tolist() == [True, True, False, True, False]
    wide = 50 / 111 * math.cos(math.radians(45.0))
    assert near([10 - wide + 1e-6, 10 - wide - 1e-6], [45.0, 45.0], (10.0, 44.0, 12.0, 46.0)).tolist() == [True, False]


@pytest.mark.parametrize(("ratio", "letter"), [(0.5, "A"), (0.96, "A"), (0.97, "B"), (1.0, "C"), (1.2, "D"), (1.3, "F")])
def test_a_map_is_graded_where_shaking_is_damaging(ratio, letter):
    found = grade([6.0, 9.0, 5.9, np.nan], np.array([ratio, ratio, 9.0, 9.0]) * 0.5, np.full(4, 0.5))
    assert found.ratio == pytest.approx(ratio)
    assert found.letter == letter


def test_a_map_without_damaging_shaking_has_no_grade():
    found = grade([5.0], [0.5], [0.5])
    assert math.isnan(found.ratio)
    assert found.letter == ""

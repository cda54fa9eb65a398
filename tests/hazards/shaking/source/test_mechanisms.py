"""What the mechanism says of a rupture."""

import math

import pytest

from pipeline.errors import InputError
from pipeline.hazards.shaking.source.mechanisms import MECHANISMS, mechanism, mechanism_of_rake, rupture_size


def test_size_is_that_of_wells_and_coppersmith():
    length, width = rupture_size(6.0, MECHANISMS["unspecified"])
    assert length * width == pytest.approx(10 ** (-3.49 + 0.91 * 6.0))
    assert length / width == pytest.approx(1.7)
    assert rupture_size(8.0, MECHANISMS["unspecified"])[1] == 20.0


def test_unknown_mechanisms_are_refused():
    with pytest.raises(InputError, match="oblique"):
        mechanism("oblique")


@pytest.mark.parametrize(
    ("rake", "name"),
    [
        *[(rake, "strike-slip") for rake in (0.0, 30.0, -30.0, 150.0, -150.0, 180.0, -180.0, 360.0, 190.0)],
        *[(rake, "reverse") for rake in (60.0, 90.0, 120.0, 450.0)],
        *[(rake, "normal") for rake in (-60.0, -90.0, -120.0, 270.0)],
        *[(rake, "unspecified") for rake in (31.0, -45.0, 135.0, -149.0, math.nan)],
    ],
)
def test_mechanism_of_a_rake_is_shakemaps(rake, name):
    assert mechanism_of_rake(rake) == name

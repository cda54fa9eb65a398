import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ProductError
from pipeline.layer import Variable
from pipeline.products.colours import class_colours, ramp, rgb, round_steps


def test_declared_stops_are_interpolated_and_hold_beyond_their_ends() -> None:
    found = ramp(Variable("1", "x", colours={10: "#ffffff", 0: "#000000"}), 3, 4)
    assert found.paint(np.array([-5.0, 0.0, 5.0, 10.0, 99.0])).tolist() == [[0] * 3, [0] * 3, [128] * 3, [255] * 3, [255] * 3]


def test_classes_without_a_colour_take_greys_of_their_own() -> None:
    variable = Variable("1", "x", dtype="uint8", nodata=255, labels={0: "a", 1: "b", 2: "c"}, colours={1: "#ff0000"})
    assert class_colours(variable) == {0: (230, 230, 230), 1: (255, 0, 0), 2: (50, 50, 50)}


@pytest.mark.parametrize("text", ["red", "#ff", "#gggggg", ""])
def test_a_colour_of_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ProductError, match="expected '#rrggbb'"):
        rgb(text)


@given(least=st.floats(-1e6, 1e6), width=st.floats(1e-6, 1e6))
def test_round_steps_ascend_and_enclose_the_range(least: float, width: float) -> None:
    steps = round_steps(least, least + width, 5)
    margin = (steps[-1] - steps[0]) * 1e-6 + 1e-9
    assert steps == sorted(set(steps))
    assert 2 <= len(steps) <= 9
    assert steps[0] <= least + margin
    assert steps[-1] >= least + width - margin


def test_round_steps_of_nothing_known_are_nought_to_one() -> None:
    assert round_steps(math.inf, -math.inf, 5) == [0.0, 1.0]

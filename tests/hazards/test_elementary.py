import numpy as np
import pytest

from pipeline.hazards.elementary import exp, log


def test_the_exponential_is_right_to_twelve_digits():
    for x in np.linspace(-50, 50, 2001):
        assert exp(x) == pytest.approx(np.exp(x), rel=1.2e-12, abs=0)


def test_the_logarithm_is_right_to_a_few_parts_in_1e14():
    for x in np.concatenate([np.geomspace(1e-300, 1e300, 2001), np.linspace(0.5, 2, 1001)]):
        assert log(x) == pytest.approx(np.log(x), rel=3.1e-14, abs=0)


def test_unknown_stays_unknown():
    assert np.isnan(exp(np.nan))
    assert np.isnan(log(np.nan))


def test_a_negative_number_has_no_logarithm():
    assert np.isnan(log(-1e-9))


def test_beyond_the_range_of_doubles_the_exponential_neither_overflows_nor_wraps_round():
    assert exp(-1e9) == exp(-700.0) == pytest.approx(0.0, abs=1e-300)
    assert exp(1e9) == exp(700.0)
    assert np.isfinite(exp(1e9))


def test_the_logarithm_of_zero_makes_any_power_of_zero_vanish():
    assert exp(0.679 * log(0.0)) == pytest.approx(0.0, abs=1e-200)

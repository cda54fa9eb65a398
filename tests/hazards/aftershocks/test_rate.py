"""The rate of aftershocks against its formula worked by hand, and the claims of the docstrings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from pipeline.errors import InputError
from pipeline.hazards.aftershocks.rate import (
    GLOBAL_CATALOGUE,
    LOCAL_CATALOGUE,
    complete_number,
    expected_number,
    generic,
    omori_integral,
    search_radius,
)


def test_the_formula_worked_by_hand():
    # a -1.67, b 0.91, p 1.08, c 0.05; M 7, m 5, days 1 to 8:
    # 10^(-1.67 + 1.82) = 1.4125375; (1.05^-0.08 - 8.05^-0.08) / 0.08 = (0.9961044 - 0.8463234) / 0.08 = 1.8722629
    california = generic("RJ89-CALIFORNIA")
    found = expected_number(california, mainshock=7.0, magnitude=5.0, begin=1.0, end=8.0)
    assert found == pytest.approx(1.4125375 * 1.8722629, rel=2e-6)


def test_a_tenth_of_the_californian_mainshocks_of_1989_were_foreshocks_within_a_week():
    # 10^-1.67 = 0.0213796; (0.05^-0.08 - 7.05^-0.08) / 0.08 = (1.2708152 - 0.8553520) / 0.08 = 5.1932901
    found = expected_number(generic("RJ89-CALIFORNIA"), mainshock=6.1, magnitude=6.1, begin=0.0, end=7.0)
    assert found == pytest.approx(0.0213796 * 5.1932901, rel=2e-6)


def test_the_deviation_of_the_generic_model_grows_below_six_no_more():
    # Published as sigma_a of a USGS forecast (M 5.6, regime ANSR-ABSLSHC): 0.9381364506296512.
    assert generic("ANSR-ABSLSHC").a_std(5.6) == pytest.approx(0.9381364506296512, abs=1e-12)
    assert generic("ANSR-ABSLSHC").a_std(6.0) == generic("ANSR-ABSLSHC").a_std(4.0)
    assert generic().a_std(8.0) == pytest.approx(0.49, abs=0.01)


def test_the_default_regime_is_active_crust():
    assert generic() == generic("ANSR-SHALCON")
    assert generic()[:1] + generic()[3:] == (-2.42, 1.0, 0.98, 0.018)
    with pytest.raises(InputError, match="ANSR-SHALCON"):
        generic("Tien Shan")


def test_a_catalogue_grows_complete_with_time():
    assert LOCAL_CATALOGUE(0.001, 7.1) == pytest.approx(4.85)
    assert LOCAL_CATALOGUE(1000.0, 7.1) == 3.0
    assert GLOBAL_CATALOGUE(0.01, 7.0) == pytest.approx(3.5 - 0.25 + 2.0)
    assert GLOBAL_CATALOGUE(0.0, 7.0) == math.inf


def test_events_are_looked_for_along_the_rupture():
    np.testing.assert_allclose(search_radius([5.0, 7.5]), [10.0, 10 ** (-3.22 + 0.69 * 7.5)])


@settings(deadline=None)
@given(p=st.floats(0.6, 1.4), begin=st.floats(0.0, 100.0), span=st.floats(0.01, 1000.0))
def test_the_integral_is_that_of_the_rate(p, begin, span):
    numeric = quad(lambda t: (t + 0.018) ** -p, begin, begin + span, limit=200)[0]
    assert omori_integral(p, 0.018, begin, begin + span) == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("p", [1.0, 1.0 + 1e-9, 1.0 - 1e-9])
def test_the_integral_holds_where_decay_is_hyperbolic(p):
    assert omori_integral(p, 0.05, 1.0, 10.0) == pytest.approx(math.log(10.05 / 1.05), rel=1e-7)


@pytest.mark.parametrize("completeness", [GLOBAL_CATALOGUE, LOCAL_CATALOGUE])
@pytest.mark.parametrize("end", [0.01, 0.3, 30.0])
@pytest.mark.parametrize("mainshock", [5.0, 7.8])
def test_the_complete_number_is_the_integral_above_the_magnitude_of_completeness(completeness, end, mainshock):
    model = generic("SZ-GENERIC")

    def integrand(ln_days):
        days = math.exp(ln_days)
        return days * 10.0 ** (model.b * (mainshock - float(completeness(days, mainshock)))) * (days + model.c) ** -model.p

    middle = math.log(end) - 4.0
    numeric = sum(quad(integrand, *part, limit=500)[0] for part in ((middle - 30.0, middle), (middle, math.log(end))))
    assert complete_number(model, completeness, mainshock=mainshock, end=end) == pytest.approx(numeric, rel=1e-5)


def test_nothing_is_seen_at_the_time_of_the_mainshock():
    assert complete_number(generic(), GLOBAL_CATALOGUE, mainshock=7.0, end=0.0) == 0.0


def test_a_catalogue_that_never_grows_complete_is_refused():
    with pytest.raises(InputError, match="h 0"):
        complete_number(generic(), GLOBAL_CATALOGUE._replace(h=0.0), mainshock=7.0, end=1.0)

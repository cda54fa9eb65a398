"""Names of measures and their periods."""

import pytest

from pipeline.errors import InputError
from pipeline.hazards.shaking.conditioning.measures import correlation_period, model_name, spectral


@pytest.mark.parametrize(
    ("measure", "name", "period"),
    [("pga", "PGA", 0.01), ("pgv", "PGV", 1.0), ("mmi", "MMI", 1.0), ("sa_0p3", "SA(0.3)", 0.3), ("sa_10p0", "SA(10.0)", 10.0)],
)
def test_a_measure_has_a_name_for_models_and_a_period(measure, name, period):
    assert model_name(measure) == name
    assert correlation_period(measure) == period


def test_spectral_accelerations_come_from_the_shortest_period():
    assert spectral(["sa_3p0", "pga", "sa_0p3", "mmi", "sa_10p0"]) == ["sa_0p3", "sa_3p0", "sa_10p0"]


@pytest.mark.parametrize("measure", ["pgd", "sa", "sa_", "sa_x", "SA(0.3)"])
def test_other_names_are_refused(measure):
    with pytest.raises(InputError, match="expected"):
        model_name(measure)

import pytest

from pipeline.errors import InputError
from pipeline.hazards.fire_weather.daylength import factors_at, month_factors


@pytest.mark.parametrize(
    ("latitude", "length", "factor"),
    [(46, 12.4, 6.4), (30, 10.1, 6.4), (20, 10.1, 1.4), (0, 9, 1.4), (-10, 7.9, 1.4), (-20, 7.9, -1.6), (-30, 6.5, -1.6)],
)
def test_july_has_long_days_in_the_north_and_short_ones_in_the_south(latitude, length, factor):
    assert factors_at(latitude, 7) == (length, factor)


def test_a_thirteenth_month_is_refused():
    with pytest.raises(InputError, match="month 13"):
        month_factors(13)

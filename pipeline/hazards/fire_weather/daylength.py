"""Day-length factors of the duff moisture code and the drought code, by band of latitude and month.

Effective day lengths (DMC) and seasonal adjustments (DC) for 46 N are Van Wagner (1987), Forestry Technical Report
35, Tables 1 and 2; those for 20 N, the equator, 20 S and 40 S are Lawson and Armitage (2008), Weather guide for
the Canadian Forest Fire Danger Rating System, Natural Resources Canada. Bands as the Canadian Forest Service
computes them.
"""

from __future__ import annotations

from pipeline.errors import InputError

#: Effective day length, hours, January to December. Bands from south to north.
DAY_LENGTHS = (
    (11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10.0, 11.2, 11.8),
    (10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2),
    (9.0,) * 12,
    (7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8),
    (6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0),
)
#: Northern edges of the first four bands, degrees north; each edge belongs to the band south of it.
DAY_LENGTH_EDGES = (-30.0, -10.0, 10.0, 30.0)

#: Seasonal adjustment of the DC, January to December. Bands from south to north.
DROUGHT_FACTORS = (
    (6.4, 5.0, 2.4, 0.4, -1.6, -1.6, -1.6, -1.6, -1.6, 0.9, 3.8, 5.8),
    (1.4,) * 12,
    (-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6),
)
#: Northern edges of the first two bands, degrees north; each edge belongs to the band south of it.
DROUGHT_EDGES = (-20.0, 20.0)


def month_factors(month: int) -> tuple[float, ...]:
    """Return the five effective day lengths and the three drought factors of a month, each from south to north.

    Parameters
    ----------
    month
        1 for January to 12.

    Raises
    ------
    InputError
        Where there is no such month.
    """
    if not 1 <= month <= 12:
        raise InputError(f"month {month}: expected 1 to 12")
    tables = (*DAY_LENGTHS, *DROUGHT_FACTORS)
    return tuple(table[month - 1] for table in tables)


def factors_at(latitude: float, month: int) -> tuple[float, float]:
    """Return the effective day length, hours, and the drought factor at one latitude, degrees north."""
    factors = month_factors(month)
    band = sum(latitude > edge for edge in DAY_LENGTH_EDGES)
    drought_band = sum(latitude > edge for edge in DROUGHT_EDGES)
    return factors[band], factors[len(DAY_LENGTHS) + drought_band]

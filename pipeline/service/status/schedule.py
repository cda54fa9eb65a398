"""How often a cron expression lets something happen: the longest time between two polls that is still in order."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

#: Two years and more, a leap year among them: whatever comes once a year comes twice.
_FIRST, _DAYS = datetime(2024, 1, 1), 800

#: What comes less often than that.
_NEVER = timedelta(days=366)

#: Smallest and largest value of each field: minute, hour, day of the month, month, day of the week (7 is Sunday too).
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@lru_cache(maxsize=256)
def longest_gap(cron: str) -> timedelta:
    """Return the longest time between two moments of a cron expression (five fields, as the configuration allows).

    >>> longest_gap("40 3,9,15,21 * * *")
    datetime.timedelta(seconds=21600)
    """
    fields = cron.split()
    minutes, hours, dates, months, weekdays = (_values(field, *span) for field, span in zip(fields, _RANGES, strict=True))
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    times = [timedelta(hours=hour, minutes=minute) for hour in sorted(hours) for minute in sorted(minutes)]
    days = []
    for number in range(_DAYS):
        day = _FIRST + timedelta(days=number)
        dated, named = day.day in dates, day.isoweekday() in weekdays or (day.isoweekday() == 7 and 0 in weekdays)
        # Cron's own rule: where both are restricted, either is enough.
        if day.month in months and ((dated or named) if either else (dated and named)):
            days.append(day)
    if len(days) < 2 or not times:
        return _NEVER
    within = max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))
    between = max(after - before for before, after in pairwise(days)) - times[-1] + times[0]
    return max(within, between)


def _values(field: str, low: int, high: int) -> set[int]:
    """Return the values that one field stands for."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = int(first)
            end = int(last) if dash else (high if step else begin)
        found |= set(range(begin, end + 1, int(step or 1)))
    return found

"""Totals since the cycle or since a bucket's edge, as forecasts code them, to amounts of consecutive intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from pipeline.errors import FeedMalformed
from pipeline.feeds.grib_messages import Message

_Interval = tuple[timedelta, timedelta]


@dataclass(frozen=True, slots=True)
class Amount:
    """The total over one interval, a sum of coded totals with their signs."""

    start: timedelta
    end: timedelta
    terms: tuple[tuple[int, Message], ...]
    """(+1 or -1, message)."""

    @property
    def is_coded(self) -> bool:
        """Whether the interval is coded as such, so that nothing need be subtracted."""
        return len(self.terms) == 1


def deaccumulated(messages: Iterable[Message], name: str) -> list[Amount]:
    """Return consecutive intervals out of totals that may start at the cycle, at a bucket's edge, or both.

    For each end the interval since the end before it: as coded, else the difference of two totals with the same start
    (the latest such start, which loses least to packing), else a total less the intervals already known within it.
    Where totals leave a gap, the interval is the one coded.

    Raises
    ------
    FeedMalformed
        Where a total overlaps an earlier interval and nothing tells them apart.
    """
    totals = {(message.start, message.end): message for message in messages if message.end > message.start}
    amounts: list[Amount] = []
    previous = timedelta(0)
    for end in sorted({end for _, end in totals}):
        amounts.append(_amount(totals, amounts, (previous, end), name))
        previous = end
    return amounts


def _amount(totals: Mapping[_Interval, Message], known: Sequence[Amount], wanted: _Interval, name: str) -> Amount:
    previous, end = wanted
    if wanted in totals:
        return Amount(previous, end, ((1, totals[wanted]),))
    starts = sorted((start for start, stop in totals if stop == end), reverse=True)
    for start in starts:
        if start > previous or not known:
            return Amount(start, end, ((1, totals[start, end]),))
        if (start, previous) in totals:
            return Amount(previous, end, ((1, totals[start, end]), (-1, totals[start, previous])))
    for start in starts:
        within = [amount for amount in known if amount.start >= start]
        if within and within[0].start == start and all(a.end == b.start for a, b in pairwise(within)):
            less = tuple((-sign, message) for amount in within for sign, message in amount.terms)
            return Amount(previous, end, ((1, totals[start, end]), *less))
    found = [totals[start, end].label for start in starts]
    raise FeedMalformed(f"{name}: {found} overlap the interval that ends at {previous} and cannot be told apart from it")

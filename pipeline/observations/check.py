"""What a valid observation is, whatever feed it came from."""

from __future__ import annotations

from datetime import datetime, timedelta

import xarray as xr

from pipeline.errors import FeedMalformed
from pipeline.model import Granule

#: How far a source's clock may run ahead of ours before its times are not believed.
CLOCK_TOLERANCE = timedelta(hours=1)


def check(dataset: xr.Dataset, granule: Granule, now: datetime) -> None:
    """Refuse a decoded dataset that no layer could use; touches labels only, never the values.

    Raises
    ------
    FeedMalformed
        Where there is no variable, a variable on a grid names no units, a dimension is empty, or the source issued
        it in the future. Discrete sampling may hold no sample: nothing was recorded, which is an answer; what was
        withdrawn holds nothing either.
    """
    where = f"{granule.feed}/{granule.id}"
    if not dataset.data_vars:
        raise FeedMalformed(f"{where}: found no variable, expected at least one")
    empty = [name for name, size in dataset.sizes.items() if size == 0]
    if empty and not granule.deleted and "featureType" not in dataset.attrs:
        raise FeedMalformed(f"{where}: dimensions {empty} are empty")
    unitless = [str(name) for name, array in dataset.data_vars.items() if array.ndim >= 2 and "units" not in array.attrs]
    if unitless:
        raise FeedMalformed(f"{where}: variables {unitless} name no units")
    issued = granule.issued or granule.start
    if issued is not None and issued > now + CLOCK_TOLERANCE:
        raise FeedMalformed(f"{where}: issued {issued.isoformat()}, which is in the future of {now.isoformat()}")

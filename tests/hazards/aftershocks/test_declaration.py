"""The layer aftershocks: the forecast of its functions, and what each event given counted for."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.aftershocks import aftershock_forecast, generic
from pipeline.hazards.aftershocks.declaration import aftershocks


def run(magnitude, elapsed, events=(), watched=None, **parameters):
    days, sizes = (np.array([event[place] for event in events], dtype=float) for place in (0, 1))
    rows = xr.Dataset({"days": ("row", days, {"units": "days"}), "magnitude": ("row", sizes, {"units": "1"})})
    times = (xr.DataArray(time, attrs={"units": "days"}) for time in (elapsed, *(watched or (0.0, elapsed))))
    return aftershocks.run(xr.DataArray(magnitude, attrs={"units": "1"}), *times, rows, **parameters).tables


def counted(tables):
    return dict(zip(tables["events"]["code"], tables["events"]["events"], strict=True))


def test_the_forecast_is_that_of_the_sequence():
    events = [(0.1, 5.2), (0.5, 4.9), (0.7, 3.0)]
    expected = aftershock_forecast([0.1, 0.5, 0.7], [5.2, 4.9, 3.0], mainshock=7.0, now=1.0)
    pd.testing.assert_frame_equal(run(7.0, 1.0, events)["forecast"], expected)


def test_what_was_not_watched_is_no_sign_of_few_aftershocks():
    given = xr.DataArray(7.0, attrs={"units": "1"}), xr.DataArray(300.0, attrs={"units": "days"})
    unwatched = aftershocks.run(*given).tables
    forecast, watched = unwatched["forecast"], run(7.0, 300.0)["forecast"]
    assert forecast["a"].iloc[0] == pytest.approx(generic().a, abs=0.01)
    assert forecast["a_std"].iloc[0] == pytest.approx(generic().a_std(7.0), abs=0.01)
    assert (forecast["expected"] > 10 * watched["expected"]).all()
    assert forecast["observed"].isna().all() and (forecast["watched"] == 0).all()
    assert (counted(unwatched)[6], counted(unwatched)[7]) == (1, 0)
    pd.testing.assert_frame_equal(run(7.0, 300.0, [(5.0, 6.0)], watched=(np.nan, np.nan))["forecast"], forecast)


def test_a_time_watched_counts_for_itself_alone():
    events = [(0.5, 5.0), (2.5, 5.0), (2.6, 7.5)]
    tables = run(7.0, 3.0, events, watched=(2.0, 9.0))
    assert counted(tables) == {0: 2, 1: 0, 2: 0, 3: 1, 4: 1, 5: 0, 6: 0, 7: 1}
    assert (tables["forecast"]["observed"].iloc[0], tables["forecast"]["watched"].iloc[0]) == (2, 1)
    whole, part = (run(7.0, 3.0, watched=span)["forecast"]["a"].iloc[0] for span in ((0.0, 3.0), (2.0, 3.0)))
    assert whole < part < generic().a, "less was seen to be quiet"


def test_hours_are_days_where_the_units_say_so():
    magnitude, hours = xr.DataArray(7.0, attrs={"units": "1"}), xr.DataArray(24.0, attrs={"units": "hours"})
    watched = {"watched_from": xr.zeros_like(hours), "watched_until": hours}
    pd.testing.assert_frame_equal(aftershocks.run(magnitude, hours, **watched).tables["forecast"], run(7.0, 1.0)["forecast"])


def test_each_event_is_counted_for_what_became_of_it():
    events = [(0.5, 5.0), (0.5, 2.0), (0.6, np.nan), (-1.0, 5.0), (2.0, 5.0), (0.9, 7.3)]
    assert counted(run(7.0, 1.0, events)) == {0: 2, 1: 1, 2: 1, 3: 2, 4: 1, 5: 0, 6: 0, 7: 0}


def test_without_a_magnitude_every_number_is_unknown():
    tables = run(np.nan, 1.0, [(0.5, 5.0)])
    assert tables["forecast"][["expected", "low", "high", "probability"]].isna().all(axis=None)
    assert counted(tables)[5] == 1


@pytest.mark.parametrize("parameters", [{"regime": "Atlantis"}, {"catalogue": "best"}])
def test_an_unknown_regime_or_catalogue_is_refused(parameters):
    with pytest.raises(InputError, match=next(iter(parameters.values()))):
        run(7.0, 1.0, **parameters)

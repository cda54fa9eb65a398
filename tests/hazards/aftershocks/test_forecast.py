"""The forecast of aftershocks against one USGS published, simulated sequences, and the claims of the docstrings."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.aftershocks import FORECAST_COLUMNS, Completeness, aftershock_forecast, generic
from pipeline.hazards.aftershocks.forecast import productivity
from pipeline.hazards.aftershocks.rate import LOCAL_CATALOGUE, omori_integral

GOLDEN = Path(__file__).parents[2] / "golden"
#: The published case: mainshock, begin of the forecast (days), its parameters and its catalogue.
MAINSHOCK, NOW, PARAMETERS, CATALOGUE = 5.6, 42.00653953, generic("ANSR-ABSLSHC"), Completeness(2.0, 1.0, 4.5, 0.75)
#: USGS counted aftershocks up to this day.
COUNTED_TO = 42.0
SPANS = {1.0: "1 day", 7.0: "1 week", 30.0: "1 month", 365.0: "1 year"}


def _rows(name):
    lines = [line for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [
        {key: text if key == "model" else float(text or "nan") for key, text in row.items()} for row in csv.DictReader(lines)
    ]


@pytest.fixture(scope="module")
def alaska():
    events = pd.DataFrame(_rows("aftershocks_alaska_events.csv"))
    case = {"mainshock": MAINSHOCK, "now": NOW, "parameters": PARAMETERS}
    return {
        "generic": aftershock_forecast([], [], completeness=Completeness(99.0, 0.0, 0.0, 1.0), **case),
        "bayesian": aftershock_forecast(events["days"], events["magnitude"], completeness=CATALOGUE, **case),
    }


def test_the_update_equals_the_published_one():
    events = pd.DataFrame(_rows("aftershocks_alaska_events.csv"))
    case = {"mainshock": MAINSHOCK, "parameters": PARAMETERS, "completeness": CATALOGUE}
    before = productivity([], [], now=0.0, **case)
    after = productivity(events["days"], events["magnitude"], now=COUNTED_TO, **case)
    assert (before.mean, before.std) == pytest.approx((-2.784113989524295, 0.8363232690420439), abs=1e-9)
    assert (after.mean, after.std) == pytest.approx((-3.2696850304651583, 0.11235450300057465), abs=1e-8)
    assert after.observed == 15


@pytest.mark.parametrize(
    "row", _rows("aftershocks_alaska.csv"), ids=lambda row: f"{row['model']}-{row['span']}-M{row['magnitude']}"
)
def test_probabilities_and_ranges_equal_the_published_forecast(row, alaska):
    table = alaska[row["model"]]
    found = table[(table["window"] == SPANS[row["span"]]) & (table["magnitude"] == row["magnitude"])].iloc[0]
    # Four digits are published; its begin is later than the last aftershock counted by nine minutes.
    assert found["probability"] == pytest.approx(row["probability"], rel=3e-4)
    if not np.isnan(row["high"]):
        assert (found["low"], found["high"]) == (0, row["high"])


def test_a_sequence_without_aftershocks_equals_the_published_one():
    # USGS, M 5.7 off California of 2026-06-03 (us7000sq93), forecast of 2026-09-23, public domain: none seen in 112 days.
    case = {"mainshock": 5.7, "parameters": generic("ANSR-OCEANBD"), "completeness": Completeness(3.5, 0.5, 0.25, 1.0)}
    before = productivity([], [], now=0.0, **case)
    after = productivity([], [], now=112.0, **case)
    assert (before.mean, before.std) == pytest.approx((-3.140833286113087, 0.6498679196926953), abs=1e-9)
    assert (after.mean, after.std) == pytest.approx((-3.593827026212016, 0.4344092327951748), abs=1e-6)
    table = aftershock_forecast([], [], now=112.0042272, smallest=[3.0], **case)
    found = table[~table["is_mainshock"]]
    # USGS leaves out values of `a` that together are 1e-4 likely, here the large ones.
    np.testing.assert_allclose(found["probability"], [0.001257, 0.008489, 0.03213, 0.1603], rtol=2e-3)
    assert list(found["high"]) == [0, 0, 1, 2]
    np.testing.assert_allclose(table["probability"][table["is_mainshock"]].iloc[:3], [2.512e-6, 1.71e-5, 6.646e-5], rtol=2e-3)


def _simulated(random, *, mainshock, days, model, a):
    """Return (days, magnitudes) of the aftershocks of 2 and more."""
    number = random.poisson(10.0 ** (a + model.b * (mainshock - 2.0)) * omori_integral(model.p, model.c, 0.0, days))
    # Times by inverting the integral; magnitudes by Gutenberg-Richter.
    share, power = random.random(number), 1.0 - model.p
    first, last = model.c**power, (days + model.c) ** power
    times = (first + share * (last - first)) ** (1.0 / power) - model.c
    return times, 2.0 - np.log10(random.random(number)) / model.b


def test_the_range_holds_what_happens_in_ninety_five_of_a_hundred_sequences(capsys):
    random, model, mainshock, inside, updated = np.random.default_rng(1989), generic(), 6.5, [], []
    for _ in range(300):
        a = random.normal(model.a, model.a_std(mainshock))
        if not -4.5 < a < -0.5:
            continue
        days, sizes = _simulated(random, mainshock=mainshock, days=9.0, model=model, a=a)
        seen = sizes >= LOCAL_CATALOGUE(days, mainshock)
        table = aftershock_forecast(
            days[seen], sizes[seen], mainshock=mainshock, now=2.0, completeness=LOCAL_CATALOGUE, windows=[("1 week", 7.0)]
        )
        later = sizes[(days > 2.0) & (days <= 9.0)]
        happened = np.array([(later >= size).sum() for size in table["magnitude"]])
        inside.append((table["low"] <= happened) & (happened <= table["high"]))
        updated.append((table["a"].iloc[0] - a) / table["a_std"].iloc[0])
    shares = np.mean(inside, axis=0)
    with capsys.disabled():
        print(f"\n{len(inside)} simulated sequences, share within the 95 % range by magnitude: {shares.round(3)}")
    # 300 draws of 0.95 deviate by 0.013; ranges of whole numbers hold more than 95 %, the more the fewer they count.
    assert shares[0] == pytest.approx(0.96, abs=0.03)
    assert (shares[1:] > 0.92).all()
    assert np.std(updated) == pytest.approx(1.0, abs=0.15)
    assert np.mean(updated) == pytest.approx(0.0, abs=0.2)


def test_the_table_has_the_columns_declared_and_the_mainshock_s_magnitude():
    table = aftershock_forecast([], [], mainshock=7.3, now=0.5)
    assert list(table.columns) == [name for name, *_ in FORECAST_COLUMNS]
    assert len(table) == 4 * 6
    assert (table.loc[table["is_mainshock"], "magnitude"] == 7.3).all()
    assert (table["end"] - table["begin"]).unique() == pytest.approx([1.0, 7.0, 30.0, 365.0])


def test_seeing_none_makes_fewer_likely_and_seeing_many_makes_more():
    case = {"mainshock": 7.0, "now": 3.0}
    before = aftershock_forecast([], [], mainshock=7.0, now=0.0)["a"].iloc[0]
    none = aftershock_forecast([], [], **case)
    many = aftershock_forecast(np.linspace(0.1, 3.0, 200), np.full(200, 5.0), **case)
    assert none["a"].iloc[0] < before < many["a"].iloc[0]
    assert many["a_std"].iloc[0] < none["a_std"].iloc[0]


def test_events_before_the_mainshock_after_now_or_of_unknown_size_are_not_counted():
    table = aftershock_forecast([-1.0, 0.5, 0.6, 2.0], [6.0, np.nan, 6.0, 6.0], mainshock=7.0, now=1.0)
    assert set(table["observed"]) == {1}


@pytest.mark.parametrize(
    ("days", "sizes", "mainshock", "now", "match"),
    [
        ([1.0], [], 7.0, 1.0, "as many"),
        ([np.nan], [5.0], 7.0, 1.0, "unknown time"),
        ([], [], np.nan, 1.0, "mainshock"),
        ([], [], 7.0, -1.0, "now"),
        ([], [], 7.0, np.inf, "now"),
    ],
)
def test_what_is_no_sequence_is_refused(days, sizes, mainshock, now, match):
    with pytest.raises(InputError, match=match):
        aftershock_forecast(days, sizes, mainshock=mainshock, now=now)


def test_a_probability_is_at_most_one_though_weights_are_rounded():
    table = aftershock_forecast([], [], mainshock=8.3359375, now=0.0)
    assert table["probability"].max() == 1.0


@settings(deadline=None, max_examples=30)
@given(mainshock=st.floats(4.5, 8.5), now=st.floats(0.0, 400.0), seed=st.integers(0, 2**32 - 1))
def test_a_forecast_is_ordered_and_its_input_is_not(mainshock, now, seed):
    random = np.random.default_rng(seed)
    days, sizes = random.uniform(-1.0, 400.0, 60), random.uniform(2.0, 6.0, 60)
    table = aftershock_forecast(days, sizes, mainshock=mainshock, now=now, smallest=(3.0, 4.0, 5.0, 6.0))
    order = random.permutation(60)
    again = aftershock_forecast(days[order], sizes[order], mainshock=mainshock, now=now, smallest=(3.0, 4.0, 5.0, 6.0))
    pd.testing.assert_frame_equal(table, again)
    assert ((table["probability"] >= 0) & (table["probability"] <= 1)).all()
    assert (table["low"] <= table["high"]).all()
    assert (table["probability"] <= table["expected"] * (1 + 1e-12)).all()
    for _, rows in table[~table["is_mainshock"]].groupby("window"):
        assert all(a >= b for column in ("expected", "high", "probability") for a, b in itertools.pairwise(rows[column]))
    for _, rows in table.groupby("magnitude"):
        assert rows["expected"].is_monotonic_increasing

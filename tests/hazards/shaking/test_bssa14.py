"""BSSA14 against the published verification tables and the claims of its docstrings."""

import csv
import inspect
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.hazards.shaking.bssa14 import bssa14
from pipeline.hazards.shaking.ground_motion import PREDICTORS
from pipeline.hazards.shaking.models import GROUND_MOTION_MODELS, ground_motion_model

GOLDEN = Path(__file__).parents[2] / "golden" / "bssa14.csv"
#: The coefficients are printed to five digits and the tables to six.
TOLERANCE = 5e-4


def _rows(path):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def _measure(column):
    return column.upper() if column in ("pga", "pgv") else f"SA({float(column)})"


@pytest.mark.parametrize("row", _rows(GOLDEN), ids=lambda row: f"{row['measure']}-M{row['magnitude']}-{row['rjb']}km")
def test_equals_rows_of_the_verification_tables(row):
    found = bssa14(
        _measure(row["measure"]),
        magnitude=float(row["magnitude"]),
        rake=float(row["rake"] or "nan"),
        rjb=float(row["rjb"]),
        vs30=float(row["vs30"]),
    )
    expected = [float(row[name]) for name in ("median", "tau", "phi")]
    np.testing.assert_allclose([np.exp(found.mean_ln), found.tau, found.phi], expected, rtol=TOLERANCE)


@pytest.mark.parametrize("family", ["BSSA_2014", "BSSA_2014_NOSOF"])
@pytest.mark.parametrize("kind", ["MEAN", "INTER_STD", "INTRA_STD", "TOTAL_STD"])
def test_equals_the_whole_verification_tables(family, kind, reference, capsys):
    rows = _rows(reference / "seismic" / "gmpe_tables" / "BSSA2014" / f"{family}_{kind}.csv")
    names = list(rows[0])
    columns = {name: np.array([float(row[name]) for row in rows]) for name in names if name != "result_type"}
    errors = {}
    for name in names[names.index("damping") + 1 :]:
        found = bssa14(
            _measure(name),
            magnitude=columns["rup_mag"],
            rake=columns.get("rup_rake", math.nan),
            rjb=columns["dist_rjb"],
            vs30=columns["site_vs30"],
        )
        values = {
            "MEAN": np.exp(found.mean_ln),
            "INTER_STD": found.tau,
            "INTRA_STD": found.phi,
            "TOTAL_STD": np.sqrt(found.variance),
        }
        errors[name] = np.abs(values[kind] / columns[name] - 1.0)
    artefact = errors.pop("0.230")
    every = np.concatenate(list(errors.values()))
    with capsys.disabled():
        print(
            f"\n{family}_{kind}: {every.size} values, relative error max {every.max():.2e}, "
            f"p99 {np.quantile(every, 0.99):.2e} (T=0.23 s apart: {artefact.max():.2e})"
        )
    assert every.max() < TOLERANCE


@pytest.mark.parametrize("imt", ["MMI", "SA(0.005)", "SA(11)", "SA(x)", "SA(-1)", "pga", "CAV"])
def test_a_measure_the_model_does_not_give_is_refused(imt):
    with pytest.raises(InputError, match="measure"):
        bssa14(imt, magnitude=6.0, rjb=10.0, vs30=760.0)


def test_periods_are_the_same_however_they_are_written():
    kwargs = {"magnitude": 6.0, "rjb": 10.0, "vs30": 400.0}
    assert bssa14("SA(1)", **kwargs).mean_ln == bssa14("SA(1.000)", **kwargs).mean_ln


def test_inputs_broadcast_and_unknown_stays_unknown():
    found = bssa14("PGA", magnitude=[[5.0], [6.0]], rjb=[10.0, np.nan, 30.0], vs30=760.0)
    assert found.mean_ln.shape == found.tau.shape == found.phi.shape == (2, 3)
    assert np.isnan(found.mean_ln[:, 1]).all()
    assert np.isfinite(found.mean_ln[:, [0, 2]]).all()


def test_an_unknown_site_gives_no_motion_and_no_deviation():
    found = bssa14("PGV", magnitude=6.0, rjb=10.0, vs30=np.nan)
    assert np.isnan(found.mean_ln)
    assert np.isnan(found.phi)


def test_predictors_of_other_models_change_nothing():
    plain = bssa14("PGA", magnitude=6.0, rjb=10.0, vs30=760.0)
    others = dict.fromkeys(("dip", "ztor", "width", "hypo_depth", "rrup", "rx", "ry0", "rhypo", "z2pt5", "backarc", "dpp"), 3.0)
    assert bssa14("PGA", magnitude=6.0, rjb=10.0, vs30=760.0, vs30measured=True, **others) == plain


def test_deep_sediment_amplifies_long_periods_only():
    kwargs = {"magnitude": 7.0, "rjb": 10.0, "vs30": 300.0}
    assert bssa14("SA(3.0)", z1pt0=900.0, **kwargs).mean_ln > bssa14("SA(3.0)", **kwargs).mean_ln
    assert bssa14("SA(3.0)", z1pt0=20.0, **kwargs).mean_ln < bssa14("SA(3.0)", **kwargs).mean_ln
    assert bssa14("SA(0.3)", z1pt0=900.0, **kwargs).mean_ln == bssa14("SA(0.3)", **kwargs).mean_ln


def test_models_are_found_by_name_or_refused():
    assert ground_motion_model("BSSA14")("PGA", magnitude=6.0, rjb=0.0, vs30=760.0).mean_ln < 0
    assert list(GROUND_MOTION_MODELS) == ["BSSA14"]
    with pytest.raises(InputError, match="BSSA14"):
        ground_motion_model("BSSA41")


@pytest.mark.parametrize("name", sorted(GROUND_MOTION_MODELS))
def test_every_model_takes_the_same_keywords(name):
    measure, *keywords = inspect.signature(GROUND_MOTION_MODELS[name].function).parameters.values()
    assert measure.name == "imt"
    assert {p.name for p in keywords} == set(PREDICTORS)
    assert all(p.kind is p.KEYWORD_ONLY for p in keywords)


@given(
    imt=st.sampled_from(["PGA", "PGV", "SA(0.3)", "SA(1.0)", "SA(3.0)"]),
    magnitude=st.floats(3.0, 8.5),
    near=st.floats(0.0, 399.0),
    further=st.floats(0.1, 100.0),
    vs30=st.floats(150.0, 1500.0),
)
def test_motion_falls_with_distance(imt, magnitude, near, further, vs30):
    motion = bssa14(imt, magnitude=magnitude, rjb=[near, near + further], vs30=vs30).mean_ln
    assert motion[0] >= motion[1]


@given(magnitude=st.floats(3.0, 8.4), step=st.floats(0.01, 1.0), rjb=st.floats(0.0, 400.0), vs30=st.floats(150.0, 1500.0))
def test_a_larger_magnitude_gives_a_larger_velocity(magnitude, step, rjb, vs30):
    motion = bssa14("PGV", magnitude=[magnitude, min(magnitude + step, 8.5)], rjb=rjb, vs30=vs30).mean_ln
    assert motion[0] <= motion[1]

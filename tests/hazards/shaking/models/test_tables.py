"""Every ground-motion model against its published verification tables."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.hazards.shaking.models import GROUND_MOTION_MODELS
from tests.hazards.shaking.models.tables import KINDS, TABLES, deviations, summary

GOLDEN = Path(__file__).parents[3] / "golden"
#: Name of the excerpt of each model; the variants by region are compared with their base model in `test_models`.
EXCERPTS = {
    "ASK14": "ask14",
    "BSSA14": "bssa14",
    "CB14": "cb14",
    "CY14": "cy14",
    "Akkar14Rjb": "akkar14_rjb",
    "Parker20Slab": "parker20_slab",
    "Parker20Interface": "parker20_interface",
    "BCHydroSlab": "bchydro_slab",
}
#: The tables of CY14 are printed to five digits, the coefficients of BSSA14 too.
TOLERANCE = 5e-4


@pytest.mark.parametrize("name", EXCERPTS)
def test_equals_an_excerpt_of_the_tables(name):
    lines = (GOLDEN / f"{EXCERPTS[name]}.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        kind, imt, expected = row.pop("kind"), row.pop("measure"), float(row.pop("value"))
        predictors = {keyword: float(value) for keyword, value in row.items() if value}
        found = KINDS[kind](GROUND_MOTION_MODELS[name](imt, **predictors))
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE, err_msg=f"{kind} {imt} {predictors}")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_equals_the_whole_table(table, reference, capsys):
    found = deviations(table, reference / "seismic" / "gmpe_tables")
    with capsys.disabled():
        print("\n" + summary(table, found), end="")
    assert found.max() < TOLERANCE

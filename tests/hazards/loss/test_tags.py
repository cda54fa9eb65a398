"""Declared columns of all tables of impact: tags humanitarians' programmes read, each once in a table."""

import re

import pytest

from pipeline.hazards.aftershocks import FORECAST_COLUMNS
from pipeline.hazards.loss.exposure import EXPECTED_COLUMNS, EXPOSURE_COLUMNS, ZONE_COLUMNS
from pipeline.hazards.loss.facilities import FACILITY_COLUMNS
from pipeline.hazards.loss.pager import ALERT_COLUMNS, COUNTRY_LOSS_COLUMNS

#: Core hashtags of the HXL standard 1.1 that are used here.
CORE = {
    "adm1",
    "adm2",
    "affected",
    "country",
    "date",
    "geo",
    "impact",
    "indicator",
    "loc",
    "meta",
    "org",
    "population",
    "status",
}
CORE |= {"value"}
TABLES = {
    "exposure": ZONE_COLUMNS + EXPOSURE_COLUMNS + EXPECTED_COLUMNS,
    "country losses": COUNTRY_LOSS_COLUMNS,
    "alert": ALERT_COLUMNS,
    "facilities": FACILITY_COLUMNS,
    "aftershocks": FORECAST_COLUMNS,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_its_units_and_meaning_and_has_a_tag_of_its_own(name):
    columns = TABLES[name]
    assert len({column for column, *_ in columns}) == len({tag for *_, tag in columns}) == len(columns)
    assert all(units and meaning for _, units, meaning, _ in columns)


@pytest.mark.parametrize("name", TABLES)
def test_tags_are_those_of_the_standard(name):
    for *_, tag in TABLES[name]:
        assert re.fullmatch(r"#[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)+|#status", tag), tag
        assert tag[1:].split("+")[0] in CORE, tag


def test_no_tag_calls_a_colour_a_severity():
    assert not [tag for columns in TABLES.values() for *_, tag in columns if "severity" in tag]

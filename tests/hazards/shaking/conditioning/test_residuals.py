"""Which observation counts for what: derived motions and intensities, flags, substitutes."""

import numpy as np
import pytest
import xarray as xr

from pipeline.errors import InputError
from pipeline.hazards.shaking import worden12
from pipeline.hazards.shaking.conditioning import Event, Options, Stations, station_residuals
from pipeline.hazards.shaking.conditioning.pairing import evidence
from pipeline.hazards.shaking.ground_motion import GroundMotion

EVENT = Event(6.0, False)
PRIOR = {"pga": -2.0, "pgv": 2.0, "sa_0p3": -1.5, "sa_1p0": -2.0, "sa_3p0": -3.0, "mmi": 6.0}


def _stations(*rows, **extra):
    """One station for each mapping of measure to value; those with "mmi" alone are macroseismic."""
    names = {name for row in rows for name in row}
    count = len(rows)
    values = {name: [row.get(name, np.nan) for row in rows] for name in names}
    fixed = {
        "station_id": [f"XX.{i}" for i in range(count)],
        "longitude": 10.0 + 0.1 * np.arange(count),
        "latitude": np.full(count, 45.0),
        "kind": np.array([list(row) == ["mmi"] for row in rows], np.uint8),
        "flag": [""] * count,
    }
    return xr.Dataset({k: ("station", v) for k, v in (fixed | values | extra).items()})


def _prior(count, measures=PRIOR, distance=20.0):
    motions = {m: GroundMotion(np.full(count, PRIOR[m]), np.full(count, 0.3), np.full(count, 0.5)) for m in measures}
    return Stations(np.full(count, distance), motions)


def _found(*rows, measures=PRIOR, event=EVENT, options=None, **extra):
    return station_residuals(_stations(*rows, **extra), _prior(len(rows), measures), event, options or Options())


def _substitutes(row, measure):
    found = _found(row)
    return [found.measures[r] for r in evidence(found, measure).row]


def test_an_instrument_speaks_in_logarithms():
    found = _found({"pga": 0.2}, pga_std=[0.1])
    row = found.row("pga")
    assert found.residual[row, 0] == np.log(0.2) + 2.0
    assert found.noise[row, 0] == 0.1


def test_an_intensity_report_gives_every_motion_with_the_scatter_of_the_relation():
    found = _found({"mmi": 6.5})
    for measure, imt in (("pga", "PGA"), ("pgv", "PGV"), ("sa_1p0", "SA(1.0)")):
        row = found.row(measure)
        assert found.observed[row, 0] == worden12.motion(imt, 6.5, magnitude=6.0, distance=20.0).ln
        assert found.noise[row, 0] == worden12.WORDEN12[imt].ln_sigma
        assert found.flags().loc["XX.0", measure] == ""


def test_weak_intensities_are_not_turned_into_motion():
    found = _found({"mmi": 3.9}, {"mmi": 4.0}, options=Options(screen_outliers=False))
    assert found.flags()["pga"].tolist() == ["not observed", ""]
    assert found.flags()["mmi"].tolist() == ["", ""]


def test_reported_intensities_have_a_default_deviation_only_where_none_has_its_own():
    assert _found({"mmi": 6.0}, {"mmi": 6.2}).noise[0].tolist() == [0.3, 0.3]
    assert _found({"mmi": 6.0}, {"mmi": 6.2}, mmi_std=[0.0, 0.2]).noise[0].tolist() == [0.0, 0.2]


def test_intensity_of_an_instrument_comes_from_its_first_usable_motion():
    found = _found({"pgv": 8.0, "pga": 0.15}, {"pgv": 1e5, "pga": 0.15}, {"sa_3p0": 0.05})
    at = {"magnitude": 6.0, "distance": 20.0}
    expected = [
        worden12.intensity("PGV", np.log(8.0), **at).mmi,
        worden12.intensity("PGA", np.log(0.15), **at).mmi,
        worden12.intensity("SA(3.0)", np.log(0.05), **at).mmi,
    ]
    np.testing.assert_allclose(found.observed[found.row("mmi")], expected, rtol=1e-14)
    assert found.noise[found.row("mmi")].tolist() == [0.63, 0.66, 0.89]


def test_a_residual_beyond_three_deviations_is_an_outlier_in_all_that_follows_from_it():
    beyond = 3.01 * np.hypot(0.3, 0.5)
    found = _found({"pga": np.exp(-2.0 + beyond)}, {"mmi": 6.0 - beyond})
    assert found.flags().loc["XX.0", "pga"] == "outlier"
    assert (found.flags().loc["XX.1"] == "outlier").all()


@pytest.mark.parametrize(
    ("event", "options", "flag"),
    [
        (Event(7.5, True), Options(), ""),
        (Event(7.5, False), Options(), "outlier"),
        (Event(7.0, True), Options(), "outlier"),
        (Event(7.0, False), Options(screen_outliers=False), ""),
    ],
)
def test_outliers_are_sought_unless_the_event_is_large_and_its_rupture_unknown(event, options, flag):
    assert _found({"pga": 5.0}, event=event, options=options).flags().loc["XX.0", "pga"] == flag


def test_what_the_network_withholds_counts_for_nothing():
    found = _found({"pga": 0.1, "pgv": 8.0}, flag=["G"])
    assert set(found.flags().loc["XX.0", ["pga", "pgv"]]) == {"withheld by the network"}
    assert all(evidence(found, measure).row.size == 0 for measure in PRIOR)


def test_a_station_without_prior_counts_for_nothing():
    prior = _prior(1)
    prior.motions["pga"].mean_ln[0] = np.nan
    found = station_residuals(_stations({"pga": 0.1}), prior, EVENT, Options())
    assert found.flags().loc["XX.0", "pga"] == "no prior"


@pytest.mark.parametrize("part", ["tau", "phi"])
def test_a_prior_without_deviation_is_none(part):
    prior = _prior(1)
    getattr(prior.motions["pga"], part)[0] = np.nan
    assert station_residuals(_stations({"pga": 0.1}), prior, EVENT, Options()).flags().loc["XX.0", "pga"] == "no prior"


@pytest.mark.parametrize(
    ("row", "measure", "used"),
    [
        ({"pga": 0.1, "sa_0p3": 0.2}, "pga", ["pga"]),
        ({"sa_1p0": 0.1, "sa_0p3": 0.2}, "pga", ["sa_0p3"]),
        ({"pga": 0.1, "sa_0p3": 0.2, "sa_3p0": 0.04}, "sa_1p0", ["sa_0p3", "sa_3p0"]),
        ({"pga": 0.1, "sa_1p0": 0.1, "sa_3p0": 0.04}, "sa_0p3", ["sa_1p0"]),
        ({"sa_1p0": 0.1, "sa_0p3": 0.2}, "sa_3p0", ["sa_1p0"]),
        ({"pga": 0.1}, "sa_1p0", []),
        ({"pga": 0.1, "sa_1p0": 0.1}, "pgv", []),
        ({"sa_0p3": 9.9, "sa_3p0": 0.04}, "sa_1p0", ["sa_3p0"]),
    ],
)
def test_a_measure_not_observed_is_stood_for_by_the_nearest_periods(row, measure, used):
    assert sorted(_substitutes(row, measure)) == used


def test_intensities_need_a_prior_of_intensity():
    with pytest.raises(InputError, match="'mmi'"):
        _found({"mmi": 6.0}, measures=["pga"])


def test_a_prior_of_another_number_of_stations_is_refused():
    with pytest.raises(InputError, match=r"\(3,\).*\(1,\)"):
        station_residuals(_stations({"pga": 0.1}), _prior(3), EVENT, Options())


def test_a_distance_for_every_station_is_demanded():
    with pytest.raises(InputError, match=r"distance.*\(2,\).*\(1,\)"):
        station_residuals(_stations({"pga": 0.1}), Stations(np.ones(2), _prior(1).motions), EVENT, Options())


def test_the_table_has_a_row_for_every_observation_with_what_was_expected():
    table = _found({"pga": 0.2, "pgv": 8.0}, {"mmi": 3.0}).table()
    assert table["station_id"].tolist() == ["XX.0"] * 3 + ["XX.1"]
    assert table["measure"].tolist() == ["mmi", "pga", "pgv", "mmi"]
    assert table["flag"].tolist() == ["", "", "", "outlier"]
    np.testing.assert_array_equal(table["residual"], table["observed"] - table["predicted"])
    assert table.loc[1, "observed"] == np.log(0.2)

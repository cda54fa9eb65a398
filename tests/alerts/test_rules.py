import dask.array as da
import geopandas as gpd
import numpy as np
import pytest
import shapely

from pipeline.alerts import rules
from pipeline.alerts.assessment import Assessment
from pipeline.alerts.rules import RULES
from pipeline.config import Config
from pipeline.errors import ConfigError, InputError
from pipeline.grid import event_geobox, region_geobox
from pipeline.model import from_json, to_json
from tests.alerts.grids import UNKNOWN, product, towns, two_districts

LEVELS = {"levels": {"moderate": 0.02, "severe": 0.10}}


def flood(flooded, exclusion=None, parameters=LEVELS, places=None):
    geobox, areas = two_districts()
    exclusion = np.zeros((10, 20), np.uint8) if exclusion is None else exclusion
    dataset = product(geobox, flooded=flooded, exclusion=exclusion)
    return RULES["area_fraction"](dataset, areas, towns() if places is None else places, parameters=parameters)


def by_id(assessment):
    return {area.id: area for area in assessment.areas}


def test_a_district_reaches_the_level_of_its_flooded_share():
    flooded = np.zeros((10, 20), np.uint8)
    flooded[0, 0:5] = 1  # 5 of 100 cells of the west
    flooded[:2, 10:] = 1  # 20 of 100 cells of the east
    found = by_id(flood(flooded))
    assert (found["west"].level, found["east"].level) == ("moderate", "severe")
    assert found["west"].value == pytest.approx(0.05, abs=2e-3)
    assert found["east"].value == pytest.approx(0.20, abs=2e-3)


def test_excluded_cells_are_left_out_of_the_share_and_told_as_unknown():
    flooded = np.zeros((10, 20), np.uint8)
    flooded[0, 0:5] = 1
    exclusion = np.zeros((10, 20), np.uint8)
    exclusion[6:, :10] = 1
    west = by_id(flood(flooded, exclusion))["west"]
    assert west.value == pytest.approx(5 / 60, abs=2e-3)
    assert west.unknown_share == pytest.approx(0.4, abs=2e-3)


def test_a_district_mostly_unknown_is_not_observed_and_never_clear():
    flooded = np.zeros((10, 20), np.uint8)
    flooded[:6, :10] = UNKNOWN
    assessment = flood(flooded)
    west = by_id(assessment)["west"]
    assert (west.level, west.observed, assessment.complete) == (None, False, False)
    assert [area.id for area in assessment.not_observed] == ["west"]


def test_the_part_of_a_district_outside_the_scene_is_unknown():
    geobox, areas = two_districts()
    left = geobox[:, :12]
    zeros = np.zeros((10, 12), np.uint8)
    assessment = RULES["area_fraction"](product(left, flooded=zeros, exclusion=zeros), areas, towns(), parameters=LEVELS)
    found = by_id(assessment)
    assert found["west"].observed
    assert found["east"].unknown_share == pytest.approx(0.8, abs=5e-3)
    assert not found["east"].observed


def test_codes_read_as_numbers_with_nan_are_unknown_too():
    flooded = np.full((10, 20), np.nan, np.float32)
    assert not any(area.observed for area in flood(flooded).areas)


def test_shares_are_the_same_on_a_projected_grid_read_lazily():
    _, areas = two_districts()
    box = areas.to_crs("EPSG:32639").total_bounds
    geobox = region_geobox(tuple(box), 100, "EPSG:32639")
    shape = tuple(geobox.shape)
    data = da.ones(shape, chunks=30, dtype=np.uint8)
    lazy = product(geobox, flooded=data, exclusion=da.zeros(shape, chunks=30, dtype=np.uint8))
    found = by_id(RULES["area_fraction"](lazy, areas, towns(), parameters=LEVELS))
    assert {area.value for area in found.values()} == {1.0}
    assert all(area.unknown_share < 0.02 for area in found.values())


def test_an_area_keeps_its_level_inside_the_hysteresis():
    flooded = np.zeros((10, 20), np.uint8)
    flooded[0, :9] = 1  # 9 %, threshold of severe 10 %, held down to 8 %
    west = by_id(flood(flooded))["west"]
    assert (west.level, west.held) == ("moderate", "severe")


def test_names_geocodes_languages_and_people_come_from_the_tables():
    flooded = np.ones((10, 20), np.uint8)
    places = towns(("Inside", "KZ", 20000, 51.05, 48.05), ("Elsewhere", "KZ", 5, 60.0, 48.0))
    assessment = flood(flooded, places=places)
    west = by_id(assessment)["west"]
    assert west.names == {"ru": "Западный район", "": "Westdistrict"}
    assert west.geocodes == (("ISO 3166-2", "KZ-27"), ("ISO 3166-1", "KZ"), ("hazmon:area", "west"))
    assert west.languages == ("kk", "ru")
    assert west.population == 20000
    assert [place.name for place in assessment.places] == ["Inside"]


def test_an_assessment_travels_as_json():
    flooded = np.ones((10, 20), np.uint8)
    assessment = flood(flooded)
    assert from_json(Assessment, to_json(assessment)) == assessment


def test_the_fire_class_must_reach_its_share_of_the_district():
    geobox, areas = two_districts()
    danger = np.full((10, 20), 1, np.uint8)
    danger[0, :10] = 5  # 10 % of the west
    danger[0, 10:15] = 5  # 5 % of the east
    dataset = product(geobox, danger=danger, exclusion=np.zeros_like(danger))
    parameters = {"levels": {"moderate": 4, "severe": 5}, "share": 0.09}
    assessment = RULES["danger_class"](dataset, areas, towns(), parameters=parameters)
    assert {area.id: area.level for area in assessment.areas} == {"west": "severe", "east": None}
    assert assessment.certainty == "Likely"


def test_fire_classes_may_be_named_by_label():
    geobox, areas = two_districts()
    danger = np.full((10, 20), 2, np.uint8)
    dataset = product(geobox, danger=danger, exclusion=np.zeros_like(danger))
    dataset["danger"].attrs.update(flag_values=np.array([0, 1, 2]), flag_meanings="low high very_high")
    assessment = RULES["danger_class"](dataset, areas, towns(), parameters={"levels": {"severe": "very high"}})
    assert assessment.level == "severe"
    with pytest.raises(ConfigError, match="found class 'huge'"):
        RULES["danger_class"](dataset, areas, towns(), parameters={"levels": {"severe": "huge"}})


SHAKING = {"levels": {"minor": {"mmi": 5}, "severe": {"mmi": 7, "population": 10000}}}


def cone(top, longitude=78.66, latitude=41.26):
    """Intensity that falls by 10 per degree from an epicentre."""
    geobox = event_geobox(longitude, latitude, 100)
    x, y = (geobox.coordinates[name].values for name in ("longitude", "latitude"))
    distance = np.hypot(x[None, :] - longitude, y[:, None] - latitude)
    return product(geobox, mmi=(top - 10 * distance).astype(np.float32))


def shaking(dataset, places, areas=None):
    areas = gpd.GeoDataFrame({"id": []}, geometry=[], crs="EPSG:4326") if areas is None else areas
    return RULES["mmi_exposure"](dataset, areas, places, parameters=SHAKING)


def test_an_earthquake_reaches_a_level_when_enough_people_feel_it():
    near = towns(("Near", "KG", 20000, 78.7, 41.3))
    few = towns(("Near", "KG", 9000, 78.7, 41.3))
    assert shaking(cone(8.0), near).level == "severe"
    assert shaking(cone(8.0), few).level == "minor"
    assert shaking(cone(4.9), near).level is None


def test_the_affected_area_is_the_lowest_isoseismal():
    area = shaking(cone(8.0), towns()).areas[0]
    outline = shapely.Polygon(area.polygons[0])
    assert outline.area == pytest.approx(np.pi * 0.3**2, rel=0.05)
    assert outline.exterior.is_ccw
    assert len(area.polygons[0]) <= 100


def test_an_intensity_just_below_is_held():
    area = shaking(cone(4.9), towns()).areas[0]
    assert (area.level, area.held) == (None, "minor")
    assert area.polygons


def test_a_grid_without_values_is_not_observed():
    dataset = cone(8.0)
    dataset["mmi"][:] = np.nan
    assessment = shaking(dataset, towns(("Near", "KG", 20000, 78.7, 41.3)))
    assert (assessment.level, assessment.complete) == (None, False)


def test_places_beyond_the_antimeridian_are_found():
    places = towns(("Beyond", "RU", 20000, -179.98, 50.0))
    assessment = shaking(cone(8.0, 179.95, 50.0), places)
    assert [place.name for place in assessment.places] == ["Beyond"]
    longitudes = [x for ring in assessment.areas[0].polygons for x, _ in ring]
    assert -180 <= min(longitudes) < 0 < max(longitudes) <= 180


@pytest.mark.parametrize("rule", sorted(RULES))
def test_unknown_parameters_are_refused(rule):
    with pytest.raises(ConfigError, match=f"alert rule {rule}: field surprise"):
        rules.check(rule, {"levels": {"severe": 1 if rule != "mmi_exposure" else {"mmi": 7}}, "surprise": 1})


def test_falling_thresholds_are_refused():
    with pytest.raises(ConfigError, match="not to fall"):
        rules.check("area_fraction", {"levels": {"moderate": 0.2, "severe": 0.1}})


def test_the_rules_of_the_configuration_are_valid(pytestconfig):
    found = Config(pytestconfig.rootpath / "config").alerts
    assert set(found) >= {"earthquake", "flood", "fire_weather"}
    for rule in found.values():
        rules.check(rule.rule, rule.parameters)


def test_areas_without_ids_are_refused():
    geobox, areas = two_districts()
    zeros = np.zeros((10, 20), np.uint8)
    with pytest.raises(InputError, match="expected id"):
        RULES["area_fraction"](
            product(geobox, flooded=zeros, exclusion=zeros), areas.drop(columns="id"), towns(), parameters=LEVELS
        )

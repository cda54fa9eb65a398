import pytest

from pipeline.alerts.rules import places


@pytest.fixture(scope="module")
def found():
    return places.load((70.0, 38.0, 88.0, 46.0)).set_index("name")


def test_places_have_people_a_country_and_a_position(found):
    almaty = found.loc["Almaty"]
    assert almaty.country == "KZ"
    assert almaty.population > 1_000_000
    assert (almaty.geometry.x, almaty.geometry.y) == pytest.approx((76.9, 43.25), abs=0.1)


def test_only_places_inside_the_bounds_are_loaded(found):
    assert found.geometry.x.between(70, 88).all()
    assert found.geometry.y.between(38, 46).all()


def test_curated_names_come_first(found):
    assert found.loc["Almaty"].names["tg"] == "Алмаато"
    assert places.names("Oral", ["Орал", "Уральск"], "KZ")["ru"] == "Уральск"


def test_names_in_another_script_are_taken_where_they_spell_the_name():
    named = places.names("Isfara", ["Исфара", "Верный", "伊斯法拉"], "TJ")
    assert named["ru"] == "Исфара"
    assert named["zh"] == "伊斯法拉"
    assert "ru" not in places.names("Nowhere", ["Верный"], "KZ")


def test_traditional_characters_are_not_taken_for_simplified():
    assert "zh" not in places.names("Nowhere", ["烏拉爾"], "KZ")


def test_bounds_may_cross_the_antimeridian():
    lands = set(places.load((170.0, 50.0, -170.0, 70.0)).country)
    assert lands == {"RU"}

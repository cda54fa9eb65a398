"""Style files against the structure that QGIS writes and reads, and against the Item they belong to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from pipeline.layer import Variable
from pipeline.products.catalog import Catalog
from pipeline.products.cog import CogFile, write_cogs
from pipeline.products.qml import document, problems, write_styles
from pipeline.products.validate import validate
from pipeline.store import Store
from tests.products.samples import INFO, NOW, OUTPUTS, built, dataset, geobox, product


@pytest.fixture(scope="module")
def cogs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CogFile]:
    return write_cogs(dataset(geobox()), OUTPUTS, tmp_path_factory.mktemp("cogs"))


def renderer(variable: Variable, file: CogFile) -> Element:
    found = ElementTree.fromstring(document(variable, file)).find("./pipe/rasterrenderer")
    assert found is not None
    return found


def entries(found: Element, tag: str) -> list[tuple[Any, ...]]:
    return [tuple(entry.get(name) for name in ("value", "label", "color", "alpha")) for entry in found.iter(tag)]


def test_a_style_has_the_parts_in_the_order_in_which_qgis_writes_them(cogs: dict[str, CogFile]) -> None:
    data = document(OUTPUTS["mmi"], cogs["mmi"])
    assert data.startswith(b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis ")
    root = ElementTree.fromstring(data)
    assert (root.get("version"), root.get("styleCategories")) == ("3.34.0-Prizren", "Symbology")
    assert [child.tag for child in root] == ["pipe", "blendMode"]
    assert [child.tag for child in root[0]] == [
        "provider",
        "rasterrenderer",
        "brightnesscontrast",
        "huesaturation",
        "rasterresampler",
        "resamplingStage",
    ]


def test_classes_are_a_palette_with_their_names_and_unknown_is_transparent(cogs: dict[str, CogFile]) -> None:
    found = renderer(OUTPUTS["outside"], cogs["outside"])
    assert (found.get("type"), found.get("band"), found.get("nodataColor")) == ("paletted", "1", "")
    assert entries(found, "paletteEntry") == [
        ("0", "inside", "#e6e6e6", "255"),
        ("1", "too near the fault", "#323232", "255"),
        ("255", "not known", "#000000", "0"),
    ]


def test_numbers_are_drawn_between_the_declared_stops(cogs: dict[str, CogFile]) -> None:
    found = renderer(OUTPUTS["mmi"], cogs["mmi"])
    assert (found.get("type"), found.get("classificationMin"), found.get("classificationMax")) == (
        "singlebandpseudocolor",
        "1",
        "10",
    )
    assert entries(found, "item") == [
        ("1", "1", "#ffffff", "255"),
        ("5", "5", "#7aff93", "255"),
        ("10", "10", "#800000", "255"),
    ]
    options = {option.get("name"): option.get("value") for option in found.iter("Option")}
    assert (options["color1"], options["color2"]) == ("255,255,255,255", "128,0,0,255")
    assert options["stops"] == "0.444444444;122,255,147,255"


def test_numbers_without_colours_are_drawn_over_round_numbers_around_their_range(cogs: dict[str, CogFile]) -> None:
    found = renderer(OUTPUTS["deviation"], cogs["deviation"])
    assert (found.get("classificationMin"), found.get("classificationMax")) == ("0.4", "0.65")
    assert [value for value, *_ in entries(found, "item")] == ["0.4", "0.45", "0.5", "0.55", "0.6", "0.65"]


def test_the_legend_names_the_units(cogs: dict[str, CogFile]) -> None:
    found = renderer(Variable("cm s-1", "velocity", colours={0: "#ffffff", 50: "#000000"}), cogs["mmi"])
    assert [label for _, label, _, _ in entries(found, "item")] == ["0 cm s-1", "50 cm s-1"]
    assert [legend.get("suffix") for legend in found.iter("rampLegendSettings")] == [" cm s-1"]


def test_names_with_marks_of_xml_come_back_as_they_are(cogs: dict[str, CogFile]) -> None:
    variable = Variable("1", "class", dtype="uint8", nodata=255, labels={0: 'a < b & "c"', 1: "Ұлытау"})
    assert [label for _, label, _, _ in entries(renderer(variable, cogs["outside"]), "paletteEntry")] == [
        'a < b & "c"',
        "Ұлытау",
        "not known",
    ]


def test_a_raster_of_which_nothing_is_known_still_has_a_style(tmp_path: Path) -> None:
    data = dataset(geobox())[["deviation"]] * np.float32(np.nan)
    file = write_cogs(data, {"deviation": OUTPUTS["deviation"]}, tmp_path)["deviation"]
    assert renderer(OUTPUTS["deviation"], file).get("classificationMax") == "1"


def test_each_raster_has_a_style_named_like_it(cogs: dict[str, CogFile], tmp_path: Path) -> None:
    sides = write_styles(OUTPUTS, cogs, tmp_path)
    assert [(side.name, side.path.name) for side in sides] == [(f"{name}_qml", f"{name}.qml") for name in OUTPUTS]
    assert {side.media_type for side in sides} == {"application/x-qgis-layer-settings"}
    assert {tuple(side.roles) for side in sides} == {("style",)}


def test_the_same_product_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = (built(product(), tmp_path / name)[1]["mmi_qml"].read_bytes() for name in ("one", "two"))
    assert first == again


# What the catalogue's validation says


@pytest.fixture
def published(tmp_path: Path) -> tuple[Catalog, dict[str, Any]]:
    catalog = Catalog(Store.open(tmp_path / "home"), tmp_path / "index.sqlite")
    for given in product().inputs:
        catalog.store.put(given.key, b"payload")
    item, files = built(product(), tmp_path / "built")
    catalog.stage(item, files)
    return catalog, catalog.publish(item["id"], INFO, now=NOW)


def style_problems(item: dict[str, Any], raster: str, data: bytes) -> list[str]:
    return list(problems(data, item["assets"][raster], item["properties"]["renders"][raster]))


def test_styles_of_a_published_item_are_valid(published: tuple[Catalog, dict[str, Any]]) -> None:
    catalog, item = published
    assert [name for name in item["assets"] if name.endswith("_qml")] == ["deviation_qml", "mmi_qml", "outside_qml"]
    assert validate(catalog.store, catalog.index) == []


def changed(cogs: dict[str, CogFile]) -> Iterator[tuple[str, bytes, str]]:
    classes, numbers = (document(OUTPUTS[name], cogs[name]) for name in ("outside", "mmi"))
    yield "outside", classes.replace(b"too near the fault", b"too near"), "the Item says"
    yield "mmi", numbers.replace(b'classificationMax="10"', b'classificationMax="9"'), "the Item says"
    yield "mmi", b"<qgis/>", "expected <qgis> with a raster renderer"
    yield "mmi", numbers[:-20], "no XML"


def test_a_style_that_shows_something_else_is_found(
    published: tuple[Catalog, dict[str, Any]], cogs: dict[str, CogFile]
) -> None:
    for raster, data, word in changed(cogs):
        (message,) = style_problems(published[1], raster, data)
        assert word in message


def test_a_style_that_is_gone_or_was_changed_is_found(published: tuple[Catalog, dict[str, Any]]) -> None:
    catalog, item = published
    folder = Path(catalog.store.root) / f"catalog/shaking/{item['id']}"
    (folder / "mmi.qml").unlink()
    (folder / "outside.qml").write_bytes(b"<qgis/>")
    found = validate(catalog.store, catalog.index)
    assert {(problem.kind, problem.message.split(":")[0]) for problem in found} == {
        ("asset", "mmi_qml"),
        ("checksum", "outside_qml"),
        ("asset", "outside_qml"),
    }

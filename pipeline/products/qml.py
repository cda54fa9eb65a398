"""QGIS style files: how QGIS draws a COG, in the colours and class names of the product itself.

`mmi.qml` beside `mmi.tif` is what QGIS takes by itself when the raster is opened. Classes are paletted with their
names, numbers a singleband pseudocolour between the stops of their ramp; unknown stays transparent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from pipeline.layer import Variable
from pipeline.products.cog import CogFile
from pipeline.products.colours import Colour, Ramp, class_colours, ramp
from pipeline.products.item import SideFile

#: Media type that QGIS registers for its style files.
QML_TYPE = "application/x-qgis-layer-settings"
#: What the name of a raster's style asset ends with.
QML = "_qml"
#: What the class of unknown cells is called.
UNKNOWN = "not known"

#: The release whose reader the files are written for.
_VERSION = "3.34.0-Prizren"
_HEAD = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


def write_styles(variables: Mapping[str, Variable], cogs: Mapping[str, CogFile], folder: Path) -> list[SideFile]:
    """Return one style file for each raster, named like it."""
    return [_write(name, variables[name], file, folder) for name, file in cogs.items()]


def _write(name: str, variable: Variable, file: CogFile, folder: Path) -> SideFile:
    path = folder / f"{file.path.stem}.qml"
    path.write_bytes(document(variable, file))
    return SideFile(f"{name}{QML}", path, QML_TYPE, style_title(variable), ("style",))


def style_title(variable: Variable) -> str:
    """Return the title of a raster's style asset."""
    return f"{variable.long_name}, style for QGIS"


def document(variable: Variable, file: CogFile) -> bytes:
    """Return the style of a variable; the same declaration and range give the same bytes.

    Parameters
    ----------
    variable
        Its declaration: classes or stops, colours, units.
    file
        Its file, for the range where no colours are declared.
    """
    root = Element("qgis", {"version": _VERSION, "styleCategories": "Symbology"})
    pipe = SubElement(root, "pipe")
    nearest = {"zoomedInResamplingMethod": "nearestNeighbour", "zoomedOutResamplingMethod": "nearestNeighbour"}
    SubElement(SubElement(pipe, "provider"), "resampling", {"enabled": "false", "maxOversampling": "2", **nearest})
    if variable.is_categorical:
        _paletted(pipe, variable)
    else:
        found = file.statistics
        least, greatest = found.minimum, found.maximum
        shades = ramp(variable, least if least is not None else 0.0, greatest if greatest is not None else 1.0)
        _pseudocolour(pipe, shades, "" if variable.units == "1" else f" {variable.units}")
    SubElement(pipe, "brightnesscontrast", {"brightness": "0", "contrast": "0", "gamma": "1"})
    SubElement(pipe, "huesaturation", {"saturation": "0", "grayscaleMode": "0", "colorizeOn": "0", "invertColors": "0"})
    SubElement(pipe, "rasterresampler", {"maxOversampling": "2"})
    SubElement(pipe, "resamplingStage").text = "resamplingFilter"
    SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root, " ")
    body: bytes = ElementTree.tostring(root, encoding="utf-8")
    return _HEAD + body + b"\n"


def problems(data: bytes, asset: Mapping[str, Any], render: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a style file is not one, or shows other classes, names, colours or another range than the Item says.

    Parameters
    ----------
    data
        The style file.
    asset
        The raster's asset.
    render
        What the Item's `renders` say of it.
    """
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        yield f"is no XML: {error}"
        return
    renderer = root.find("./pipe/rasterrenderer")
    if root.tag != "qgis" or renderer is None:
        yield f"found <{root.tag}>, expected <qgis> with a raster renderer"
        return
    shown, said = _shown(renderer), _said(asset, render)
    if shown != said:
        yield f"shows {shown}, the Item says {said}"


def _shown(renderer: Element) -> list[tuple[str | None, str | None]]:
    """Return value and name of each class, or the two ends of the range."""
    if renderer.get("type") == "paletted":
        return [(entry.get("value"), entry.get("label")) for entry in renderer.iter("paletteEntry")]
    return [(renderer.get("classificationMin"), renderer.get("classificationMax"))]


def _said(asset: Mapping[str, Any], render: Mapping[str, Any]) -> list[tuple[str | None, str | None]]:
    (band, *_) = asset.get("bands") or [{}]
    classes = band.get("classification:classes")
    if classes is not None:
        return [(str(entry["value"]), entry.get("title", entry["description"])) for entry in classes]
    return [(f"{least:.12g}", f"{greatest:.12g}") for least, greatest in render.get("rescale", [])]


def _paletted(pipe: Element, variable: Variable) -> None:
    renderer = SubElement(pipe, "rasterrenderer", {"type": "paletted", **_every_renderer()})
    SubElement(renderer, "rasterTransparency")
    _origin(renderer)
    palette = SubElement(renderer, "colorPalette")
    colours = class_colours(variable)
    for code, label in (variable.labels or {}).items():
        _entry(palette, "paletteEntry", {"value": str(code), "label": label}, colours[code])
    if not math.isnan(variable.nodata):
        _entry(palette, "paletteEntry", {"value": str(int(variable.nodata)), "label": UNKNOWN}, (0, 0, 0), alpha=0)


def _pseudocolour(pipe: Element, shades: Ramp, suffix: str) -> None:
    least, greatest = f"{shades.values[0]:.12g}", f"{shades.values[-1]:.12g}"
    renderer = SubElement(
        pipe,
        "rasterrenderer",
        {
            "type": "singlebandpseudocolor",
            **_every_renderer(),
            "classificationMin": least,
            "classificationMax": greatest,
        },
    )
    SubElement(renderer, "rasterTransparency")
    _origin(renderer)
    # Continuous (1): the stops of the ramp are the entries; values beyond the ends take the end colours (clip 0).
    interpolated = {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0", "labelPrecision": "4"}
    shader = SubElement(
        SubElement(renderer, "rastershader"),
        "colorrampshader",
        {**interpolated, "minimumValue": least, "maximumValue": greatest},
    )
    _gradient(shader, shades)
    for value, colour in zip(shades.values, shades.colours, strict=True):
        _entry(shader, "item", {"value": f"{value:.12g}", "label": f"{value:g}{suffix}"}, colour)
    legend = {"useContinuousLegend": "1", "prefix": "", "suffix": suffix, "minimumLabel": "", "maximumLabel": ""}
    SubElement(shader, "rampLegendSettings", {**legend, "direction": "0", "orientation": "2"})


def _gradient(shader: Element, shades: Ramp) -> None:
    least, width = shades.values[0], shades.values[-1] - shades.values[0]
    inner = list(zip(shades.values, shades.colours, strict=True))[1:-1]
    stops = ":".join(f"{(value - least) / width:.9g};{_rgba(colour)}" for value, colour in inner)
    options = {"color1": _rgba(shades.colours[0]), "color2": _rgba(shades.colours[-1]), "discrete": "0"}
    described = SubElement(SubElement(shader, "colorramp", {"name": "[source]", "type": "gradient"}), "Option", {"type": "Map"})
    for name, value in {**options, "rampType": "gradient", "stops": stops}.items():
        SubElement(described, "Option", {"name": name, "type": "QString", "value": value})


def _every_renderer() -> dict[str, str]:
    """Return what all renderers say: the only band, opaque, and no colour for nodata, which stays transparent."""
    return {"band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}


def _origin(renderer: Element) -> None:
    """Say that the range is given, so that QGIS does not stretch it to what is on the screen."""
    origin = SubElement(renderer, "minMaxOrigin")
    given = {"limits": "None", "extent": "WholeRaster", "statAccuracy": "Estimated"}
    for name, text in {**given, "cumulativeCutLower": "0.02", "cumulativeCutUpper": "0.98", "stdDevFactor": "2"}.items():
        SubElement(origin, name).text = text


def _entry(parent: Element, tag: str, described: Mapping[str, str], colour: Colour, alpha: int = 255) -> None:
    SubElement(parent, tag, {**described, "color": "#{:02x}{:02x}{:02x}".format(*colour), "alpha": str(alpha)})


def _rgba(colour: Colour) -> str:
    return "{},{},{},255".format(*colour)

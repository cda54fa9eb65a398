"""Borders on the map: whose they are is the operator's choice, and the map says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from pipeline.errors import ConfigError
from pipeline.service.door import Door
from pipeline.service.page.files import Content, built, content

GEOJSON = "application/geo+json"
_NONE: dict[str, Any] = {"type": "FeatureCollection", "features": []}


class Source(BaseModel):
    """Whose borders the map shows."""

    kind: Literal["naturalearth", "file", "none"]
    attribution: str | None = Field(description="Credit and point of view, where borders are shown")


def source(door: Door) -> Source:
    """Return whose borders the map shows; a file says it in its member `attribution` or `name`, else its name does.

    Raises
    ------
    ConfigError
        Where the configured file is missing or no GeoJSON.
    """
    match door.settings.borders:
        case None | "none":
            return Source(kind="none", attribution=None)
        case "naturalearth":
            return Source(kind="naturalearth", attribution="Natural Earth, de facto boundaries")
        case name:
            found = _read(door, name)
            return Source(kind="file", attribution=str(found.get("attribution") or found.get("name") or Path(name).stem))


def lines(door: Door) -> Content:
    """Return the borders as GeoJSON, an empty collection where none are to be shown.

    Raises
    ------
    ConfigError
        Where the configured file is missing or no GeoJSON, or the base map was never built.
    """
    match door.settings.borders:
        case None | "none":
            return content(json.dumps(_NONE).encode(), GEOJSON)
        case "naturalearth":
            found = built("basemap/borders.geojson")
            if found is None:
                raise ConfigError("the base map was never built; expected basemap/borders.geojson: run `make web`")
            return found
        case name:
            return content(json.dumps(_read(door, name), ensure_ascii=False).encode(), GEOJSON)


def _read(door: Door, name: str) -> dict[str, Any]:
    """Return the operator's GeoJSON, looked for beside the configuration as other files are: the last folder wins."""
    paths = [folder / name for folder in reversed(door.work.config.folders)]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise ConfigError(f"service.yaml: field borders: found no file {name!r} beside it; expected one, naturalearth or null")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: not readable as GeoJSON: {error}") from error
    if not isinstance(found, dict) or found.get("type") not in ("FeatureCollection", "Feature", "GeometryCollection"):
        raise ConfigError(f"{path}: expected a GeoJSON FeatureCollection of lines or polygons")
    return found

"""The configuration of an exercise: the default one, with the few fields that a scenario changes laid over it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copyfile
from typing import Any

import yaml

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.exercise.scenario import SCENARIOS, Scenario


def write(base: Config, scenarios: Sequence[Scenario], maps: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Write the files of `base` that the scenarios change into `folder`, to be read after it.

    Parameters
    ----------
    base
        The configuration that is changed.
    scenarios
        Their `config` names file and fields; their areas become those of their regions.
    maps
        Options of the static maps that were generated, by variable.
    folder
        Where to write; maps and tables of exercises played into the same home before stay.
    """
    kept = _kept(folder, "terrain", "maps")
    changes: dict[str, dict[str, Any]] = {"feeds/terrain": {"options": {"maps": {**kept, **maps}}}}
    for scenario in scenarios:
        for name, fields in scenario.config.items():
            changes[name] = _merged(changes.get(name, {}), fields)
        for region in scenario.regions:
            changes.setdefault(f"regions/{region}", {})["areas"] = f"areas/{scenario.areas_file.name}"
        (folder / "areas").mkdir(parents=True, exist_ok=True)
        copyfile(scenario.areas_file, folder / "areas" / scenario.areas_file.name)
        if scenario.tables:
            kept = _kept(folder, "places", "tables")
            tables = changes.setdefault("feeds/places", {"options": {"tables": kept}})["options"]["tables"]
            tables.update(_tables(base, scenario, folder / "tables"))
    for name, fields in changes.items():
        kind, id = name.split("/")
        path = folder / kind / f"{id}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(_merged(_read(base.path(kind, id)), fields), allow_unicode=True), encoding="utf-8")


def _kept(folder: Path, feed: str, option: str) -> dict[str, Any]:
    """Return the maps or tables of exercises that were played before, as far as they are still there."""
    path = folder / "feeds" / f"{feed}.yaml"
    found: dict[str, Any] = _read(path)["options"][option] if path.is_file() else {}
    return {name: options for name, options in found.items() if Path(options["href"]).is_file()}


def _tables(base: Config, scenario: Scenario, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the options of a scenario's tables, their files dated so that two runs archive the same records."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {}
    for name, file in scenario.tables.items():
        path = folder / Path(file).name
        copyfile(SCENARIOS / file, path)
        os.utime(path, (scenario.start.timestamp(), scenario.start.timestamp()))
        declared = base.feeds["places"].options["tables"][name]
        options[name] = {**declared, "href": str(path.resolve()), "synthetic": True}
    return options


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: an exercise changes this file, but it is not there")
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return old with new laid over it, mappings merged key by key; a changed set of maps or tables replaces the old one."""
    merged = dict(old)
    for key, value in new.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and key not in ("maps", "tables")
        merged[key] = _merged(merged[key], value) if both else value
    return merged

"""What a scenario puts on stage: generated files under the paths of their real hosts, and who sees what at which time.

Everything is generated once into a folder and found there again: the same scenario gives the same bytes. The truth
lies in a folder of its own and is never served.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.exercise.generate import grids, items, observed, quakes, raster, scenes, terrain
from pipeline.exercise.generate.quakes import Bulletin
from pipeline.exercise.scenario import Cycle, Deletion, Pass, Products, Quake, Scenario, Service

#: Raised whenever a generator makes other bytes of the same scenario.
VERSION = 4


class Offered(BaseModel):
    """One file, visible from a moment on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    etag: str
    size: int


class Listed(BaseModel):
    """One STAC Item, visible from a moment on; a later one of the same id replaces it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    item: dict[str, Any]


class Attached(BaseModel):
    """One product of an earthquake, listed in its detail from a moment on; a later one of its kind replaces it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime
    event: str
    product: dict[str, Any]


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: str
    files: dict[str, Offered]
    items: list[Listed]
    products: list[Attached] = []


@dataclass(frozen=True)
class Stage:
    """A scenario with everything it needs on disk; what is visible is a question with a moment in it."""

    scenario: Scenario
    folder: Path
    files: Mapping[str, Offered]
    """By HOST/PATH."""
    listed: tuple[Listed, ...]
    maps: Mapping[str, Path]
    """Static maps by variable."""
    attached: tuple[Attached, ...] = ()

    def file(self, target: str, now: datetime) -> tuple[Path, Offered] | None:
        """Return the file at HOST/PATH where it is there by now."""
        found = self.files.get(target)
        return None if found is None or found.at > now else (self.folder / "files" / target, found)

    def items(self, now: datetime) -> list[dict[str, Any]]:
        """Return the STAC Items that are there by now, the newest acquisition first."""
        newest = {entry.item["id"]: entry.item for entry in self.listed if entry.at <= now}
        return sorted(newest.values(), key=lambda item: (item["properties"]["datetime"], item["id"]), reverse=True)

    def bulletins(self, service: Service, now: datetime) -> list[Bulletin]:
        """Return the events that a service knows by now, the newest first."""
        known: dict[str, Bulletin] = {}
        for news in self.scenario.events:
            if news.at > now or not isinstance(news, Quake | Deletion) or news.service != service:
                continue
            held = known.get(news.event)
            if isinstance(news, Deletion):
                if held is not None:
                    known[news.event] = Bulletin(held.quake, news.at, deleted=True, earlier=held.earlier)
                continue
            earlier = () if held is None else tuple(q for q in (*held.earlier, held.quake) if q.id != news.id)
            known[news.event] = Bulletin(news, news.at, earlier=earlier)
        if service == "usgs":
            known = {event: self._with_products(event, bulletin, now) for event, bulletin in known.items()}
        return sorted(known.values(), key=lambda bulletin: bulletin.quake.time, reverse=True)

    def _with_products(self, event: str, bulletin: Bulletin, now: datetime) -> Bulletin:
        """Return a bulletin with the newest products of each kind; they move its time of update, as at USGS."""
        held = {entry.product["type"]: entry for entry in self.attached if entry.event == event and entry.at <= now}
        updated = max([bulletin.updated, *(entry.at for entry in held.values())])
        return replace(bulletin, updated=updated, products=tuple(entry.product for entry in held.values()))

    def truth(self, scene: str) -> Path:
        """Return the file with the true water of a scene: 1 water, 0 dry, 255 not seen."""
        return self.folder / "truth" / f"{scene}.tif"


def prepare(scenario: Scenario, folder: Path) -> Stage:
    """Return the stage of a scenario in `folder`, generated where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(f"{VERSION}{_generated(scenario)}".encode()).hexdigest()
    stamp = folder / "manifest.json"
    manifest = _read(stamp, digest, folder)
    if manifest is None:
        stamp.unlink(missing_ok=True)
        for path in (folder / "maps").glob("*.tif"):
            path.unlink()
        land = None if scenario.scenes is None else scenes.landscape(scenario.scenes, scenario.seed)
        terrain.make_static(scenario, folder / "maps", land)
        manifest = _generate(scenario, folder, digest, land)
    maps = terrain.make_static(scenario, folder / "maps")
    partial = folder / "manifest.json.partial"
    partial.write_text(manifest.model_dump_json(), encoding="utf-8")
    partial.replace(stamp)
    return Stage(scenario, folder, manifest.files, tuple(manifest.items), maps, tuple(manifest.products))


def _generated(scenario: Scenario) -> str:
    """Return the part of a scenario that decides about generated bytes."""
    kept = {"id", "seed", "scenes", "weather", "terrain"}
    kinds = Pass | Cycle | Products | Quake
    news = [event.model_dump(mode="json") for event in scenario.events if isinstance(event, kinds)]
    return json.dumps([scenario.model_dump(mode="json", include=kept), news], sort_keys=True)


def _read(stamp: Path, digest: str, folder: Path) -> _Manifest | None:
    """Return what was generated before, where it is of this very scenario and whole."""
    if not stamp.is_file():
        return None
    try:
        manifest = _Manifest.model_validate_json(stamp.read_bytes())
    except ValidationError:
        return None
    whole = all(_size(folder / "files" / target) == offered.size for target, offered in manifest.files.items())
    return manifest if whole and manifest.digest == digest else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _generate(scenario: Scenario, folder: Path, digest: str, land: scenes.Landscape | None) -> _Manifest:
    files: dict[str, Offered] = {}
    listed: list[Listed] = []
    for news in scenario.events:
        if isinstance(news, Cycle) and scenario.weather is not None:
            for target, data in grids.cycle_files(news, scenario.weather, scenario.seed).items():
                files[target] = _keep(folder / "files" / target, data, news.at)
    for news, item, paths in _scenes(scenario, folder, land) if land is not None else ():
        listed.append(Listed(at=news.at, item=item))
        for band, path in paths.items():
            files[items.blob_path(news, band)] = _offered(path.read_bytes(), news.at)
    attached: list[Attached] = []
    for news in (news for news in scenario.events if isinstance(news, Products)):
        for entry, contents in _products(scenario, news):
            attached.append(entry)
            for target, data in contents.items():
                files[target] = _keep(folder / "files" / target, data, news.at)
    return _Manifest(digest=digest, files=files, items=listed, products=attached)


def _products(scenario: Scenario, news: Products) -> Iterator[tuple[Attached, dict[str, bytes]]]:
    """Generate the products of an earthquake, each with its files by HOST/PATH."""
    quake = scenario.known(news)
    if quake is None:
        return
    for kind, contents in observed.files(news, quake, scenario.seed).items():
        product = quakes.product(quake, kind, news.at, contents)
        targets = {quakes.content_path(quake, kind, news.at, name): data for name, data in contents.items()}
        yield Attached(at=news.at, event=news.event, product=product), targets


def _scenes(scenario: Scenario, folder: Path, land: scenes.Landscape) -> Iterator[tuple[Pass, dict[str, Any], dict[str, Path]]]:
    """Generate each scene's bands and its truth; beside the truth a second name of the VV band, for comparisons."""
    for news in (news for news in scenario.events if isinstance(news, Pass)):
        seen = scenes.radar(land, news.level, int(news.acquired.timestamp()))
        paths = {band: folder / "files" / items.blob_path(news, band) for band in seen.power}
        for band, power in seen.power.items():
            raster.write(paths[band], power, land.geobox, nodata=scenes.NODATA, name=band)
        truth = folder / "truth" / f"{news.id}.tif"
        raster.write(truth, seen.truth, land.geobox, nodata=scenes.UNSEEN, name="water")
        beside = truth.with_name(f"{news.id}-vv.tif")
        beside.unlink(missing_ok=True)
        beside.hardlink_to(paths["vv"])
        yield news, items.item(news, land.geobox, paths), paths


def _keep(path: Path, data: bytes, at: datetime) -> Offered:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return _offered(data, at)


def _offered(data: bytes, at: datetime) -> Offered:
    return Offered(at=at, etag=hashlib.sha256(data).hexdigest()[:32], size=len(data))

"""What every step works in: the configuration, the store, the archive, the catalogue and the feeds it names."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import config as configuration
from pipeline.errors import ConfigError, GridError
from pipeline.feeds import PROTOCOLS
from pipeline.feeds.protocol import Feed
from pipeline.grid import projected_bounds
from pipeline.hazards import HAZARDS
from pipeline.layer import Layer
from pipeline.observations.archive import Archive
from pipeline.observations.sequence import NUMBERS, SEQUENCE
from pipeline.observations.solution import GIVEN
from pipeline.products.catalog import Catalog
from pipeline.store import Store


@dataclass(frozen=True)
class Workspace:
    """One home and one configuration; cheap to make, opens nothing until asked."""

    config: configuration.Config
    store: Store
    cache: Path
    """A local folder for what can be rebuilt: the catalogue's index."""
    drill: str | None = None
    """Name of the exercise that is played, or None in earnest."""

    @cached_property
    def archive(self) -> Archive:
        """The raw payloads."""
        return Archive(self.store)

    @cached_property
    def catalog(self) -> Catalog:
        """The published products."""
        return Catalog(self.store, self.cache / "index.sqlite")

    def feed(self, id: str) -> Feed:
        """Return the feed of this id.

        Raises
        ------
        ConfigError
            Where the configuration has no such feed, or its protocol refuses an option.
        """
        found = self.config.feeds.get(id)
        if found is None:
            raise ConfigError(f"feed {id!r}: expected one of {sorted(self.config.feeds)}")
        where = self.config.path("feeds", id)
        protocol = PROTOCOLS.get(found.protocol)
        if protocol is None:
            raise ConfigError(f"{where}: field protocol: found {found.protocol!r}, expected one of {sorted(PROTOCOLS)}")
        options: dict[str, Any] = found.options
        try:
            return protocol(id=id, url=found.url, allowed_hosts=found.allowed_hosts, **options)
        except TypeError as error:
            raise ConfigError(f"{where}: field options: {error}") from error

    def hazard(self, id: str) -> tuple[configuration.HazardConfig, Layer]:
        """Return a hazard's binding and its layer.

        Raises
        ------
        ConfigError
            Where either is missing, or the binding names inputs or parameters that the layer does not have.
        """
        found = self.config.hazards.get(id)
        if found is None:
            raise ConfigError(f"hazard {id!r}: expected one of {sorted(self.config.hazards)}")
        where = self.config.path("hazards", id)
        layer = HAZARDS.get(found.layer)
        if layer is None:
            raise ConfigError(f"{where}: field layer: found {found.layer!r}, expected one of {sorted(HAZARDS)}")
        self._check_bindings(where, found)
        self._check_resampling(where, found)
        needed = {name for name, variable in layer.inputs.items() if not variable.optional}
        if not needed <= set(found.inputs) <= set(layer.inputs):
            raise ConfigError(f"{where}: field inputs: found {sorted(found.inputs)}, expected {sorted(layer.inputs)}")
        if not set(found.parameters) <= set(layer.parameters):
            raise ConfigError(
                f"{where}: field parameters: found {sorted(found.parameters)}, expected {sorted(layer.parameters)}"
            )
        return found, layer

    def _check_bindings(self, where: Path, hazard: configuration.HazardConfig) -> None:
        """Refuse an input that an event or another hazard does not give."""
        for name, binding in hazard.inputs.items():
            origin = self.config.hazards.get(binding.origin)
            layer = HAZARDS.get(origin.layer) if origin else None
            given = {*GIVEN, *NUMBERS, SEQUENCE} if binding.origin == configuration.EVENT else layer.outputs if layer else None
            if given is not None and binding.variable not in given:
                raise ConfigError(f"{where}: field inputs.{name}: found {binding.source!r}, expected one of {sorted(given)}")

    def _check_resampling(self, where: Path, hazard: configuration.HazardConfig) -> None:
        """Refuse a binding that names another resampling than the map itself: the map's own is the one that is used."""
        for name, binding in hazard.inputs.items():
            feed = self.config.feeds.get(binding.origin)
            declared = feed.options.get("maps", {}).get(binding.variable) if feed and binding.at == "static" else None
            own = declared.get("resampling", "bilinear") if isinstance(declared, dict) else binding.resampling
            if own != binding.resampling:
                path = self.config.path("feeds", binding.origin)
                raise ConfigError(
                    f"{where}: field inputs.{name}.resampling: found {binding.resampling!r}, but {path} says {own!r} of the map"
                )

    def check(self) -> list[str]:
        """Return one line per thing configured, after building each; raise ConfigError at the first fault."""
        self.config.check()
        for id, region in self.config.regions.items():
            try:
                projected_bounds(region.bounds, region.crs)
            except GridError as error:
                raise ConfigError(f"{self.config.path('regions', id)}: field crs: {error}") from error
        lines = [f"feed {id}: {self.feed(id).__class__.__name__}" for id in self.config.feeds]
        lines += [f"hazard {id}: {self.hazard(id)[1].title}" for id in self.config.hazards]
        lines += [f"region {id}: {region.title}" for id, region in self.config.regions.items()]
        return lines + [f"alert {id}: {rule.rule}" for id, rule in self.config.alerts.items()]


def open_workspace(
    home: str | None = None, config: configuration.Config | None = None, *, drill: str | None = None
) -> Workspace:
    """Return the workspace of a home and a configuration.

    Parameters
    ----------
    home
        Folder or s3:// URL; default HAZMON_HOME, else ./.hazmon.
    config
        Default: the folders of HAZMON_CONFIG, else ./config, and over them the folder `config` of a local home.
    drill
        What is played; default HAZMON_EXERCISE, else nothing.

    Raises
    ------
    ConfigError
        Where neither the home nor the user's cache folder can be written to.
    """
    store = Store.open(home or configuration.home())
    cache = Path(store.root)
    if not (store.is_local and _is_writable(cache)):
        cache = _own_cache(store)
    if config is None:
        own = [Path(store.root) / "config"] if store.is_local and (Path(store.root) / "config").is_dir() else []
        config = configuration.Config(*configuration.load().folders, *own)
    return Workspace(config, store, cache, drill or os.environ.get("HAZMON_EXERCISE"))


def _is_writable(home: Path) -> bool:
    """Whether a home's caches can be kept in it."""
    caches = (home / name for name in ("index.sqlite", "alerts.sqlite"))
    return os.access(home, os.W_OK) and all(not path.exists() or os.access(path, os.W_OK) for path in caches)


def _own_cache(store: Store) -> Path:
    """Return a folder of the user for what can be rebuilt, of a home that is far away or only to be read."""
    root = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    cache = root / "hazmon" / hashlib.sha256(store.root.encode()).hexdigest()[:12]
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{cache}: cannot be made ({error}); expected XDG_CACHE_HOME to name a folder to write to") from error
    return cache

"""What a product is made of, and the digest and id that follow from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from odc.geo.geobox import GeoBox

from pipeline.layer import Layer
from pipeline.model import Event, RegionPeriod, Scene, Subject, compact, slug
from pipeline.store import sha256, to_bytes

#: Year and month in an Item id: the part before the last begins with them.
_START = re.compile(r"-(\d{4})(\d\d)[^-]*-[^-]*$")


@dataclass(frozen=True, slots=True)
class Input:
    """One thing a product was made from: an observation, a static map or another product."""

    name: str
    """The layer's input it fills."""
    source: str
    """Feed or hazard it comes from."""
    variable: str
    id: str
    """Granule or Item."""
    sha256: str
    """Checksum of the raw payload; of another product its digest, since its Item's links change."""
    revision: int = 0
    key: str = ""
    """Store key or URL of the raw payload or Item."""
    at: str = "same"
    """Which one, relative to the subject: "same", "previous", "latest" or "static"."""
    time: datetime | None = None
    """The source's own time: what the data are about, or when they were issued."""
    received: datetime | None = None
    size: int | None = None
    media_type: str = "application/octet-stream"
    synthetic: bool = False

    @property
    def is_product(self) -> bool:
        """Whether it is another product of ours."""
        return self.key.startswith("catalog/")

    @property
    def identity(self) -> list[str | int]:
        """What counts for the digest: not the address, nor the hour it came."""
        return [self.name, self.source, self.variable, self.id, self.revision, self.sha256]


@dataclass(frozen=True, slots=True)
class Product:
    """A layer's answer about one subject, before and apart from its files."""

    hazard: str
    """Id of the hazard's configuration, and of its collection."""
    layer: Layer
    subject: Subject
    geobox: GeoBox
    inputs: Sequence[Input]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Keyword-only parameters it was called with; JSON values."""
    revision: int | None = None
    """Revision of the source, which orders re-issues; an event's own where not given, else the highest of the inputs
    that are about the subject itself."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides the pixels."""
        return digest(self.layer, self.parameters, self.geobox, self.inputs)

    @property
    def item_id(self) -> str:
        """`shaking-eq20240122180904a1b2-r3-20240122T180904Z-1a2b3c4d`."""
        return item_id(self.hazard, self.subject, self.digest)

    @property
    def lineage(self) -> str:
        """What all revisions, reprocessings and recomputations of the same thing share."""
        return lineage(self.subject)

    @property
    def source_revision(self) -> int:
        """The revision that orders this product among its lineage."""
        if self.revision is not None:
            return self.revision
        if isinstance(self.subject, Event):
            return self.subject.revision
        return max((given.revision for given in self.inputs if given.at == "same"), default=0)

    @property
    def received(self) -> datetime | None:
        """When the last of its inputs came."""
        return max((given.received for given in self.inputs if given.received), default=None)

    @property
    def data_time(self) -> datetime | None:
        """The newest time its changing inputs are about."""
        return max((given.time for given in self.inputs if given.time and given.at != "static"), default=None)

    @property
    def synthetic(self) -> bool:
        """Whether any of its inputs was generated, not measured."""
        return any(given.synthetic for given in self.inputs)


def digest(layer: Layer, parameters: Mapping[str, Any], geobox: GeoBox, inputs: Sequence[Input]) -> str:
    """Return SHA-256 (hexadecimal) of the canonical JSON of layer, version, parameters, grid and inputs.

    Addresses, times of receipt, software versions and the clock play no part: the same inputs give the same digest.
    """
    return sha256(
        to_bytes(
            {
                "layer": layer.name,
                "version": layer.version,
                "parameters": dict(parameters),
                "grid": {"crs": str(geobox.crs), "shape": list(geobox.shape), "transform": list(geobox.transform)[:6]},
                "inputs": sorted((given.identity for given in inputs), key=str),
            }
        )
    )


def item_id(hazard: str, subject: Subject, digest: str) -> str:
    """Return the Item id `{hazard}-{subject}-{start}-{digest8}`."""
    match subject:
        case Event(id=event, revision=revision):
            about = f"{event}-r{revision}"
        case Scene(id=scene):
            about = scene
        case RegionPeriod(region=region):
            about = region
    return f"{hazard}-{slug(about)}-{compact(subject.start)}-{digest[:8]}"


#: Stands for the month of Items whose ids do not say when what they are about starts.
UNDATED = "undated"


def month_of(item_id: str) -> str:
    """Return the month in which what an Item is about starts; `UNDATED` where its id does not say.

    Examples
    --------
    >>> month_of("shaking-eq20240122180904a1b2-r3-20240122T180904Z-1a2b3c4d")
    '2024-01'
    """
    found = _START.search(item_id)
    return f"{found[1]}-{found[2]}" if found else UNDATED


def lineage(subject: Subject) -> str:
    """Return what all versions of a product about the same thing share.

    For an event its id, whatever the revision; for a scene the acquisition (its id, which reprocessing does not
    change); for a region the period.
    """
    return subject.series if isinstance(subject, Event) else subject.key

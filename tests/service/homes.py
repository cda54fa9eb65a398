"""Homes with published Items for the tests of the service: small, quick to make, of several hazards."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.model import Event, Granule, RegionPeriod, Scene
from pipeline.products.catalog import Catalog
from pipeline.steps import Workspace, open_workspace
from tests.drills import CONFIG
from tests.products.samples import INFO, built, product

__all__ = ["Event", "Granule", "RegionPeriod", "Scene"]

#: When the Items begin.
START = datetime(2024, 1, 22, 18, 9, 4, tzinfo=UTC)


def open_home(folder: Path) -> Workspace:
    """Return the workspace of a new home with the shipped configuration."""
    return open_workspace(str(folder), Config(CONFIG))


class Publisher:
    """Publishes Items that differ in what searches ask for; one real product is the model of all."""

    def __init__(self, catalog: Catalog, workshop: Path) -> None:
        self.catalog = catalog
        self.model, self.files = built(product(1), workshop)
        self.count = 0

    def publish(
        self,
        name: str | None = None,
        *,
        hazard: str = "shaking",
        start: datetime | None = None,
        end: datetime | None = None,
        bbox: tuple[float, float, float, float] = (77.0, 41.5, 77.7, 42.0),
        geometry: dict[str, Any] | None = None,
        **properties: Any,
    ) -> dict[str, Any]:
        """Return the public Item after publishing one, the newest so far where no time is given."""
        self.count += 1
        start = start or START + timedelta(hours=self.count)
        name = name or f"{hazard}-eq{self.count:04d}-r1-{start:%Y%m%dT%H%M%SZ}-{self.count:08x}"
        item = copy.deepcopy(self.model)
        item |= {"id": name, "collection": hazard, "bbox": list(bbox), "geometry": geometry or rectangle(bbox)}
        subject = f"event:eq{self.count:04d}"
        item["properties"] |= {
            "datetime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "created": f"{start + timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}",
            "updated": f"{start + timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}",
            "hazmon:hazard": hazard,
            "hazmon:subject": f"{subject}:1:{start:%Y%m%dT%H%M%SZ}",
            "hazmon:lineage": subject,
            **properties,
        }
        if end is not None:
            times = {"start_datetime": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end_datetime": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
            item["properties"] |= times
        self.catalog.stage(item, self.files)
        return self.catalog.publish(name, INFO, now=start + timedelta(minutes=10))


def rectangle(bbox: tuple[float, float, float, float]) -> dict[str, Any]:
    """Return a box as GeoJSON."""
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}

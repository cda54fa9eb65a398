"""A home with a few layers of each kind, made once: events with revisions, days of two regions, a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from pipeline.layer import Table, Variable
from pipeline.model import Event, RegionPeriod
from pipeline.observations import events
from pipeline.products.catalog import Catalog
from pipeline.products.item import Credit, Notes, build_item, write_inputs
from pipeline.products.table import write_tables
from pipeline.store import Store, sha256
from tests.observations.test_events import made
from tests.products.samples import INFO, NOW, ORIGIN, built, geobox, product

#: The event that stands at its second revision; agencies call it `us7000lsze` and, later, `emsc301`.
EVENT = "eq20240122180904"
#: One that stands, on another grid.
SECOND = "eq20240122184217722f"
#: One that was withdrawn.
GONE = "eq202401221917333f2c"
DAY = datetime(2024, 4, 5, tzinfo=UTC)

DISTRICTS = Table(
    "People by district",
    {"name": Variable("1", "name of the district"), "people": Variable("1", "people at VI or more")},
    geometry=True,
)


class Publisher:
    """Makes small products public in a home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = Catalog(Store.open(root / "home"), root / "home/index.sqlite")

    def publish(
        self, *, revision: int = 1, aliases: tuple[str, ...] = (), forecast: bool = False, **changes: Any
    ) -> dict[str, Any]:
        extra: dict[str, Any] = {"hazmon:aliases": list(aliases)} if aliases else {}
        extra["hazmon:forecast"] = forecast
        made = product(revision, **changes)
        item, files = built(made, self.root / "built" / made.item_id, extra=extra)
        self.catalog.stage(item, files)
        return self.catalog.publish(item["id"], INFO, now=NOW)

    def publish_table(self, rows: int, **changes: Any) -> None:
        made = product(hazard="exposure", **changes)
        folder = self.root / "built" / made.item_id
        folder.mkdir(parents=True)
        places = [shapely.box(77 + n, 41, 78 + n, 42) for n in range(rows)]
        names = {"name": [f"district {n}" for n in range(rows)], "people": [10.0 * n for n in range(rows)]}
        frame = gpd.GeoDataFrame(names, geometry=places, crs="EPSG:4326")
        (file,) = write_tables({"districts": frame}, {"districts": DISTRICTS}, folder).values()
        sides = [write_inputs(made, NOW, folder), *file.sides]
        credit = Credit("ODbL-1.0", "(c) OpenStreetMap contributors")
        item = build_item(made, {}, sides, now=NOW, notes=Notes("People exposed", credit))
        answers = dict.fromkeys(("estimate", "uncertainty", "exclusion"), "districts")
        item["properties"]["hazmon:answers"] |= answers
        self.catalog.stage(item, {side.name: side.path for side in sides})
        self.catalog.publish(item["id"], INFO, now=NOW)


def day(region: str, number: int) -> RegionPeriod:
    """Return a day of a region, counted from the first."""
    start = DAY + timedelta(days=number)
    return RegionPeriod(region, start, start + timedelta(days=1))


@pytest.fixture(scope="session")
def event() -> str:
    """Our id of the first event, as the table of events names it."""
    return f"{EVENT}{sha256(made().key.encode())[:4]}"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, event: str) -> Path:
    """A home in which no configuration lies."""
    publisher = Publisher(tmp_path_factory.mktemp("reader"))
    store = publisher.catalog.store
    for solution in (made(), made("emsc", "301", seconds=2)):
        record, _ = events.update(store, solution, now=NOW)
    assert record.id == event
    for revision in (1, 2):
        publisher.publish(revision=revision, aliases=("us7000lsze",), subject=Event(event, revision, ORIGIN))
    other = ORIGIN.replace(hour=20)
    publisher.publish(aliases=("us7000lsxx",), subject=Event(SECOND, 1, other), geobox=geobox(west=79.0))
    gone = Event(GONE, 1, ORIGIN.replace(hour=21))
    publisher.publish(aliases=("usauto7000lszz",), subject=gone)
    publisher.catalog.withdraw(gone.series, now=NOW, reason="usauto withdrew it")
    for number in range(3):
        publisher.publish(hazard="fire_weather", subject=day("kazakhstan", number), revision=number, forecast=number == 2)
    publisher.publish(hazard="fire_weather", subject=day("xinjiang", 0), geobox=geobox(west=77.25), revision=7)
    for number, subject in enumerate((Event(event, 2, ORIGIN), Event(SECOND, 1, other))):
        publisher.publish_table(number + 2, subject=subject)
    return publisher.root / "home"

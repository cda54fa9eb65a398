from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.alerts.samples import NOW as SENT
from tests.alerts.samples import area
from tests.service.events.serving import door_of, parts, warned


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with four messages: an alert and its update, an exercise, and one of another hazard without outline."""
    folder = tmp_path_factory.mktemp("home")
    store = door_of(folder).work.store
    warned(store, 1, area(level="moderate"))
    later = SENT + timedelta(minutes=10)
    warned(store, 1, area(level="severe"), revision=1, product="flood_extent-scene-1b", now=later)
    warned(store, 2, area("east"), status="Exercise", drill="a drill", now=SENT + timedelta(minutes=20))
    warned(store, 3, area("far"), now=SENT - timedelta(minutes=5), synthetic=True, lifetime=timedelta(minutes=30))
    return folder


@pytest.fixture(scope="module")
def door(home):
    return door_of(home)


@pytest.fixture(scope="module")
def client(door):
    return TestClient(parts(door), base_url="http://localhost")


@pytest.fixture(scope="module")
def ids(client) -> dict[str, str]:
    """Message ids by what they are."""
    found = client.get("/features/collections/alerts/items").json()["features"]
    names = ["exercise", "update", "alert", "past"]
    return dict(zip(names, [feature["id"] for feature in found], strict=True))

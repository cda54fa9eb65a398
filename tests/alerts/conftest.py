from pathlib import Path

import pytest
from lxml import etree

from pipeline.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "home")


@pytest.fixture(scope="session")
def schema(reference: Path) -> etree.XMLSchema:
    """The schema of CAP 1.2 as OASIS publishes it."""
    return etree.XMLSchema(etree.parse(reference / "cap" / "schema" / "CAP-v1.2.xsd"))

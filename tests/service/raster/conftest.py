"""One home for all tests of files and rasters: nothing in it is changed."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.service.raster.samples import Published, application, publish


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return publish(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def client(published: Published) -> Iterator[TestClient]:
    with TestClient(application(published.door)) as client:
        yield client

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import ProductError
from pipeline.service.raster.cache import Cache
from pipeline.service.raster.handles import Handles
from tests.service.raster.samples import Published


def test_the_least_lately_used_goes_first() -> None:
    cache = Cache(80)
    for name in "abcdefgh":
        cache.put(name, bytes(10))
    cache.get("a")
    cache.put("i", bytes(10))
    assert cache.get("b") is None
    assert cache.get("a") == bytes(10)


def test_it_never_holds_more_bytes_than_its_limit() -> None:
    cache = Cache(1000)
    for number in range(500):
        cache.put(str(number % 37), bytes(number % 125))
        assert cache.size <= 1000


def test_what_would_push_out_too_much_is_not_kept() -> None:
    cache = Cache(80)
    cache.put("large", bytes(11))
    assert cache.get("large") is None


def test_a_handle_is_lent_to_one_reader_at_a_time(published: Published) -> None:
    handles = Handles(idle=2)
    path = str(published.path("degrees"))
    with handles.borrow(path) as first, handles.borrow(path) as second:
        assert first is not second
    with handles.borrow(path) as again:
        assert again in (first, second)
    handles.close()
    assert first.closed
    assert second.closed


def test_no_more_handles_lie_idle_than_allowed(published: Published) -> None:
    handles = Handles(idle=1)
    paths = [str(published.path("degrees", asset)) for asset in ("mmi", "deviation", "outside")] * 8

    def read(path: str) -> int:
        with handles.borrow(path) as source:
            return int(source.read(1).size)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, paths)) == {630_000}
    assert len(handles) <= 1
    handles.close()


@pytest.mark.parametrize("path", ["/no/such/file.tif", "<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>"])
def test_what_is_no_geotiff_is_not_opened(path: str) -> None:
    with pytest.raises(ProductError, match="cannot be read"), Handles().borrow(path):
        pass

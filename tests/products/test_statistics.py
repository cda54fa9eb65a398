import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.products.statistics import TILE, Tally

RANDOM = np.random.default_rng(7)
FIELD = RANDOM.normal(1000, 3, (TILE + 88, 2 * TILE + 9)).astype(np.float32)
FIELD[100:300, 40:700] = np.nan


def tally(values: np.ndarray, nodata: float, row_chunk: int, column_chunk: int) -> Tally:
    found = Tally(values.shape, values.dtype, nodata)
    for row in range(0, values.shape[0], row_chunk):
        for column in range(0, values.shape[1], column_chunk):
            found.add(row, column, values[row : row + row_chunk, column : column + column_chunk])
    for row, column, height, width in list(found.missing()):
        found.add(row, column, values[row : row + height, column : column + width])
    return found


def test_statistics_are_those_of_numpy() -> None:
    found = tally(FIELD, math.nan, TILE, TILE).result()
    known = FIELD[np.isfinite(FIELD)].astype(np.float64)
    assert found.minimum == pytest.approx(known.min(), rel=1e-8)
    assert found.maximum == pytest.approx(known.max(), rel=1e-8)
    assert found.mean == pytest.approx(known.mean(), rel=1e-8)
    assert found.stddev == pytest.approx(known.std(), rel=1e-8)
    assert found.valid_percent == pytest.approx(100 * known.size / FIELD.size, rel=1e-8)


@settings(max_examples=10, deadline=None)
@given(rows=st.integers(60, 700), columns=st.integers(60, 1200))
def test_no_chunking_changes_a_digit(rows: int, columns: int) -> None:
    assert tally(FIELD, math.nan, rows, columns).result() == tally(FIELD, math.nan, TILE, TILE).result()


def test_bytes_are_counted_by_code_without_nodata() -> None:
    codes = np.array([[0, 0, 1], [2, 255, 255]], np.uint8)
    found = tally(codes, 255, 2, 3).result()
    assert found.counts == {0: 2, 1: 1, 2: 1}
    assert (found.minimum, found.maximum, found.mean) == (0, 2, 0.75)
    assert found.valid_percent == pytest.approx(400 / 6)


def test_whole_numbers_leave_out_their_nodata() -> None:
    found = tally(np.array([[-999, 2], [4, -999]], np.int16), -999, 2, 2).result()
    assert (found.minimum, found.maximum, found.mean, found.stddev, found.valid_percent) == (2, 4, 3, 1, 50)


@pytest.mark.parametrize(("dtype", "nodata"), [("float32", math.nan), ("uint8", 255)])
def test_a_band_without_a_known_cell_has_no_values_but_is_said_to_be_empty(dtype: str, nodata: float) -> None:
    found = tally(np.full((4, 5), nodata, dtype), nodata, 4, 5).result()
    assert (found.minimum, found.maximum, found.mean, found.stddev, found.valid_percent) == (None, None, None, None, 0.0)

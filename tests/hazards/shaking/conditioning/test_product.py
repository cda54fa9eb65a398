"""The product of a triangle with the correlations of many cells."""

import numpy as np
import pytest

from pipeline.hazards.shaking.conditioning.product import LANES, add_squares, packed


def _squares(triangle, columns, first=0):
    """columns (row, cell) as strips, the rows `first` and on belonging to the triangle."""
    count = len(triangle)
    cells = columns.astype(np.float32).reshape(len(columns), -1, LANES).transpose(1, 0, 2)
    total = np.zeros(columns.shape[1])
    add_squares(packed(triangle), np.ascontiguousarray(cells), first, count, total)
    return total


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 12, 13, 100])
def test_sums_are_those_of_the_matrix_product(count):
    random = np.random.default_rng(count)
    triangle, columns = np.tril(random.normal(size=(count, count))), random.normal(size=(count + 9, 4 * LANES))
    expected = np.square(triangle @ columns[3 : 3 + count]).sum(axis=0)
    np.testing.assert_allclose(_squares(triangle, columns, first=3), expected, rtol=2e-5)


def test_a_cell_has_the_same_bytes_wherever_it_stands():
    random = np.random.default_rng(1)
    triangle, columns = np.tril(random.normal(size=(50, 50))), random.normal(size=(50, 8 * LANES))
    whole = _squares(triangle, columns)
    order = random.permutation(8 * LANES)
    np.testing.assert_array_equal(_squares(triangle, columns[:, order]), whole[order])


def test_what_lies_above_the_diagonal_of_a_step_must_be_zero_and_is_kept():
    triangle = np.tril(np.ones((7, 7)))
    steps = packed(triangle)
    assert steps.size == 6 * 6 + 7 * 6
    np.testing.assert_array_equal(steps[:36].reshape(6, 6).T, triangle[:6, :6])
    np.testing.assert_array_equal(steps[36:].reshape(7, 6).T[0], triangle[6])
    assert (steps[36:].reshape(7, 6).T[1:] == 0).all()

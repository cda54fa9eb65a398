"""The triangle that makes correlated observations independent."""

import numpy as np
import pytest

from pipeline.hazards.shaking.conditioning.whitening import multiply, multiply_transposed, whitener


def _definite(count, seed=0):
    factor = np.random.default_rng(seed).normal(size=(count, count + 3))
    return factor @ factor.T


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 50])
def test_it_is_the_inverse_of_the_cholesky_factor(count):
    matrix = _definite(count)
    found = whitener(matrix)
    np.testing.assert_allclose(found @ np.linalg.cholesky(matrix), np.eye(count), atol=1e-9)
    assert (np.triu(found, 1) == 0).all()


def test_an_observation_that_others_determine_says_nothing():
    matrix = _definite(4)
    twice = np.ix_([0, 1, 2, 3, 1], [0, 1, 2, 3, 1])
    found = whitener(matrix[twice])
    assert (found[4] == 0).all()
    np.testing.assert_array_equal(found[:4, :4], whitener(matrix))


def test_products_are_those_of_matrices():
    triangle, columns = np.tril(_definite(7)), np.random.default_rng(1).normal(size=(7, 2))
    np.testing.assert_allclose(multiply(triangle, columns), triangle @ columns, atol=1e-12)
    np.testing.assert_allclose(multiply_transposed(triangle, columns), triangle.T @ columns, atol=1e-12)

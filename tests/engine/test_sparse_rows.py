"""Sparse rows, compared with dense ones of whole numbers, whose products are exact."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from skmlp._engine.linalg import matmul
from skmlp._engine.sparse_rows import SparseRows

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
ROWS = {"some": [4, 0, 4, 7], "one": [2], "all": range(9), "none": []}
every_choice = pytest.mark.parametrize(
    "rows", [np.array(list(rows), np.intp) for rows in ROWS.values()], ids=ROWS
)


def whole_numbers(shape, density):
    rng = np.random.default_rng(0)
    return csr_matrix(rng.integers(1, 9, shape) * (rng.random(shape) < density))


def taken(X, rows, dtype):
    return SparseRows(X, 9, np.dtype(dtype)).take(rows)


@every_dtype
@every_choice
@pytest.mark.parametrize("container", [csr_matrix, csr_array])
@pytest.mark.parametrize("density", [0, 0.3, 1])
def test_both_products_are_those_of_dense_rows(density, container, rows, dtype):
    X = container(whole_numbers((9, 6), density))
    rng = np.random.default_rng(1)
    W, delta = (rng.integers(-5, 6, (n, 4)).astype(dtype) for n in (6, len(rows)))
    sparse, dense = taken(X, rows, dtype), X.toarray()[rows].astype(dtype)
    assert sparse.shape == dense.shape
    z, dW = np.full((len(rows), 4), np.nan, dtype), np.full((6, 4), np.nan, dtype)
    assert matmul(sparse, W, z) is z
    assert matmul(sparse.T, delta, dW) is dW
    np.testing.assert_array_equal(z, dense @ W, strict=True)
    np.testing.assert_array_equal(dW, dense.T @ delta, strict=True)


def test_the_next_rows_take_the_place_of_the_last_ones_in_both_products():
    X = whole_numbers((9, 6), 0.5)
    rows = SparseRows(X, 9, np.dtype("float64"))
    transposed = rows.take(np.arange(9)).T
    rows.take(np.array([3, 1]))
    delta = np.array([[1.0], [2.0]])
    expected = X.toarray()[[3, 1]].T @ delta
    np.testing.assert_array_equal(transposed.dot(delta, np.empty((6, 1))), expected)


def test_arrays_grow_with_the_rows_taken():
    X = whole_numbers((9, 6), 1)
    rows = SparseRows(X, 9, np.dtype("float64"))
    for chosen in ([], [1], [1, 1, 1, 1], [8], range(9)):
        chosen = np.array(list(chosen), np.intp)
        found = rows.take(chosen).dot(np.eye(6), np.empty((len(chosen), 6)))
        np.testing.assert_array_equal(found, X.toarray()[chosen])


@every_dtype
def test_entries_get_the_precision_asked_for(dtype):
    indptr, indices, data = taken(whole_numbers((9, 6), 0.5), np.arange(9), dtype).entries()
    assert data.dtype == dtype
    assert indices.dtype == indptr.dtype == np.intp


def test_entries_that_stand_twice_are_added_up():
    X = csr_matrix(([1.0, 2.0, 0.0], [1, 1, 0], [0, 3]), shape=(1, 2))
    rows = taken(X, np.array([0]), "float64")
    np.testing.assert_array_equal(rows.dot(np.eye(2), np.empty((1, 2))), [[0, 3]])
    np.testing.assert_array_equal(rows.T.dot(np.ones((1, 1)), np.empty((2, 1))), [[0], [3]])

import numpy as np
import pytest
from loop_pairs import DTYPES, assert_pair_agrees, rows
from scipy.sparse import csr_matrix

SHAPES = (1, 1), (3, 5), (33, 130), (7, 4), (0, 4)
every_case = pytest.mark.parametrize(
    ("shape", "density"), [(shape, density) for shape in SHAPES for density in (0, 0.1, 0.5, 1)]
)


def entries(shape, density, dtype, index="intp"):
    """Return `indptr`, `indices` and `data` of random rows, the last two with room for more."""
    rng = np.random.default_rng(0)
    X = csr_matrix(rng.normal(size=shape) * (rng.random(shape) < density))
    indices, data = (np.append(part, [0, 0]) for part in (X.indices, X.data))
    return X.indptr.astype(index), indices.astype(index), data.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@every_case
@pytest.mark.parametrize("n", [1, 8, 33])
def test_products_with_sparse_rows(n, shape, density, dtype):
    m, k = shape
    sparse, tolerance = (
        entries(shape, density, dtype),
        {"atol": 1e-4 if dtype == "float32" else 1e-12},
    )
    W, delta = rows((k, n), dtype), rows((m, n), dtype, seed=1)
    assert_pair_agrees("sparse_dot", *sparse, W, np.full((m, n), np.nan, dtype), **tolerance)
    dW = np.full((k, n), np.nan, dtype)
    assert_pair_agrees("sparse_transposed_dot", *sparse, delta, dW, **tolerance)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("dtype", DTYPES)
def test_infinities_and_nan_of_the_weights_reach_the_rows_with_entries_there(dtype, value):
    sparse = entries((33, 13), 0.3, dtype)
    W, delta = rows((13, 5), dtype), rows((33, 5), dtype, seed=1)
    W[4, 2] = delta[7, 1] = value
    tolerance = {"atol": 1e-4 if dtype == "float32" else 1e-12}
    assert_pair_agrees("sparse_dot", *sparse, W, np.empty((33, 5), dtype), **tolerance)
    dW = np.empty((13, 5), dtype)
    assert_pair_agrees("sparse_transposed_dot", *sparse, delta, dW, **tolerance)


@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chosen", [[], [2], [2, 0, 2, 1]])
@pytest.mark.parametrize("density", [0, 0.4, 1])
def test_rows_are_taken(density, chosen, dtype, index):
    X_indptr, X_indices, X_data = entries((3, 9), density, dtype, index)
    chosen = np.array(chosen, np.intp)
    indptr = np.zeros(len(chosen) + 1, np.intp)
    indices, data = np.zeros(9 * len(chosen), np.intp), np.zeros(9 * len(chosen), dtype)
    X = X_indptr, X_indices, X_data
    assert_pair_agrees("take_sparse_rows", *X, chosen, indptr, indices, data)

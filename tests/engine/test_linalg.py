"""Products and sums that write into a given array, compared with those of whole numbers."""

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix

from skmlp._engine.linalg import affine, column_sums, matmul, matmul_in_pieces

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_container = pytest.mark.parametrize("container", [np.asarray, csr_matrix, csr_array])
ORDERS = {
    "new": lambda shape, dtype: None,
    "C": lambda shape, dtype: np.full(shape, np.nan, dtype),
    "Fortran": lambda shape, dtype: np.full(shape, np.nan, dtype, order="F"),
}
every_order = pytest.mark.parametrize("make_out", ORDERS.values(), ids=ORDERS)


def whole_numbers(*shapes, dtype):
    """Return arrays of small whole numbers, whose products are exact in any precision."""
    rng = np.random.RandomState(0)
    return [rng.randint(-5, 6, shape).astype(dtype) for shape in shapes]


def exact(A, B):
    return (A.astype(int)[:, :, np.newaxis] * B.astype(int)).sum(axis=1)


@every_dtype
@every_order
@every_container
def test_products_are_exact_and_stand_in_the_given_array(container, make_out, dtype):
    A, B = whole_numbers((7, 5), (5, 3), dtype=dtype)
    out = make_out((7, 3), dtype)
    product = matmul(container(A), B, out)
    assert out is None or product is out
    np.testing.assert_array_equal(product, exact(A, B).astype(dtype), strict=True)


@every_dtype
@every_order
@every_container
def test_affine_adds_b_to_each_row_if_there_is_one(container, make_out, dtype):
    A, W, b = whole_numbers((7, 5), (5, 3), 3, dtype=dtype)
    with_b = affine(container(A), W, b, make_out((7, 3), dtype))
    np.testing.assert_array_equal(with_b, (exact(A, W) + b).astype(dtype), strict=True)
    without = affine(container(A), W, None, make_out((7, 3), dtype))
    np.testing.assert_array_equal(without, exact(A, W).astype(dtype), strict=True)
    np.testing.assert_array_equal(b, whole_numbers((7, 5), (5, 3), 3, dtype=dtype)[2])


@every_dtype
def test_sums_of_columns_are_exact_for_any_number_of_rows(dtype):
    for m in (1, 7, 2, 9, 100, 7):
        (a,) = whole_numbers((m, 3), dtype=dtype)
        out = np.full(3, np.nan, dtype)
        assert column_sums(a, out) is out
        np.testing.assert_array_equal(out, a.astype(int).sum(axis=0).astype(dtype), strict=True)
        np.testing.assert_array_equal(column_sums(a), out, strict=True)


@every_dtype
@every_container
@pytest.mark.parametrize("order", ["C", "Fortran"])
@pytest.mark.parametrize("shape", [(1, 5, 3), (8, 784, 100), (33, 784, 100), (200, 784, 100)])
def test_a_product_in_pieces_is_the_product_whatever_kernels_blas_has(
    shape, order, container, dtype
):
    m, k, n = shape
    A, B = whole_numbers((m, k), (k, n), dtype=dtype)
    out = ORDERS[order]((m, n), dtype)
    matmul_in_pieces(container(A), B, out)
    np.testing.assert_array_equal(out, A.astype(int) @ B.astype(int))

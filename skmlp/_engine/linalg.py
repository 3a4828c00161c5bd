"""Array products and sums that write into a given array, dense or sparse on the left."""

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

from skmlp._engine.kernels import kernel
from skmlp._engine.sparse_rows import SparseRows, TransposedRows
from skmlp._engine.types import FloatArray, IndexArray, Matrix

_WITH_DOT: Any = np.ndarray, SparseRows, TransposedRows
_AXPY = {np.dtype(np.float32): saxpy, np.dtype(np.float64): daxpy}


def add_scaled(y: FloatArray, alpha: float, x: FloatArray) -> None:
    """y <- y + alpha x, in place; both contiguous and of one dtype."""
    _AXPY[y.dtype](x, y, a=alpha)


# a product in pieces pays up to this number of multiply-adds, and with pieces of up to that number
_LARGEST_IN_PIECES, _LARGEST_PIECE = 3_000_000, 1_000_000
_ROWS_OF_A_PIECE = 8


def matmul_in_pieces(A: Matrix, B: FloatArray, out: FloatArray) -> None:
    """Write A B into `out`, a few rows at a time where that is faster with AVX-512.

    OpenBLAS's kernels for AVX-512 are fast for small products, such as the pieces are.
    """
    (m, k), n = A.shape, B.shape[1]
    is_small = m * k * n <= _LARGEST_IN_PIECES and _ROWS_OF_A_PIECE * k * n <= _LARGEST_PIECE
    if not isinstance(A, np.ndarray) or not is_small or not out.flags.c_contiguous:
        matmul(A, B, out)
        return
    for start in range(0, m, _ROWS_OF_A_PIECE):
        rows = slice(start, start + _ROWS_OF_A_PIECE)
        matmul(A[rows], B, out[rows])


def affine(
    a: Matrix, W: FloatArray, b: FloatArray | None, out: FloatArray | None = None
) -> FloatArray:
    """Return a W + b, written into `out` if given; a dense or sparse; no b if None."""
    z = matmul(a, W, out)
    if b is not None:
        add_bias(z, b)
    return z


@kernel
def add_bias(z: FloatArray, b: FloatArray) -> None:
    """z <- z + b, in place."""
    z += b


@kernel
def add_penalty(W: FloatArray, dW: FloatArray, strength: float) -> float:
    """dW <- dW + strength W, in place; return |W|^2, the sum of squares."""
    add_scaled(dW, strength, W)
    return float(W.dot(W))


def matmul(A: Matrix, B: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A B, written into `out`, of any memory order, if given; A may be sparse.

    If A is a `SparseRows` or its transpose, `out` must be given, and be in C order.
    """
    if not isinstance(A, _WITH_DOT):
        if out is None:
            return A @ B
        out[...] = A @ B
    elif out is None or out.flags.c_contiguous:
        return A.dot(B, out)
    else:
        B.T.dot(A.T, out.T)
    return out


def column_sums(a: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return 1^T a, written into `out` if given."""
    return _ones(len(a), a.dtype).dot(a, out)


def row_sums(a: FloatArray) -> FloatArray:
    """Return a 1, the sum of each row."""
    return a.dot(_ones(a.shape[1], a.dtype))


@lru_cache(maxsize=4)
def row_numbers(m: int) -> IndexArray:
    """Return 0, ..., m - 1; the same array each time."""
    return np.arange(m)


@lru_cache(maxsize=8)
def _ones(m: int, dtype: np.dtype) -> FloatArray:
    """Return a vector of m ones; the same one each time."""
    return np.ones(m, dtype)

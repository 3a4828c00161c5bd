"""Array products and sums that write into a given array, dense or sparse on the left."""

from functools import lru_cache

import numpy as np
from scipy.linalg.blas import daxpy, saxpy
from scipy.sparse import issparse

from skmlp._engine.types import FloatArray, Matrix

_AXPY = {np.dtype(np.float32): saxpy, np.dtype(np.float64): daxpy}


def add_scaled(y: FloatArray, alpha: float, x: FloatArray) -> None:
    """y <- y + alpha x, in place; both contiguous and of one dtype."""
    _AXPY[y.dtype](x, y, a=alpha)


def affine(
    a: Matrix, W: FloatArray, b: FloatArray | None, out: FloatArray | None = None
) -> FloatArray:
    """Return a W + b, written into `out` if given; a dense or sparse; no b if None."""
    z = matmul(a, W, out)
    if b is not None:
        z += b
    return z


def matmul(A: Matrix, B: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return A B, written into `out`, of any memory order, if given; A may be sparse."""
    if issparse(A):
        if out is None:
            return A @ B
        out[...] = A @ B
    elif out is None or out.flags.c_contiguous:
        return np.dot(A, B, out=out)
    else:
        np.dot(B.T, A.T, out=out.T)
    return out


def column_sums(a: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return 1^T a, written into `out` if given."""
    return np.dot(_ones(len(a), a.dtype), a, out=out)


@lru_cache(maxsize=4)
def _ones(m: int, dtype: np.dtype) -> FloatArray:
    """Return a vector of m ones; the same one each time."""
    return np.ones(m, dtype)

"""Layers of the network, the backward pass written beside the forward pass."""

from functools import lru_cache

import numpy as np
from scipy.sparse import issparse

from skmlp._types import FloatArray, Matrix


class Dense:
    """Fully connected layer, z = a W + b.

    Parameters
    ----------
    W, b : ndarray of shape (fan_in, fan_out) and (fan_out,)
        The parameters; views of the network's vector.
    dW, db : ndarray of the same shapes
        The gradient, written by `backward`; views of the network's gradient vector.
    """

    def __init__(self, W: FloatArray, b: FloatArray, dW: FloatArray, db: FloatArray) -> None:
        self.W, self.b, self.dW, self.db = W, b, dW, db

    def forward(self, a: Matrix, z: FloatArray) -> None:
        """z = a W + b, written into `z`."""
        affine(a, self.W, self.b, out=z)

    def backward(self, a: Matrix, delta: FloatArray, delta_below: FloatArray | None) -> None:
        """dW = a^T delta, db = 1^T delta; delta W^T, written into `delta_below` if given."""
        product(a.T, delta, out=self.dW)
        np.dot(_ones(len(delta), delta.dtype), delta, out=self.db)
        if delta_below is not None:
            product(delta, self.W.T, out=delta_below)


def affine(a: Matrix, W: FloatArray, b: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return a W + b, written into `out` if given; a dense or sparse."""
    z = product(a, W, out)
    z += b
    return z


def product(A: Matrix, B: FloatArray, out: FloatArray | None = None) -> FloatArray:
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


@lru_cache(maxsize=4)
def _ones(m: int, dtype: np.dtype) -> FloatArray:
    """Return a vector of m ones; the same one each time."""
    return np.ones(m, dtype)

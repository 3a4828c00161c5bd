"""BLAS calls that save a pass over an array, or a temporary one."""

import numpy as np
from scipy.linalg.blas import daxpy, saxpy

from skmlp._engine.types import FloatArray

_AXPY = {np.dtype(np.float32): saxpy, np.dtype(np.float64): daxpy}


def add_scaled(y: FloatArray, alpha: float, x: FloatArray) -> None:
    """y <- y + alpha x, in place; both contiguous and of one dtype."""
    _AXPY[y.dtype](x, y, a=alpha)

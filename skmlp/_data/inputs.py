"""The input X, in `fit` and in predictions: its precision, a fast check, rows per chunk."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn import get_config

from skmlp._engine.types import FloatArray

# larger chunks of rows gain no speed, but cost memory
_CHUNK_MIB = 16


def float_dtype(X: Any) -> np.dtype:
    """Return the dtype to compute in if the user asked for none.

    The dtype is that of X if float32 or float64, float32 for narrower floats, and float64 for all
    else.
    """
    dtypes = list(getattr(X, "dtypes", [getattr(X, "dtype", None)]))
    # by name, which data frames of pandas and polars share with arrays
    names = {str(dtype).lower().lstrip("<>=") for dtype in dtypes}
    return np.dtype(np.float32 if names <= {"float16", "float32", "f2", "f4"} else np.float64)


def accepted_dtypes(X: Any, dtype: np.dtype) -> list[npt.DTypeLike]:
    """Return the dtypes that X may keep in validation; X of any other becomes the first of them.

    Dense bytes and half floats are kept, and converted batch by batch.
    """
    return [dtype] if issparse(X) else [dtype, np.uint8, np.float16]


def is_valid_as_is(X: Any, dtype: np.dtype) -> bool:
    """Return whether X is plainly valid: a finite, not empty matrix of this dtype.

    For one row the thorough check takes longer than a network.
    """
    is_matrix = type(X) is np.ndarray and X.dtype == dtype and X.ndim == 2 and X.size > 0
    with np.errstate(over="ignore", invalid="ignore"):
        return is_matrix and bool(np.isfinite(X.sum()))


def rows_per_chunk(weights: Sequence[FloatArray]) -> int:
    """Return how many rows may be in memory at once: input, two hidden layers, and output."""
    widest = max((W.shape[1] for W in weights[:-1]), default=0)
    row_bytes = (weights[0].shape[0] + 2 * widest + weights[-1].shape[1]) * weights[0].itemsize
    return max(1, int(min(get_config()["working_memory"], _CHUNK_MIB) * 2**20) // row_bytes)

"""The input X, in `fit` and in predictions: its precision, a fast check, rows per chunk."""

import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import is_classifier, is_regressor

from skmlp._engine.types import FloatArray

# larger chunks of rows gain no speed, but cost memory
_CHUNK_MIB = 16

# dtypes of floats of at most 32 bits, as NumPy, data frames, PyTorch and pyarrow name them
_NARROW_FLOATS = {"bfloat16", "f2", "f4", "float", "float16", "float32", "half", "halffloat"}
_DECORATION = re.compile(r"^[<>=]|^torch\.|\[pyarrow\]$")

# dense rows of these are converted batch by batch
_KEPT_DTYPES = (np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.float16)


def float_dtype(X: Any) -> np.dtype:
    """Return the dtype to compute in if the user asked for none.

    The dtype is that of X if float32 or float64, float32 for narrower floats, and float64 for all
    else.
    """
    schema = getattr(X, "schema", None)  # of a table of pyarrow
    dtypes = getattr(schema, "types", None) or getattr(X, "dtypes", [getattr(X, "dtype", None)])
    # by name, which data frames of pandas and polars share with arrays
    names = {_DECORATION.sub("", str(dtype).lower()) for dtype in dtypes}
    return np.dtype(np.float32 if names <= _NARROW_FLOATS else np.float64)


def accepted_dtypes(X: Any, dtype: np.dtype) -> list[npt.DTypeLike]:
    """Return the dtypes that X may keep in validation; X of any other becomes the first of them.

    Dense booleans, integers of 8 or 16 bits and half floats are kept, and converted batch by batch.
    """
    return [dtype] if issparse(X) else [dtype, *_KEPT_DTYPES]


def check_not_masked(values: Any, name: str) -> None:
    """Raise ValueError if values is a masked array with masked entries."""
    if isinstance(values, np.ma.MaskedArray) and (n := np.ma.count_masked(values)):
        raise ValueError(
            f"{name} is a masked array in which {n} of {values.size} values are masked, but masks "
            f"are not supported. Fill the masked values, for example with {name}.filled(value), or "
            "leave out their rows."
        )


def raise_with_remedy(error: ValueError | TypeError, estimator: Any) -> NoReturn:
    """Raise the error of a validation; where X has missing values or text, with the remedy."""
    text = str(error)
    if not re.search("X contains NaN|string to float|float\\(\\) argument must be", text):
        raise error
    remedy = "fill missing values and encode text before, with other steps of a pipeline"
    if is_classifier(estimator) or is_regressor(estimator):
        kind = "classifier" if is_classifier(estimator) else "regressor"
        remedy += f", or use skmlp.make_tabular_{kind}(), which does both"
    text += f"\nX must consist of numbers, without missing values: {remedy}."
    raise type(error)(text) from error


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

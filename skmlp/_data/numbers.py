"""Target values that are numbers: as plain arrays, nothing masked, nothing missing, no text."""

import math
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.utils.validation import check_array, check_consistent_length

from skmlp._compat import check_sample_weight
from skmlp._data.inputs import check_not_masked
from skmlp._data.labels import plain_labels
from skmlp._engine.losses.regression import RegressionLoss
from skmlp._engine.types import FloatArray

_REMEDY = "Leave out these rows."


def plain_numbers(y: Any, name: str = "y") -> Any:
    """Return y as an array of floats; what is no array is returned as it is.

    Parameters
    ----------
    y : array-like, sparse matrix or None
        Target values: integers, booleans, floats, or objects that are real numbers.
    name : str, default="y"
        The name of y in error messages.

    Returns
    -------
    y : ndarray of float, or as given
        The same values, in float32 if they were in it, else in float64. A sparse matrix becomes
        dense.

    Raises
    ------
    ValueError
        If values are masked or missing, or no real numbers.
    """
    if issparse(y):
        y = y.toarray()
    y = plain_labels(y, name, _REMEDY)
    if not isinstance(y, np.ndarray):
        if y is None or np.isscalar(y) or getattr(y, "ndim", 1) == 0:
            return y
        raise ValueError(
            f"{name} has rows of different lengths, or is no array: give one number for each row, "
            "or one for each row and output."
        )
    if y.dtype == object and all(isinstance(value, Real | Decimal) for value in y.flat):
        try:
            y = y.astype(np.float64)
        except OverflowError as error:
            raise ValueError(f"Input {name} contains a value too large for float64.") from error
    if y.dtype.kind not in "biuf":
        raise ValueError(_not_numbers(y, name))
    return np.asarray(y, dtype=y.dtype if y.dtype in (np.float32, np.float64) else np.float64)


def check_domain(y: Any, loss: RegressionLoss, name: str) -> Any:
    """Return y; raise ValueError if the loss is not defined for some of its values."""
    if isinstance(y, np.ndarray) and not loss.accepts(y):
        raise ValueError(
            f"loss={loss.name!r} needs {name} to be {loss.domain}, but the smallest value of "
            f"{name} is {y.min():g}. Correct {name}, or use loss='squared_error', which takes "
            "any numbers."
        )
    return y


def check_precision(y: FloatArray, dtype: np.dtype, name: str = "y") -> None:
    """Raise ValueError if values of y, in any units, are too large for the precision."""
    if not np.isfinite(y).all() or (y.size and np.abs(y).max() > np.finfo(dtype).max):
        remedy = "" if dtype == np.float64 else ", or use dtype='float64'"
        raise ValueError(
            f"{name} contains values too large for {dtype}, in which the network computes. Divide "
            f"{name} by a constant{remedy}."
        )


def scored_targets(X: Any, y: Any, sample_weight: Any) -> tuple[FloatArray, FloatArray | None]:
    """Return y and the weights, as arrays that are valid for a score of predictions for X."""
    y = check_array(plain_numbers(y), ensure_2d=False, dtype=None, input_name="y")
    check_consistent_length(X, y)
    check_not_masked(sample_weight, "sample_weight")
    return y, None if sample_weight is None else check_sample_weight(sample_weight, X)


def _not_numbers(y: npt.NDArray[Any], name: str) -> str:
    """Return the text of the error for values that are no real numbers."""
    if y.dtype.kind == "c":
        return f"Complex data not supported: {name} must be real numbers."
    example = y.ravel()[0] if y.size else ""
    return (
        f"{name} must be numeric, got values of {y.dtype} such as {example!r}. Convert {name} to "
        "numbers; for class labels use NumpyMLPClassifier."
    )


def score_of_numbers(
    loss: RegressionLoss,
    targets: Any,
    y: FloatArray,
    encoded: FloatArray,
    predicted: FloatArray,
    w: FloatArray | None,
) -> float:
    """Return the score of predictions in units of y, given y also as `targets` encodes it.

    Raises
    ------
    ValueError
        If the score is not a number, since y has values outside the domain of the loss.
    """
    with np.errstate(all="ignore"):
        score = loss.score(targets.standardized_values(predicted), encoded, w)
    if math.isnan(score):
        check_domain(y, loss, "y")
    return score

"""From the arguments of `fit` to encoded datasets: validated, weighted, nothing copied."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import validate_data

from skmlp._compat import check_sample_weight
from skmlp._data.class_weight import RowWeights, combined_weights
from skmlp._data.inputs import (
    accepted_dtypes,
    check_not_masked,
    float_dtype,
    is_valid_as_is,
    raise_with_remedy,
)
from skmlp._data.numbers import check_precision
from skmlp._data.request import FitMode, FitRequest
from skmlp._data.scales import warn_of_far_validation_rows, warn_of_far_validation_targets
from skmlp._data.targets import TargetEncoder
from skmlp._engine.losses.base import Loss
from skmlp._engine.types import FloatArray, Matrix, Targets
from skmlp._training.dataset import Dataset


class FitData(NamedTuple):
    """What a fit trains on.

    Attributes
    ----------
    mode : FitMode
        How the call trains the model.
    dtype : dtype
        Precision of all computation.
    targets : TargetEncoder
        The encoder of y.
    loss : Loss
        The loss of training.
    train : Dataset
        The training rows of weight above 0, with weights as the user gave them.
    val : Dataset or None
        The validation set given to `fit`; weights are class weight times `sample_weight_val`.
    """

    mode: FitMode
    dtype: np.dtype
    targets: TargetEncoder
    loss: Loss
    train: Dataset
    val: Dataset | None


def prepare_fit_data(estimator: Any, request: FitRequest) -> FitData:
    """Validate and encode the arguments of `fit` or `partial_fit`.

    Of the estimator, only the number and the names of the features are set.
    """
    dtype = _compute_dtype(estimator, request)
    X, y = _validated(
        estimator, request.X, request.y, dtype, order="C", reset=not request.mode.continues
    )
    w = _sample_weights(request.sample_weight, X, "sample_weight")
    targets = estimator._make_targets(y, w, request)
    y = _encoded(targets, y, dtype)
    loss = estimator._make_loss(targets, y, w, request)
    class_weights = estimator._make_class_weights(targets, y, w, request.mode)
    w = combined_weights(w, class_weights, y)
    # rows of weight 0 are left out
    train = Dataset(X, y, w, None if w is None or w.all() else np.flatnonzero(w))
    val = _validation_set(estimator, request, targets, class_weights, dtype)
    if val is not None:
        warn_of_far_validation_rows(estimator, X, val.X)
        warn_of_far_validation_targets(y, val.y)
    return FitData(request.mode, dtype, targets, loss, train, val)


def _compute_dtype(estimator: Any, request: FitRequest) -> np.dtype:
    """Return the precision to compute in: the parameter `dtype`, or the model's, or that of X."""
    if estimator.dtype is not None:
        return np.dtype(estimator.dtype)
    return estimator.coefs_[0].dtype if request.mode.continues else float_dtype(request.X)


def _validated(
    estimator: Any,
    X: Any,
    y: Any,
    dtype: np.dtype,
    names: tuple[str, str] = ("X", "y"),
    **options: Any,
) -> tuple[Matrix, Any]:
    """Return valid rows, and their targets as a plain array."""
    check_not_masked(X, names[0])
    y = estimator._read_targets(y, names[1])
    try:
        return validate_data(
            estimator,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            dtype=accepted_dtypes(X, dtype),
            skip_check_array=_are_valid_as_is(X, y, dtype),
            **options,
        )
    except (ValueError, TypeError) as error:
        raise_with_remedy(error, estimator)


def _are_valid_as_is(X: Any, y: Any, dtype: np.dtype) -> bool:
    """Return whether X and y are plainly valid: finite, not empty, in rows, of the same length."""
    return (
        is_valid_as_is(X, dtype)
        and X.flags.c_contiguous
        and isinstance(y, np.ndarray)
        and y.shape == (len(X),)
        and (y.dtype.kind in "biuU" or (y.dtype.kind == "f" and bool(np.isfinite(y).all())))
    )


def _encoded(targets: TargetEncoder, y: Any, dtype: np.dtype, name: str = "y") -> Targets:
    """Return the targets of the loss; if they are numbers, in the precision to compute in."""
    encoded = targets.encode(y, name)
    if encoded.dtype.kind != "f":
        return encoded
    check_precision(encoded, dtype, name)
    return encoded.astype(dtype, copy=False)


def _validation_set(
    estimator: Any,
    request: FitRequest,
    targets: TargetEncoder,
    class_weights: RowWeights | None,
    dtype: np.dtype,
) -> Dataset | None:
    """Return the validation set given to `fit`, weighted by class and `sample_weight_val`."""
    X_val, y_val = request.X_val, request.y_val
    if X_val is None and y_val is None:
        if request.sample_weight_val is not None:
            raise ValueError(
                "sample_weight_val was given without X_val and y_val; pass all of them, or none."
            )
        return None
    if X_val is None or y_val is None:
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} was given without {missing}; pass both or neither.")
    try:
        X_val, y_val = _validated(
            estimator, X_val, y_val, dtype, names=("X_val", "y_val"), reset=False
        )
        y_val = _encoded(targets, y_val, dtype, "y_val")
        w = _sample_weights(request.sample_weight_val, X_val, "sample_weight_val")
        w = combined_weights(w, class_weights, y_val, "sample_weight_val")
    except ValueError as error:
        raise ValueError(f"In the validation set X_val, y_val: {error}") from error
    return Dataset(X_val, y_val, w)


def _sample_weights(w: Any, X: Matrix, name: str) -> FloatArray | None:
    """Return sample weights as an array of a weight for each row of X; None if there are none."""
    if w is None:
        return None
    check_not_masked(w, name)
    try:
        w = check_sample_weight(w, X, dtype=np.float64, ensure_non_negative=True)
        if not w.any():  # before version 1.9, scikit-learn does not check that
            raise ValueError("Sample weights must contain at least one non-zero number.")
    except ValueError as error:
        raise ValueError(str(error).replace("sample_weight", name)) from error
    return w

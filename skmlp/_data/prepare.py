"""From the arguments of `fit` to encoded datasets: validated, weighted, nothing copied."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from skmlp._compat import check_sample_weight
from skmlp._data.class_weight import RowWeights, combined_weights
from skmlp._data.inputs import accepted_dtypes, float_dtype
from skmlp._data.request import FitMode, FitRequest
from skmlp._data.targets import TargetEncoder
from skmlp._engine.types import Matrix
from skmlp._training.dataset import Dataset


@dataclass(frozen=True)
class FitData:
    """What a fit trains on.

    Attributes
    ----------
    mode : FitMode
        How the call trains the model.
    dtype : dtype
        Precision of all computation.
    targets : TargetEncoder
        The encoder of y.
    train : Dataset
        The training rows of weight above 0, with weights as the user gave them.
    val : Dataset or None
        The validation set given to `fit`, weighted by class.
    """

    mode: FitMode
    dtype: np.dtype
    targets: TargetEncoder
    train: Dataset
    val: Dataset | None


def prepare_fit_data(estimator: Any, request: FitRequest) -> FitData:
    """Validate and encode the arguments of `fit` or `partial_fit`.

    Of the estimator, only the number and the names of the features are set.
    """
    dtype = _compute_dtype(estimator, request)
    X, y = validate_data(
        estimator,
        request.X,
        request.y,
        accept_sparse="csr",
        order="C",
        multi_output=True,
        dtype=accepted_dtypes(request.X, dtype),
        reset=not request.mode.continues,
    )
    targets = estimator._make_targets(y, request)
    train, class_weights = _training_set(estimator, X, targets.encode(y), request, targets)
    val = _validation_set(estimator, request, targets, class_weights, dtype)
    return FitData(request.mode, dtype, targets, train, val)


def _compute_dtype(estimator: Any, request: FitRequest) -> np.dtype:
    """Return the precision to compute in: the parameter `dtype`, or the model's, or that of X."""
    if estimator.dtype is not None:
        return np.dtype(estimator.dtype)
    return estimator.coefs_[0].dtype if request.mode.continues else float_dtype(request.X)


def _training_set(
    estimator: Any, X: Matrix, y: Any, request: FitRequest, targets: TargetEncoder
) -> tuple[Dataset, RowWeights | None]:
    """Return the rows of weight above 0, with weights as they were given; the class weights."""
    w = None
    if request.sample_weight is not None:
        w = check_sample_weight(
            request.sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
    class_weights = estimator._make_class_weights(targets, y, w, request.mode)
    w = combined_weights(w, class_weights, y)
    index = None if w is None or w.all() else np.flatnonzero(w)
    return Dataset(X, y, w, index), class_weights


def _validation_set(
    estimator: Any,
    request: FitRequest,
    targets: TargetEncoder,
    class_weights: RowWeights | None,
    dtype: np.dtype,
) -> Dataset | None:
    """Return the validation set given to `fit`, weighted by class."""
    X_val, y_val = request.X_val, request.y_val
    if X_val is None and y_val is None:
        return None
    if X_val is None or y_val is None:
        given, missing = ("X_val", "y_val") if y_val is None else ("y_val", "X_val")
        raise ValueError(f"{given} was given without {missing}; pass both or neither.")
    try:
        X_val, y_val = validate_data(
            estimator,
            X_val,
            y_val,
            accept_sparse="csr",
            multi_output=True,
            dtype=accepted_dtypes(X_val, dtype),
            reset=False,
        )
        y_val = targets.encode(y_val, name="y_val")
        w = combined_weights(None, class_weights, y_val)
    except ValueError as error:
        raise ValueError(f"In the validation set X_val, y_val: {error}") from error
    return Dataset(X_val, y_val, w)

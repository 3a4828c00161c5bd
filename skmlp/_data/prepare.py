"""From what the user passes to `fit` to the encoded rows: validated, weighted, nothing copied."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import validate_data

from skmlp._compat import check_sample_weight
from skmlp._data.inputs import accepted_dtypes, float_dtype, row_weights
from skmlp._data.targets import ClassificationTargets, ClassWeights, sorted_classes
from skmlp._engine.types import Matrix
from skmlp._training.dataset import Dataset


@dataclass(frozen=True)
class FitData:
    """What a fit trains on.

    Attributes
    ----------
    dtype : dtype
        The precision to compute in.
    encoder : ClassificationTargets
        What turned the labels into targets.
    rows : Dataset
        The rows of weight above 0, with weights as they were given.
    val_rows : Dataset or None
        The validation set given to `fit`, weighted by class.
    """

    dtype: np.dtype
    encoder: ClassificationTargets
    rows: Dataset
    val_rows: Dataset | None


def prepare_fit_data(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: npt.ArrayLike | None,
    X_val: Any,
    y_val: Any,
    classes: npt.ArrayLike | None,
    goes_on: bool,
    incremental: bool,
) -> FitData:
    """Validate and encode; sets the number and the names of the features, nothing else."""
    dtype = _compute_dtype(estimator, X, goes_on)
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        order="C",
        multi_output=True,
        dtype=accepted_dtypes(X, dtype),
        reset=not goes_on,
    )
    encoder = _target_encoder(estimator, y, classes, goes_on, incremental)
    rows, class_weights = _training_rows(estimator, X, y, sample_weight, encoder, incremental)
    val_rows = _validation_rows(estimator, X_val, y_val, encoder, class_weights, dtype)
    return FitData(dtype, encoder, rows, val_rows)


def _compute_dtype(estimator: Any, X: Any, goes_on: bool) -> np.dtype:
    """Return the precision to compute in: as asked for, or the model's own, or that of X."""
    if estimator.dtype is not None:
        return np.dtype(estimator.dtype)
    return estimator.coefs_[0].dtype if goes_on else float_dtype(X)


def _target_encoder(
    estimator: Any, y: Any, classes: npt.ArrayLike | None, goes_on: bool, incremental: bool
) -> ClassificationTargets:
    """Return the encoder of the labels: the model's own if training goes on."""
    if not goes_on:
        if incremental and classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels that will "
                "ever occur, for example classes=np.unique(y_all)."
            )
        return ClassificationTargets(y, classes)
    known = estimator.classes_
    if classes is not None and not np.array_equal(sorted_classes(classes), known):
        raise ValueError(
            f"classes={classes!r} is not the same as in the first fit, which was: "
            f"{known!r}. Leave it out, or start with a new classifier."
        )
    if incremental:
        return estimator._encoder
    found = ClassificationTargets(y).classes_
    if not np.array_equal(found, known):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous "
            f"call to fit. Previously got {known}, `y` has {found}."
            " Use warm_start=False, or partial_fit for rows that lack some classes."
        )
    return estimator._encoder


def _training_rows(
    estimator: Any,
    X: Matrix,
    y: Any,
    sample_weight: Any,
    encoder: ClassificationTargets,
    incremental: bool,
) -> tuple[Dataset, ClassWeights | None]:
    """Return the rows of weight above 0, with weights as they are given; the class weights."""
    class_weight = estimator.class_weight
    if incremental and class_weight == "balanced":
        raise ValueError(
            "class_weight='balanced' needs all labels at once, which partial_fit never sees. "
            "Compute the weights from all labels, or from estimated frequencies, with "
            "sklearn.utils.class_weight.compute_class_weight('balanced', classes=classes, y=y) "
            "and pass them as a dict: class_weight=dict(zip(classes, weights))."
        )
    targets, w = encoder.encode(y), None
    if sample_weight is not None:
        w = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    class_weights = None
    if class_weight is not None:
        class_weights = ClassWeights(class_weight, encoder, targets, w)
    w = row_weights(w, class_weights, targets)
    index = None if w is None or w.all() else np.flatnonzero(w)
    return Dataset(X, targets, w, index), class_weights


def _validation_rows(
    estimator: Any,
    X_val: Any,
    y_val: Any,
    encoder: ClassificationTargets,
    class_weights: ClassWeights | None,
    dtype: np.dtype,
) -> Dataset | None:
    """Return the validation set given to `fit`, weighted by class."""
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
        targets = encoder.encode(y_val, name="y_val")
        w = row_weights(None, class_weights, targets)
    except ValueError as error:
        raise ValueError(f"In the validation set X_val, y_val: {error}") from error
    return Dataset(X_val, targets, w)

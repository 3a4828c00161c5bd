"""From what the user passes to `fit` to the rows that the engine trains on."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from skmlp._compat import InvalidParameterError
from skmlp._data.targets import ClassificationTargets, ClassWeights
from skmlp._engine.types import FloatArray, Targets
from skmlp._training.dataset import Dataset


@contextmanager
def all_or_nothing(estimator: BaseEstimator) -> Iterator[None]:
    """Put all attributes of the estimator back if what follows fails."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def check_hidden_layer_sizes(value: Any) -> list[int]:
    """Return the sizes as a list of ints; raise InvalidParameterError if they are none."""
    sizes = list(value) if np.iterable(value) else [value]
    if not all(isinstance(n, Integral) and n is not True and int(n) > 0 for n in sizes):
        raise InvalidParameterError(
            "The 'hidden_layer_sizes' parameter of NumpyMLPClassifier must be an int > 0 or a "
            "sequence of such, one for each hidden layer: hidden_layer_sizes must be > 0, got "
            f"{value!r} instead."
        )
    return [int(n) for n in sizes]


def check_per_layer(
    name: str, value: Any, hidden: Sequence[int], constraints: Sequence[Any]
) -> None:
    """Raise InvalidParameterError unless the value is allowed, or a sequence of such per layer."""
    allowed = [constraint for constraint in constraints if constraint != "array-like"]
    if isinstance(value, str) or not np.iterable(value):
        return  # validated with all other parameters
    values = list(value)
    if len(values) != len(hidden) or not all(
        any(constraint.is_satisfied_by(v) for constraint in allowed) for v in values
    ):
        raise InvalidParameterError(
            f"The '{name}' parameter of NumpyMLPClassifier must be {' or '.join(map(str, allowed))}"
            f", or a sequence of such with one entry for each of the {len(hidden)} hidden layers. "
            f"Got {value!r} instead."
        )


def check_scoring_name(scoring: Any) -> None:
    """Raise InvalidParameterError if it is a string that names no scorer of scikit-learn."""
    if not isinstance(scoring, str) or scoring == "loss":
        return
    from sklearn.metrics import get_scorer_names  # takes longer to import than all else

    if scoring not in get_scorer_names():
        raise InvalidParameterError(
            f"The 'scoring' parameter of NumpyMLPClassifier must be 'loss', the name of a scorer "
            f"of scikit-learn (see sklearn.metrics.get_scorer_names()), a callable "
            f"scorer(model, X_val, y_val), or None. Got {scoring!r} instead."
        )


def float_dtype(X: Any) -> np.dtype:
    """Return the dtype to compute in if none was asked for.

    It is that of X if float32 or float64, float32 for narrower floats, and float64 for all else.
    """
    dtypes = list(getattr(X, "dtypes", [getattr(X, "dtype", None)]))
    # by name, which data frames of pandas and polars share with arrays
    names = {str(dtype).lower().lstrip("<>=") for dtype in dtypes}
    return np.dtype(np.float32 if names <= {"float16", "float32", "f2", "f4"} else np.float64)


def accepted_dtypes(X: Any, dtype: np.dtype) -> list[npt.DTypeLike]:
    """Return the dtypes that X may keep in validation; the first is what it else becomes.

    Dense bytes and half floats are kept, to be converted batch by batch.
    """
    return [dtype] if issparse(X) else [dtype, np.uint8, np.float16]


def is_valid_as_is(X: Any, dtype: np.dtype) -> bool:
    """Return whether X is plainly valid: a finite, not empty matrix of this dtype.

    For one row the thorough check takes longer than a network.
    """
    is_matrix = type(X) is np.ndarray and X.dtype == dtype and X.ndim == 2 and X.size > 0
    with np.errstate(over="ignore", invalid="ignore"):
        return is_matrix and bool(np.isfinite(X.sum()))


def row_weights(
    w: FloatArray | None, class_weights: ClassWeights | None, targets: Targets
) -> FloatArray | None:
    """Return each row's sample weight w times the weight of its class; None if there are neither.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are 0.
    """
    if class_weights is not None:
        of_class = class_weights.of_rows(targets)
        w = of_class if w is None else w * of_class
    if w is None:
        return None
    if not np.isfinite(w.sum()) or (w < 0).any():
        raise ValueError(
            "Weights must be finite, in sum too, and at least 0, but sample_weight times "
            f"class_weight ranges from {w.min():g} to {w.max():g}."
        )
    if not w.any():
        raise ValueError(
            "Weights are zero for all rows, of all classes: sample_weight times class_weight must "
            "be above 0 for at least one row."
        )
    return w


def split_rows(
    rows: Dataset, encoder: ClassificationTargets, fraction: float, rng: np.random.RandomState
) -> tuple[Dataset, Dataset]:
    """Split rows into training and validation, stratified by class where that can be done.

    It can be done if every class has two rows and each side has room for all classes; never for
    multilabel targets. Rows are not copied, only their numbers.

    Raises
    ------
    ValueError
        If there are too few rows for a validation set of two.
    """
    from sklearn.model_selection import train_test_split  # takes longer to import than all else

    n = len(rows)
    n_val = max(2, math.ceil(fraction * n))
    if fraction == 0 or n - n_val < 1:
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of n_samples={n} "
            f"leaves no {'validation' if fraction == 0 else 'training'} rows. Give a fraction "
            "between 0 and 1, more rows, or a validation set of your own (X_val, y_val)."
        )
    index = np.arange(n) if rows.index is None else rows.index
    stratify = None
    if not encoder.multilabel:
        y = rows.y[index]
        classes, counts = np.unique(y, return_counts=True)
        if counts.min() >= 2 and min(n_val, n - n_val) >= len(classes):
            stratify = y
    train, val = train_test_split(index, test_size=n_val, random_state=rng, stratify=stratify)
    return replace(rows, index=train), replace(rows, index=val).gather()

"""Warnings of scales: of weights beside the penalty, of X_val beside X and y_val beside y."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse

from skmlp._engine.types import Matrix, Targets
from skmlp._warn import user_frame, warn

# weights of another scale than 1, and a penalty per row that may matter
_WEIGHT_FACTOR, _MATTERS = 10, 5e-5

# where it has been warned of weights, of which order: boosting and folds fit many times from one
# line, and whoever changes filters between makes Python forget what it has shown
_WARNED_AT: set[tuple[str, int, str, int]] = set()

# how many times its range in X a column must be away in X_val
_RANGES_AWAY = 10

# sampled: rows at most, and numbers at most
_N_ROWS, _N_NUMBERS = 1000, 10**7


def warn_of_weight_scale(alpha: float, mean_weight: float, n_batch_rows: int) -> None:
    """Warn, once for each line that calls `fit`, if the mean weight changes a penalty that matters.

    Rows weigh w / mean(w) in the loss, and the penalty is alpha / mean(w), so that alpha |W|^2 / 2
    is compared with the sum of the weighted losses.

    Parameters
    ----------
    alpha : float
        The parameter.
    mean_weight : float
        Mean weight of the training rows.
    n_batch_rows : int
        Number of rows in a batch, by which the penalty is divided.
    """
    factor = max(mean_weight, 1 / mean_weight)
    strongest = max(alpha, alpha / mean_weight) / n_batch_rows
    if factor < _WEIGHT_FACTOR or strongest < _MATTERS:
        return
    verb = "multiplied" if mean_weight < 1 else "divided"
    frame = user_frame()
    site = (frame.f_code.co_filename, frame.f_lineno, verb, round(math.log10(factor)))
    if site in _WARNED_AT:
        return
    warn(
        f"The mean of the weights, sample_weight times class_weight, is far from 1, so the penalty "
        f"alpha is {verb} by about {float(f'{factor:.0e}'):g}. Divide sample_weight by its mean "
        "(for weights that sum to 1: multiply it by the number of rows), or multiply alpha by the "
        "mean weight if the penalty should not depend on the scale of the weights."
    )
    _WARNED_AT.add(site)  # not if the warning is an error


def far_column(X: Matrix, X_val: Matrix) -> int | None:
    """Return a column whose median in X_val is more than ten ranges away from its range in X.

    Columns that are constant in X, but for rounding, do not count. Sparse rows are not examined:
    their medians are 0. Of several such columns, the one farthest away is returned.

    Parameters
    ----------
    X, X_val : {ndarray, CSR matrix} of shape (n, n_features), (n_val, n_features)
        Training and validation rows. At most 1000 rows of each are used.

    Returns
    -------
    column : int or None
        Index of the column. If None, there is no such column.
    """
    if issparse(X) or issparse(X_val):
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rows = _sample(X)
        lowest, highest = rows.min(axis=0), rows.max(axis=0)
        median = np.median(_sample(X_val), axis=0)
        width = highest - lowest
        precision = np.finfo(np.float32).eps * np.maximum(np.abs(lowest), np.abs(highest))
        distance = np.maximum(lowest - median, median - highest)
        ranges_away = np.nan_to_num(np.where(width > 16 * precision, distance / width, 0.0))
    farthest = int(ranges_away.argmax())
    return farthest if ranges_away[farthest] > _RANGES_AWAY else None


def warn_of_far_validation_rows(estimator: Any, X: Matrix, X_val: Matrix) -> None:
    """Warn if X_val lies so far outside the range of X that it must be of another scale.

    Parameters
    ----------
    estimator : estimator
        The estimator, whose feature names are used if there are any.
    X, X_val : {ndarray, CSR matrix} of shape (n, n_features), (n_val, n_features)
        Training and validation rows.
    """
    column = far_column(X, X_val)
    if column is None:
        return
    names = getattr(estimator, "feature_names_in_", None)
    name = column if names is None else f"{column} ({names[column]!r})"
    warn(
        f"X_val is of another scale than X: the median of its column {name} is more than "
        f"{_RANGES_AWAY} times the range of X outside that range, so validation says nothing. A "
        "pipeline transforms X, but not X_val: construct it with "
        "Pipeline(..., transform_input=['X_val']) and enable metadata routing, or transform X_val "
        "as X, with the fitted steps before the network."
    )


def warn_of_far_validation_targets(y: Targets, y_val: Targets) -> None:
    """Warn if numbers y_val lie so far outside the range of y that they must be of another scale.

    Parameters
    ----------
    y, y_val : ndarray of shape (n, n_targets), (n_val, n_targets)
        Encoded targets of training and validation rows; those that are classes are not examined.
    """
    if y.dtype.kind != "f":
        return
    column = far_column(y, y_val)
    if column is None:
        return
    of_column = f" of column {column}" if y.shape[1] > 1 else ""
    warn(
        f"y_val is of another scale than y: its median{of_column} is more than {_RANGES_AWAY} "
        "times the range of y outside that range, so validation says nothing. "
        "TransformedTargetRegressor transforms y, but not y_val: use standardize_target=True in "
        "its place, or transform y_val as y."
    )


def n_sampled_rows(n_columns: int) -> int:
    """Return how many rows are enough to judge the scale of columns."""
    return min(_N_ROWS, max(2, _N_NUMBERS // n_columns))


def _sample(X: Matrix) -> npt.NDArray[np.float64]:
    """Return rows at even distances, as float64."""
    return X[:: -(-len(X) // n_sampled_rows(X.shape[1]))].astype(np.float64)

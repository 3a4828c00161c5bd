"""Calibration of an ensemble on the predictions for its held-out rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from skmlp._engine.types import FloatArray, IndexArray

# Bounds of 1 / T: a few held-out rows must not make the predictions arbitrarily confident or flat.
_SHARPNESS_BOUNDS = 0.5, 4.0


def member_log_proba(member: Any, X: Any) -> FloatArray:
    """Return the log-probabilities that the member predicts, in float64."""
    return np.asarray(member.predict_log_proba(X), dtype=np.float64)


def held_out_log_proba(
    members: Sequence[Any], X: Any, held_out: Sequence[IndexArray]
) -> FloatArray:
    """Return the log-probabilities of all held-out rows, each predicted by its own member.

    At least one member must hold out a row. Rows are in the order of ``np.concatenate(held_out)``.
    """
    folds = zip(members, held_out, strict=True)
    return np.vstack([member_log_proba(member, X[fold]) for member, fold in folds if len(fold)])


def temperature(log_proba: FloatArray, true_class: IndexArray, w: FloatArray | None) -> float:
    """Return the temperature T that minimises the log loss of softmax(log p / T).

    Parameters
    ----------
    log_proba : ndarray of shape (n_rows, n_classes)
        Log-probabilities log p of held-out rows.
    true_class : ndarray of shape (n_rows,)
        Column of each row's class.
    w : ndarray of shape (n_rows,) or None
        Weights of the rows, above 0. If None, all rows weigh the same.

    Returns
    -------
    temperature : float
        T, between 1/4 and 2; above 1 the predictions become less confident.
    """
    rows = np.arange(len(true_class))
    weights = None if w is None else w / w.max()  # a sum of these cannot overflow

    def log_loss(log_sharpness: float) -> float:
        scaled = log_softmax(np.exp(log_sharpness) * log_proba, axis=1)
        return -float(np.average(scaled[rows, true_class], weights=weights))

    # the log loss is convex in 1 / T, so it has one minimum
    best = minimize_scalar(log_loss, bounds=np.log(_SHARPNESS_BOUNDS), method="bounded")
    return float(np.exp(-best.x))

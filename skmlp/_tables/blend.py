"""Weights of the models of each member, chosen on the rows that members hold out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.log_softmax import log_softmax

_LARGEST = 4.0
_RIDGE = 4.0


def blended(log_proba: FloatArray, weights: FloatArray) -> FloatArray:
    """Return log softmax of the weighted sum of log-probabilities over models.

    Parameters
    ----------
    log_proba : ndarray of shape (n_models, n_samples, n_classes)
        Log-probabilities of each model.
    weights : ndarray of shape (n_models,)
        Weights.

    Returns
    -------
    log_proba : ndarray of shape (n_samples, n_classes)
        Log-probabilities.
    """
    return log_softmax(np.tensordot(weights, log_proba, axes=1))


def mean_of_members(log_proba: Sequence[FloatArray]) -> FloatArray:
    """Return the logarithm of the mean probability."""
    return logsumexp(np.stack(log_proba), axis=0) - np.log(len(log_proba))


def blend_weights(
    log_proba: FloatArray, true_class: IndexArray, w: FloatArray | None
) -> FloatArray:
    """Return the weights of the models with the least log loss.

    The weights are at least 0, and a penalty draws them towards equal weights whose sum is 1, the
    more the fewer rows there are. Their sum is the inverse of a temperature.

    Parameters
    ----------
    log_proba : ndarray of shape (n_models, n_samples, n_classes)
        Log-probabilities of rows that the models were not trained on.
    true_class : ndarray of int of shape (n_samples,)
        Class of each row.
    w : ndarray of shape (n_samples,) or None
        Weights of the rows. If None, all weigh the same.

    Returns
    -------
    weights : ndarray of shape (n_models,)
        The weights of the models.
    """
    n_models, n_rows, _ = log_proba.shape
    start = np.full(n_models, 1 / n_models)
    of_true = log_proba[:, np.arange(n_rows), true_class]

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        log_p = blended(log_proba, weights)
        expected = (np.exp(log_p) * log_proba).sum(axis=2)
        penalty = _RIDGE / n_rows * (weights - start)
        value = -np.average(log_p[np.arange(n_rows), true_class], weights=w)
        gradient = np.average(expected - of_true, axis=1, weights=w)
        return value + penalty @ (weights - start), gradient + 2 * penalty

    found: Any = minimize(
        loss, start, jac=True, bounds=[(0, _LARGEST)] * n_models, method="L-BFGS-B"
    )
    return found.x

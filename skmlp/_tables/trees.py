"""Boosted trees on the same folds as the networks."""

import math
import time
from itertools import islice
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from skmlp._compat import keep_iterations, take_categories_as_they_are
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.log_softmax import log_softmax
from skmlp._tables.packed_trees import PackedTrees

# iterations are trained in stages of growing size, until the best one is some way back
_STAGES = 40, 60, 90, 130, 190, 280
_PATIENCE = 20
_WITHOUT_STOPPING = 100


def fit_trees(
    settings: dict[str, Any],
    X: FloatArray,
    y: IndexArray,
    w: FloatArray | None,
    validation: tuple[FloatArray, IndexArray, FloatArray | None] | None,
    deadline: float = math.inf,
) -> HistGradientBoostingClassifier:
    """Train boosted trees, and keep the iterations up to the one with the least validation loss.

    Parameters
    ----------
    settings : dict
        Parameters of the trees; `max_iter` is the largest number of iterations.
    X : ndarray of shape (n_samples, n_features)
        The training rows. Categories come first, with codes 0, 1, ... without gaps.
    y : ndarray of int of shape (n_samples,)
        Class of each row, from 0 on.
    w : ndarray of shape (n_samples,) or None
        Weights of the rows.
    validation : tuple (X, y, w) or None
        The rows to stop by. If None, at most 100 iterations are trained, and all are kept.
    deadline : float, default=inf
        When the training should end, on the clock of `time.time`. At least 40 iterations are
        trained.

    Returns
    -------
    trees : HistGradientBoostingClassifier
        The fitted trees.
    """
    largest = settings["max_iter"]
    trees = PackedTrees(**settings, early_stopping=False, warm_start=True)
    if validation is None:
        trees.set_params(max_iter=min(largest, _WITHOUT_STOPPING)).fit(X, y, w)
        return _finished(trees, trees.n_iter_, largest)
    losses: list[float] = []
    for n_iterations in sorted({min(stage, largest) for stage in _STAGES} | {largest}):
        trees.set_params(max_iter=n_iterations).fit(X, y, w)
        losses += _losses_of_iterations(trees, validation, len(losses))
        best = int(np.argmin(losses)) + 1
        if best + _PATIENCE <= n_iterations or time.time() > deadline:
            break
    return _finished(trees, best, largest)


def check_tree_settings(settings: dict[str, Any]) -> None:
    """Raise ValueError if parameters of the trees are not valid."""
    HistGradientBoostingClassifier(**settings)._validate_params()


def tree_log_proba(trees: Any, X: FloatArray) -> FloatArray:
    """Return the log-probabilities of the classes, by trees or by a walk through them."""
    return _log_proba(trees.decision_function(X))


def _finished(trees: Any, n_iterations: int, max_iter: int) -> HistGradientBoostingClassifier:
    """Return the trees with their first iterations alone, without what only training needs."""
    keep_iterations(trees, n_iterations)
    take_categories_as_they_are(trees)
    return trees.set_params(warm_start=False, max_iter=max_iter)


def _losses_of_iterations(trees: Any, validation: Any, n_known: int) -> list[float]:
    """Return the mean log loss after each iteration that is not known yet."""
    X, y, w = validation
    rows = np.arange(len(y))
    staged = islice(trees.staged_decision_function(X), n_known, None)
    return [-float(np.average(_log_proba(f)[rows, y], weights=w)) for f in staged]


def _log_proba(decision: FloatArray) -> FloatArray:
    decision = decision.reshape(len(decision), -1)
    if decision.shape[1] == 1:
        decision = np.hstack([np.zeros_like(decision), decision])
    return log_softmax(decision)

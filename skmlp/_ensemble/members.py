"""Training of an ensemble's members, one at a time or in parallel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skmlp._data.request import FitRequest
from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import rows_in_use
from skmlp._fit.fit import fit_estimator


def fit_members(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    w: FloatArray | None,
    held_out: Sequence[IndexArray],
    seeds: Sequence[int] | npt.NDArray[np.integer[Any]],
    n_jobs: int | None,
) -> list[Any]:
    """Train a clone of the estimator for each fold to hold out, through joblib.

    Parameters
    ----------
    estimator : NumpyMLPClassifier
        The network to clone; the network itself is not fitted.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The training rows.
    y : ndarray of shape (n_samples,)
        The targets.
    w : ndarray of shape (n_samples,) or None
        Weight of each row; rows of weight 0 are not used. If None, all rows weigh the same.
    held_out : sequence of ndarray of int
        Indices of the rows that each member is stopped by and not trained on. If a fold is empty,
        its member trains on all rows, without early stopping.
    seeds : sequence of int
        `random_state` of each member.
    n_jobs : int or None
        Number of members to train in parallel, as in joblib.

    Returns
    -------
    members : list of NumpyMLPClassifier
        The fitted members, one for each fold.

    Raises
    ------
    KeyboardInterrupt
        If the training of a member is interrupted.
    """
    rows = rows_in_use(len(y), w)
    return Parallel(n_jobs=n_jobs)(
        delayed(_fit_member)(estimator, X, y, w, np.setdiff1d(rows, fold), fold, int(seed))
        for fold, seed in zip(held_out, seeds, strict=True)
    )


def _fit_member(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    w: FloatArray | None,
    rows: IndexArray,
    fold: IndexArray,
    seed: int,
) -> Any:
    """Return a clone trained on the rows, with early stopping on the fold unless that is empty."""
    stops = len(fold) > 0
    member = clone(estimator).set_params(early_stopping=stops, refit=False, random_state=seed)
    if not stops:
        member.set_params(scoring=None)
    X_val, y_val = (X[fold], y[fold]) if stops else (None, None)
    member._validate_params()
    weights = None if w is None else w[rows]
    if fit_estimator(member, FitRequest(X[rows], y[rows], weights, X_val, y_val)):
        raise KeyboardInterrupt
    return member

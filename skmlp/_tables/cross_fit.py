"""Features that are learnt from targets, for the training rows themselves: without their own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._ensemble.folds import group_folds

N_FOLDS = 5


def random_folds(n_rows: int, rng: np.random.RandomState) -> list[IndexArray]:
    """Return five disjoint folds of the rows, of sizes that differ by at most one."""
    return np.array_split(rng.permutation(n_rows), min(N_FOLDS, n_rows))


def folds_of(
    groups: npt.NDArray[Any] | None, n_rows: int, rng: np.random.RandomState
) -> list[IndexArray]:
    """Return five disjoint folds of the rows; of whole groups, if there are groups.

    A single group is a single fold, for which there are no other rows to learn from.
    """
    if groups is None:
        return random_folds(n_rows, rng)
    if (groups == groups[0]).all():
        return [np.arange(n_rows)]
    return group_folds(groups, N_FOLDS, rng)


def cross_fitted(
    folds: list[IndexArray],
    totals_of: Callable[[IndexArray], Any],
    values_of: Callable[[IndexArray, Any], FloatArray],
) -> FloatArray:
    """Return features of the training rows, each computed from the totals of the other folds.

    A row whose own target took part in its feature would show the network a part of the answer,
    which new rows do not have.

    Parameters
    ----------
    folds : list of ndarray of int
        Disjoint folds of all rows.
    totals_of : callable
        ``totals_of(rows)`` returns sums over rows, an array that can be added and subtracted.
    values_of : callable
        ``values_of(rows, totals)`` returns the features of rows by sums over other rows.

    Returns
    -------
    features : ndarray of shape (n_samples, n_features)
        Features in the order of the rows.
    """
    of_folds = [totals_of(rows) for rows in folds]
    total = sum(of_folds[1:], start=of_folds[0])
    parts = [values_of(rows, total - own) for rows, own in zip(folds, of_folds, strict=True)]
    features = np.empty((sum(map(len, folds)), parts[0].shape[1]), dtype=parts[0].dtype)
    features[np.concatenate(folds)] = np.vstack(parts)
    return features

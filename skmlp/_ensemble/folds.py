"""Folds of the rows, and the fold that each member of an ensemble holds out."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray

# Small data sets need more members, and training them is cheap.
_FEW_ROWS = 2000
_MEMBERS_FOR_FEW_ROWS, _MEMBERS = 8, 4
# A small fold of a small data set would have too few rows for early stopping.
_FOLDS_OF_FEW_ROWS, _FOLDS = 4, 10


def number_of_members(n_estimators: int | str, n_rows: int) -> int:
    """Return the number of members; "auto" depends on the number of rows."""
    if isinstance(n_estimators, str):
        return _MEMBERS_FOR_FEW_ROWS if n_rows <= _FEW_ROWS else _MEMBERS
    return n_estimators


def number_of_folds(n_folds: int | str, n_rows: int) -> int:
    """Return the number of folds, at most one per row; "auto" depends on the number of rows."""
    if isinstance(n_folds, str):
        n_folds = _FOLDS_OF_FEW_ROWS if n_rows <= _FEW_ROWS else _FOLDS
    return min(n_folds, n_rows)


def rows_in_use(n_rows: int, w: FloatArray | None) -> IndexArray:
    """Return the indices of the rows whose weight is not 0, or of all rows if w is None."""
    return np.arange(n_rows) if w is None else np.flatnonzero(w)


def held_out_rows(
    strata: npt.NDArray[Any],
    rows: IndexArray,
    n_members: int,
    n_folds: int,
    rng: np.random.RandomState,
) -> list[IndexArray]:
    """Return the rows that each member holds out: one fold of the given rows.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,)
        Label of each row of the data, by which the folds are stratified.
    rows : ndarray of int
        Indices of the rows to divide into folds.
    n_members : int
        Number of members. If there are fewer members than folds, the last folds are not held out;
        if there are more, the rows are divided again, at random, as often as needed.
    n_folds : int
        Number of folds.
    rng : RandomState
        Source of the folds.

    Returns
    -------
    held_out : list of ndarray of int, one for each member
        Row indices.
    """
    held_out: list[IndexArray] = []
    while len(held_out) < n_members:
        held_out += [rows[fold] for fold in stratified_folds(strata[rows], n_folds, rng)]
    return held_out[:n_members]


def stratified_folds(
    y: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
) -> list[IndexArray]:
    """Return disjoint folds of the row indices, with sizes and class counts as equal as possible.

    A class with a single row is in no fold, and no fold contains all rows of a class, so the rows
    outside a fold always include all classes. Empty folds are dropped, except one if all are empty.
    """
    fold = np.full(len(y), -1)
    start = 0
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        if len(rows) > 1:
            # each class starts at the fold after the previous class's last: equal fold sizes
            fold[rows] = (start + np.arange(len(rows))) % n_folds
            start += len(rows)
    return [np.flatnonzero(fold == i) for i in range(min(n_folds, max(start, 1)))]

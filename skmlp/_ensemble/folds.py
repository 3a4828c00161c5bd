"""Folds of the rows, and the fold that each member of an ensemble holds out."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from skmlp._engine.types import FloatArray, IndexArray

# Small data sets need more members, and training them is cheap.
_FEW_ROWS = 2000
_MEMBERS_FOR_FEW_ROWS, _MEMBERS = 8, 4
# A small fold of a small data set would have too few rows for early stopping.
_FOLDS_OF_FEW_ROWS, _FOLDS = 4, 10

Divide: TypeAlias = Callable[[npt.NDArray[Any], int, np.random.RandomState], list[IndexArray]]
"""From strata, a number of folds and a generator to disjoint folds of row indices."""


def number_of_members(n_estimators: int | Literal["auto"], n_rows: int) -> int:
    """Return the number of members; "auto" depends on the number of rows."""
    if isinstance(n_estimators, str):
        return _MEMBERS_FOR_FEW_ROWS if n_rows <= _FEW_ROWS else _MEMBERS
    return n_estimators


def number_of_folds(n_folds: int | Literal["auto"], n_rows: int) -> int:
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
    divide: Divide | None = None,
) -> list[IndexArray]:
    """Return the rows that each member holds out: one fold of the given rows.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,) or (n_samples, n_targets)
        What the folds are balanced over: by default a label of each row of the data, by which the
        folds are stratified.
    rows : ndarray of int
        Indices of the rows to divide into folds.
    n_members : int
        Number of members. If there are fewer members than folds, the last folds are not held out;
        if there are more, the rows are divided again, at random, as often as needed.
    n_folds : int
        Number of folds.
    rng : RandomState
        Source of the folds.
    divide : callable, default=stratified_folds
        ``divide(strata, n_folds, rng)`` returns disjoint folds.

    Returns
    -------
    held_out : list of ndarray of int, one for each member
        Row indices.
    """
    divide = stratified_folds if divide is None else divide
    held_out: list[IndexArray] = []
    while len(held_out) < n_members:
        held_out += [rows[fold] for fold in divide(strata[rows], n_folds, rng)]
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


def balanced_folds(
    y: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
) -> list[IndexArray]:
    """Return disjoint folds of the row indices, balanced over numbers, of sizes that differ by one.

    The rows are sorted by y, equal ones at random, and divided into groups of neighbours, one row
    for each fold; each group is distributed over the folds at random. Several targets are sorted by
    the first principal component of their ranks.

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, n_targets)
        The targets.
    n_folds : int
        Number of folds. At most n of them are not empty, and only these are returned; for a single
        row, one empty fold.
    rng : RandomState
        Source of the folds.
    """
    n = len(y)
    if n < 2:
        return [np.arange(0)]
    order = np.lexsort((rng.permutation(n), _one_number(y)))
    groups = [rng.permutation(n_folds) for _ in range(-(-n // n_folds))]
    # the last group may be incomplete: its folds are the first ones that it lists
    fold = np.empty(n, np.intp)
    fold[order] = np.concatenate(groups)[:n]
    folds = [np.flatnonzero(fold == i) for i in range(n_folds)]
    return [rows for rows in folds if len(rows) > 0]


def group_folds(
    groups: npt.NDArray[Any], n_folds: int, rng: np.random.RandomState
) -> list[IndexArray]:
    """Return disjoint folds of whole groups of rows, with sizes as equal as they can easily be.

    The groups are distributed in random order, larger ones first, each to the fold with the fewest
    rows. If there are fewer groups than folds, each group is a fold.

    Raises
    ------
    ValueError
        If all rows are of the same group.
    """
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise ValueError(
            "groups has the same value for all rows, so no group can be held out: give at least "
            "two groups, or leave out groups."
        )
    n_folds = min(n_folds, len(sizes))
    fold_of_group = np.empty(len(sizes), np.intp)
    n_rows = np.zeros(n_folds, np.intp)
    shuffled = rng.permutation(len(sizes))
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of_group[group] = n_rows.argmin()
        n_rows[fold_of_group[group]] += sizes[group]
    return [np.flatnonzero(fold_of_group[number.ravel()] == i) for i in range(n_folds)]


def _one_number(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a number for each row by which to sort: of several targets, a component of ranks."""
    if y.ndim == 1:
        return y
    ranks = rankdata(y, axis=0)
    ranks -= ranks.mean(axis=0)
    _, _, components = np.linalg.svd(ranks.T @ ranks)
    return ranks @ components[0]

"""The rows that each member trains on and holds out: folds, groups, or a splitter's choice."""

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from skmlp._data.inputs import check_not_masked
from skmlp._data.labels import distinct_labels, positions
from skmlp._engine.types import IndexArray
from skmlp._ensemble.folds import Divide, group_folds, held_out_rows


class Split(NamedTuple):
    """Rows of one member.

    Attributes
    ----------
    train, held_out : ndarray of int
        Indices of the rows that the member is trained on, and of those that it holds out.
    """

    train: IndexArray
    held_out: IndexArray


def splits_by_splitter(
    estimator: Any,
    X: Any,
    y: npt.NDArray[Any],
    groups: Any,
    rows: IndexArray,
    n_members: int | Literal["auto"],
) -> list[Split]:
    """Return the splits of the estimator's `cv`, over and over if there are more members.

    Rows that are not in `rows` are left out of the splits. If `n_members` is "auto", there is a
    member for each split.

    Raises
    ------
    ValueError
        If the splitter cannot divide the rows, or if a split has no training rows.
    """
    splitter = check_cv(estimator.cv, y, classifier=is_classifier(estimator))
    splits = []
    for i, (train, test) in enumerate(splitter.split(X, y, groups)):
        train, test = (_rows_of_part(part, len(y), i) for part in (train, test))
        train, test = np.intersect1d(train, rows), np.intersect1d(test, rows)
        if len(train) == 0:
            raise ValueError(
                f"Split {i} of cv has no training rows of weight above 0. Give a cv with training "
                "rows in every split."
            )
        splits.append(Split(train, test))
    if not splits:
        raise ValueError("cv gives no splits. Give one or more, or cv=None.")
    n = len(splits) if isinstance(n_members, str) else n_members
    return [splits[i % len(splits)] for i in range(n)]


def _rows_of_part(part: Any, n_rows: int, i: int) -> IndexArray:
    """Return the rows of a part of split i, which is given as indices or as a mask."""
    try:
        return np.arange(n_rows)[part]
    except IndexError as error:
        raise ValueError(
            f"Split {i} of cv does not fit the {n_rows} rows: {error}. Give indices or masks of "
            "these rows."
        ) from error


def splits_by_folds(
    y: npt.NDArray[Any],
    groups: npt.NDArray[Any] | None,
    rows: IndexArray,
    n_members: int,
    n_folds: int,
    rng: np.random.RandomState,
    divide: Divide,
) -> list[Split]:
    """Return splits in which each member holds out a fold of rows, or of whole groups.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        Targets, over which the folds are balanced by `divide` if there are no groups.
    groups : ndarray of shape (n_samples,) or None
        Group of each row.
    rows : ndarray of int
        The rows to divide.
    n_members, n_folds : int
        Number of members and of folds.
    rng : RandomState
        Source of the folds.
    divide : callable
        As in `held_out_rows`.
    """
    strata, divide = (y, divide) if groups is None else (groups, group_folds)
    held_out = held_out_rows(strata, rows, n_members, n_folds, rng, divide)
    return [Split(np.setdiff1d(rows, fold), fold) for fold in held_out]


def check_all_classes(
    y: npt.NDArray[Any], splits: list[Split], classes: npt.NDArray[Any] | None = None
) -> None:
    """Raise ValueError if a member would not know all classes, by default those in the splits."""
    if classes is None:
        classes = distinct_labels(np.concatenate([y[rows] for split in splits for rows in split]))
    for i, split in enumerate(splits):
        _, unknown = positions(classes, distinct_labels(y[split.train]))
        if len(unknown):
            raise ValueError(
                f"The training rows of split {i} have no row of class {unknown.tolist()[0]!r}. "
                "Use a cv, or groups, with which every class is among the training rows of "
                "each split, or leave out the rows of that class."
            )


def checked_groups(groups: Any, X: Any) -> npt.NDArray[Any] | None:
    """Return the groups as an array with an entry for each row of X; None if there are none.

    Raises
    ------
    ValueError
        If their number is not that of the rows, if values are masked, or if there are several for
        a row, or values of kinds that cannot be compared.
    """
    if groups is None:
        return None
    check_not_masked(groups, "groups")
    indexable(X, groups)
    groups = np.asarray(groups)
    if groups.ndim != 1 and groups.shape != (len(groups), 1):
        raise ValueError(
            f"groups must have one value for each row, but has shape {groups.shape}. Join several "
            "values into one, such as a text."
        )
    groups = groups.ravel()
    try:
        np.unique(groups)
    except TypeError as error:
        raise ValueError(
            f"groups has values of kinds that cannot be compared: {error}. Replace missing values, "
            "and make all values text, or all numbers."
        ) from error
    return groups

"""The rows that each member trains on and holds out: folds, groups, or a splitter's choice."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from skmlp._data.inputs import check_not_masked
from skmlp._engine.types import IndexArray


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
    n_members: int | str,
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
        train, test = (np.intersect1d(np.arange(len(y))[part], rows) for part in (train, test))
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


def checked_groups(groups: Any, X: Any) -> npt.NDArray[Any] | None:
    """Return the groups as an array with an entry for each row of X; None if there are none.

    Raises
    ------
    ValueError
        If their number is not that of the rows, or if values are masked.
    """
    if groups is None:
        return None
    check_not_masked(groups, "groups")
    indexable(X, groups)
    return np.asarray(groups)

"""Which columns matter: how much worse held-out rows are predicted if a column is shuffled."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.table_reader import Columns, TableReader


def held_out_importances(
    score: Callable[[int, Columns, IndexArray], float],
    reader: TableReader,
    columns: Columns,
    held_out: Sequence[IndexArray],
    n_repeats: Any,
    random_state: Any,
) -> Bunch:
    """Return the mean loss of score, over the folds, if a column of the table is shuffled.

    Parameters
    ----------
    score : callable
        ``score(i, columns, rows)`` returns the score of member i on rows of the table, of which
        `columns` may be changed; greater is better.
    reader : TableReader
        The reader of the table.
    columns : Columns
        All training rows.
    held_out : sequence of ndarray of int
        Indices of the rows that each member held out.
    n_repeats : int
        How often each column is shuffled.
    random_state : int, RandomState instance or None
        Source of the orders.

    Returns
    -------
    result : Bunch
        `importances` of shape (n_columns, n_repeats), `importances_mean` and `importances_std` of
        shape (n_columns,), as from :func:`sklearn.inspection.permutation_importance`.

    Raises
    ------
    ValueError
        If no rows were held out, or if `n_repeats` is not a positive integer.
    """
    if not isinstance(n_repeats, Integral) or n_repeats < 1:
        raise ValueError(f"n_repeats must be an integer of at least 1; got {n_repeats!r}.")
    n_held_out = sum(map(len, held_out))
    if n_held_out == 0:
        raise ValueError(
            "No rows were held out in fit: fit with early stopping, or with cv or groups."
        )
    rng = check_random_state(random_state)
    losses: FloatArray = np.zeros((len(reader.readers_), n_repeats))
    for i, fold in enumerate(held_out):
        if len(fold) == 0:
            continue
        of_fold = columns.take(fold)
        best = score(i, of_fold, fold)
        for j, repeat in np.ndindex(losses.shape):
            shuffled = reader.reordered(of_fold, j, rng.permutation(len(fold)))
            losses[j, repeat] += len(fold) / n_held_out * (best - score(i, shuffled, fold))
    return Bunch(
        importances=losses,
        importances_mean=losses.mean(axis=1),
        importances_std=losses.std(axis=1),
    )


def check_training_rows(n_rows: int, held_out: Sequence[IndexArray]) -> None:
    """Raise ValueError if there are fewer rows than `fit` had."""
    largest = max((int(fold.max()) for fold in held_out if len(fold)), default=-1)
    if n_rows <= largest:
        raise ValueError(
            f"X has {n_rows} rows, but row {largest} was held out in fit. Pass the table and the "
            "targets of fit, in the same order."
        )

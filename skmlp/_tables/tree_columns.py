"""The columns of a table as boosted trees take them: categories by their codes, and numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp._tables.one_hot import MAX_VALUES
from skmlp._tables.table_reader import Columns


class TreeColumns:
    """Categories, of which rare ones are one, and numbers with missing entries.

    Attributes
    ----------
    categorical_ : ndarray of bool of shape (n_columns,)
        Which columns are categories: the first ones.
    """

    def __init__(self, n_numbers: int, counts: Sequence[npt.NDArray[Any]]) -> None:
        constant = not (n_numbers + len(counts))
        self.categorical_ = np.array([True] * len(counts) + [False] * (n_numbers + constant))

    def transform(self, columns: Columns) -> FloatArray:
        """Return the columns in float32; what is missing or not known is NaN."""
        codes = columns.codes.clip(max=MAX_VALUES).astype(np.float32)
        codes[codes < 0] = np.nan
        found = np.hstack([codes, columns.numbers])
        # trees need a column even if there is nothing to tell rows apart by
        return found if found.shape[1] else np.zeros((len(found), 1), np.float32)


class DenseCategories:
    """Codes without gaps, of the categories that occur in some training rows.

    Trees number the categories of their training rows in this way. If they already come like this,
    trees need not do so for each prediction, which would take most of the time for a single row.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_columns)
        The training rows, as `TreeColumns` returns them.
    n_categorical : int
        Number of columns that are categories.

    Attributes
    ----------
    table_ : ndarray of shape (n_categorical, 32)
        New code of each old one; NaN if the category does not occur.
    """

    def __init__(self, rows: FloatArray, n_categorical: int) -> None:
        self.table_ = np.full((n_categorical, MAX_VALUES + 2), np.nan, np.float32)
        for table, column in zip(self.table_, rows[:, :n_categorical].T, strict=True):
            known = np.unique(column[~np.isnan(column)]).astype(int)
            table[known] = np.arange(len(known))

    def transform(self, rows: FloatArray) -> FloatArray:
        """Return rows with new codes; a category that does not occur is NaN."""
        n = len(self.table_)
        old = np.nan_to_num(rows[:, :n], nan=MAX_VALUES + 1).astype(int)
        return np.hstack([self.table_[np.arange(n), old], rows[:, n:]])

"""The columns of a table as boosted trees take them: numbers, and categories by their codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp._tables.one_hot import MAX_VALUES
from skmlp._tables.table_reader import Columns


class TreeColumns:
    """Numbers with missing entries, and categories, of which rare ones are one.

    Attributes
    ----------
    categorical_ : ndarray of bool of shape (n_columns,)
        Which columns are categories.
    """

    def __init__(self, n_numbers: int, counts: Sequence[npt.NDArray[Any]]) -> None:
        constant = not (n_numbers + len(counts))
        self.categorical_ = np.array([False] * (n_numbers + constant) + [True] * len(counts))

    def transform(self, columns: Columns) -> FloatArray:
        """Return the columns in float32; what is missing or not known is NaN."""
        codes = columns.codes.clip(max=MAX_VALUES).astype(np.float32)
        codes[codes < 0] = np.nan
        found = np.hstack([columns.numbers, codes])
        # trees need a column even if there is nothing to tell rows apart by
        return found if found.shape[1] else np.zeros((len(found), 1), np.float32)

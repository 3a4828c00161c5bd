"""Indicators of the frequent values of each column of words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray

# values that occur once or twice are noise
MIN_FREQUENCY = 3
# more indicators of a column cost more time than they are worth
MAX_VALUES = 30


class OneHot:
    """An indicator for each frequent value, and one for all other values.

    Parameters
    ----------
    counts : sequence of ndarray of int
        Number of training rows with each value, in descending order, for each column.

    Attributes
    ----------
    n_frequent_ : list of int
        Number of values with an indicator of their own, for each column: the most frequent ones,
        at most 30, of which each has at least 3 training rows.
    """

    def __init__(self, counts: Sequence[npt.NDArray[np.integer[Any]]]) -> None:
        self.n_frequent_ = [
            min(int(np.sum(n >= MIN_FREQUENCY)), MAX_VALUES) if len(n) > 1 else 0 for n in counts
        ]
        self.has_others_ = [0 < k < len(n) for k, n in zip(self.n_frequent_, counts, strict=True)]

    def transform(self, codes: IndexArray) -> FloatArray:
        """Return the indicators in float32.

        Parameters
        ----------
        codes : ndarray of shape (n_samples, n_columns)
            Ranks of the values by frequency; -1 if a value is not known.

        Returns
        -------
        indicators : ndarray of shape (n_samples, n_indicators)
            Those of the frequent values, then that of the others if they occur in training.
            Otherwise values that are not known have no indicator.
        """
        parts = [np.empty((len(codes), 0), np.float32)]
        for column, k, others in zip(codes.T, self.n_frequent_, self.has_others_, strict=True):
            known = np.where((column < 0) | (column >= k), k, column)
            parts.append(np.eye(k + 1, dtype=np.float32)[known][:, : k + others])
        return np.hstack(parts)

"""The features that do not depend on what is to be predicted."""

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp._tables.numeric import NumericFeatures
from skmlp._tables.one_hot import OneHot
from skmlp._tables.table_reader import Columns


class PlainFeatures:
    """Features of numbers, and indicators of words.

    Parameters
    ----------
    n_terms : int or "auto"
        Number of cosines of each number.
    by_rank : bool, default=False
        Whether the cosines are of the ranks of the numbers.
    """

    def __init__(self, n_terms: int | Literal["auto"], *, by_rank: bool = False) -> None:
        self.n_terms = n_terms
        self.by_rank = by_rank

    def fit(self, columns: Columns, counts: Sequence[npt.NDArray[np.integer[Any]]]) -> Self:
        """Learn from the training rows.

        Parameters
        ----------
        columns : Columns
            The training rows.
        counts : sequence of ndarray of int
            Number of training rows with each value, for each column of words.

        Returns
        -------
        self : PlainFeatures
            The fitted transformer.
        """
        self.numeric_ = NumericFeatures(self.n_terms, by_rank=self.by_rank).fit(columns.numbers)
        self.one_hot_ = OneHot(counts)
        return self

    def transform(self, columns: Columns) -> FloatArray:
        """Return the features in float32, of shape (n_samples, n_features)."""
        features = np.hstack(
            [self.numeric_.transform(columns.numbers), self.one_hot_.transform(columns.codes)]
        )
        # networks need a feature even if there is nothing to tell rows apart by
        return features if features.shape[1] else np.zeros((len(features), 1), np.float32)

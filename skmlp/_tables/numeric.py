"""Features of numbers: scaled, with cosines, and with indicators of missing entries."""

from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray
from skmlp.preprocessing import CosineEmbedding, RobustSmoothScaler

_N_KNOTS = 101


class NumericFeatures:
    """Transformer of numbers in float32, of which some may be missing (NaN).

    Columns with two different numbers in the training rows are scaled to 0 and 1. Columns with more
    are transformed by :class:`~skmlp.preprocessing.RobustSmoothScaler` and
    :class:`~skmlp.preprocessing.CosineEmbedding`. A missing number is replaced by the median; an
    indicator is added for columns in which numbers are missing in training.

    Parameters
    ----------
    n_terms : int or "auto"
        Number of cosines, as in :class:`~skmlp.preprocessing.CosineEmbedding`.
    by_rank : bool, default=False
        Whether the cosines are of the rank of the number among the training rows, in place of the
        scaled number.
    """

    def __init__(self, n_terms: int | Literal["auto"], *, by_rank: bool = False) -> None:
        self.n_terms = n_terms
        self.by_rank = by_rank

    def fit(self, numbers: FloatArray) -> Self:
        """Learn scales and ranks from the training rows, an array of shape (n_samples, n)."""
        n_distinct = np.array([_n_distinct(column) for column in numbers.T], dtype=int)
        self.binary_, self.numeric_ = (
            np.flatnonzero(n_distinct == 2),
            np.flatnonzero(n_distinct > 2),
        )
        self.missing_ = np.flatnonzero(np.isnan(numbers).any(axis=0) & (n_distinct > 0))
        two, many = numbers[:, self.binary_], numbers[:, self.numeric_]
        if len(self.binary_) > 0:
            self.low_, self.high_ = np.nanmin(two, axis=0), np.nanmax(two, axis=0)
            self.median_ = np.nanmedian(two, axis=0).astype(np.float32)
        if len(self.numeric_) > 0:
            self.scaler_ = RobustSmoothScaler().fit(many)
            self.embedding_ = CosineEmbedding(self.n_terms).fit(many)
            if self.by_rank:
                q = np.linspace(0, 1, _N_KNOTS)
                self.knots_ = np.nanquantile(many, q, axis=0).astype(np.float32)
        return self

    def transform(self, numbers: FloatArray) -> FloatArray:
        """Return the features, in float32."""
        parts = [np.isnan(numbers[:, self.missing_]).astype(np.float32)]
        if len(self.binary_) > 0:
            two = numbers[:, self.binary_]
            two = np.where(np.isnan(two), self.median_, two)
            parts.append(np.clip((two - self.low_) / (self.high_ - self.low_), 0, 1))
        if len(self.numeric_) > 0:
            parts += self._embedded(numbers[:, self.numeric_])
        return np.hstack(parts).astype(np.float32, copy=False)

    def _embedded(self, numbers: FloatArray) -> list[FloatArray]:
        """Return the scaled numbers and their cosines."""
        scaled = self.scaler_._scaled(numbers)
        missing = np.isnan(scaled)
        scaled[missing] = 0  # the median
        if not self.by_rank:
            return [self.embedding_._embedded(scaled)]
        columns = zip(numbers.T, self.knots_.T, strict=True)
        ranks = np.stack([_rank(column, knots) for column, knots in columns], axis=1)
        ranks[missing] = 0.5
        cosines = self.embedding_._embedded((6 * ranks - 3).astype(np.float32))
        return [scaled, cosines[:, scaled.shape[1] :]]


def _rank(column: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the rank of each number among the training rows, from 0 to 1."""
    return np.interp(column, knots, np.linspace(0, 1, len(knots)))


def _n_distinct(column: npt.NDArray[Any]) -> int:
    """Return the number of distinct numbers, 3 if there are more."""
    known = column[~np.isnan(column)]
    for n in range(3):
        if len(known) == 0:
            return n
        known = known[known != known[0]]
    return 3

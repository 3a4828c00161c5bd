"""The rows of training and validation, and their division into mini-batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmlp._engine.types import FloatArray, IndexArray, Matrix, Targets


@dataclass(frozen=True)
class Dataset:
    """Rows to train or to validate on.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, n_features)
        All rows, also those that `index` leaves out. A dense X may be of a narrower dtype than the
        network: its rows are converted as they are needed.
    y : ndarray of shape (n,) or (n, n_outputs)
        Encoded targets of all rows.
    w : ndarray of shape (n,) or None
        Weights of all rows; None: all one. Training wants them of mean one over `index`.
    index : ndarray of row numbers or None
        The rows meant, in this order; None: all of them, as they stand.
    """

    X: Matrix
    y: Targets
    w: FloatArray | None = None
    index: IndexArray | None = None

    def __len__(self) -> int:
        """Return the number of rows meant."""
        return self.X.shape[0] if self.index is None else len(self.index)

    def gather(self) -> "Dataset":
        """Return just the rows meant."""
        if self.index is None:
            return self
        return Dataset(self.X[self.index], self.y[self.index], self.weights())

    def subsample(self, n_rows: int) -> "Dataset":
        """Return at most so many of the rows meant, evenly spread over them."""
        if len(self) <= n_rows:
            return self
        index = np.arange(len(self)) if self.index is None else self.index
        return replace(self, index=index[:: -(-len(self) // n_rows)])

    def weights(self) -> FloatArray | None:
        """Return the weights of just the rows meant."""
        return self.w if self.w is None or self.index is None else self.w[self.index]

    def mean_weight(self) -> float:
        """Return the mean weight of the rows meant."""
        w = self.weights()
        return 1.0 if w is None else float(w.mean())

    def largest_input(self) -> float:
        """Return the largest absolute value in X."""
        values = self.X.data if issparse(self.X) else self.X
        return max(float(values.max()), -float(values.min())) if values.size else 0.0

    def normalised(self, mean_weight: float, dtype: np.dtype) -> "Dataset":
        """Return the rows with their weights divided by the mean, in the precision given."""
        if self.w is None:
            return self
        return replace(self, w=(self.w / mean_weight).astype(dtype))


Batch = tuple[Matrix, Targets, FloatArray | None]


def minibatches(
    rows: Dataset, batch_size: int, order: IndexArray | None, dtype: np.dtype | None = None
) -> Iterator[Batch]:
    """Yield (X, y, w) for each batch of an epoch.

    Parameters
    ----------
    rows : Dataset
        The training rows.
    batch_size : int
        Number of rows of a batch; the last one may be smaller.
    order : ndarray of row numbers or None
        The order of the epoch; None: all rows as they stand, which needs no gathering.
    dtype : dtype or None, default=None
        What dense rows are converted to, batch by batch; None: that of X.

    Yields
    ------
    X, y, w : array, array, array or None
        The batch. Dense rows that are gathered or converted share one buffer, which the next batch
        overwrites.
    """
    take = _taker(rows.X, batch_size, order is not None, dtype or rows.X.dtype)
    for start in range(0, len(rows), batch_size):
        stop = min(start + batch_size, len(rows))
        batch = slice(start, stop) if order is None else order[start:stop]
        yield take(batch), rows.y[batch], None if rows.w is None else rows.w[batch]


def _taker(
    X: Matrix, batch_size: int, gathers: bool, dtype: np.dtype
) -> Callable[[slice | IndexArray], Matrix]:
    """Return the function that takes a batch out of X, through buffers if X is dense."""
    if issparse(X):
        return X.__getitem__
    shape = batch_size, X.shape[1]
    gathered = np.empty(shape, X.dtype) if gathers else None
    converted = np.empty(shape, dtype) if X.dtype != dtype else None

    def take(batch: Any) -> Matrix:
        if gathered is None:
            X_batch = X[batch]
        else:
            # the row numbers are in range; "clip" spares NumPy a buffered copy
            X_batch = X.take(batch, axis=0, out=gathered[: len(batch)], mode="clip")
        if converted is None:
            return X_batch
        converted[: len(X_batch)] = X_batch
        return converted[: len(X_batch)]

    return take

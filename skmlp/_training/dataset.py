"""Datasets of training and validation rows, and their division into mini-batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skmlp._engine.sparse_rows import SparseRows
from skmlp._engine.types import FloatArray, IndexArray, Matrix, Targets


@dataclass(frozen=True)
class Dataset:
    """Encoded rows to train or to validate on.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n, n_features)
        All rows, including those that `index` leaves out. A dense X may have a narrower dtype than
        the network: its rows are converted batch by batch.
    y : ndarray of shape (n,) or (n, n_outputs)
        Encoded targets of all rows.
    w : ndarray of shape (n,) or None
        Weights of all rows, for training of mean one over `index`. If None, all weights are 1.
    index : ndarray of row numbers or None
        Indices of the selected rows, in this order. If None, all rows are selected in their
        original order.
    in_sparse_rows : bool
        Whether batches of X, a CSR matrix, are `SparseRows`, for which there are loops.
    """

    X: Matrix
    y: Targets
    w: FloatArray | None = None
    index: IndexArray | None = None
    in_sparse_rows: bool = False

    def __len__(self) -> int:
        """Return the number of selected rows."""
        return self.X.shape[0] if self.index is None else len(self.index)

    def gather(self) -> "Dataset":
        """Return a dataset of just the selected rows."""
        if self.index is None:
            return self
        return Dataset(self.X[self.index], self.y[self.index], self.weights())

    def subsample(self, n_rows: int) -> "Dataset":
        """Return at most `n_rows` of the selected rows, at even distances."""
        if len(self) <= n_rows:
            return self
        index = np.arange(len(self)) if self.index is None else self.index
        return replace(self, index=index[:: -(-len(self) // n_rows)])

    def weights(self) -> FloatArray | None:
        """Return the weights of just the selected rows."""
        return self.w if self.w is None or self.index is None else self.w[self.index]

    def mean_weight(self) -> float:
        """Return the mean weight of the selected rows."""
        w = self.weights()
        return 1.0 if w is None else float(w.mean())

    def largest_input(self) -> float:
        """Return the largest absolute value in X."""
        values = self.X.data if issparse(self.X) else self.X
        return max(float(values.max()), -float(values.min())) if values.size else 0.0

    def normalised(self, mean_weight: float, dtype: np.dtype) -> "Dataset":
        """Return the dataset with its weights divided by `mean_weight`, in the given precision."""
        if self.w is None:
            return self
        return replace(self, w=(self.w / mean_weight).astype(dtype))


Batch = tuple[Matrix, Targets, FloatArray | None]


def minibatches(
    data: Dataset, batch_size: int, order: IndexArray | None, dtype: np.dtype | None = None
) -> Iterator[Batch]:
    """Yield (X, y, w) for each batch of an epoch.

    Parameters
    ----------
    data : Dataset
        The training rows.
    batch_size : int
        Number of rows in a batch; the last batch may be smaller.
    order : ndarray of row numbers or None
        The order of the epoch. If None, all rows in their original order, without gathering.
    dtype : dtype or None, default=None
        Dtype to which dense rows are converted, batch by batch. If None, the dtype of X.

    Yields
    ------
    X, y, w : array, array, array or None
        The batch. Dense rows that are gathered or converted, and `SparseRows`, share one buffer,
        which the next batch overwrites.
    """
    take = _taker(data, batch_size, order is not None, dtype or data.X.dtype)
    y, w = data.y, data.w
    if order is not None:
        # unlike rows of X, those of an epoch fit into memory
        y, w = y[order], None if w is None else w[order]
    for start in range(0, len(data), batch_size):
        rows = slice(start, min(start + batch_size, len(data)))
        batch = rows if order is None else order[rows]
        yield take(batch), y[rows], None if w is None else w[rows]


def _taker(
    data: Dataset, batch_size: int, gathers: bool, dtype: np.dtype
) -> Callable[[slice | IndexArray], Matrix]:
    """Return the function that gathers a batch of X, into buffers if X is dense."""
    X = data.X
    if data.in_sparse_rows:
        sparse, in_order = SparseRows(X, batch_size, dtype), np.arange(X.shape[0])

        def take_sparse(batch: Any) -> Matrix:
            return sparse.take(batch if gathers else in_order[batch])

        return take_sparse
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

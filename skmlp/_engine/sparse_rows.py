"""Sparse rows in training: taken for a batch, and multiplied in the first layer.

Entries are the numbers x_ik that are stored, in CSR format: `indptr` tells where each row starts in
`indices`, the columns k, and in `data`.

::

    z_i  = sum_k x_ik W_k               over the entries of row i
    dW_k = sum_i x_ik delta_i           over the entries of column k
"""

from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from skmlp._engine.kernels import kernel
from skmlp._engine.types import FloatArray, IndexArray, Matrix


class SparseRows:
    """Some rows of a CSR matrix, in arrays that the next rows overwrite.

    Parameters
    ----------
    X : CSR matrix of shape (n_samples, n_features)
        The matrix.
    n_rows : int
        The largest number of rows at a time.
    dtype : dtype
        Precision of the entries in these arrays, whatever that of X.

    Attributes
    ----------
    shape : tuple (m, n_features)
        That of the rows taken last.
    dtype : dtype
        Precision of the entries.
    """

    def __init__(self, X: Matrix, n_rows: int, dtype: np.dtype) -> None:
        self.dtype = dtype
        self._X, self.shape, self._lengths = X, (0, X.shape[1]), np.diff(X.indptr)
        self._indptr = np.zeros(n_rows + 1, np.intp)
        self._indices, self._data = np.empty(0, np.intp), np.empty(0, dtype)

    def take(self, rows: IndexArray) -> "SparseRows":
        """Take the rows of these numbers; return this object."""
        X, n_entries = self._X, int(self._lengths[rows].sum())
        if n_entries > len(self._data):
            self._indices = np.empty(n_entries, np.intp)
            self._data = np.empty(n_entries, self.dtype)
        self.shape = len(rows), X.shape[1]
        take_sparse_rows(X.indptr, X.indices, X.data, rows, *self.entries())
        return self

    def entries(self) -> tuple[IndexArray, IndexArray, FloatArray]:
        """Return `indptr`, `indices` and `data`; the last two may be longer than the entries."""
        return self._indptr[: self.shape[0] + 1], self._indices, self._data

    def dot(self, W: FloatArray, z: FloatArray) -> FloatArray:
        """Write the product of the rows and W into z."""
        sparse_dot(*self.entries(), W, z)
        return z

    @cached_property
    def T(self) -> "TransposedRows":
        """The transpose of whatever rows are taken."""
        return TransposedRows(self)


class TransposedRows:
    """The transpose of `SparseRows`."""

    def __init__(self, rows: SparseRows) -> None:
        self._rows = rows

    def dot(self, delta: FloatArray, dW: FloatArray) -> FloatArray:
        """Write the product of the transposed rows and delta into dW."""
        sparse_transposed_dot(*self._rows.entries(), delta, dW)
        return dW


@kernel
def take_sparse_rows(
    X_indptr: IndexArray,
    X_indices: IndexArray,
    X_data: FloatArray,
    rows: IndexArray,
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
) -> None:
    """Write the entries of these rows, row after row."""
    indptr[0] = 0
    for i, row in enumerate(rows):
        start, stop = X_indptr[row], X_indptr[row + 1]
        written = slice(indptr[i], indptr[i] + stop - start)
        indices[written], data[written] = X_indices[start:stop], X_data[start:stop]
        indptr[i + 1] = written.stop


@kernel
def sparse_dot(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, W: FloatArray, z: FloatArray
) -> None:
    """z_i = sum_k x_ik W_k."""
    z[...] = _csr(indptr, indices, data, len(W)) @ W


@kernel
def sparse_transposed_dot(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, delta: FloatArray, dW: FloatArray
) -> None:
    """dW_k = sum_i x_ik delta_i."""
    dW[...] = _csr(indptr, indices, data, len(dW)).T @ delta


def _csr(indptr: IndexArray, indices: IndexArray, data: FloatArray, n_features: int) -> csr_array:
    n = indptr[-1]
    return csr_array((data[:n], indices[:n], indptr), shape=(len(indptr) - 1, n_features))

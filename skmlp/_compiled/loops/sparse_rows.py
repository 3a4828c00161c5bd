"""Loops over the entries of sparse rows: rows are taken, and multiplied."""

from typing import Any

import numpy as np

from skmlp._compiled.loops.registry import helper, loop
from skmlp._engine.types import FloatArray, IndexArray

_natural: Any = np.uint64  # numba then does not look for numbers that count from the end


@loop
def take_sparse_rows(
    X_indptr: Any,
    X_indices: Any,
    X_data: Any,
    rows: IndexArray,
    indptr: IndexArray,
    indices: IndexArray,
    data: FloatArray,
) -> None:
    """Write the entries of these rows, row after row."""
    n = 0
    indptr[0] = 0
    for i in range(len(rows)):
        for q in range(X_indptr[rows[i]], X_indptr[rows[i] + 1]):
            indices[n] = X_indices[q]
            data[n] = X_data[q]
            n += 1
        indptr[i + 1] = n


@loop
def sparse_dot(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, W: FloatArray, z: FloatArray
) -> None:
    """z_i = sum_k x_ik W_k."""
    _multiply(indptr, indices, data, W, z)


@loop
def sparse_transposed_dot(
    indptr: IndexArray, indices: IndexArray, data: FloatArray, delta: FloatArray, dW: FloatArray
) -> None:
    """dW_k = sum_i x_ik delta_i: the columns become rows, each with its entries in order."""
    m, K = len(delta), len(dW)
    starts = np.zeros(K + 1, np.intp)
    for q in range(indptr[m]):
        starts[_natural(indices[q] + 1)] += 1
    for k in range(K):
        starts[k + 1] += starts[k]
    numbers, entries = np.empty(indptr[m], np.intp), np.empty(indptr[m], data.dtype)
    ends = starts[:-1].copy()
    for i in range(m):
        for q in range(indptr[i], indptr[i + 1]):
            k = _natural(indices[q])
            numbers[_natural(ends[k])] = i
            entries[_natural(ends[k])] = data[q]
            ends[k] += 1
    _multiply(starts, numbers, entries, delta, dW)


@helper
def _multiply(indptr: Any, indices: Any, data: Any, B: Any, out: Any) -> None:
    """out_i = sum_k x_ik B_k, four entries at a time: out_i is read and written less often."""
    n = out.shape[1]
    for i in range(out.shape[0]):
        for j in range(n):
            out[i, j] = 0
        start, stop = indptr[i], indptr[i + 1]
        last = stop - (stop - start) % 4
        for q in range(start, last, 4):
            k0, k1 = _natural(indices[q]), _natural(indices[q + 1])
            k2, k3 = _natural(indices[q + 2]), _natural(indices[q + 3])
            x0, x1, x2, x3 = data[q], data[q + 1], data[q + 2], data[q + 3]
            for j in range(n):
                pair = x0 * B[k0, j] + x1 * B[k1, j]
                out[i, j] += pair + (x2 * B[k2, j] + x3 * B[k3, j])
        for q in range(last, stop):
            k, x = _natural(indices[q]), data[q]
            for j in range(n):
                out[i, j] += x * B[k, j]

"""Integers that are codes rather than quantities, decided by a test on the training rows."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.cross_fit import cross_fitted
from skmlp._tables.target_codes import TargetCodes
from skmlp._tables.target_statistics import smoothed_means, totals_of_codes

# fewer values are told apart by cosines and trees
_MIN_VALUES = 30
_ROWS_A_VALUE = 1.5
_BINS = 8, 20, 60
_LEAST_T = 1.0


def code_columns(
    numbers: FloatArray, target: TargetCodes, folds: list[IndexArray]
) -> list[npt.NDArray[Any]]:
    """Return the values of the columns that are codes; for others an empty array.

    A column is tested if its numbers are integers, of more than 30 different values with at least
    1.5 rows each. A column is one of codes if its exact values predict the targets better than
    quantile bins of it, the best of 8, 20 or 60: the differences between the errors for the same
    rows, each predicted without its own fold, have a mean of more than one standard error.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_columns)
        Numbers, NaN where missing.
    target : TargetCodes
        Targets of the rows.
    folds : list of ndarray of int
        Folds of the rows.

    Returns
    -------
    values : list of ndarray
        For each column, the sorted values of its codes.
    """
    return [_codes_of_column(column, target, folds) for column in numbers.T]


def encode_numbers(column: FloatArray, values: npt.NDArray[Any]) -> IndexArray:
    """Return the position of each number among the values, -1 if it is not there."""
    if len(values) == 0:
        return np.full(len(column), -1, np.int32)
    found = np.searchsorted(values, column).clip(max=len(values) - 1)
    return np.where(values[found] == column, found, -1).astype(np.int32)


def _codes_of_column(
    column: FloatArray, target: TargetCodes, folds: list[IndexArray]
) -> npt.NDArray[Any]:
    known = column[~np.isnan(column)]
    none = known[:0]
    if len(known) == 0 or (known != np.round(known)).any():
        return none
    values = np.unique(known)
    if len(values) <= _MIN_VALUES or len(known) < _ROWS_A_VALUE * len(values):
        return none
    binned = []
    for n_bins in _BINS:
        if n_bins < len(values):
            edges = np.unique(np.quantile(known, np.arange(1, n_bins) / n_bins))
            bins = np.where(np.isnan(column), -1, np.searchsorted(edges, column, side="right"))
            binned.append(_errors(bins, target, folds))
    best = min(binned, key=np.mean)
    gain = best - _errors(encode_numbers(column, values), target, folds)
    t = gain.mean() / max(gain.std() / np.sqrt(len(gain)), 1e-12)
    return values if t > _LEAST_T else none


def _errors(codes: IndexArray, target: TargetCodes, folds: list[IndexArray]) -> FloatArray:
    """Return the error for each row, predicted by the smoothed mean of its code: the log loss."""
    w = target.weights

    def values_of(rows: IndexArray, totals: FloatArray) -> FloatArray:
        return smoothed_means(totals)[0][codes[rows] + 1]

    means = cross_fitted(folds, totals_of_codes(codes, target), values_of)
    if not target.are_classes:
        return w * ((target.means - means) ** 2).sum(axis=1)
    p = means.clip(1e-6, 1 - 1e-6)
    if p.shape[1] == 1:
        return -w * np.log(np.where(target.means > 0, p, 1 - p))[:, 0]
    return -w * (target.means * np.log(p)).sum(axis=1)

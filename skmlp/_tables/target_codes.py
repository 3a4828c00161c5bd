"""Targets as the columns of numbers by which features are learnt from them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skmlp._engine.types import FloatArray, IndexArray

_N_BINS = 4


class TargetCodes(NamedTuple):
    """Targets of some rows.

    Attributes
    ----------
    means : ndarray of shape (n_samples, n_means)
        Columns whose means are features: an indicator of each class, or standardised numbers.
    classes : ndarray of shape (n_samples, n_classes)
        An indicator of each class; for numbers, of each quarter of their range by rank.
    weights : ndarray of shape (n_samples,)
        Weights of the rows, of mean 1.
    are_classes : bool
        Whether the targets are classes.
    groups : ndarray of shape (n_samples,) or None, default=None
        Group of each row. No row may be told by its group's targets, which new groups do not have.
    """

    means: FloatArray
    classes: FloatArray
    weights: FloatArray
    are_classes: bool
    groups: npt.NDArray[Any] | None = None

    def take(self, rows: IndexArray) -> "TargetCodes":
        """Return the targets of some rows."""
        means, classes, weights = self.means[rows], self.classes[rows], self.weights[rows]
        groups = None if self.groups is None else self.groups[rows]
        return self._replace(means=means, classes=classes, weights=weights, groups=groups)


def codes_of_classes(numbers: IndexArray, n_classes: int, w: FloatArray | None) -> TargetCodes:
    """Return the targets of a classifier; of two classes the second one is enough.

    Parameters
    ----------
    numbers : ndarray of int of shape (n_samples,)
        Class of each row, from 0 on.
    n_classes : int
        Number of classes.
    w : ndarray of shape (n_samples,) or None
        Weights of the rows. If None, all are 1.
    """
    classes = np.eye(n_classes)[numbers]
    classes = classes[:, 1:] if n_classes == 2 else classes
    return TargetCodes(classes, classes, _weights(w, len(numbers)), True)


def codes_of_numbers(y: FloatArray, w: FloatArray | None) -> TargetCodes:
    """Return the targets of a regressor.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_targets)
        Numbers. They are binned by the first target.
    w : ndarray of shape (n_samples,) or None
        Weights of the rows. If None, all are 1.
    """
    y = y / np.maximum(np.abs(y).max(axis=0), np.finfo(np.float64).tiny)  # no square overflows
    spread = y.std(axis=0)
    means = (y - y.mean(axis=0)) / np.where(spread > 0, spread, 1)
    edges = np.quantile(means[:, 0], np.arange(1, _N_BINS) / _N_BINS)
    classes = np.eye(_N_BINS)[np.searchsorted(edges, means[:, 0])]
    return TargetCodes(means, classes, _weights(w, len(y)), False)


def _weights(w: FloatArray | None, n_rows: int) -> FloatArray:
    return np.ones(n_rows) if w is None else w

"""Target statistics of values: what the target is on average where a column has the value."""

from collections.abc import Callable

import numpy as np

from skmlp._engine.types import FloatArray, IndexArray
from skmlp._tables.cross_fit import N_FOLDS, cross_fitted
from skmlp._tables.target_codes import TargetCodes

# rows of the overall mean that are added to those of each value
_SMOOTHING = 5.0
# log-odds beyond this say no more
_LARGEST = 5.0


class TargetStatistics:
    """Smoothed mean of the target for each value of one column, and how often the value occurs.

    For classes the mean is a probability p, and the statistic the difference of its log-odds to
    those of all rows; for numbers, the difference to the mean of all rows. The mean is that of the
    n rows with the value and of five more rows with the mean of all. Values that do not occur have
    the statistic 0. A last feature is log(1 + n), divided by its largest value.

    References
    ----------
    D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems", SIGKDD Explorations 3, 2001.

    L. Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", NeurIPS 2018
    (statistics must not include the row's own target).
    """

    def fit_transform(
        self, codes: IndexArray, target: TargetCodes, folds: list[IndexArray]
    ) -> FloatArray:
        """Learn from the training rows, and return their features, each without its own fold.

        Parameters
        ----------
        codes : ndarray of int of shape (n_samples,)
            Code of each value, -1 if not known.
        target : TargetCodes
            Targets of the rows.
        folds : list of ndarray of int
            Folds of the rows.

        Returns
        -------
        features : ndarray of float32 of shape (n_samples, n_means + 1)
            The statistics.
        """
        totals = totals_of_codes(codes, target)
        of_all = totals(np.arange(len(codes)))
        largest = float(np.log1p(of_all[1:, -1].max(initial=1)))
        self.table_ = _statistics(of_all, 1.0, largest, target.are_classes)

        def values_of(rows: IndexArray, of_others: FloatArray) -> FloatArray:
            scale = N_FOLDS / (N_FOLDS - 1)  # as many rows as there will be
            return _statistics(of_others, scale, largest, target.are_classes)[codes[rows] + 1]

        return cross_fitted(folds, totals, values_of)

    def transform(self, codes: IndexArray) -> FloatArray:
        """Return the features of other rows."""
        known = np.where(codes + 1 < len(self.table_), codes + 1, 0)
        return self.table_[known]


def totals_of_codes(codes: IndexArray, target: TargetCodes) -> Callable[[IndexArray], FloatArray]:
    """Return a function of rows: the sums of their targets and of their weights, for each code.

    A row of the result is a code, from -1 (not known) on; its last column is the sum of weights.
    """
    size = int(codes.max(initial=-1)) + 2
    ones = np.ones(len(codes))
    columns = (np.column_stack([target.means, ones]) * target.weights[:, np.newaxis]).T

    def totals(rows: IndexArray) -> FloatArray:
        of_rows = codes[rows] + 1
        return np.stack([np.bincount(of_rows, column[rows], size) for column in columns], axis=1)

    return totals


def smoothed_means(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the smoothed mean of the target for each code, and the mean of all rows."""
    sums, n = totals[:, :-1], totals[:, -1:]
    prior = sums.sum(axis=0) / max(n.sum(), 1e-12)
    return (sums + _SMOOTHING * prior) / (n + _SMOOTHING), prior


def _statistics(totals: FloatArray, scale: float, largest: float, are_classes: bool) -> FloatArray:
    """Return the features of each value; the first one, of unknown values, has no rows."""
    means, prior = smoothed_means(totals)
    means[0] = prior
    n = totals[:, -1:].copy()
    n[0] = 0
    statistics = _log_odds(means) - _log_odds(prior) if are_classes else means - prior
    counts = np.log1p(scale * n) / largest
    features = np.hstack([statistics.clip(-_LARGEST, _LARGEST), counts])
    return features.astype(np.float32)


def _log_odds(p: FloatArray) -> FloatArray:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))

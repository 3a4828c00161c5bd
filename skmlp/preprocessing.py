"""Transformers that prepare tabular data for a network."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._types import FloatArray

__all__ = ["RobustSmoothScaler"]

# beyond this z the result is 3 to the last bit, and z^2 still finite in float32
_LARGEST_Z = 1e9


class RobustSmoothScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Centre and scale each feature by its quartiles, and bend outliers smoothly to within 3.

    For a feature with median m and quartiles q1, q3 in the training rows ::

        z  = s (x - m)               s = 1 / (q3 - q1)
        x' = z / sqrt(1 + (z/3)^2)

    A few extreme values hardly move m and s, and x' lies within (-3, 3) whatever x: no row can
    drive a network far from what it has seen. Where the quartiles are equal, s = 2 / (max - min);
    a feature that is constant in the training rows becomes 0. Missing values (NaN) are passed over
    in `fit` and stay missing in `transform`.

    Attributes
    ----------
    center_ : ndarray of shape (n_features_in_,)
        Median m of each feature; 0 if all its values are missing.
    factor_ : ndarray of shape (n_features_in_,)
        Factor s of each feature; 0 if it is constant.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : Centres and scales likewise, and leaves outliers far out.

    References
    ----------
    D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> from skmlp.preprocessing import RobustSmoothScaler
    >>> X = [[0.0], [1.0], [2.0], [3.0], [1000.0]]
    >>> RobustSmoothScaler().fit_transform(X).round(2).ravel().tolist()
    [-0.95, -0.49, 0.0, 0.49, 3.0]
    """

    def fit(self, X: Any, y: Any = None) -> "RobustSmoothScaler":
        """Learn the median and the factor of each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training rows; NaN stands for a missing value.
        y : None
            Ignored.

        Returns
        -------
        self : RobustSmoothScaler
            The fitted scaler.
        """
        X = self._validate(X, reset=True)
        with warnings.catch_warnings(), np.errstate(over="ignore", divide="ignore"):
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
            low, q1, median, q3, high = np.nanquantile(X, [0, 0.25, 0.5, 0.75, 1], axis=0)
            factor = np.where(q3 > q1, 1 / (q3 - q1), np.where(high > low, 2 / (high - low), 0))
            self.center_ = np.nan_to_num(median.astype(X.dtype))
            self.factor_ = np.nan_to_num(factor.astype(X.dtype))
        return self

    def transform(self, X: Any) -> FloatArray:
        """Centre, scale and bend each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows; NaN stands for a missing value.

        Returns
        -------
        X_scaled : ndarray of shape (n_samples, n_features)
            The features x', in the precision of X (float64 if X is neither float32 nor float64).
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        with np.errstate(over="ignore"):
            z = (X - self.center_.astype(X.dtype)) * self.factor_.astype(X.dtype)
        np.clip(z, -_LARGEST_Z, _LARGEST_Z, out=z)
        return z / np.sqrt(1 + (z / 3) ** 2)

    def _validate(self, X: Any, reset: bool) -> FloatArray:
        dtypes = [np.float64, np.float32]
        return validate_data(self, X, reset=reset, dtype=dtypes, ensure_all_finite="allow-nan")

    def __sklearn_tags__(self) -> Tags:
        """Return the tags of a transformer that passes missing values on."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

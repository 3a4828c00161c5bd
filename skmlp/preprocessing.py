"""Transformers that prepare tabular data for a network."""

import warnings
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._compat import Interval, fit_context
from skmlp._engine.types import FloatArray

__all__ = ["CosineEmbedding", "RobustSmoothScaler"]

# beyond this z the result is 3 to the last bit, and z^2 still finite in float32
_LARGEST_Z = 1e9


class _DenseTransformer(TransformerMixin, BaseEstimator):
    """What the transformers share: dense input in float32 or float64, missing values passed on."""

    def _validate(self, X: Any, reset: bool) -> FloatArray:
        dtypes = [np.float64, np.float32]
        return validate_data(self, X, reset=reset, dtype=dtypes, ensure_all_finite="allow-nan")

    def __sklearn_tags__(self) -> Tags:
        """Return the tags of a transformer that passes missing values on."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class RobustSmoothScaler(OneToOneFeatureMixin, _DenseTransformer):
    """Centre and scale each feature by its quartiles, and bend outliers smoothly to within 3.

    For a feature with median m and quartiles q1, q3 in the training rows ::

        z  = s (x - m)               s = 1 / (q3 - q1)
        x' = z / sqrt(1 + (z/3)^2)

    A few extreme values hardly move m and s, and x' lies within (-3, 3) whatever x: no row can
    drive a network far from what it has seen. Where the quartiles are equal, as in counts that are
    mostly 0, 1 / s is the median distance from m of those values that differ from it. A feature
    that is constant in the training rows becomes 0. Missing values (NaN) are passed over in `fit`
    and stay missing in `transform`.

    Attributes
    ----------
    center_ : ndarray of shape (`n_features_in_`,)
        Median m of each feature; 0 if all its values are missing.
    factor_ : ndarray of shape (`n_features_in_`,)
        Factor s of each feature; 0 if it is constant.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : Centres and scales likewise, and leaves outliers far out.

    References
    ----------
    D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024; there s = 2 / (max - min) where the quartiles are
    equal, which outliers can make very small.

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
            q1, median, q3 = np.nanquantile(X, [0.25, 0.5, 0.75], axis=0)
            spread, equal = q3 - q1, q3 == q1
            distance = np.abs(X[:, equal] - median[equal])
            spread[equal] = np.nanmedian(np.where(distance > 0, distance, np.nan), axis=0)
            # NaN, of constant features, becomes 0
            self.factor_ = np.nan_to_num((1 / spread).astype(X.dtype))
            self.center_ = np.nan_to_num(median.astype(X.dtype))
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


class CosineEmbedding(OneToOneFeatureMixin, _DenseTransformer):
    """Put the first terms of a cosine series beside each feature.

    A feature x, which :class:`RobustSmoothScaler` has scaled to (-3, 3), becomes ::

        x, cos(1 u) / 1, cos(2 u) / 2, ..., cos(K u) / K          u = pi (x + 3) / 6

    Any function of x on that range is a cosine series of u, so a layer of weights can bend each
    feature smoothly, which hidden units on x alone learn slowly. The factors 1 / k make a network
    prefer few and wide bends. Missing values (NaN) stay missing in all terms.

    Parameters
    ----------
    n_terms : int, default=6
        Number K of cosines of each feature. At least 1.

    Attributes
    ----------
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep
    learning", NeurIPS 2022; there with learnt frequencies.

    Examples
    --------
    >>> from skmlp.preprocessing import CosineEmbedding
    >>> CosineEmbedding(n_terms=2).fit_transform([[0.0], [3.0]]).round(2).tolist()
    [[0.0, 0.0, -0.5], [3.0, -1.0, 0.5]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_terms": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, n_terms: int = 6) -> None:
        self.n_terms = n_terms

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "CosineEmbedding":
        """Learn the number of features; there is nothing else to learn.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training rows.
        y : None
            Ignored.

        Returns
        -------
        self : CosineEmbedding
            The fitted transformer.
        """
        self._validate(X, reset=True)
        return self

    def transform(self, X: Any) -> FloatArray:
        """Return the features, and after them the cosines of the first, of the second, and so on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, scaled to (-3, 3); NaN stands for a missing value.

        Returns
        -------
        X_embedded : ndarray of shape (n_samples, n_features * (1 + n_terms))
            In the precision of X (float64 if X is neither float32 nor float64).
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        k = np.arange(1, self.n_terms + 1, dtype=X.dtype)
        u = np.pi * (X + 3) / 6
        cosines = np.cos(u[:, :, np.newaxis] * k) / k
        return np.hstack([X, cosines.reshape(len(X), -1)])

    def get_feature_names_out(
        self, input_features: npt.ArrayLike | None = None
    ) -> npt.NDArray[Any]:
        """Return the names: those of the features, then ``name_cos1``, ``name_cos2`` and so on.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features; None: those seen in `fit`, or ``x0``, ``x1`` and so on.

        Returns
        -------
        names : ndarray of str
            One for each output column.
        """
        names = super().get_feature_names_out(input_features)
        terms = [f"{name}_cos{k}" for name in names for k in range(1, self.n_terms + 1)]
        return np.array([*names, *terms], dtype=object)

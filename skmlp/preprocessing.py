"""Transformers and column selection that prepare tabular data for a network."""

import datetime as dt
import warnings
from collections import Counter
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from skmlp._compat import Interval, StrOptions, fit_context
from skmlp._engine.types import FloatArray
from skmlp._warn import warn

__all__ = [
    "CosineEmbedding",
    "RobustSmoothScaler",
    "columns_of_kind",
    "none_for_missing",
    "same_feature_names",
]

# for larger z the result is 3 to the last bit; z^2 is still finite in float32
_LARGEST_Z = 1e9
_TIMES = dt.date, dt.time, dt.timedelta, np.datetime64, np.timedelta64
_KINDS = "categorical", "binary", "numeric"
# dtypes of text and categories in data frames, which may consist of missing values alone
_CATEGORICAL_DTYPES = {"category", "categorical", "enum", "str", "string"}


class _DenseTransformer(TransformerMixin, BaseEstimator):
    """Base of the transformers: dense input in float32 or float64, missing values stay missing."""

    def _validate(self, X: Any, reset: bool) -> FloatArray:
        _check_not_masked(X)
        dtypes = [np.float64, np.float32]
        return validate_data(self, X, reset=reset, dtype=dtypes, ensure_all_finite="allow-nan")

    def __sklearn_tags__(self) -> Tags:
        """Return the tags of a transformer that accepts missing values and preserves the dtype."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class RobustSmoothScaler(OneToOneFeatureMixin, _DenseTransformer):
    """Centre and scale each feature by its quartiles, and squash outliers smoothly into (-3, 3).

    For a feature with median m and quartiles q1, q3 of the training rows, the result is ::

        z  = s (x - m)               s = 1 / (q3 - q1)
        x' = z / sqrt(1 + (z/3)^2)

    A few extreme values hardly affect m and s, and x' is between -3 and 3 for every x, so outliers
    cannot lead a network far outside the range of its training data. If the quartiles are equal, as
    in counts that are mostly 0, 1 / s is the median distance from m of the values that differ from
    m. A feature that is constant in the training rows becomes 0. Missing values (NaN) are ignored
    in `fit` and stay missing in `transform`.

    Attributes
    ----------
    center_ : ndarray of shape (`n_features_in_`,)
        Median m of each feature; 0 if all values of the feature are missing.
    factor_ : ndarray of shape (`n_features_in_`,)
        Factor s of each feature; 0 if the feature is constant.
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : Centres and scales in the same way; outliers stay large.

    References
    ----------
    D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: Strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024. If the quartiles are equal, their s is
    2 / (max - min), which outliers can make very small.

    Examples
    --------
    >>> from skmlp.preprocessing import RobustSmoothScaler
    >>> X = [[0.0], [1.0], [2.0], [3.0], [1000.0]]
    >>> RobustSmoothScaler().fit_transform(X).round(2).ravel().tolist()
    [-0.95, -0.49, 0.0, 0.49, 3.0]
    """

    def fit(self, X: Any, y: Any = None) -> "RobustSmoothScaler":
        """Compute the median and the factor of each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training rows. NaN is a missing value.
        y : None
            Not used, present for the API of scikit-learn.

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
        """Centre, scale and squash each feature.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows to transform. NaN is a missing value.

        Returns
        -------
        X_scaled : ndarray of shape (n_samples, n_features)
            The features x', with the dtype of X (float64 if X is neither float32 nor float64).
        """
        check_is_fitted(self)
        return self._scaled(self._validate(X, reset=False))

    def _scaled(self, X: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            z = (X - self.center_.astype(X.dtype)) * self.factor_.astype(X.dtype)
        np.clip(z, -_LARGEST_Z, _LARGEST_Z, out=z)
        return z / np.sqrt(1 + (z / 3) ** 2)


class CosineEmbedding(OneToOneFeatureMixin, _DenseTransformer):
    """Add the first terms of a cosine series of each feature.

    A feature x between -3 and 3, as scaled by :class:`RobustSmoothScaler`, becomes ::

        x, cos(1 u) / 1, cos(2 u) / 2, ..., cos(K u) / K          u = pi (x + 3) / 6

    Every continuous function of x on this range can be approximated by a cosine series of u, so
    a single layer of weights can learn a smooth function of each feature, which hidden units on x
    alone learn slowly. The factors 1 / k favour functions that vary slowly. Missing values (NaN)
    stay missing in all terms.

    Parameters
    ----------
    n_terms : int or "auto", default=6
        Number K of cosines for each feature. If "auto", 2 for up to 2,000 rows, else 12.

    Attributes
    ----------
    n_features_in_ : int
        Number of features in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in `fit`, if X had names that are all strings.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep
    learning", NeurIPS 2022. Their frequencies are learnt.

    Examples
    --------
    >>> from skmlp.preprocessing import CosineEmbedding
    >>> CosineEmbedding(n_terms=2).fit_transform([[0.0], [3.0]]).round(2).tolist()
    [[0.0, 0.0, -0.5], [3.0, -1.0, 0.5]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_terms": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, n_terms: int | Literal["auto"] = 6) -> None:
        self.n_terms = n_terms

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "CosineEmbedding":
        """Validate X, store the number of features, and choose the number of cosines.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The training rows. NaN is a missing value.
        y : None
            Not used, present for the API of scikit-learn.

        Returns
        -------
        self : CosineEmbedding
            The fitted transformer.
        """
        n_rows = len(self._validate(X, reset=True))
        self._n_terms = (2 if n_rows <= 2000 else 12) if self.n_terms == "auto" else self.n_terms
        return self

    def transform(self, X: Any) -> FloatArray:
        """Return the features, followed by the cosines of the first feature, the second, and so on.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows to transform, scaled to (-3, 3). NaN is a missing value.

        Returns
        -------
        X_embedded : ndarray of shape (n_samples, n_features * (1 + n_terms))
            The features and their cosines, with the dtype of X (float64 if X is neither float32 nor
            float64).
        """
        check_is_fitted(self)
        return self._embedded(self._validate(X, reset=False))

    def _embedded(self, X: FloatArray) -> FloatArray:
        k = np.arange(1, vars(self).get("_n_terms", self.n_terms) + 1, dtype=X.dtype)
        u = np.pi * (X + 3) / 6
        cosines = np.cos(u[:, :, np.newaxis] * k) / k
        return np.hstack([X, cosines.reshape(len(X), -1)])

    def get_feature_names_out(
        self, input_features: npt.ArrayLike | None = None
    ) -> npt.NDArray[Any]:
        """Return the names of the features, followed by ``name_cos1``, ``name_cos2`` and so on.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features. If None, the names in `fit`, or ``x0``, ``x1`` and so on.

        Returns
        -------
        names : ndarray of str
            Names of the output columns.
        """
        names = super().get_feature_names_out(input_features)
        K = vars(self).get("_n_terms", self.n_terms)  # those that were saved earlier lack it
        terms = [f"{name}_cos{k}" for name in names for k in range(1, K + 1)]
        return np.array([*names, *terms], dtype=object)


def columns_of_kind(X: Any, kind: str, *, min_frequency: int = 1) -> list[int]:
    """Return the positions of the columns of one kind, for a ColumnTransformer.

    Columns of text, categories or booleans are "categorical". Other columns are "binary" if they
    have at most two different values, else "numeric". Missing values are not counted.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_samples, n_features)
        The table. Columns of an ndarray may have mixed types, with dtype object.
    kind : {"categorical", "binary", "numeric"}
        Kind of the columns.
    min_frequency : int, default=1
        Number of times that a value of a categorical column must occur to be encoded by itself, as
        in :class:`sklearn.preprocessing.OneHotEncoder`. This only decides about the warning.

    Returns
    -------
    columns : list of int
        Positions of the columns in X, in ascending order.

    Raises
    ------
    TypeError
        If X is sparse, or if a column contains dates, times or durations.
    ValueError
        If `kind` is not one of the three kinds, if X is not 2-dimensional, or if values are masked.

    Warns
    -----
    UserWarning
        If most values of a categorical column occur less than `min_frequency` times.

    See Also
    --------
    sklearn.compose.make_column_selector : Selects columns of a DataFrame by name or dtype.
    skmlp.make_tabular_classifier : Pipeline that treats the columns by their kind.

    Examples
    --------
    The columns are selected in `fit`, from the training rows:

    >>> from functools import partial
    >>> import pandas as pd
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from skmlp.preprocessing import RobustSmoothScaler, columns_of_kind
    >>> X = pd.DataFrame({"size": [1.5, 2.0, 9.0], "colour": ["red", "blue", "red"]})
    >>> columns_of_kind(X, "numeric")
    [0]
    >>> transformer = make_column_transformer(
    ...     (RobustSmoothScaler(), partial(columns_of_kind, kind="numeric")),
    ...     (OneHotEncoder(), partial(columns_of_kind, kind="categorical")),
    ... )
    >>> transformer.fit_transform(X).shape
    (3, 3)
    """
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, _KINDS))}; got {kind!r}.")
    if issparse(X):
        raise TypeError("The table is sparse, but must be dense: use X.toarray().")
    _check_not_masked(X)
    if len(X.shape) != 2:
        raise ValueError(
            f"The table must be 2-dimensional, got shape {X.shape}. Reshape a single column with "
            "X.reshape(-1, 1), a single row with X.reshape(1, -1)."
        )
    by_position = getattr(X, "iloc", X)
    columns = [j for j in range(X.shape[1]) if _kind_of(by_position[:, j], j) == kind]
    if kind == "categorical":
        for j in columns:
            _warn_of_rare_values(np.asarray(by_position[:, j]), j, min_frequency)
    return columns


def none_for_missing(X: Any) -> Any:
    """Replace the missing values of a pandas object by None.

    Encoders of scikit-learn treat None as a missing value, but not pandas.NA. Objects of other
    types are returned unchanged.

    Parameters
    ----------
    X : DataFrame, Series or array
        The table, or one of its columns.

    Returns
    -------
    X_object : DataFrame, Series or array
        A copy of X with dtype object, in which missing values are None. If X is not a pandas
        object, X itself.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmlp.preprocessing import none_for_missing
    >>> X = pd.DataFrame({"colour": pd.Series(["red", pd.NA, "blue"], dtype="string")})
    >>> none_for_missing(X)["colour"].tolist()
    ['red', None, 'blue']
    """
    return X.astype(object).where(X.notna(), None) if hasattr(X, "notna") else X


def _kind_of(column: Any, position: int) -> str:
    """Return the kind of one column."""
    values = np.asarray(column)
    dtype = str(column.dtype).lower().partition("[")[0].partition("(")[0]
    if dtype in _CATEGORICAL_DTYPES or values.dtype.kind in "bSTU":
        return "categorical"
    # numbers may come as objects, with None among them
    objects = values if values.dtype.kind == "O" else ()
    if any(isinstance(v, str | bytes | bool) for v in objects):
        return "categorical"
    times = (isinstance(v, _TIMES) or type(v).__name__ in {"NaTType", "Period"} for v in objects)
    if values.dtype.kind in "mM" or any(times):
        raise TypeError(
            f"Column {position} of the table contains dates, times or durations, which have no "
            "unit as numbers. Replace the column by numbers, for example days since a date, or "
            "year, month and weekday."
        )
    return "binary" if _n_distinct(column) <= 2 else "numeric"


def _n_distinct(column: Any) -> int:
    """Return the number of distinct values, without missing ones."""
    if hasattr(column, "nunique"):
        return column.nunique()
    return len({v for v in np.asarray(column).tolist() if v is not None and v == v})


def _warn_of_rare_values(column: npt.NDArray[Any], position: int, min_frequency: int) -> None:
    """Warn if most values of a categorical column are too rare to be told apart."""
    counts = Counter(column.tolist())
    # missing values are a category of their own; NaN differs from itself, and NA is no boolean
    known = {v: n for v, n in counts.items() if type(v).__name__ != "NAType" and v == v}
    known.pop(None, None)
    rare = [value for value, n in known.items() if n < min_frequency]
    if len(rare) < 2 or 2 * sum(known[value] for value in rare) <= sum(known.values()):
        return
    remedy = "Leave out a column of names or identifiers; divide free text into few categories."
    if all(map(_is_number, rare)):
        remedy = "Its values are numbers, but not of a numeric type: convert them, say to float."
    warn(
        f"Column {position} of the table is categorical, but most of its values occur less than "
        f"{min_frequency} times, and such values are not told apart: {len(rare)} of {len(known)} "
        f"different values, for example {rare[0]!r}. {remedy}"
    )


def _is_number(value: Any) -> bool:
    """Return whether a value is a number, or text that reads as one."""
    try:
        return bool(np.isfinite(float(value)))
    except (TypeError, ValueError):
        return False


def _check_not_masked(X: Any) -> None:
    """Raise ValueError if values of X are masked."""
    if np.ma.is_masked(X):
        raise ValueError(
            "X is a masked array; masks are not supported. Use X.astype(float).filled(np.nan)."
        )


def same_feature_names(transformer: Any, input_features: Any) -> Any:
    """Return the names of the features as they are, for a fitted transformer.

    An argument `feature_names_out` of :class:`~sklearn.preprocessing.FunctionTransformer`. Unlike
    "one-to-one", this function raises an error if the transformer is not fitted, as in a column
    transformer without such columns. The HTML display of scikit-learn relies on that.

    Parameters
    ----------
    transformer : FunctionTransformer
        The transformer.
    input_features : array-like of str
        Names of the features.

    Returns
    -------
    names : array-like of str
        The same names.

    Raises
    ------
    NotFittedError
        If the transformer is not fitted.

    Examples
    --------
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from skmlp.preprocessing import none_for_missing, same_feature_names
    >>> columns = FunctionTransformer(none_for_missing, feature_names_out=same_feature_names)
    >>> columns.fit([["north"], ["south"]]).get_feature_names_out(["side"]).tolist()
    ['side']
    """
    check_is_fitted(transformer, "n_features_in_")
    return input_features

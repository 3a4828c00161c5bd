"""The recommended pipeline for tables: any columns in, an ensemble of small networks behind."""

from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder

from skmlp._classifier import NumpyMLPClassifier
from skmlp._fold_ensemble import FoldEnsembleClassifier
from skmlp.preprocessing import CosineEmbedding, RobustSmoothScaler
from skmlp.recipes import TABULAR


def make_tabular_classifier(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_members: int | str = "auto",
    n_jobs: int | None = None,
    **network: Any,
) -> Pipeline:
    """Return a pipeline that classifies the rows of a table, with settings that need no tuning.

    The table may be an array or a data frame, with numbers, text, categories and truth values, and
    with missing entries. In `fit`, columns of text, categories or truth values become an indicator
    for each value that occurs at least three times. Columns of two numbers become 0 and 1. All
    other columns pass through :class:`~skmlp.preprocessing.RobustSmoothScaler` and
    :class:`~skmlp.preprocessing.CosineEmbedding`. A missing number becomes the median, with an
    indicator beside it. Each network stops by rows that it alone has not seen, and their
    probabilities are averaged: see :class:`~skmlp.FoldEnsembleClassifier`.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. An int makes results repeatable.
    n_members : int or "auto", default="auto"
        Number of networks. Time grows with it; 1 costs some accuracy. "auto": 8 for up to 2,000
        rows, 4 for more.
    n_jobs : int or None, default=None
        Number of networks to train at a time, as in joblib.
    **network
        Parameters of :class:`~skmlp.NumpyMLPClassifier`, in place of those in
        ``skmlp.recipes.TABULAR``, for example ``hidden_layer_sizes=(64, 64)``. With
        ``early_stopping=False`` all networks train on all rows, and differ in their seeds alone.

    Returns
    -------
    model : Pipeline
        A :class:`~sklearn.compose.ColumnTransformer` named "columns", and a
        :class:`~skmlp.FoldEnsembleClassifier` named "network".

    See Also
    --------
    NumpyMLPClassifier, FoldEnsembleClassifier : The network, and the ensemble.
    skmlp.preprocessing.RobustSmoothScaler, skmlp.preprocessing.CosineEmbedding : What comes first.

    Notes
    -----
    Weights of rows are passed to `fit` as ``network__sample_weight``.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import GridSearchCV, cross_val_score
    >>> from skmlp import make_tabular_classifier
    >>> X, y = load_wine(return_X_y=True)
    >>> model = make_tabular_classifier(random_state=0, n_members=1)
    >>> bool(cross_val_score(model, X, y, cv=3).mean() > 0.9)
    True
    >>> search = GridSearchCV(model, {"network__estimator__hidden_layer_sizes": [(64,), (256,)]})
    """
    columns = ColumnTransformer(
        [
            ("categorical", _categorical(), partial(columns_of_kind, kind="categorical")),
            ("binary", _binary(), partial(columns_of_kind, kind="binary")),
            ("numeric", _numeric(), partial(columns_of_kind, kind="numeric")),
        ]
    )
    members = FoldEnsembleClassifier(
        NumpyMLPClassifier(**{**TABULAR, **network}),
        n_estimators=n_members,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return Pipeline([("columns", columns), ("network", members)])


def _categorical() -> Pipeline:
    missing = FunctionTransformer(none_for_missing, feature_names_out="one-to-one")
    # a value seen once or twice is noise; unknown values share the indicator of the rare ones
    encode = OneHotEncoder(
        min_frequency=3,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype=np.float32,
    )
    return Pipeline([("missing", missing), ("encode", encode)])


def _binary() -> Pipeline:
    return Pipeline([("impute", _imputer()), ("scale", MinMaxScaler(clip=True))])


def _numeric() -> Pipeline:
    return Pipeline(
        [
            ("impute", _imputer()),
            ("scale", RobustSmoothScaler()),
            ("embed", CosineEmbedding()),
        ]
    )


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def none_for_missing(X: Any) -> Any:
    """Return X with None for what pandas calls missing; OneHotEncoder knows None, not pandas.NA."""
    return X.astype(object).where(X.notna(), None) if hasattr(X, "notna") else X


def columns_of_kind(X: Any, kind: str) -> list[int]:
    """Return the positions of the columns that are "categorical", "binary" or "numeric"."""
    if issparse(X):
        raise TypeError("The table is sparse, but must be dense: use X.toarray().")
    by_position = getattr(X, "iloc", X)
    return [j for j in range(X.shape[1]) if kind_of(by_position[:, j]) == kind]


def kind_of(column: Any) -> str:
    """Return "categorical" for text, categories and truth values, "binary" for two numbers."""
    values = np.asarray(column)
    if str(column.dtype) == "category" or values.dtype.kind in "bSTU":
        return "categorical"
    # numbers may come as objects, with None among them
    if values.dtype.kind == "O" and any(isinstance(v, str | bytes | bool) for v in values):
        return "categorical"
    return "binary" if _n_values(column) <= 2 else "numeric"


def _n_values(column: Any) -> int:
    """Return the number of different values, missing ones not counted."""
    if hasattr(column, "nunique"):
        return column.nunique()
    return len({v for v in np.asarray(column).tolist() if v is not None and v == v})

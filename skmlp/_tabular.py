"""Pipelines for tables with columns of any type: preprocessing and an ensemble of networks."""

from functools import partial
from typing import Any, Literal

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder

from skmlp._classifier import NumpyMLPClassifier
from skmlp._fold_ensemble import FoldEnsembleClassifier
from skmlp._fold_ensemble_regressor import FoldEnsembleRegressor
from skmlp._regressor import NumpyMLPRegressor
from skmlp.preprocessing import (
    CosineEmbedding,
    RobustSmoothScaler,
    columns_of_kind,
    none_for_missing,
    same_feature_names,
)
from skmlp.recipes import TABULAR, TABULAR_REGRESSION

# values that occur once or twice are noise
_MIN_FREQUENCY = 3


def make_tabular_classifier(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_members: int | str = "auto",
    n_jobs: int | None = None,
    **network: Any,
) -> Pipeline:
    """Return a pipeline that classifies the rows of a table, with settings that need no tuning.

    The table may be an array or a data frame, with numbers, text, categories and booleans, and with
    missing values. In `fit`, columns of text, categories or booleans are one-hot encoded, with one
    indicator for each value that occurs at least three times. Columns with at most two distinct
    numbers are scaled to 0 and 1. All other columns are transformed by
    :class:`~skmlp.preprocessing.RobustSmoothScaler` and
    :class:`~skmlp.preprocessing.CosineEmbedding`. A missing number is replaced by the median, and
    an indicator of missing values is added. The networks are trained by
    :class:`~skmlp.FoldEnsembleClassifier`: each network is stopped early on a fold of the rows that
    it was not trained on, and the probabilities of all networks are averaged.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. Pass an int for reproducible results.
    n_members : int or "auto", default="auto"
        Number of networks, to which the training time is proportional. A single network is less
        accurate. If "auto", 8 for up to 2,000 rows, 4 for more.
    n_jobs : int or None, default=None
        Number of networks to train in parallel, as in joblib.
    **network
        Parameters of :class:`~skmlp.NumpyMLPClassifier` that replace those in
        ``skmlp.recipes.TABULAR``, for example ``hidden_layer_sizes=(64, 64)``. With
        ``early_stopping=False``, all networks train on all rows and differ only in their seeds.

    Returns
    -------
    model : Pipeline
        A :class:`~sklearn.compose.ColumnTransformer` named "columns", followed by a
        :class:`~skmlp.FoldEnsembleClassifier` named "network".

    See Also
    --------
    NumpyMLPClassifier, FoldEnsembleClassifier : The network, and the ensemble.
    skmlp.preprocessing.RobustSmoothScaler, skmlp.preprocessing.CosineEmbedding : The transformers.
    skmlp.preprocessing.columns_of_kind : The selection of the columns.

    Notes
    -----
    Sample weights are passed to `fit` as ``network__sample_weight``.

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
    settings: dict[str, Any] = {**TABULAR, **network}
    ensemble = FoldEnsembleClassifier(
        NumpyMLPClassifier(**settings),
        n_estimators=n_members,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return Pipeline([("columns", _columns()), ("network", ensemble)])


def make_tabular_regressor(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_members: int | str = "auto",
    n_jobs: int | None = None,
    **network: Any,
) -> Pipeline:
    """Return a pipeline that predicts numbers from the rows of a table, without tuning.

    The columns are transformed as in :func:`make_tabular_classifier`, numbers to two cosines each
    for up to 2,000 rows, to twelve for more. The networks are trained by
    :class:`~skmlp.FoldEnsembleRegressor`: each network is stopped early on a fold of the rows that
    it was not trained on, and the predictions of all networks are averaged. Targets are
    standardised but not transformed otherwise, so that the mean of heavy-tailed targets is not
    under-predicted. Predictions are not clipped to the range of the training targets.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. Pass an int for reproducible results.
    n_members : int or "auto", default="auto"
        Number of networks, to which the training time is proportional. A single network is less
        accurate. If "auto", 8 for up to 2,000 rows, 4 for more.
    n_jobs : int or None, default=None
        Number of networks to train in parallel, as in joblib.
    **network
        Parameters of :class:`~skmlp.NumpyMLPRegressor` that replace those in
        ``skmlp.recipes.TABULAR_REGRESSION``, for example ``loss="quantile"`` with
        ``quantile=(0.05, 0.5, 0.95)``.

    Returns
    -------
    model : Pipeline
        A :class:`~sklearn.compose.ColumnTransformer` named "columns", followed by a
        :class:`~skmlp.FoldEnsembleRegressor` named "network".

    See Also
    --------
    NumpyMLPRegressor, FoldEnsembleRegressor : The network, and the ensemble.
    make_tabular_classifier : The same for class labels.

    Notes
    -----
    Sample weights are passed to `fit` as ``network__sample_weight``. Standard deviations are
    returned by ``model.predict(X, return_std=True)``, intervals by
    ``model[-1].predict_interval(model[:-1].transform(X))``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from skmlp import make_tabular_regressor
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     *load_diabetes(return_X_y=True), random_state=0
    ... )
    >>> model = make_tabular_regressor(random_state=0, n_members=2).fit(X_train, y_train)
    >>> bool(model.score(X_test, y_test) > 0.3)
    True
    >>> mean, std = model.predict(X_test, return_std=True)
    >>> lower, upper = model[-1].predict_interval(model[:-1].transform(X_test), coverage=0.8)
    >>> bool((lower < mean).all() and (mean < upper).all())
    True
    """
    settings: dict[str, Any] = {**TABULAR_REGRESSION, **network}
    ensemble = FoldEnsembleRegressor(
        NumpyMLPRegressor(**settings),
        n_estimators=n_members,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return Pipeline([("columns", _columns("auto")), ("network", ensemble)])


def _columns(n_cosines: int | Literal["auto"] = 6) -> ColumnTransformer:
    """Return the transformation of columns of any kind to features of a network."""
    categorical = partial(columns_of_kind, kind="categorical", min_frequency=_MIN_FREQUENCY)
    return ColumnTransformer(
        [
            ("categorical", _categorical(), categorical),
            ("binary", _binary(), partial(columns_of_kind, kind="binary")),
            ("numeric", _numeric(n_cosines), partial(columns_of_kind, kind="numeric")),
        ]
    )


def _categorical() -> Pipeline:
    missing = FunctionTransformer(none_for_missing, feature_names_out=same_feature_names)
    # unknown values share the indicator of rare ones
    encode = OneHotEncoder(
        min_frequency=_MIN_FREQUENCY,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype=np.float32,
    )
    return Pipeline([("missing", missing), ("encode", encode)])


def _binary() -> Pipeline:
    return Pipeline([("impute", _imputer()), ("scale", MinMaxScaler(clip=True))])


def _numeric(n_cosines: int | Literal["auto"]) -> Pipeline:
    return Pipeline(
        [
            ("impute", _imputer()),
            ("scale", RobustSmoothScaler()),
            ("embed", CosineEmbedding(n_cosines)),
        ]
    )


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)

"""The recommended pipeline for tables: any columns in, an ensemble of small networks behind."""

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from skmlp._classifier import NumpyMLPClassifier
from skmlp.preprocessing import RobustSmoothScaler

TABULAR: dict[str, Any] = {
    "hidden_layer_sizes": (256, 256),
    "activation": "silu",
    "solver": "adamw",
    "weight_decay": 0.01,
    "batch_size": 128,
    "learning_rate": "cosine",
    "learning_rate_init": 0.002,
    "max_iter": 40,
    "dropout": 0.25,
    "weight_init": "he_normal",
    "dtype": "float32",
}


def make_tabular_classifier(
    random_state: int | np.random.RandomState | None = None,
    *,
    n_members: int = 4,
    n_jobs: int | None = None,
    **network: Any,
) -> Pipeline:
    """Return a pipeline that classifies the rows of a table, with settings that need no tuning.

    The table may be an array or a data frame, with numbers, text, categories and truth values, and
    with missing entries. In `fit`, columns of text, categories or truth values become one indicator
    per value that occurs often enough; in all other columns missing numbers become the median, with
    an indicator beside it, and a :class:`~skmlp.preprocessing.RobustSmoothScaler` follows. The
    networks differ in their seeds alone, and their probabilities are averaged.

    Parameters
    ----------
    random_state : int, RandomState instance or None, default=None
        Source of all randomness. An int makes results repeatable.
    n_members : int, default=4
        Number of networks. Time grows with it; 1 costs some accuracy.
    n_jobs : int or None, default=None
        Number of networks to train at a time, as in joblib.
    **network
        Parameters of :class:`~skmlp.NumpyMLPClassifier`, in place of those in
        ``skmlp.recipes.TABULAR``, for example ``early_stopping=True``.

    Returns
    -------
    model : Pipeline
        A :class:`~sklearn.compose.ColumnTransformer` named "columns", and a
        :class:`~sklearn.ensemble.BaggingClassifier` named "network" that draws no samples: every
        member sees all rows.

    See Also
    --------
    NumpyMLPClassifier : The network.
    skmlp.preprocessing.RobustSmoothScaler : The scaler.

    Notes
    -----
    Rows cannot be weighted: BaggingClassifier takes weights for chances to be drawn. Use
    ``class_weight="balanced"``, or a pipeline of your own.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import GridSearchCV, cross_val_score
    >>> from skmlp import make_tabular_classifier
    >>> X, y = load_wine(return_X_y=True)
    >>> model = make_tabular_classifier(random_state=0, n_members=1)
    >>> cross_val_score(model, X, y, cv=3).mean() > 0.95
    True
    >>> search = GridSearchCV(model, {"network__estimator__hidden_layer_sizes": [(64,), (256,)]})
    """
    columns = ColumnTransformer(
        [
            ("categorical", _categorical(), categorical_columns),
            ("numeric", _numeric(), numeric_columns),
        ]
    )
    members = BaggingClassifier(
        NumpyMLPClassifier(**{**TABULAR, **network}),
        n_estimators=n_members,
        bootstrap=False,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return Pipeline([("columns", columns), ("network", members)])


def _numeric() -> Pipeline:
    impute = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return Pipeline([("impute", impute), ("scale", RobustSmoothScaler())])


def _categorical() -> Pipeline:
    known = FunctionTransformer(none_for_missing, feature_names_out="one-to-one")
    # a value seen once or twice is noise; unknown values share the indicator of the rare ones
    encode = OneHotEncoder(
        min_frequency=3,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype=np.float32,
    )
    return Pipeline([("missing", known), ("encode", encode)])


def none_for_missing(X: Any) -> Any:
    """Return X with None for what pandas calls missing; OneHotEncoder knows None, not pandas.NA."""
    return X.astype(object).where(X.notna(), None) if hasattr(X, "notna") else X


def categorical_columns(X: Any) -> list[int]:
    """Return the positions of the columns that hold text, categories or truth values."""
    if getattr(getattr(X, "dtype", None), "kind", "O") in "iuf":
        return []
    by_position = getattr(X, "iloc", X)
    return [j for j in range(X.shape[1]) if _is_categorical(by_position[:, j])]


def numeric_columns(X: Any) -> list[int]:
    """Return the positions of all other columns."""
    return sorted(set(range(X.shape[1])) - set(categorical_columns(X)))


def _is_categorical(column: Any) -> bool:
    values = np.asarray(column)
    if str(column.dtype) == "category" or values.dtype.kind in "bSTU":
        return True
    # numbers may come as objects, with None among them
    return values.dtype.kind == "O" and any(
        isinstance(value, str | bytes | bool | np.bool_) for value in values
    )

"""From columns of any kind to features of a network."""

from functools import partial
from typing import Literal

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder

from skmlp.preprocessing import (
    CosineEmbedding,
    RobustSmoothScaler,
    columns_of_kind,
    none_for_missing,
    same_feature_names,
)

# values that occur once or twice are noise
_MIN_FREQUENCY = 3


def make_columns(n_cosines: int | Literal["auto"] = 6) -> ColumnTransformer:
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

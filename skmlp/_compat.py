"""The parts of scikit-learn that have no public name, or not in every version, in one place."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before version 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks to support."""


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "baseline_of_trees",
    "bins_of_categories",
    "categories_of_bins",
    "check_matplotlib_support",
    "check_sample_weight",
    "fit_context",
    "keep_iterations",
    "predictors_of_trees",
    "take_categories_as_they_are",
    "tree_of_nodes",
]


Fit = TypeVar("Fit", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Fit], Fit]:
    """Return scikit-learn's decorator of fit methods, which type checkers know to keep types."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def tree_of_nodes(fields: dict[str, Any], left_categories: Any) -> Any:
    """Return a tree of HistGradientBoosting that predicts.

    Fields that are not given, which only training needs, are 0.
    """
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    nodes = np.zeros(len(fields["is_leaf"]), dtype=PREDICTOR_RECORD_DTYPE)
    for name, values in fields.items():
        nodes[name] = values
    return TreePredictor(nodes, np.zeros_like(left_categories), left_categories)


def categories_of_bins(bins: Any) -> dict[str, Any]:
    """Return what is needed of the bins of HistGradientBoosting for prediction, as plain values."""
    pairs = zip(bins.bin_thresholds_, bins.is_categorical_, strict=True)
    thresholds = [values if is_category else values[:0] for values, is_category in pairs]
    return {**vars(bins), "bin_thresholds_": thresholds}


def bins_of_categories(state: dict[str, Any]) -> Any:
    """Return bins of HistGradientBoosting that suffice for prediction."""
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

    bins = _BinMapper()
    vars(bins).update(state)
    return bins


def keep_iterations(trees: Any, n_iterations: int) -> None:
    """Keep the first iterations of fitted HistGradientBoosting trees, and drop the others.

    Before version 1.7 trees cannot be stopped by rows of the caller's choice.
    """
    trees._predictors = trees._predictors[:n_iterations]


def take_categories_as_they_are(trees: Any) -> None:
    """Let fitted HistGradientBoosting trees predict without encoding categories anew.

    Their categories must be the first columns and have the codes 0, 1, ... without gaps, which the
    encoder of the trees would not change.
    """
    trees._preprocessor = None


def predictors_of_trees(trees: Any) -> list[list[Any]]:
    """Return the trees of fitted HistGradientBoosting: for each iteration, a tree for each output.

    Each has a structured array `nodes`, and `raw_left_cat_bitsets`, the categories that go left.
    """
    return trees._predictors


def baseline_of_trees(trees: Any) -> Any:
    """Return what the sum over fitted HistGradientBoosting trees begins with, for each output."""
    return trees._baseline_prediction

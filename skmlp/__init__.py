"""A multilayer perceptron for scikit-learn users, written in NumPy."""

import importlib
from typing import TYPE_CHECKING, Any

from skmlp._classifier import NumpyMLPClassifier
from skmlp._legacy import register_legacy_names
from skmlp._regressor import NumpyMLPRegressor

if TYPE_CHECKING:
    from skmlp._compiled.choice import explain_kernels
    from skmlp._fold_ensemble import FoldEnsembleClassifier
    from skmlp._fold_ensemble_regressor import FoldEnsembleRegressor
    from skmlp._hidden_layer import HiddenLayerTransformer
    from skmlp._plot.importances import ImportancesDisplay
    from skmlp._plot.mistakes import MistakesDisplay
    from skmlp._plot.prediction_interval import PredictionIntervalDisplay
    from skmlp._plot.training_curve import TrainingCurveDisplay
    from skmlp._plot.weights import WeightsDisplay
    from skmlp._skl2onnx import register_skl2onnx
    from skmlp._tabular import make_tabular_classifier, make_tabular_regressor
    from skmlp._tabular_classifier import TabularClassifier
    from skmlp._tabular_regressor import TabularRegressor

__all__ = [
    "FoldEnsembleClassifier",
    "FoldEnsembleRegressor",
    "HiddenLayerTransformer",
    "ImportancesDisplay",
    "MistakesDisplay",
    "NumpyMLPClassifier",
    "NumpyMLPRegressor",
    "PredictionIntervalDisplay",
    "TabularClassifier",
    "TabularRegressor",
    "TrainingCurveDisplay",
    "WeightsDisplay",
    "explain_kernels",
    "make_tabular_classifier",
    "make_tabular_regressor",
    "register_skl2onnx",
]
__version__ = "0.2.0.dev0"

_LAZY = {
    "FoldEnsembleClassifier": "_fold_ensemble",
    "FoldEnsembleRegressor": "_fold_ensemble_regressor",
    "HiddenLayerTransformer": "_hidden_layer",
    "ImportancesDisplay": "_plot.importances",
    "MistakesDisplay": "_plot.mistakes",
    "PredictionIntervalDisplay": "_plot.prediction_interval",
    "TabularClassifier": "_tabular_classifier",
    "TabularRegressor": "_tabular_regressor",
    "TrainingCurveDisplay": "_plot.training_curve",
    "WeightsDisplay": "_plot.weights",
    "explain_kernels": "_compiled.choice",
    "make_tabular_classifier": "_tabular",
    "make_tabular_regressor": "_tabular",
    "register_skl2onnx": "_skl2onnx",
}
register_legacy_names()

_MODULES = ("datasets", "preprocessing", "recipes")


def __dir__() -> list[str]:
    """Return the public names, those not yet imported too, for completion by tab."""
    return sorted([*__all__, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    """Import what few programs need when it is first asked for."""
    if name in _MODULES:
        return importlib.import_module(f"skmlp.{name}")
    if name in _LAZY:
        return getattr(importlib.import_module(f"skmlp.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'skmlp' has no attribute {name!r}")

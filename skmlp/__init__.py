"""A multilayer perceptron for scikit-learn users, written in NumPy."""

import importlib
from typing import TYPE_CHECKING, Any

from skmlp._classifier import NumpyMLPClassifier

if TYPE_CHECKING:
    from skmlp._curve_display import TrainingCurveDisplay
    from skmlp._fold_ensemble import FoldEnsembleClassifier
    from skmlp._hidden_layer import HiddenLayerTransformer
    from skmlp._image_displays import MistakesDisplay, WeightsDisplay
    from skmlp._skl2onnx import register_skl2onnx
    from skmlp._tabular import make_tabular_classifier

__all__ = [
    "FoldEnsembleClassifier",
    "HiddenLayerTransformer",
    "MistakesDisplay",
    "NumpyMLPClassifier",
    "TrainingCurveDisplay",
    "WeightsDisplay",
    "make_tabular_classifier",
    "register_skl2onnx",
]
__version__ = "0.1.0"

_LAZY = {
    "FoldEnsembleClassifier": "_fold_ensemble",
    "HiddenLayerTransformer": "_hidden_layer",
    "MistakesDisplay": "_image_displays",
    "TrainingCurveDisplay": "_curve_display",
    "WeightsDisplay": "_image_displays",
    "make_tabular_classifier": "_tabular",
    "register_skl2onnx": "_skl2onnx",
}
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
